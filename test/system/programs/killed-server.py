# killed-server.py: a parent and two children, each of which answers lines on a port of its own, 81
# and 82. A line `TERM 81` or `KILL 82` on port 80 ends that child by the signal; the answer is the
# status the parent was given. The rule: a child does nothing about signals, and never closes.
import os, signal, socket


def listen(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('0.0.0.0', port))
    s.listen(8)
    return s


def serve(listener, answer):
    while True:
        stream, _ = listener.accept()
        lines = stream.makefile('rwb')
        for line in lines:
            lines.write(answer(line.split()) + b'\n')
            lines.flush()


def end(words):
    child = children[int(words[1])]
    os.kill(child, signal.SIGTERM if words[0] == b'TERM' else signal.SIGKILL)
    return str(os.waitpid(child, 0)[1]).encode()


children = {}
for port in (81, 82):
    listener = listen(port)
    child = os.fork()
    if child == 0:
        serve(listener, lambda words: words[0])
    children[port] = child
    listener.close()
serve(listen(80), end)
