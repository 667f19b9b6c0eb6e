"""takeover-client.py: sockets on demand, for the client's side of a takeover. One line of JSON in,
one out. Every stream is the pattern of takeover-server.c; whoever reads compares each byte with it.
The rule: it never says that bytes were right unless it has compared them."""
import json
import select
import socket
import struct
import sys
import time

BLOCK = bytes(((i * 7 + (i >> 8)) & 255) for i in range(65536))
PATTERN = BLOCK * 64


class Peer:
    def __init__(self, sock):
        self.sock, self.sent, self.got = sock, 0, 0


peers = {}


def pattern(at, n):
    return PATTERN[at % 65536:at % 65536 + n]


def connect(name, host, port, rcvbuf=0, seconds=20):
    """A server that is just being started is waited for."""
    end = time.monotonic() + seconds
    while True:
        s = socket.socket()
        if rcvbuf:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        s.settimeout(seconds)
        try:
            s.connect((host, port))
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            continue
        peers[name] = Peer(s)
        return {"port": s.getsockname()[1]}


def listen(name, host, port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, port))
    s.listen(8)
    s.settimeout(20)
    peers[name] = Peer(s)
    return {}


def accept(name, listener):
    s, who = peers[listener].sock.accept()
    s.settimeout(20)
    peers[name] = Peer(s)
    return {"from": who[0]}


def datagrams(name):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peers[name] = Peer(s)
    return {}


def say(name, text):
    peers[name].sock.sendall(text.encode())
    return {}


def send(name, n):
    peer = peers[name]
    while n:
        k = peer.sock.send(pattern(peer.sent, min(n, 1 << 20)))
        peer.sent += k
        n -= k
    return {"sent": peer.sent}


def read(name, n, seconds=30):
    """Up to n bytes, or the end; n = -1: to the end."""
    peer, end, exact, eof, error = peers[name], time.monotonic() + seconds, True, False, None
    got = 0
    try:
        while n < 0 or got < n:
            peer.sock.settimeout(max(0.01, end - time.monotonic()))
            data = peer.sock.recv(1 << 16 if n < 0 else min(n - got, 1 << 16))
            if not data:
                eof = True
                break
            exact = exact and data == pattern(peer.got, len(data))
            peer.got += len(data)
            got += len(data)
    except OSError as e:
        error = type(e).__name__
    return {"bytes": got, "exact": exact, "eof": eof, "error": error}


def line(name, seconds=30):
    peer, text = peers[name], b""
    peer.sock.settimeout(seconds)
    while not text.endswith(b"\n"):
        data = peer.sock.recv(4096)
        if not data:
            raise EOFError(name)
        text += data
    return json.loads(text)


def ask(name, text, seconds=30):
    say(name, text + "\n")
    return line(name, seconds)


def shut(name):
    peers[name].sock.shutdown(socket.SHUT_WR)
    return {}


def reset(name):
    peers[name].sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peers.pop(name).sock.close()
    return {}


def close(name):
    peers.pop(name).sock.close()
    return {}


def echo(name, host, port, text, seconds=20):
    """A datagram, again until an answer comes; how many came for it within a moment."""
    sock, end, answers, asked = peers[name].sock, time.monotonic() + seconds, [], 0
    while not answers and time.monotonic() < end:
        sock.sendto(text.encode(), (host, port))
        asked += 1
        while select.select([sock], [], [], 0.3)[0]:
            answers.append(sock.recv(2048).decode())
    return {"answers": answers, "asked": asked}


for words in sys.stdin:
    order = json.loads(words)
    op = order.pop("op")
    print(json.dumps(globals()[op](**order)), flush=True)
