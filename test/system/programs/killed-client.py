# killed-client.py HOST: is answered by both children of killed-server.py, has them ended, and waits
# for the end of each connection. Says DONE, or ends with 1 and a sentence.
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
