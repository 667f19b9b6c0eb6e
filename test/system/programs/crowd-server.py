# crowd-server.py: one process accepts, and all of its eight children hold every connection: each
# line of a client is read and answered by another of them. A ninth process does nothing but read
# the clock, so that it is likely the first to go live, and holds no connection.
# The rule: whoever answers shares the connection with seven that sleep.
import os
import select
import socket
import time

CONNECTIONS, CHILDREN = 24, 8

if os.fork():
    while True:
        time.sleep(0.002)

server = socket.create_server(('0.0.0.0', 80))
connections = [server.accept()[0] for _ in range(CONNECTIONS)]


def answer(jobs):
    while job := os.read(jobs, 1):
        connection = connections[job[0]]
        connection.sendall(b'%d\n' % (int(connection.recv(4096)) + 1))
        os.write(done[1], job)


done = os.pipe()
pipes = []
for _ in range(CHILDREN):
    jobs = os.pipe()
    pipes.append(jobs[1])
    if os.fork() == 0:
        os.close(jobs[1])
        answer(jobs[0])
        os._exit(0)

turn = 0
while True:
    readable, _, _ = select.select(connections, [], [])
    for connection in readable:
        turn += 1
        os.write(pipes[turn % CHILDREN], bytes([connections.index(connection)]))
        os.read(done[0], 1)
