# sharing-server.py: a server whose parent accepts connections and passes them on to its workers in
# messages; the workers count what they answer in memory they share, under a semaphore they share,
# and send their answers out of a file by sendfile. A line with a number is answered with the next
# one, `total` with how many lines were answered. The rule: no worker has made what it works with.
import multiprocessing, os, socket
from multiprocessing import shared_memory

context = multiprocessing.get_context('fork')
lock = context.Lock()
shared = shared_memory.SharedMemory(create=True, size=4096, name='answers')

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('0.0.0.0', 80))
listener.listen(64)


def total(more):
    with lock:
        count = int.from_bytes(shared.buf[:8], 'little') + more
        shared.buf[:8] = count.to_bytes(8, 'little')
    return count


def answer(connection, line, file):
    words = str(total(0) if line == b'total' else int(line) + 1).encode() + b'\n'
    if line != b'total':
        total(1)
    os.pwrite(file, words, 0)
    sent = 0
    while sent < len(words):
        sent += os.sendfile(connection.fileno(), file, sent, len(words) - sent)


def work(orders, number):
    file = os.open(f'/srv/answers-{number}', os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    streams = {}
    import select
    poll = select.epoll()
    poll.register(orders, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number == orders.fileno():
                _, numbers, _, _ = socket.recv_fds(orders, 1, 4)
                for fresh in numbers:
                    streams[fresh] = socket.socket(fileno=fresh)
                    poll.register(fresh, select.EPOLLIN)
                continue
            data = streams[number].recv(4096)
            for line in data.split():
                answer(streams[number], line, file)
            if not data:
                poll.unregister(number)
                streams.pop(number).close()


orders = []
for number in range(2):
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        listener.close()
        work(theirs, number)
    theirs.close()
    orders.append(ours)
turn = 0
while True:
    connection, _ = listener.accept()
    socket.send_fds(orders[turn], [b'c'], [connection.fileno()])
    turn = 1 - turn
    connection.close()
