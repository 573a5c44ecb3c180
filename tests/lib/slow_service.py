#!/usr/bin/env python3
"""A service that answers PLACES requests at once, each after SECONDS; the others wait in line. Prints its port.

A process of its own: beside a hundred clients in one interpreter it would wait for the interpreter, not for its places.

usage: slow_service.py PLACES SECONDS
"""
import asyncio
import os
import sys


async def main():
    places, seconds = asyncio.Semaphore(int(sys.argv[1])), float(sys.argv[2])

    async def serve(reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):  # GET alone: no body
                async with places:
                    await asyncio.sleep(seconds)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client left
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until who started it closes the pipe, or ends
    os._exit(0)


asyncio.run(main())
