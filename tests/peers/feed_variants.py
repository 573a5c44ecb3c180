"""Feeds that nobody published: every dialect of elements, dates, character sets, prefixes and mistakes, from a seed.

variant(seed) -> bytes. The same seed gives the same bytes. For tests/property/test_feed_peer.py, which reads each with
our reader and with feedparser."""
import random

WORDS = ["bitcoin", "rises", "as", "fed", "holds", "rates", "a < b", "AT&T", "caf\u00e9", "na\u00efve", "\u65e5\u672c\u8a9e",
         "\u20ac5", "don\u2019t", "x > y", "R&D;", "&nbsp;", "&amp;", '"q"', "'r'", "5&6", "\u00a0", "1<2", "\u2028", "\x85"]
MARKUP = ["<b>bold</b>", "<i>it</i>", "<br/>", "<br />", "<br>", "<p>para</p>", '<a href="/x?a=1&b=2">l</a>', "<a href='rel'>l</a>",
          "<script>alert(1)</script>", "<style>p{}</style>", "<blink>bl</blink>", '<img src="i.png" alt="a > b"/>', "<!-- c -->",
          "<!-- c > d -->", '<div class="x">d</div>', "<DIV>D</DIV>", "<foo/>", '<foo bar="1"/>', "<a href=x>u</a>",
          "<svg><title>t</title></svg>", "<math><mi>x</mi></math>", "&lt;b&gt;", "&copy;", "&#169;", "&#x2014;", "&#146;",
          "&bogus;", "&eacute", "<?pi x?>", "</p>", "<p>", "<li>one<li>two", '<a href="javascript:x">j</a>',
          '<object data="x">o</object>', "<noscript>n</noscript>", '<iframe src="x">f</iframe>', '<embed src="x"/>',
          "<applet>ap</applet>", "<table><tr><td>1</td></tr></table>", "&#39;", "&#34;", '<a title="x&#34;y">z</a>', "<>",
          "< b", "<1>", "<p/", "<p", '<a href="x', "&#38;", "&#38;lt;", "&amp;lt;", "&amp;amp;", "&amp;nbsp;"]
DATES = ["Thu, 01 Jan 2004 19:48:21 GMT", "Thu, 01 Jan 04 19:48:21 GMT", "01 Jan 2004 19:48 EST",
         "Mon, 26 January 2004 16:31:00 ET", "2003-12-31T10:14:55Z", "2003-12-31T10:14:55-08:00",
         "2003-12-31T10:14:55.123+05:30", "2003-12-31", "2003-12", "2003", "20031231", "2003-365",
         "Sun Jan  4 16:29:06 PST 2004", "Sun Jan  4 16:29:06 2004", "Fri, 2006/09/15 08:19:53 EDT", "Aug 30 2012",
         "30 Aug 2012", "Thu, 30 Apr 2015 08:57:00 MEST", "Wed, 19 Feb 2012 22:40:00 -01:01", "2012-02-19 22:40:00",
         "2012-02-19 22:40:00 -0400", "Thu, 01 Jan 2004 25:48:21 GMT", "Thu, 99 Jan 2004 19:48:21 GMT",
         "2003-12-31T23:59:60Z", "garbage", "", "Sat, 07 Sep 2002 00:00:01 GMT-05:00", "2003-13-01", "2003-02-30",
         "2003-12-31T10:14", "2003-001", "Jan 1, 2004"]
LINKS = ["http://ex.com/a", "/rel", "rel?x=1&amp;y=2", "http://ex.com/?a=1&amp;b=2", " http://ex.com/s ", "../up", "#f",
         "//host/p", "mailto:a@b.c", "", "http:////ex.com/q", "javascript:x", "urn:x:y", "http://ex.com/\u00e9", "a;b/c",
         "d/./e/../f", "?q", "http://[bad", "<![CDATA[http://ex.com/c?u=1&v=2]]>"]
