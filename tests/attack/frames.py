"""tests/attack/frames.py - HTTP/2 by hand: requests that a hop to HTTP/1.1 would write down as two."""
import random
import socket
import struct

from mutations import Mutation, inner

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def integer(n, bits):
    most = (1 << bits) - 1
    if n < most:
        return bytes([n])
    out, n = [most], n - most
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def literal(name, value):
    """Without the tables, so that nothing depends on state."""
    return b"\x00" + integer(len(name), 7) + name + integer(len(value), 7) + value


def block(*fields):
    return b"".join(literal(n, v) for n, v in fields)


def head(path, *more, method=b"POST", scheme=b"http", authority=b"x"):
    return block((b":method", method), (b":scheme", scheme), (b":path", path), (b":authority", authority), *more)


def call(fields, body=b"", stream=1):
    out = PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS | (0 if body else END_STREAM), stream, fields)
    return out + (frame(DATA, END_STREAM, stream, body) if body else b"")


def talk(port, data, wait):
    out = b""
    try:
        with socket.create_connection(("127.0.0.1", port), 30) as s:
            s.sendall(data)
            s.settimeout(wait)
            while piece := s.recv(65536):
                out += piece
                if b'{"target"' in piece:
                    break
    except OSError:
        pass
    return out


def make(seed, count):
    rng, found = random.Random(seed), []

    def add(family, n, fields, body=b"", want=None):
        found.append(Mutation(family, n, call(fields, body), want))

    splits = [b"y\r\nX: z", b"y\r\n\r\n%s", b"y\nX: z", b"y\n\n%s", b"y\rX: z", b"y\0z", b"y\r\n\r\n%s%s", b"\r\ny", b"y\r\n", b"y\x0bz", b" y", b"y "]
    names = [b"x\r\ny", b"x: y\r\nz", b"x\r\n\r\n%s", b"x\0", b"x y", b"X-Upper", b"x:", b"", b"x\n", b":unknown", b"x\x7f", b"host\r\n", b"(x)"]
    fields = [(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"Chunked"), (b"connection", b"keep-alive"), (b"connection", b"content-length"),
              (b"keep-alive", b"1"), (b"proxy-connection", b"x"), (b"upgrade", b"websocket"), (b"te", b"chunked"), (b"host", b"y"), (b"Transfer-Encoding", b"chunked"),
              (b"transfer-encoding ", b"chunked"), (b"content-length", b"+5"), (b"content-length", b"0x5"), (b"content-length", b"5, 5")]  # fmt: skip
    for n in range(100000, 100000 + max(16, count // 4)):
        body, path = inner(n), b"/far/attack-%d" % n
        fill = lambda form: form.replace(b"%s", body)  # noqa: E731
        kind = rng.randrange(7)
        if kind == 0:
            add("h2 length", n, head(path, (b"content-length", rng.choice((b"0", b"1", b"%d" % (len(body) - 1), b"%d" % (len(body) + 1), b"-1", b"x", b"")))), body)
        elif kind == 1:
            add("h2 value", n, head(path, (b"x-a", fill(rng.choice(splits)))), body)
        elif kind == 2:
            add("h2 name", n, head(path, (fill(rng.choice(names)), b"y")), body)
        elif kind == 3:
            add("h2 field", n, head(path, rng.choice(fields)), b"0\r\n\r\n" + body)
        elif kind == 4:
            bad = rng.choice((b"%s HTTP/1.1\r\nHost: x\r\n\r\n" % path + body, path + b" HTTP/1.1", path + b"\r\nX: y", path + b"\0", b"http://x" + path, b"x" + path, b"",
                              path + b"\tHTTP/1.1", path + b"\n", path + b"#f", path + b"\xff"))  # fmt: skip
            add("h2 path", n, head(bad), body)
        elif kind == 5:
            bad = rng.choice((b"GET /far/smuggled-%d HTTP/1.1\r\nHost: x\r\n\r\nPOST" % n, b"POST ", b"P OST", b"POST\r\n", b"", b"POST\0", b"post", b"PO\xffST"))
            add("h2 method", n, head(path, method=bad), body)
        else:
            bad = rng.choice((b"x\r\nX: y", b"x\r\n\r\n" + body, b"x y", b"x\0", b"a@x", b"x/..", b"x,y", b"", b"x\n"))
            add("h2 authority", n, head(path, authority=bad), body)
    return found
