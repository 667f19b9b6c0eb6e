# asynchronous.py: keeps values: PUT stores a body under its path, GET gives it back; asyncio. The
# length in the answer is counted by a child process now and then, to which the body is piped.
# The rule: nothing blocks the one event loop.
import asyncio

values = {}
stored = 0


async def counted(body):
    child = await asyncio.create_subprocess_exec(
        '/usr/bin/wc', '-c', stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    output, _ = await child.communicate(body)
    return int(output)


async def answer(method, path, body):
    global stored
    if method == 'GET':
        return (200, values[path]) if path in values else (404, b'none')
    values[path] = body
    stored += 1
    length = await counted(body) if stored % 8 == 0 else len(body)
    return 200, b'stored %d' % length


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b'\r\n\r\n')).decode()
            method, path, _ = head.split(' ', 2)
            fields = dict(line.split(': ') for line in head.strip().split('\r\n')[1:])
            body = await reader.readexactly(int(fields.get('Content-Length', 0)))
            status, reply = await answer(method, path, body)
            writer.write(b'HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n' % (status, len(reply)))
            writer.write(reply)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    server = await asyncio.start_server(serve, '0.0.0.0', 8000, backlog=128)
    await server.serve_forever()


asyncio.run(main())
