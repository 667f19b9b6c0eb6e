# secure.py: keeps values over TLS: PUT stores a body under its path, GET gives it back. A thread
# for each connection, which does its handshake. The rule: one context for all connections.
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

values = {}
lock = threading.Lock()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('cert.pem', 'key.pem')


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def setup(self):
        self.request = context.wrap_socket(self.request, server_side=True)
        super().setup()

    def answer(self, status, body):
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with lock:
            body = values.get(self.path)
        self.answer(200, body) if body is not None else self.answer(404, b'none')

    def do_PUT(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        with lock:
            values[self.path] = body
        self.answer(200, b'stored %d' % len(body))

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


Server(('0.0.0.0', 8000), Handler).serve_forever()
