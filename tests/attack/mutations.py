"""tests/attack/mutations.py - requests that two readers may read differently, made from a seed.

The names of the families are those of the literature (Kettle, "HTTP Desync Attacks"; Jabiyev et al., "T-Reqs"; RFC 9112
sections 5, 6, 7, 11). Every mutation carries a second request, of the path smuggled-N, in a place where a right reader sees a
body, or must refuse all of it: whoever takes it for a request has been desynchronised.
"""
import dataclasses
import random

SMUGGLED = b"smuggled"


@dataclasses.dataclass
class Mutation:
    family: str
    number: int
    data: bytes
    body: bytes = None  # what may arrive of it, if anything does; None: not judged
    strict: bool = True  # no right reader sees the second request
    answered: bool = False  # an ordinary request: it must arrive, whole


def inner(n):
    return b"GET /far/%s-%d HTTP/1.1\r\nHost: x\r\n\r\n" % (SMUGGLED, n)


def request(n, fields, body=b"", method=b"POST", route=b"far", version=b"HTTP/1.1", end=b"\r\n", target=None):
    target = target or b"/%s/attack-%d" % (route, n)
    lines = [b"%s %s %s" % (method, target, version), b"Host: x", *fields]
    return end.join(lines) + end + end + body


LENGTHS = [b"+%d", b"-%d", b"0x%x", b"0o%o", b"%d;", b"%d,", b",%d", b"%d,0", b"0,%d", b"%d, 0", b"%d.0", b"%de0", b"%d\x0b", b"\x0b%d",
           b"%d\x00", b"\x00%d", b"%d\xa0", b"\xa0%d", b"%d%%20", b"'%d'", b'"%d"', b"%d 0", b"0 %d", b"\x0c%d", b"%d\x0c", b"%d\r", b"\r%d",
           b"\xef\xbb\xbf%d", b"%d\x7f", b"%d_0", b"(%d)", b"%dL", b"$%d", b"%d:0", b"%d=0", b"%d-", b"--%d", b"%d\x1f", b"%d\x08"]  # fmt: skip
HUGE = [2**31, 2**32, 2**63, 2**64, 2**65, 2**128, 10**30]
FRINGES = [b"%d ", b" %d", b"\t%d", b"%d\t", b"00%d", b"%d, %d", b"%d,%d", b"0000000000000000000000000000%d"]  # right or refused

CODINGS = [b"xchunked", b"chunkedx", b"chunked,", b",chunked", b"chunked, chunked", b"chunked, identity", b"identity, chunked", b"identity",
           b"gzip, chunked", b"chunked, gzip", b'"chunked"', b"'chunked'", b"chun ked", b"\x0bchunked", b"chunked\x0b", b"chunked\x00",
           b"\x00chunked", b"chunked;", b"chunked;q=1", b"chunked ; a=b", b"\x0cchunked", b"cow", b"", b"chunked\xa0", b"\xa0chunked",
           b"chun\xe2\x84\xaaed", b"trailers", b"deflate", b"chunk", b"[chunked]", b"chunked\r", b"\rchunked", b"chunked\x7f", b"Chunked",
           b"CHUNKED", b"chunked", b"\tchunked", b"chunked\t", b"  chunked  ", b"chunked, cow", b"cow, chunked", b"chunked:", b"chunked chunked",
           b"chunked\x85", b"\xef\xbb\xbfchunked", b"chunked\\", b"ch\\u0075nked", b"%63hunked", b"x chunked", b"chunked#"]  # fmt: skip
