#!/usr/bin/env python3
"""A service that has PLACES and needs SECONDS of one for each request; who finds none waits in line. Prints its port.

A process of its own: beside a hundred clients in one interpreter it would wait for the interpreter, not for its places. A
place is free when it was to be free, not when the machine woke us: what it bears does not hang on what else runs.

usage: slow_service.py PLACES SECONDS
"""
import asyncio
import heapq
import os
import sys


async def main():
    places, seconds = [0.0] * int(sys.argv[1]), float(sys.argv[2])  # when each is free, the next first
    clock = asyncio.get_running_loop().time

    async def serve(reader, writer):
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):  # GET alone: no body
                if not request.startswith(b"GET /health "):
                    done = max(places[0], clock()) + seconds
                    heapq.heapreplace(places, done)
                    await asyncio.sleep(done - clock())
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client left
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until who started it closes the pipe, or ends
    os._exit(0)


asyncio.run(main())
