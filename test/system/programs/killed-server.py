# killed-server.py: a parent and children, each of which answers lines on a port of its own, 81 and
# on. A line `TERM 81` or `KILL 82` on port 80 ends that child by the signal; the answer is the
# status the parent was given. `LOSE` ends it and does not ask; `STOP` and `CONT` are answered when
# it is so; `STATE` is as in /proc. The rule: a child does nothing about signals, and never closes.
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
    if words[0] == b'STATE':
        with open(f'/proc/{child}/stat') as stat:
            return stat.read().rsplit(')', 1)[1].split()[0].encode()
    if words[0] in (b'STOP', b'CONT'):
        os.kill(child, signal.SIGSTOP if words[0] == b'STOP' else signal.SIGCONT)
        os.waitpid(child, os.WUNTRACED if words[0] == b'STOP' else os.WCONTINUED)
        return b'ok'
    if words[0] == b'LOSE':
        os.kill(child, signal.SIGKILL)
        return b'ok'
    os.kill(child, signal.SIGTERM if words[0] == b'TERM' else signal.SIGKILL)
    return str(os.waitpid(child, 0)[1]).encode()


children = {}
for port in (81, 82, 83, 84):
    listener = listen(port)
    child = os.fork()
    if child == 0:
        serve(listener, lambda words: words[0])
    children[port] = child
    listener.close()
serve(listen(80), end)