CODING_NAMES = [b"Transfer-Encoding:", b"transfer-encoding:", b"TRANSFER-ENCODING:", b"Transfer-Encoding :", b"Transfer-Encoding\t:",
                b" Transfer-Encoding:", b"\tTransfer-Encoding:", b"Transfer-Encoding\x0b:", b"Transfer-Encoding\x00:", b"\x00Transfer-Encoding:",
                b"Transfer Encoding:", b"Transfer-Encoding\xa0:", b"X: y\rTransfer-Encoding:", b"X: y\nTransfer-Encoding:",
                b"X: y\r\n Transfer-Encoding:", b"Transfer-Encoding:\r\n", b"Transfer-Encoding\r\n :", b":Transfer-Encoding:",
                b"X:\nTransfer-Encoding:", b"X: y\r\r\nTransfer-Encoding:", b"X: y\n\rTransfer-Encoding:", b"\xefTransfer-Encoding:",
                b"Transfer-Encoding\x7f:", b"Transfer-Encoding", b"X\0: y\r\nTransfer-Encoding:", b"Transfer-Encoding;:"]  # fmt: skip
LENGTH_NAMES = [b"Content-Length :", b"Content-Length\t:", b" Content-Length:", b"\tContent-Length:", b"Content-Length\x0b:",
                b"Content-Length\x00:", b"Content Length:", b"X: y\rContent-Length:", b"X: y\nContent-Length:", b"X: y\r\n Content-Length:",
                b"Content-Length:\r\n", b"Content-Length\r\n :", b":Content-Length:", b"Content-Length\xa0:", b"Content-Length\x7f:",
                b"Content-Length", b"Content-Length;:", b"\x00Content-Length:", b"\xa0Content-Length:"]  # fmt: skip
SIZES = [b"0x%x", b"+%x", b"-%x", b"%x ", b" %x", b"\t%x", b"%x\t", b"%x;", b"%x;a=b", b'%x;a="b"', b'%x;a="\n"', b"%x;\n", b"%x;a\nb", b"%x\n",
         b"%x\x00", b"%x;\x00", b"\x00%x", b"%x_", b"%x,0", b"%x.0", b"0%x", b"0000000000000000%x", b"00000000000000000000000000000000%x",
         b"1%016x", b"10000000000000000%x", b"%x\x0b", b"%x\x0c", b"%xg", b"%xh", b"'%x'", b"%x ;a", b"%x; a = b", b"%x\r", b"%x\r\r", b"\r\n%x",
         b"\n%x", b"%x;" + b"e" * 5000, b"%x;" + b"e" * 200000, b";%x", b"", b"%x#", b"%x\\n", b"ffffffffffffffff", b"7fffffffffffffff",
         b"%x;a=\"", b"%x;\r", b"%x;a=b\r", b"%x\x85"]  # fmt: skip
LASTS = [b"0\r\n\r\n", b"00\r\n\r\n", b"0;a\r\n\r\n", b"0 \r\n\r\n", b"0\n\r\n", b"0\r\n\n", b"0\n\n", b"-0\r\n\r\n", b"+0\r\n\r\n", b"0x0\r\n\r\n",
         b"0\r\nA: b\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\nHost: y\r\n\r\n",
         b"0\r\nA: b\n\r\n", b"0\r\n A: b\r\n\r\n", b"0\r\nA : b\r\n\r\n", b"0\r\nA\0: b\r\n\r\n", b"0\r\r\n\r\n", b"0\r\n\r\r\n", b"\r\n0\r\n\r\n",
         b"0\r\nA: b\r\r\n\r\n", b"0\r\nA: b\r\n c\r\n\r\n", b"0\r\nno colon\r\n\r\n", b"0\r\n" + b"A: b\r\n" * 3000 + b"\r\n"]  # fmt: skip


def lengths(rng, n):
    """One length, written oddly: read as nothing, or as less, it leaves the second request behind."""
    body = inner(n) + b"p" * rng.randrange(20)
    kind = rng.randrange(10)
    if kind < 6:
        form = rng.choice(LENGTHS)
        value = form % len(body)
    elif kind < 7:
        value = b"%d" % (rng.choice(HUGE) + rng.choice((0, len(body))))
    elif kind < 9:
        form = rng.choice(FRINGES)
        value = form % ((len(body),) * form.count(b"%d"))
    else:
        value = rng.choice((b"", b"zz", "٣".encode(), b"NaN", b"1e1000", b"*"))
    return request(n, [b"Content-Length:%s%s" % (rng.choice((b" ", b"", b"\t")), value)], body, rng.choice((b"POST", b"PUT", b"GET", b"DELETE"))), body


