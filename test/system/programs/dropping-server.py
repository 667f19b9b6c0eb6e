# dropping-server.py: a server that binds a low port as root and then becomes www-data, as daemons
# do: groups, group, user. Its child serves beside it on the same listener; its threads write files;
# `id` in a line is answered by a program that it executes. A line with a number is answered with
# the next one. The rule: it never asks who it is before it answers, it only is.
import os, socket, subprocess, sys, threading

os.makedirs('/srv/data', mode=0o755, exist_ok=True)
os.chown('/srv/data', 33, 33)
with open('/srv/as-root', 'w') as file:
    file.write('written before\n')
os.chmod('/srv/as-root', 0o600)

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('0.0.0.0', 80))
listener.listen(64)

os.setgroups([33, 4])
os.setresgid(33, 33, 33)
os.setresuid(33, 33, 33)
is_parent = os.fork() != 0
kept = open(f'/srv/data/{"parent" if is_parent else "child"}', 'a', buffering=1)


def answer(line):
    if line == 'id':
        return subprocess.run(['id', '-u'], capture_output=True, text=True).stdout.strip()
    if line == 'secret':
        try:
            return open('/srv/as-root').read().strip()
        except PermissionError:
            return 'denied'
    if line.startswith('make '):
        with open(f'/srv/data/{line[5:]}', 'x') as file:
            file.write('made\n')
        return 'made'
    kept.write(line + '\n')
    return str(int(line) + 1)


def serve(connection):
    with connection, connection.makefile('rw', newline='\n') as stream:
        for line in stream:
            stream.write(answer(line.strip()) + '\n')
            stream.flush()


while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
