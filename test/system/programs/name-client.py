# name-client.py SERVER NAME SECONDS: asks a name server for an address, by UDP, again until it is
# answered, and says the address. The rule: an answer from any other address than SERVER is none.
import os, select, socket, struct, sys, time

server, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((server, 53))
number = os.urandom(2)
question = b''.join(bytes([len(part)]) + part.encode() for part in name.split('.')) + b'\0'
end = time.monotonic() + seconds
while time.monotonic() < end:
    try:
        s.send(number + struct.pack('>HHHHH', 0x100, 1, 0, 0, 0) + question + b'\0\1\0\1')
        if not select.select([s], [], [], 0.3)[0]:
            continue
        answer = s.recv(1000)
    except OSError:
        time.sleep(0.1)
        continue
    if answer[:2] == number and struct.unpack('>H', answer[6:8])[0] > 0:
        print('.'.join(str(byte) for byte in answer[-4:]))
        sys.exit(0)
sys.exit('no answer')
