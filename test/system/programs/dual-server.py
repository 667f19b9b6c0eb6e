# dual-server.py: a server on [::]:80, for both versions of IP, as many servers listen by default. A
# line with a number is answered with the next one, `peer` with the client's address as accept gave
# it and as the socket says. One UDP socket on [::]:80 answers the same way.
# The rule: clients of IPv4 are seen by their mapped addresses, and by nothing else.
import select, socket


def words(line, names):
    return ' '.join(names).encode() if line == b'peer' else str(int(line) + 1).encode()


listener = socket.socket(socket.AF_INET6)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
listener.bind(('::', 80))
listener.listen(64)
datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
datagrams.bind(('::', 80))
poll = select.epoll()
poll.register(listener, select.EPOLLIN)
poll.register(datagrams, select.EPOLLIN)
streams = {}
while True:
    for number, _ in poll.poll():
        if number == listener.fileno():
            stream, peer = listener.accept()
            streams[stream.fileno()] = stream, peer
            poll.register(stream, select.EPOLLIN)
        elif number == datagrams.fileno():
            line, peer = datagrams.recvfrom(4096)
            datagrams.sendto(words(line.strip(), [peer[0]]), peer)
        else:
            stream, peer = streams[number]
            data = stream.recv(4096)
            for line in data.split():
                stream.sendall(words(line, [peer[0], stream.getpeername()[0]]) + b'\n')
            if not data:
                poll.unregister(number)
                streams.pop(number)[0].close()
