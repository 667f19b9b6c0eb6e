# processes.py: keeps values (store.py), packed by a pool of two worker processes, to which the
# thread of a connection talks. The rule: a body is packed and unpacked in a worker, never here.
import multiprocessing
import threading
import zlib
from store import Store, serve

values = {}
lock = threading.Lock()


class Handler(Store):
    def load(self, path):
        with lock:
            packed = values.get(path)
        return None if packed is None else pool.apply(zlib.decompress, (packed,))

    def keep(self, path, body):
        packed = pool.apply(zlib.compress, (body,))
        with lock:
            values[path] = packed


if __name__ == '__main__':
    with multiprocessing.Pool(2) as pool:
        serve(Handler)
