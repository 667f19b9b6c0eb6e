"""dialling-server.py: a server in front of another: for each client it opens a connection to the
one behind it and passes on what comes, both ways. Usage: dialling-server.py ADDRESS HOST PORT
One thread, sockets that never block, connect included. A line `own` from a client is answered with
the address its connection to the other server comes from. The rule: it ends what is ended, and
when one of a couple is reset it says so on standard error."""
import selectors
import socket
import sys

address, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
selector = selectors.DefaultSelector()
other, waiting = {}, {}


def watch(sock):
    events = selectors.EVENT_READ | (selectors.EVENT_WRITE if waiting[sock] else 0)
    selector.modify(sock, events)


def add(sock, partner):
    sock.setblocking(False)
    other[sock], waiting[sock] = partner, b""
    selector.register(sock, selectors.EVENT_READ)


def end(sock):
    for each in (sock, other.get(sock)):
        if each in waiting:
            selector.unregister(each)
            del waiting[each], other[each]
            each.close()


def flush(sock):
    try:
        waiting[sock] = waiting[sock][sock.send(waiting[sock]):]
    except (BlockingIOError, InterruptedError):
        pass
    watch(sock)


def on_client(listener):
    client, _ = listener.accept()
    behind = socket.socket()
    add(client, behind)
    add(behind, client)
    behind.connect_ex((host, port))


def on_bytes(sock):
    data = sock.recv(65536)
    if not data:
        return end(sock)
    to = other[sock]
    if data == b"own\r\n":
        data, to = f"+{to.getsockname()[0]}\r\n".encode(), sock
    waiting[to] += data
    flush(to)


listener = socket.create_server((address, 80), backlog=64)
selector.register(listener, selectors.EVENT_READ)
while True:
    for key, mask in selector.select():
        sock = key.fileobj
        if sock is listener:
            on_client(sock)
            continue
        try:
            if mask & selectors.EVENT_WRITE and sock in waiting:
                error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error:
                    raise OSError(error, "behind")
                flush(sock)
            if mask & selectors.EVENT_READ and sock in waiting:
                on_bytes(sock)
        except BlockingIOError:
            pass
        except OSError as error:
            print(f"lost: {error}", file=sys.stderr, flush=True)
            end(sock)