NAMESPACES = {"dc": "http://purl.org/dc/elements/1.1/", "content": "http://purl.org/rss/1.0/modules/content/",
              "media": "http://search.yahoo.com/mrss/", "atom": "http://www.w3.org/2005/Atom",
              "dcterms": "http://purl.org/dc/terms/", "itunes": "http://www.itunes.com/DTDs/PodCast-1.0.dtd",
              "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "foo": "http://foo.example/ns"}
TYPES = ["", ' type="text"', ' type="html"', ' type="xhtml"', ' type="text/plain"', ' type="application/xhtml+xml"',
         ' type="application/octet-stream"', ' mode="base64"', ' type="TEXT/HTML"', ' type="text/html" mode="escaped"']
# Without a byte order mark and a declaration feedparser takes UTF-16 for UTF-8, and one of Big5's dialects has letters
# where ours has none: neither is worth being equal to.
CHARSETS = ["utf-8"] * 8 + ["utf-8-sig", "iso-8859-1", "windows-1252", "gb18030", "euc-jp", "shift_jis", "koi8-r",
                            "windows-1251", "cp437", "mac-roman", "cp037", "iso-8859-15", "cp850", "euc-kr", "gb2312"]


def escape(s):
    return s.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Writer:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.prefix = {k: k if self.r.random() < 0.85 else self.r.choice(["x", "dc", "y", "DC", "q1", "a", "media"])
                       for k in NAMESPACES}

    def pick(self, *choices):
        return self.r.choice(choices[0] if len(choices) == 1 else choices)

    def chance(self, p):
        return self.r.random() < p

    def text(self):
        return " ".join(self.pick(WORDS) if self.chance(0.6) else self.pick(MARKUP) for _ in range(self.r.randint(0, 6)))

    def body(self, xhtml=False):
        s = self.text()
        kind = "xhtml" if xhtml else self.pick("escaped", "escaped", "cdata", "cdata", "twice", "raw", "xhtml")
        if kind == "cdata":
            return "<![CDATA[" + s.replace("]]>", "") + "]]>"
        if kind == "twice":
            return escape(escape(s))
        if kind == "raw" and self.chance(0.2):
            return s
        if kind == "xhtml":
            inner = self.pick("<p>hi <b>x</b></p>", "plain &amp; x", '<a href="r">l</a> t', '<br/>a<img src="q"/>b',
                              "<script>s</script>z", escape(s))
            return '<div xmlns="http://www.w3.org/1999/xhtml">' + inner + "</div>"
        return escape(s)

    def element(self, name, attrs="", inner=""):
        if not inner and self.chance(0.3):
            return f"<{name}{attrs}/>"
        return f"<{name}{attrs}>{inner}</{name}>"

    def of(self, space, name):
        return f"{self.prefix[space]}:{name}"

    def joined(self, makers, most):
        gap = self.pick("", "\n", "\n  ")
        return gap.join(self.pick(makers)() for _ in range(self.r.randint(0, most)))

    def rss_parts(self):
        e, pick = self.element, self.pick
        makers = [
            lambda: e("title", "", self.body()), lambda: e("link", "", pick(LINKS)), lambda: e("description", "", self.body()),
            lambda: e("guid", pick("", ' isPermaLink="false"', ' isPermaLink="true"'), pick(LINKS)),
            lambda: e("pubDate", "", pick(DATES)), lambda: e(self.of("dc", "date"), "", pick(DATES)),
            lambda: e(self.of("content", "encoded"), "", self.body()),
            lambda: e("author", "", pick("me@ex.com (Me)", "Me", "Me &lt;me@ex.com&gt;", "")),
            lambda: e(self.of("dc", "creator"), "", pick("Ann", "Bob (b@c.de)", "")),
            lambda: e("category", pick("", ' domain="d"', ' term="t"'), pick("A", "B", "", "A &amp; B")),
            lambda: e(self.of("dc", "subject"), "", pick("S", "T", "")),
            lambda: '<enclosure url="http://e/x.mp3" length="1" type="audio/mpeg"/>',
            lambda: '<source url="http://s/">Src</source>',
            lambda: e(self.of("media", "content"), ' url="http://m/x.jpg"',
                      e(self.of("media", "title"), "", "mt") + e(self.of("media", "description"), "", "md")),
            lambda: e(self.of("media", "thumbnail"), ' url="t"'),
            lambda: e(self.of("dcterms", pick("modified", "issued", "created")), "", pick(DATES)),
            lambda: e(self.of("itunes", pick("author", "summary", "subtitle", "keywords")), "", pick("x, y", "yes")),
            lambda: e(self.of("itunes", "category"), ' text="Tech"'),
            lambda: '<body xmlns="http://www.w3.org/1999/xhtml"><p>b</p></body>',
            lambda: e(self.of("foo", "bar"), pick("", ' x="1"'), pick("t", self.body())),
            lambda: e("comments", "", pick(LINKS)),
            lambda: e("image", "", "<title>it</title><url>u</url><link>l</link>"),
            lambda: e(self.of("dc", pick("title", "description", "rights", "language")), "", self.body()),
            lambda: e("summary", pick("", ' type="html"', ' type="text/plain"', ' type="xhtml"'), self.body()),
            lambda: e("content", pick("", ' type="text/html"', ' type="html"', ' mode="escaped"'), self.body()),
            lambda: e(self.of("atom", "link"), f' href="http://al/" rel="{pick("self", "alternate", "related")}"'),
        ]
        return self.joined(makers, 9)

    def person(self, name):
        e = self.element
        inner = (e("name", "", self.pick("Ann", "")) if self.chance(0.8) else "") + (
            e("email", "", "a@b.co") if self.chance(0.4) else "") + (e("uri", "", "http://p/") if self.chance(0.3) else "")
        return e(name, "", inner)

    def construct(self, name):
        kind = self.pick(TYPES)
        body = self.body("xhtml" in kind and self.chance(0.8))
        if "octet" in kind or "base64" in kind:
            body = self.pick("PHA+SGlzdG9yeTwvcD4=", "SGVsbG8", "bad base64!", body)
        place = self.pick("", "", ' xml:base="http://b.ex/d/"', ' xml:base="sub/"', ' xml:lang="fr"', ' xml:lang=""')
        return self.element(name, kind + place, body)

    def atom_parts(self):
        e, pick = self.element, self.pick
        rels = ["", ' rel="alternate"', ' rel="self"', ' rel="enclosure"', ' rel="alternate" type="application/xml"']
        makers = [
            lambda: self.construct("title"), lambda: self.construct("summary"), lambda: self.construct("content"),
            lambda: self.construct("content"), lambda: f'<link{pick(rels)} href="{pick(LINKS[:9])}"/>',
            lambda: e("id", "", pick(LINKS)),
            lambda: e(pick("updated", "published", "modified", "issued", "created"), "", pick(DATES)),
            lambda: self.person("author"), lambda: self.person("contributor"),
            lambda: f'<category term="{pick("t", "u", "")}"{pick("", chr(32) + "scheme=" + chr(34) + "s" + chr(34))}/>',
            lambda: self.construct(pick("rights", "subtitle", "tagline", "info")),
            lambda: "<source><id>si</id><title>st</title><link href=\"sl\"/><author><name>sa</name></author></source>",
            lambda: e("generator", ' uri="g"', "G"), lambda: e(self.of("dc", pick("date", "creator", "title")), "", pick(DATES)),
            lambda: e(self.of("foo", pick("x", "title", "link")), pick("", ' a="1"', ' href="h"'), "v"),
            lambda: e(pick("icon", "logo"), "", pick(LINKS)), lambda: "<!-- c -->",
        ]
        return self.joined(makers, 8)

    def document(self):
        pick = self.pick
        declared = {self.prefix[k]: uri if self.chance(0.95) else uri.upper() for k, uri in reversed(NAMESPACES.items())
                    if self.chance(0.92)}
        spaces = "".join(f' xmlns:{k}="{v}"' for k, v in declared.items())
        place = pick("", "", "", ' xml:base="http://base.ex/a/b"', ' xml:base="rel/"', ' xml:base="javascript:x"')
        place += pick("", "", ' xml:lang="en-us"', ' xml:lang="pt_BR"')
        kind = pick("rss", "rss", "rss", "atom", "atom", "atom03", "rdf", "cdf")
        n = range(self.r.randint(0, 3))
        if kind == "rss":
            version = pick(' version="2.0"', ' version="0.91"', ' version="0.92"', ' version="2.0.1"', "", ' version="1.0"')
            return (f"<rss{version}{spaces}{place}><channel>{pick('', '<language>de</language>')}{self.rss_parts()}"
                    + "".join(f"<item>{self.rss_parts()}</item>" for _ in n) + "</channel></rss>")
        if kind == "rdf":
            uri, p = pick("http://purl.org/rss/1.0/", "http://my.netscape.com/rdf/simple/0.9/"), self.prefix["rdf"]
            return (f'<{p}:RDF{spaces} xmlns="{uri}"><channel {p}:about="http://c/">{self.rss_parts()}</channel>'
                    + "".join(f'<item {p}:about="http://i/{i}">{self.rss_parts()}</item>' for i in n) + f"</{p}:RDF>")
        if kind == "cdf":
            return (f'<CHANNEL HREF="http://cdf/" LASTMOD="{pick(DATES)}"><TITLE>T</TITLE><ITEM HREF="http://i/" '
                    f'LASTMOD="{pick(DATES)}"><TITLE>{self.body()}</TITLE><ABSTRACT>a</ABSTRACT></ITEM></CHANNEL>')
        uri = "http://www.w3.org/2005/Atom" if kind == "atom" else "http://purl.org/atom/ns#"
        version = "" if kind == "atom" else pick("", ' version="0.3"', ' version="0.2"')
        return (f'<feed{version} xmlns="{uri}"{spaces}{place}>{self.atom_parts()}'
                + "".join(f"<entry>{self.atom_parts()}</entry>" for _ in n) + "</feed>")

    def damage(self, data):
        b = bytearray(data)
        for _ in range(self.r.randint(1, 3)):
            i = self.r.randrange(len(b))
            kind = self.r.randint(0, 4)
            if kind == 0:
                del b[i:i + self.r.randint(1, 8)]
            elif kind == 1:
                b[i:i] = self.pick(b"<", b">", b"&", b'"', b"'", b"<b>", b"</x>", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"\x0b",
                                   b'<p x="', b"/>")
            elif kind == 2:
                del b[max(1, i):]
            elif kind == 3:
                b[i] = self.r.randrange(32, 127)
            else:
                b[i:i] = b[max(0, i - 20):i]
            b = b or bytearray(b"x")
        return bytes(b)


def variant(seed):
    w = Writer(seed)
    charset = w.pick(CHARSETS)
    head = w.pick("", '<?xml version="1.0"?>\n', "DECLARED", "DECLARED\n")
    if "DECLARED" in head:
        head = head.replace("DECLARED", f'<?xml version="1.0" encoding="{charset.replace("-sig", "")}"?>')
    elif charset not in ("utf-8", "utf-8-sig"):
        charset = "utf-8"
    head += w.pick(*[""] * 6, "<!DOCTYPE rss>\n", '<!DOCTYPE rss [\n<!ENTITY foo "bar">\n<!ENTITY copyx "&#169;">\n]>\n',
                   "<!-- c -->\n", "<?x y?>\n")
    data = (head + w.document()).encode(charset, "xmlcharrefreplace")
    ascii_like = charset not in ("cp037",)
    return w.damage(data) if ascii_like and w.chance(0.25) else data
