# secure.py: keeps values in a dictionary (store.py), over TLS; the thread of a connection does its
# handshake. The rule: one context for all connections.
import ssl
import threading
from store import Server, Store, serve

values = {}
lock = threading.Lock()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('cert.pem', 'key.pem')


class Handler(Store):
    def setup(self):
        self.request = context.wrap_socket(self.request, server_side=True)
        super().setup()

    def load(self, path):
        with lock:
            return values.get(path)

    def keep(self, path, body):
        with lock:
            values[path] = body


class Quiet(Server):
    def handle_error(self, request, client_address):
        pass


serve(Handler, Quiet)
