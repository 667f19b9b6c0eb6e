# local-server.py: a server whose processes talk through Unix sockets with names: of streams and
# of whole messages, files and abstract, bound and found by the kernel. Clients come to port 80; a
# line with a number goes through all of the back's sockets in turn, each of which adds one. `fresh`
# connects anew first and says how many there are, `peers` says what each connection shows of its
# peer. A process outside of the program may connect to /run/outside.
# The rule: a connection is made once, and only `fresh` makes another.
import os, select, socket, struct, sys

STREAM, PACKET, DATAGRAM = socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM
NAMES = [('/run/stream', STREAM), ('\0abstract', STREAM), ('/run/packet', PACKET),
         ('/run/datagram', DATAGRAM)]


def listen(name, kind):
    if name.startswith('/') and os.path.exists(name):
        os.unlink(name)
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind(name)
    if kind != DATAGRAM:
        s.listen(16)
    return s


def back(listeners, outside):
    poll = select.epoll()
    known = {s.fileno(): (s, kind, True) for s, (name, kind) in zip(listeners, NAMES)}
    known[outside.fileno()] = outside, STREAM, True
    for number in known:
        poll.register(number, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            s, kind, listens = known[number]
            if kind == DATAGRAM:
                line, who = s.recvfrom(4096)
                s.sendto(str(int(line) + 1).encode(), who)
            elif listens:
                stream, _ = s.accept()
                known[stream.fileno()] = stream, kind, False
                poll.register(stream, select.EPOLLIN)
            else:
                data = s.recv(4096)
                for line in data.split():
                    s.send(str(int(line) + 1).encode() + b'\n')
                if not data:
                    poll.unregister(number)
                    known.pop(number)[0].close()


def connect(name, kind):
    s = socket.socket(socket.AF_UNIX, kind)
    if kind == DATAGRAM:
        s.bind('')  # the kernel finds a name, for the answers
    s.connect(name)
    return s


def shown(s):
    pid, uid, gid = struct.unpack('3i', s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return f'{s.getpeername()!r}/{s.getsockname()!r}/{pid}'.replace(' ', '')


def front(listener):
    ways = [connect(*name) for name in NAMES]
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    streams = {}
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                stream, _ = listener.accept()
                streams[stream.fileno()] = stream
                poll.register(stream, select.EPOLLIN)
                continue
            data = streams[number].recv(4096)
            for line in data.split():
                if line == b'peers':
                    answer = ' '.join(shown(s) for s in ways)
                else:
                    if line == b'fresh':
                        ways.extend([connect(*name) for name in NAMES])
                    answer = 0 if line == b'fresh' else int(line) - len(ways) + 1
                    for s in ways:
                        s.send(str(answer).encode())
                        answer = int(s.recv(100))
                streams[number].sendall(f'{answer}\n'.encode())
            if not data:
                poll.unregister(number)
                streams.pop(number).close()


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('0.0.0.0', 80))
listener.listen(16)
locals_ = [listen(*name) for name in NAMES]
outside = listen('/run/outside', STREAM)
if os.fork() == 0:
    listener.close()
    back(locals_, outside)
for s in locals_ + [outside]:
    s.close()
front(listener)