def two_lengths(rng, n):
    body = inner(n)
    other = rng.choice((b"0", b"1", b"%d" % (len(body) - 1), b"%d" % (len(body) + 1), b"-1", b"", b"%d" % len(body), b" 0", b"+0", b"0x0"))
    pair = [b"Content-Length: %d" % len(body), rng.choice((b"Content-Length: ", b"content-length:", b"CONTENT-LENGTH: ", b"X: y\r\nContent-Length: ")) + other]
    rng.shuffle(pair)
    return request(n, pair, body, rng.choice((b"POST", b"GET"))), body


def names_of_length(rng, n):
    body = inner(n)
    odd = b"%s %d" % (rng.choice(LENGTH_NAMES), len(body))
    both = rng.random() < 0.5
    pair = [odd, b"Content-Length: 0"] if both else [odd]
    rng.shuffle(pair)
    # two lengths, one of which is disguised: who sees only the 0 is right, unless the disguise had to be refused. It had.
    return request(n, pair, body), body


def both(rng, n):
    """CL.TE and TE.CL, the coding disguised or plain, in either order."""
    coding = rng.choice(CODING_NAMES) + rng.choice((b" ", b"")) + (b"chunked" if rng.random() < 0.6 else rng.choice(CODINGS))
    if rng.random() < 0.5:  # the length covers all of it; read as chunks it ends before the second request
        body = b"0\r\n\r\n" + inner(n)
        length = len(body)
    else:  # read as chunks it is one; the length ends before the second request
        size = b"%x\r\n" % len(inner(n))
        body, length = size + inner(n) + b"\r\n0\r\n\r\n", len(size)
        if coding.lower().lstrip().split(b":")[0] not in (b"transfer-encoding",) and coding.startswith(b"T") and b":" not in coding[:18]:
            length = len(body)  # no field of that name: the length alone counts, and must be right
    pair = [b"Content-Length: %d" % length, coding]
    rng.shuffle(pair)
    return request(n, pair, body, version=rng.choice((b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"))), None


def two_codings(rng, n):
    """A good coding and a disguised one: who takes the second for 'not chunked' sees no body."""
    pair = [b"Transfer-Encoding: " + rng.choice((b"cow", b"identity", b"chunked", b"x", b"chunked, identity")),
            rng.choice(CODING_NAMES) + b" " + rng.choice(CODINGS)]
    rng.shuffle(pair)
    return request(n, pair, inner(n)), None  # no chunks at all: nobody may find the second request here


def codings(rng, n):
    """An odd coding and no length, over bytes that are no chunks: who ignores the coding sees no body, and a second request."""
    return request(n, [b"Transfer-Encoding: " + rng.choice(CODINGS)], inner(n), version=rng.choice((b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"))), None


def chunk_sizes(rng, n):
    data = b"\r\n" + inner(n)
    form = rng.choice(SIZES)
    size = form % len(data) if b"%" in form else form
    body = size + b"\r\n" + data + b"\r\n0\r\n\r\n"
    return request(n, [b"Transfer-Encoding: chunked"], body, route=rng.choice((b"far", b"big"))), data


def chunk_ends(rng, n):
    """The end of the data, or of all the chunks, is not where it should be."""
    data = rng.choice((b"\r\n", b"0\r\n\r\n", b"\n", b"x")) + inner(n)
    kind = rng.randrange(4)
    if kind == 0:
        body = b"%x\r\n" % len(data) + data + rng.choice((b"", b"\n", b"\r", b"xx", b"\r\r\n", b"\n\r", b" \r\n", b"\0\n")) + b"0\r\n\r\n"
    elif kind == 1:
        body = b"%x\r\n" % (len(data) + rng.choice((-1, -2, 1, 2))) + data + b"\r\n0\r\n\r\n"
    else:
        body = b"%x\r\n" % len(data) + data + b"\r\n" + rng.choice(LASTS)
    return request(n, [b"Transfer-Encoding: chunked"], body, route=rng.choice((b"far", b"big"))), None


def line_ends(rng, n):
    """LF, CR and their mixtures where CRLF belongs, in a request whose body would be another."""
    body = inner(n)
    data = request(n, [b"X: y", b"Content-Length: %d" % len(body), b"Z: w"])
    ends = [i for i in range(len(data) - 1) if data[i:i + 2] == b"\r\n"][:-1]
    for at in sorted(rng.sample(ends, rng.choice((1, 1, 2, len(ends)))), reverse=True):
        data = data[:at] + rng.choice((b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r", b"\x0b\r\n", b"\0\r\n")) + data[at + 2:]
    # an empty line made too early ends the head, and what follows is not the second request but the rest of the fields
    return data + body, body


def folds(rng, n):
    body = inner(n)
    fold = rng.choice((b"\r\n ", b"\r\n\t", b"\n ", b"\r\n \t ", b"\r ", b"\r\n\x0b", b"\r\n\r\n "))
    field = rng.choice((b"Content-Length:%s%d" % (fold, len(body)), b"Content-Length: %d%s0" % (len(body), fold), b"X: y%sContent-Length: %d" % (fold, len(body)),
                        b"Transfer-Encoding:%schunked" % fold, b"Transfer-Encoding: chunked%s, identity" % fold, b"Host:%sy" % fold))  # fmt: skip
    return request(n, [field], body) if rng.random() < 0.7 else b"POST /far/attack-%d HTTP/1.1%s%s\r\nHost: x\r\n\r\n" % (n, fold, field) + body, None


def first_lines(rng, n):
    body = inner(n)
    path = b"/far/attack-%d" % n
    line = rng.choice((
        b"POST  %s HTTP/1.1", b"POST\t%s\tHTTP/1.1", b"POST %s  HTTP/1.1", b" POST %s HTTP/1.1", b"POST %s HTTP/1.1 ", b"POST %s http/1.1", b"POST %s HTTP/1.2",
        b"POST %s HTTP/2.0", b"POST %s HTTP/1", b"POST %s HTTP/01.1", b"POST %s HTTP/1.10", b"POST %s HTTP/1.1\0", b"POST %s\0 HTTP/1.1", b"PO\0ST %s HTTP/1.1",
        b"POST %s", b"POST %s HTTP/", b"POST %s HTTP/1.1 HTTP/1.1", b"POST %s HTTP/1.0 HTTP/1.1", b"\0POST %s HTTP/1.1", b"POST\x0b%s HTTP/1.1",
        b"POST %s\x0bHTTP/1.1", b"POST %s\xa0HTTP/1.1", b"POST http://x%s HTTP/1.1", b"POST http://other.example%s HTTP/1.1", b"POST http:%s HTTP/1.1",
        b"POST //other.example%s HTTP/1.1", b"POST http://a@x%s HTTP/1.1", b"POST https://x%s HTTP/1.1", b"POST ftp://x%s HTTP/1.1", b"POST x:80%s HTTP/1.1",
        b"POST *%s HTTP/1.1", b"POST %s#frag HTTP/1.1", b"POST \\far\\a%s HTTP/1.1", b"POST %s%%0d%%0aX:y HTTP/1.1", b"POST %s?a=%%00 HTTP/1.1",
        b"POST %s%%20HTTP/1.1%%0d%%0aHost:y HTTP/1.1", b"post %s HTTP/1.1", b"POST: %s HTTP/1.1", b"POST %s ICAP/1.0", b"POST %s HTTP/1.1\r\nPOST %s HTTP/1.1",
        b"CONNECT %s HTTP/1.1", b"TRACE %s HTTP/1.1", b"PRI %s HTTP/1.1", b"POST %s HTTP/\xd9\xa1.1"))  # fmt: skip
    line = line.replace(b"%s", path).replace(b"%%", b"%")
    return line + b"\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body, body


def hosts(rng, n):
    body = inner(n)
    odd = rng.choice((b"Host: y", b"host: x", b"Host : y", b" Host: y", b"Host:\0x", b"Host: x/y", b"Host: x y", b"Host: x\r\n y", b"Host: a@b",
                      b"Host: x, y", b"Host: x\nHost: y", b"Host: [::1", b"Host: x:99999999", b"Host: x\x7f"))  # fmt: skip
    return request(n, [odd, b"Content-Length: %d" % len(body)], body), body


def old_versions(rng, n):
    """0.9, 1.0 and the beginning of 2, one in the other."""
    body = inner(n)
    return rng.choice((
        b"GET /far/attack-%d\r\n" % n, b"GET /far/attack-%d\r\n\r\n" % n, b"GET /far/attack-%d HTTP/0.9\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (n, len(body)) + body,
        request(n, [b"Transfer-Encoding: chunked"], b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n", version=b"HTTP/1.0"),
        request(n, [b"Connection: keep-alive", b"Transfer-Encoding: chunked", b"Content-Length: %d" % len(body)], body, version=b"HTTP/1.0"),
        request(n, [b"Connection: keep-alive, Content-Length", b"Content-Length: %d" % len(body)], body, version=rng.choice((b"HTTP/1.0", b"HTTP/1.1"))),
        request(n, [b"Connection: close, Transfer-Encoding", b"Transfer-Encoding: chunked"], b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"),
        request(n, [b"Connection: Host, X-Forwarded-For", b"Content-Length: %d" % len(body)], body),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + body, b"PRI * HTTP/2.0\r\n\r\n" + body, b"PRI * HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
        request(n, [b"Content-Length: %d" % (24 + len(body))], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + body),
        request(n, [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__", b"Content-Length: %d" % len(body)], body),
        request(n, [b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 777", b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
                    b"Content-Length: %d" % len(body)], body, rng.choice((b"GET", b"POST"))),
        request(n, [b"Expect: 100-continue", b"Content-Length: %d" % len(body)], body), request(n, [b"Expect: 100-continuE, x", b"Content-Length: %d" % len(body)], body),
        request(n, [b"Expect:\r\n 100-continue", b"Content-Length: %d" % len(body)], body),
    )), None  # fmt: skip


def plain(rng, n):
    """Ordinary requests with such a body: they must arrive whole, or the rest shows nothing."""
    body = inner(n) + rng.randbytes(rng.randrange(3000))
    if rng.random() < 0.5:
        return request(n, [b"Content-Length: %d" % len(body)], body), body
    cuts = sorted(rng.sample(range(1, len(body)), 3))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)])]
    coded = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
    return request(n, [b"Transfer-Encoding: chunked"], coded, route=rng.choice((b"far", b"big"))), body


FAMILIES = {"length": lengths, "two lengths": two_lengths, "name of length": names_of_length, "length and coding": both, "two codings": two_codings,
            "coding": codings, "chunk size": chunk_sizes, "chunk end": chunk_ends, "line end": line_ends, "fold": folds, "first line": first_lines,
            "host": hosts, "versions": old_versions, "plain": plain}  # fmt: skip


def make(seed, count):
    """`count` different mutations, of every family about as many."""
    rng, found, bodies = random.Random(seed), [], set()
    names, tries = list(FAMILIES), 0
    while len(found) < count and tries < 50 * count:
        family = names[tries % len(names)]
        tries += 1
        n = len(found)
        state = rng.getstate()
        data, _ = FAMILIES[family](rng, 0)
        if family != "plain" and data in bodies:
            continue
        bodies.add(data)
        rng2 = random.Random()
        rng2.setstate(state)
        data, body = FAMILIES[family](rng2, n)
        found.append(Mutation(family, n, data, body, answered=family == "plain"))
    return found
