# changing-client.py HOST: takes changing-server's streams, little by little, but for the end of
# each; says READY, waits for a line, then reads the rest; says how many messages there were, and
# how many were not all of one byte. The rule: little room to receive, so that the end is still the
# server's.
import select, socket, sys, time

host, total, short, long = sys.argv[1], 393216, 8192, 65536
connections = []
while len(connections) < 8:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    one.settimeout(30)
    try:
        one.connect((host, 80))
    except OSError:
        time.sleep(0.05)
        continue
    connections.append(one)


def take(one, most):
    got = b''
    while len(got) < most:
        part = one.recv(most - len(got))
        if not part:
            break
        got += part
    return got


streams = [b''] * len(connections)
wanted = [3000 if at in (0, 2, 4) else total - 60000 - 1111 * at for at in range(8)]
while open_ones := [at for at in range(8) if len(streams[at]) < wanted[at]]:
    ready = select.select([connections[at] for at in open_ones], [], [], 30)[0]
    for at in open_ones:
        if connections[at] in ready:
            streams[at] += connections[at].recv(min(3000, wanted[at] - len(streams[at])))
print('READY', flush=True)
sys.stdin.readline()
whole = torn = 0
for at, one in enumerate(connections):
    stream = streams[at] + take(one, total - len(streams[at]))
    size = short if at < 6 else long
    for begin in range(0, total, size):
        message = stream[begin:begin + size]
        if message == message[:1] * size:
            whole += 1
        else:
            torn += 1
            print(f'connection {at}, byte {begin}: {len(message)} bytes, {sorted(set(message))}',
                  flush=True)
print(f'whole {whole} torn {torn}', flush=True)
