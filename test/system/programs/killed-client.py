# killed-client.py HOST [lost]: is answered by two children of killed-server.py, has them ended, and
# waits for the end of each connection; with `lost`, by one whose end its parent does not ask for.
# Says DONE, or ends with 1 and a sentence.
# The rule: a connection whose process was ended is not left waiting.
import socket, sys, time

host = sys.argv[1]


def connect(port):
    end = time.monotonic() + 20
    while True:
        try:
            s = socket.create_connection((host, port), timeout=20)
            return s, s.makefile('rwb')
        except OSError:
            if time.monotonic() > end:
                raise


def ask(stream, line):
    stream.write(line + b'\n')
    stream.flush()
    return stream.readline().strip()


control = connect(80)[1]
if sys.argv[2:]:
    s, stream = connect(83)
    if ask(stream, b'hello') != b'hello' or ask(control, b'LOSE 83') != b'ok':
        sys.exit('83: no answer')
    s.settimeout(0.2)
    for _ in range(100):
        ask(control, b'STATE 83')
        try:
            if s.recv(100) == b'':
                break
        except TimeoutError:
            continue
        except OSError as error:
            sys.exit(f'83: {error}')
    else:
        sys.exit('83: its connection did not end')
    print('DONE', flush=True)
    sys.exit(0)
for port, how, status in ((81, b'TERM', b'15'), (82, b'KILL', b'9')):
    s, stream = connect(port)
    if ask(stream, b'hello') != b'hello':
        sys.exit(f'{port}: no answer')
    told = ask(control, how + b' %d' % port)
    if told != status:
        sys.exit(f'{port}: ended with {told}')
    try:
        if stream.readline() != b'':
            sys.exit(f'{port}: something was said')
    except OSError as error:
        sys.exit(f'{port}: {error}')
print('DONE', flush=True)
