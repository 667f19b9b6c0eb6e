# store.py: what the HTTP servers beside it have in common: PUT stores a body under its path, GET
# gives it back; a thread for each connection. The rule: where a body is kept is the server's own
# affair: it says so in load() and keep().
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Store(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def load(self, path):
        raise NotImplementedError

    def keep(self, path, body):
        raise NotImplementedError

    def answer(self, status, body):
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        body = self.load(self.path)
        self.answer(200, body) if body is not None else self.answer(404, b'none')

    def do_PUT(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.keep(self.path, body)
        self.answer(200, b'stored %d' % len(body))

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


def serve(handler, server=Server):
    server(('0.0.0.0', 8000), handler).serve_forever()
