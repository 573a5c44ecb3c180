/* feed/html_names.c - the lists. Elements are those of feedparser 6, so that what we keep of a text is what it keeps;
 * the attributes are fewer: none that styles, names, submits or runs. */

#include "feed/html_names.h"

enum { NAME_WIDTH_MAX = 32 };

/* clang-format off */
static const char elements[][13] = { /* sorted */
    "a", "abbr", "acronym", "address", "area", "article", "aside", "audio", "b", "big", "blockquote", "br", "button",
    "canvas", "caption", "center", "cite", "code", "col", "colgroup", "command", "datagrid", "datalist", "dd", "del",
    "details", "dfn", "dialog", "dir", "div", "dl", "dt", "em", "event-source", "fieldset", "figcaption", "figure",
    "font", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "input", "ins", "kbd",
    "keygen", "label", "legend", "li", "m", "map", "menu", "meter", "multicol", "nav", "nextid", "noscript", "ol",
    "optgroup", "option", "output", "p", "pre", "progress", "q", "s", "samp", "section", "select", "small", "sound",
    "source", "spacer", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "textarea", "tfoot", "th",
    "thead", "time", "tr", "tt", "u", "ul", "var", "video",
};
static const char math_elements[][15] = { /* sorted */
    "annotation", "annotation-xml", "maction", "maligngroup", "malignmark", "math", "menclose", "merror", "mfenced",
    "mfrac", "mglyph", "mi", "mlabeledtr", "mlongdiv", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom",
    "mprescripts", "mroot", "mrow", "ms", "mscarries", "mscarry", "msgroup", "msline", "mspace", "msqrt", "msrow",
    "mstack", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover", "none",
    "semantics",
};
static const char svg_elements[][17] = { /* sorted */
    "a", "animate", "animatecolor", "animatemotion", "animatetransform", "circle", "defs", "desc", "ellipse",
    "font-face", "font-face-name", "font-face-src", "foreignobject", "g", "glyph", "hkern", "line", "lineargradient",
    "marker", "metadata", "missing-glyph", "mpath", "path", "polygon", "polyline", "radialgradient", "rect", "set",
    "stop", "svg", "switch", "text", "title", "tspan", "use",
};
static const char attrs[][12] = { /* sorted */
    "abbr", "align", "alt", "border", "cellpadding", "cellspacing", "char", "charoff", "cite", "clear", "colspan",
    "compact", "coords", "datetime", "dir", "face", "headers", "height", "href", "hreflang", "hspace", "ismap", "lang",
    "longdesc", "nowrap", "poster", "rel", "rowspan", "rules", "scope", "shape", "size", "span", "src", "start",
    "summary", "title", "type", "valign", "vspace", "width", "wrap", "xml:lang",
};
static const char svg_attrs[][18] = { /* sorted */
    "class", "cx", "cy", "d", "display", "dx", "dy", "fill", "fill-opacity", "fill-rule", "font-family", "font-size",
    "font-style", "font-weight", "fx", "fy", "gradientunits", "height", "id", "lang", "marker-end", "marker-mid",
    "marker-start", "mathvariant", "offset", "opacity", "pathlength", "points", "r", "refx", "refy", "rotate", "rx",
    "ry", "stop-color", "stop-opacity", "stroke", "stroke-dasharray", "stroke-linecap", "stroke-linejoin",
    "stroke-miterlimit", "stroke-opacity", "stroke-width", "text-anchor", "transform", "version", "viewbox",
    "visibility", "width", "x", "x1", "x2", "xml:lang", "xmlns", "y", "y1", "y2",
};
static const char blocks[][11] = { /* sorted */
    "address", "article", "aside", "blockquote", "br", "caption", "center", "dd", "details", "dialog", "dir", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "frame", "h1", "h2", "h3", "h4", "h5", "h6",
    "header", "hr", "iframe", "legend", "li", "main", "menu", "nav", "noscript", "ol", "optgroup", "option", "p", "pre",
    "section", "select", "table", "tbody", "td", "textarea", "tfoot", "th", "thead", "title", "tr", "ul",
};
static const char links[][24] = { /* element and attribute, sorted */
    "a href", "applet codebase", "area href", "audio src", "blockquote cite", "body background", "del cite",
    "form action", "frame longdesc", "frame src", "head profile", "iframe longdesc", "iframe src", "img longdesc",
    "img src", "img usemap", "input src", "input usemap", "ins cite", "link href", "object classid", "object codebase",
    "object data", "object usemap", "q cite", "script src", "source src", "video poster", "video src",
};
/* clang-format on */

/* Rows are padded with NUL: compared whole, they need no lengths. */
static bool find(const char *table, size_t n, size_t width, Str name) {
    char padded[NAME_WIDTH_MAX] = { 0 };
    size_t lo = 0, hi = n;
    if (name.n >= width)
        return false;
    memcpy(padded, name.p, name.n);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int order = memcmp(table + mid * width, padded, width);
        if (order == 0)
            return name.n > 0;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}
#define FIND(table, name) find((table)[0], ARRAY_LEN(table), sizeof(table)[0], name)

HtmlKind html_kind(Str name) {
    if (FIND(elements, name))
        return HTML_ELEMENT;
    return str_eq(name, S("script")) || str_eq(name, S("style")) || str_eq(name, S("applet")) ? HTML_SCRIPT
                                                                                              : HTML_OTHER;
}

bool html_is_math(Str name) {
    return FIND(math_elements, name);
}

bool html_is_svg(Str name) {
    return FIND(svg_elements, name);
}

bool html_keeps_attr(Str name) {
    return FIND(attrs, name);
}

bool html_keeps_svg_attr(Str name) {
    return FIND(svg_attrs, name);
}

bool html_is_link(Str tag, Str attr) {
    char both[24];
    if (tag.n + 1 + attr.n >= sizeof both)
        return false;
    memcpy(both, tag.p, tag.n);
    both[tag.n] = ' ';
    memcpy(both + tag.n + 1, attr.p, attr.n);
    return FIND(links, str_n(both, tag.n + 1 + attr.n));
}

bool html_is_block(Str name) {
    return FIND(blocks, name);
}
