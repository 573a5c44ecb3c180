"""tests/attack/far.py - the far side of a chain: a raw service that keeps every request it was sent, and trusts nobody.

It reads what HTTP/1.1 allows and notes as `odd` what no well-behaved hop sends. Of Content-Length and Transfer-Encoding it
takes the latter, as the most exposed services do: what a hop lets through would split here.
"""
import dataclasses
import json
import re
import socket
import threading

HEAD_MAX = 1 << 17
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


class Odd(Exception):
    pass


@dataclasses.dataclass
class Request:
    method: str
    target: str
    headers: dict
    body: bytes
    connection: int
    odd: str = ""


class Stream:
    """Bytes of a connection, read as asked for."""

    def __init__(self, s):
        self.s, self.buffer = s, b""

    def more(self):
        piece = self.s.recv(65536)
        if not piece:
            raise EOFError
        self.buffer += piece

    def until(self, end, most):
        while end not in self.buffer:
            if len(self.buffer) > most:
                raise Odd("longer than any hop should send")
            self.more()
        found, _, self.buffer = self.buffer.partition(end)
        return found

    def exactly(self, n):
        while len(self.buffer) < n:
            self.more()
        found, self.buffer = self.buffer[:n], self.buffer[n:]
        return found


def chunks(stream):
    body = b""
    while True:
        size = stream.until(b"\r\n", 4096)
        if not re.fullmatch(rb"[0-9a-fA-F]{1,16}(;[^\r\n\0]*)?", size):
            raise Odd(f"chunk size {size[:40]!r}")
        n = int(size.partition(b";")[0], 16)
        if n == 0:
            while stream.until(b"\r\n", HEAD_MAX):
                pass
            return body
        body += stream.exactly(n)
        if stream.exactly(2) != b"\r\n":
            raise Odd("no end of a chunk")


def fields(lines):
    """(names to values, what is odd about them)"""
    found, odd = {}, ""
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.match(name):
            odd = odd or f"a field {line[:60]!r}"
        if re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value):
            odd = odd or f"controls in {line[:60]!r}"
        key = name.strip().lower().decode("latin-1")
        if key in found and key in ("host", "content-length", "transfer-encoding"):
            odd = odd or f"two of {key}"
        found[key] = value.strip(b" \t").decode("latin-1")
    return found, odd


class Far:
    """The service. `seen` are whole requests in their order, `odd` what should never have arrived."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.seen, self.odd, self.connections = [], [], 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(s, self.connections), daemon=True).start()

    def serve(self, s, number):
        stream = Stream(s)
        with s:
            try:
                while True:
                    self.answer(s, self.read(stream, number))
            except (EOFError, OSError):
                pass  # the hop left, in the middle of a request perhaps: it was none then
            except Odd as e:
                self.odd.append(str(e))

    def read(self, stream, number):
        lines = stream.until(b"\r\n\r\n", HEAD_MAX).split(b"\r\n")
        first = re.fullmatch(rb"([A-Z]+) ([\x21-\x7e]+) HTTP/1\.[01]", lines[0])
        if not first:
            raise Odd(f"request line {lines[0][:80]!r}")
        headers, odd = fields(lines[1:])
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if coding is not None and length is not None:
            odd = odd or "a length and a coding"
        if "host" not in headers:
            odd = odd or "no host"
        if coding is not None:
            if coding.lower() != "chunked":
                raise Odd(f"coding {coding!r}")
            body = chunks(stream)
        else:
            if length is not None and not re.fullmatch(r"[0-9]{1,12}", length):
                raise Odd(f"length {length!r}")
            body = stream.exactly(int(length or 0))
        request = Request(first[1].decode(), first[2].decode(), headers, body, number, odd)
        if request.target != "/health":
            self.seen.append(request)
            if odd:
                self.odd.append(odd)
        return request

    def answer(self, s, request):
        body = json.dumps({"target": request.target, "body": len(request.body)}).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        s.sendall(head if request.method == "HEAD" else head + body)

    def close(self):
        self.listener.close()
