# terminal-server.py: a shell on a pseudo terminal, for one client after the other: a line of the
# client's is typed there, with \n, \x03 and so on written out; the answer is what the terminal
# shows up to the mark that the line ends with, in hexadecimal. The rule: the shell is started once.
import os, pty, socket

shell, master = pty.fork()
if shell == 0:
    os.environ['PS1'] = ''
    os.execv('/bin/bash', ['bash', '--norc', '--noprofile', '-i'])

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('', 80))
listener.listen(8)
while True:
    client, _ = listener.accept()
    with client, client.makefile('rwb', buffering=0) as lines:
        for line in lines:
            typed, mark = line.rstrip(b'\n').split(b'|')
            os.write(master, typed.decode('unicode_escape').encode('latin-1'))
            shown = b''
            while mark not in shown:
                shown += os.read(master, 1000)
            lines.write(shown.hex().encode() + b'\n')
