# processes.py: keeps values, packed by a pool of two worker processes: PUT packs and stores a body
# under its path, GET has it unpacked. A thread for each connection talks to the pool.
# The rule: a body is packed and unpacked in a worker, never here.
import multiprocessing
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

values = {}
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def answer(self, status, body):
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with lock:
            packed = values.get(self.path)
        if packed is None:
            self.answer(404, b'none')
        else:
            self.answer(200, pool.apply(zlib.decompress, (packed,)))

    def do_PUT(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        packed = pool.apply(zlib.compress, (body,))
        with lock:
            values[self.path] = packed
        self.answer(200, b'stored %d' % len(body))

    def log_message(self, *_):
        pass


if __name__ == '__main__':
    with multiprocessing.Pool(2) as pool:
        ThreadingHTTPServer.request_queue_size = 128
        ThreadingHTTPServer(('0.0.0.0', 8000), Handler).serve_forever()
