# within-server.py: a server that has TCP connections with itself, over the loopback interface. Each
# line of a client of port 80 goes to a process of the server's and to a thread of the same process,
# and each of them adds one. `rest` then asks after connections that were left in the middle of
# things when the server began: `as it was`, or what is wrong. The rule: what `rest` finds was sent
# before the first client came.
import os, select, signal, socket, threading

BIG, LONG = bytes(i * 7 % 251 for i in range(100_000)), bytes(i % 241 for i in range(50_000))


def listen(address):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(address)
    s.listen(16)
    return s


def dial(port, waits=True):
    s = socket.socket()
    s.setblocking(waits)
    try:
        s.connect(('127.0.0.1', port))
    except BlockingIOError:
        select.select([], [s], [])
    s.setblocking(True)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def pair(listener):
    ours = dial(listener.getsockname()[1])
    return ours, listener.accept()[0]


def everything(s, least=0):
    data = b''
    while not least or len(data) < least:
        piece = s.recv(65536)
        if not piece:
            break
        data += piece
    return data


def adds(listener):
    s, _ = listener.accept()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for line in s.makefile():
        s.sendall(b'%d\n' % (int(line) + 1))


def rest():
    if everything(full[1], len(BIG)) != BIG:
        return 'what nobody had read is not there'
    full[1].sendall(b'back')
    if full[0].recv(100) != b'back':
        return 'its other direction is not there'
    if everything(closed) != LONG:
        return 'what a closed end had sent is not there'
    if everything(shut[1]) != b'half' or everything(shut[0], 5) != b'other':
        return 'a half-closed connection is not as it was'
    s, who = queue.accept()
    if who != queued.getsockname() or s.recv(100) != b'queued':
        return 'a connection that was not accepted is not there'
    return 'as it was'


def serve(client, ways):
    for line in client.makefile():
        if line == 'rest\n':
            client.sendall(rest().encode() + b'\n')
            continue
        number = int(line) - len(ways) + 1
        for s, answers in ways:
            s.sendall(b'%d\n' % number)
            number = int(answers.readline())
        client.sendall(b'%d\n' % number)


inner, other, queue = (listen(('127.0.0.1', port)) for port in (8100, 8101, 8102))
front = listen(('0.0.0.0', 80))
for listener, is_process in (inner, True), (other, False):
    if not is_process or os.fork() == 0:
        for _ in range(8):
            threading.Thread(target=adds, args=(listener,)).start()
        if is_process:
            front.close()
            signal.pause()

full, shut = pair(queue), pair(queue)
full[0].sendall(BIG)
closing, closed = pair(queue)
closing.sendall(LONG)
closing.close()
shut[0].sendall(b'half')
shut[0].shutdown(socket.SHUT_WR)
shut[1].sendall(b'other')
queued = dial(8102)
queued.sendall(b'queued')
while True:
    client, _ = front.accept()
    dialled = [dial(8100), dial(8101, waits=False)]
    ways = [(s, s.makefile()) for s in dialled]
    threading.Thread(target=serve, args=(client, ways)).start()
