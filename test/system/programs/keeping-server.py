# keeping-server.py: keeps what it is told in files: a log that is appended to and now and then
# written anew and renamed, a table by pwrite, and an index by a shared mapping; a child of it holds
# locks. `put N` changes all of them; `check` reads them back and says what is wrong; `fresh` makes
# files and says whether one is taken for another. The rule: a file it knows is known by its inode.
import fcntl, mmap, os, socket, struct, subprocess

LOG, NEW, TABLE, INDEX, LOCK = 'log', 'log.new', 'table', 'index', 'lock'
MAKE = os.O_RDWR | os.O_CREAT
os.makedirs('/srv/kept', exist_ok=True)
os.chdir('/srv/kept')
entries, table, index_words = [], {}, {}


def identity(status):
    return status.st_dev, status.st_ino


def open_file(path):
    number = os.open(path, MAKE | (os.O_APPEND if path == LOG else 0), 0o600)
    known[path] = identity(os.fstat(number))
    return number


known = {}
numbers = {path: open_file(path) for path in (LOG, TABLE, INDEX, LOCK)}
os.ftruncate(numbers[INDEX], 8192)
index = mmap.mmap(numbers[INDEX], 8192)


def record_lock(kind, start, command=fcntl.F_SETLK):
    words = struct.pack('hhqqi4x', kind, os.SEEK_SET, start, 1, 0)
    fcntl.fcntl(numbers[LOCK], command, words)


def holder(orders, answers):
    """Holds bytes 0 and 1 of the lock file, and waits for byte 2, which the parent holds."""
    whole = os.open(LOCK, os.O_RDWR)
    fcntl.flock(whole, fcntl.LOCK_EX)
    record_lock(fcntl.F_WRLCK, 0)
    fcntl.fcntl(whole, fcntl.F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 1, 1, 0))
    record_lock(fcntl.F_WRLCK, 4)
    record_lock(fcntl.F_UNLCK, 4)
    os.write(answers, b'h')
    record_lock(fcntl.F_WRLCK, 2, fcntl.F_SETLKW)
    os.write(answers, b'w')
    os.read(orders, 1)
    os._exit(0)


ours, theirs = socket.socketpair()
record_lock(fcntl.F_WRLCK, 2)
if os.fork() == 0:
    ours.close()
    holder(theirs.fileno(), theirs.fileno())
theirs.close()
ours.recv(1)
record_lock(fcntl.F_UNLCK, 2)
ours.recv(1)


def is_free(take):
    try:
        take()
        return True
    except BlockingIOError:
        return False


def locks():
    byte = [is_free(lambda at=at: record_lock(fcntl.F_WRLCK, at)) for at in range(5)]
    record_lock(fcntl.F_UNLCK, 4)
    other = os.open(TABLE, os.O_RDWR)
    os.close(other)
    if byte != [False, False, False, True, True]:
        return f'bytes that are free: {byte}'
    whole = os.open('/proc/self/cwd/' + LOCK, os.O_RDWR)
    free = is_free(lambda: fcntl.flock(whole, fcntl.LOCK_SH | fcntl.LOCK_NB))
    os.close(whole)
    return 'a file that another process has locked is free' if free else ''


def rewrite():
    """The log again, of its last entries; under its name by a rename."""
    del entries[:-8]
    number = os.open(NEW, MAKE | os.O_TRUNC, 0o600)
    os.posix_fallocate(number, 0, 4096)
    os.writev(number, [f'{entry}\n'.encode() for entry in entries])
    os.ftruncate(number, os.lseek(number, 0, os.SEEK_CUR))
    os.fsync(number)
    os.close(number)
    os.rename(NEW, LOG)
    os.close(numbers[LOG])
    numbers[LOG] = open_file(LOG)


def put(value):
    entries.append(value)
    os.write(numbers[LOG], f'{value}\n'.encode())
    table[value % 64] = value
    os.pwrite(numbers[TABLE], struct.pack('q', value), value % 64 * 8)
    index_words[value % 1024] = value
    struct.pack_into('q', index, value % 1024 * 8, value)
    if value % 5 == 0:
        os.fdatasync(numbers[TABLE])
    if value % 16 == 0:
        rewrite()
    return str(value)


def who(path):
    """All that say who a file is."""
    descriptor = os.open(path, os.O_RDONLY)
    said = subprocess.run(['stat', '-c', '%d %i', path], capture_output=True, check=True).stdout
    listed = next(entry.inode() for entry in os.scandir('.') if entry.name == path)
    answers = [identity(os.stat(path)), identity(os.lstat(path)), identity(os.fstat(descriptor)),
               tuple(map(int, said.split())), (known[path][0], listed)]
    os.close(descriptor)
    return answers


def check():
    for path, identity_known in known.items():
        if path != LOCK and any(answer != identity_known for answer in who(path)):
            return f'{path} was {identity_known} and is {who(path)}'
    with open(LOG, 'rb') as log:
        if log.read() != b''.join(f'{entry}\n'.encode() for entry in entries):
            return 'the log is another'
    for slot, value in table.items():
        if os.pread(numbers[TABLE], 8, slot * 8) != struct.pack('q', value):
            return f'slot {slot} is another'
    for slot, value in index_words.items():
        seen = os.pread(numbers[INDEX], 8, slot * 8), bytes(index[slot * 8:slot * 8 + 8])
        if seen != (struct.pack('q', value),) * 2:
            return f'word {slot} is {seen}, not {value}'
    return locks() or 'ok'


def fresh():
    """No new file is one that is known."""
    taken = dict((name, path) for path, name in known.items())
    for each in range(40):
        with open(f'fresh-{len(taken)}-{each}', 'w') as file:
            name = identity(os.fstat(file.fileno()))
        if name in taken:
            return f'{file.name} is taken for {taken[name]}'
        taken[name] = file.name
    return 'ok'


listener = socket.create_server(('0.0.0.0', 80))
while True:
    connection, _ = listener.accept()
    with connection, connection.makefile('rwb') as lines:
        for line in lines:
            word, *number = line.split()
            answer = {b'check': check, b'fresh': fresh}.get(word, lambda: put(int(number[0])))()
            lines.write(answer.encode() + b'\n')
            lines.flush()
