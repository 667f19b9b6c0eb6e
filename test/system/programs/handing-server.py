# handing-server.py: answers each line of a connection in another way: a child writes it, closes its
# number and ends; a copy of the number writes it and is closed; a child writes it and dies by a
# signal; a copy writes it and makes room for another file; a child writes it and executes `true`.
# The rule: whoever wrote is gone, or has let go, before the answer can have left.
import os
import signal
import socket

server = socket.create_server(('0.0.0.0', 80), reuse_port=False)
nothing = os.open('/dev/null', os.O_WRONLY)


def child(number, answer, end):
    pid = os.fork()
    if pid == 0:
        os.write(number, answer)
        end(number)
    os.waitpid(pid, 0)


def copy(number, answer, end):
    other = os.dup(number)
    os.write(other, answer)
    end(other)


def close_and_exit(number):
    os.close(number)
    os._exit(0)


ways = [
    lambda number, answer: child(number, answer, close_and_exit),
    lambda number, answer: copy(number, answer, os.close),
    lambda number, answer: child(number, answer, lambda _: os.kill(os.getpid(), signal.SIGTERM)),
    lambda number, answer: copy(number, answer, lambda other: os.dup2(nothing, other)),
    lambda number, answer: child(number, answer, lambda _: os.execv('/bin/true', ['true'])),
]
while True:
    connection, _ = server.accept()
    lines = connection.makefile('rb')
    for count, line in enumerate(lines):
        ways[count % len(ways)](connection.fileno(), line.strip() + b' %d\n' % (count % len(ways)))
    lines.close()
    connection.close()
