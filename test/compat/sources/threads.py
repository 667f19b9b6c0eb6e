# threads.py: keeps values in a dictionary (store.py). The rule: what is answered comes from the one
# dictionary, under its lock.
import threading
from store import Store, serve

values = {}
lock = threading.Lock()


class Handler(Store):
    def load(self, path):
        with lock:
            return values.get(path)

    def keep(self, path, body):
        with lock:
            values[path] = body


serve(Handler)
