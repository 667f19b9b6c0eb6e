"""A server and its clients in one event loop. Prints what depends on time and order."""
import asyncio
import os
import random
import time


async def serve(reader, writer):
    line = await reader.readline()
    writer.write(line.upper())
    await writer.drain()
    writer.close()


async def client(port, number, seen):
    await asyncio.sleep(random.random() / 100)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"client %d\n" % number)
    seen.append((await reader.readline()).decode().strip())
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    seen = []
    await asyncio.gather(*(client(port, i, seen) for i in range(4)))
    server.close()
    print(os.getpid(), time.time(), seen, flush=True)


asyncio.run(main())
