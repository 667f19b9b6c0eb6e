# keep-client.py HOST PORT KIND CONNECTIONS: opens connections once, and asks on all of them, round
# after round, until its standard input ends. Says READY after the first round and at its end how
# many rounds there were; ends with 1 and a sentence at the first answer that is wrong or missing.
# The rule: a connection is never opened a second time.
import select, socket, struct, sys, time

host, port, kind, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])


class Lines:
    def __init__(self, stream, number):
        self.stream = stream
        self.n = number * 1000000

    def greet(self):
        pass

    def ask(self):
        self.stream.write(b'%d\n' % self.n)
        self.n += 1

    def hear(self):
        return self.stream.readline() == b'%d\n' % self.n


class Http(Lines):
    def ask(self):
        self.stream.write(b'GET /page HTTP/1.1\r\nHost: pair\r\n\r\n')

    def hear(self):
        head = self.stream.readline()
        length = 0
        while (line := self.stream.readline()) not in (b'\r\n', b''):
            name, _, value = line.partition(b':')
            if name.lower() == b'content-length':
                length = int(value)
        return head == b'HTTP/1.1 200 OK\r\n' and self.stream.read(length) == b'the page\n'


class Memcached(Lines):
    def greet(self):
        self.key = b'key%d' % self.n
        self.stream.write(b'set %s 0 0 1\r\n1\r\n' % self.key)
        self.stream.flush()
        assert self.stream.readline() == b'STORED\r\n'
        self.n = 1

    def ask(self):
        self.stream.write(b'incr %s 1\r\n' % self.key)
        self.n += 1

    def hear(self):
        return self.stream.readline() == b'%d\r\n' % self.n


class Mqtt(Lines):
    """Subscribes to a topic of its own and publishes to it: every word must come back."""

    def packet(self, kind, body):
        self.stream.write(bytes([kind, len(body)]) + body)

    def text(self, words):
        return struct.pack('>H', len(words)) + words

    def greet(self):
        name = b'client%d' % self.n
        self.topic = b'topic/%d' % self.n
        self.packet(0x10, self.text(b'MQTT') + b'\x04\x02\x00\x00' + self.text(name))
        self.packet(0x82, b'\x00\x01' + self.text(self.topic) + b'\x00')
        self.stream.flush()
        assert self.stream.read(4) == b'\x20\x02\x00\x00'
        assert self.stream.read(5) == b'\x90\x03\x00\x01\x00'

    def ask(self):
        self.n += 1
        self.words = self.text(self.topic) + b'%d' % self.n
        self.packet(0x30, self.words)

    def hear(self):
        head = self.stream.read(2)
        return head == bytes([0x30, len(self.words)]) and self.stream.read(head[1]) == self.words


def open_one(number):
    deadline = time.monotonic() + 60
    while True:
        try:
            connection = socket.create_connection((host, port), timeout=5)
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    connection.settimeout(20)
    asker = {'lines': Lines, 'http': Http, 'memcached': Memcached, 'mqtt': Mqtt}[kind]
    one = asker(connection.makefile('rwb'), number)
    one.greet()
    return one


askers = [open_one(number) for number in range(1, count + 1)]
rounds = 0
while True:
    for number, one in enumerate(askers):
        try:
            one.ask()
            one.stream.flush()
            is_right = one.hear()
        except OSError as error:
            sys.exit(f'connection {number}, round {rounds}: {error}')
        if not is_right:
            sys.exit(f'connection {number}, round {rounds}: a wrong answer, or none')
    rounds += 1
    print('READY' if rounds == 1 else rounds, flush=True)
    if select.select([sys.stdin], [], [], 0.02)[0]:
        break
print('DONE', flush=True)
