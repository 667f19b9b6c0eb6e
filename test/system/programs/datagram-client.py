# datagram-client.py VIP ADDRESS: asks datagram-server.c in all its ways at once, each client one
# question at a time, repeated until it is answered, until its standard input ends; a word there
# lets them rest until the next. Says READY when each client has an answer, then how many it has; at
# the end DONE. Ends with 1 and a sentence at the first answer that contradicts an earlier one.
# The rule: a datagram may be lost, and what was answered once stays true.
import os, select, socket, struct, sys, time

vip, own = sys.argv[1], sys.argv[2]
PORTS = range(5301, 5307)
GROUP = 5305
EACH = 3
again_after = 0.1

rests = False  # a word on the standard input: nobody asks any more, until the next
given = {}  # total: the client and question that it was given to


class Asker:
    def __init__(self, number, port):
        self.number, self.port, self.sequence, self.total = number, port, 0, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.to = (vip, port)
        if port == GROUP:  # its answer comes from whatever port the server's socket has
            self.to = ('239.7.7.7', port)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                                   socket.inet_aton(own))
            self.socket.bind((own, 0))
            self.sources = set()
        else:
            self.socket.connect(self.to)
        self.ask()

    def ask(self):
        self.waits = rests
        if not rests:
            self.sequence += 1
            self.send()

    def send(self):
        self.at = time.monotonic()
        words = struct.pack('=II', self.number, self.sequence)
        try:
            if self.port == GROUP:
                self.socket.sendto(words, self.to)
            else:
                self.socket.send(words)
        except OSError:
            pass  # while nobody has the address

    def hear(self):
        try:
            words, source = self.socket.recvfrom(100)
        except OSError:
            return
        number, sequence, total = struct.unpack('=IIQ', words)
        if number != self.number or total == 2 ** 64 - 1:
            sys.exit(f'{self.port}: question {sequence} of {number} was answered as if others '
                     f'had not been; here are {self.number}, {self.sequence}')
        if given.setdefault(total, (number, sequence)) != (number, sequence):
            sys.exit(f'{self.port}: {total} was given to {given[total]} and to '
                     f'{(number, sequence)}')
        if self.port == GROUP:
            self.sources.add(source[1])
        if sequence == self.sequence and not self.waits:
            if total <= self.total:
                sys.exit(f'{self.port}: {total} after {self.total}')
            self.total = total
            self.ask()


askers = [Asker(i * len(PORTS) + n, port) for i in range(EACH) for n, port in enumerate(PORTS)]
poll = select.epoll()
by_number = {asker.socket.fileno(): asker for asker in askers}
for number in by_number:
    poll.register(number, select.EPOLLIN)
poll.register(sys.stdin, select.EPOLLIN)
told = 0
while True:
    for number, _ in poll.poll(0.02):
        if number not in by_number and os.read(0, 100):
            rests = not rests
            for asker in askers:
                if asker.waits:
                    asker.ask()
            continue
        if number not in by_number:
            ports = sorted({len(a.sources) for a in askers if a.port == GROUP})
            print('DONE', ports, flush=True)
            os._exit(0)
        by_number[number].hear()
    now = time.monotonic()
    for asker in askers:
        if now - asker.at > again_after and not asker.waits:
            asker.send()
    if rests and all(asker.waits for asker in askers):
        print('RESTS', flush=True)
        poll.poll()
    least = min(asker.sequence for asker in askers) - 1
    if least > told:
        print('READY' if told == 0 else '', least, flush=True)
        told = least
