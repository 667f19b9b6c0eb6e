# database.py: keeps values in an SQLite database in WAL mode: PUT stores a body under its path in a
# transaction of its own, GET selects it. A thread and a database connection for each client.
# The rule: what is confirmed is committed.
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

setup = sqlite3.connect('values.db')
setup.execute('PRAGMA journal_mode=WAL')
setup.execute('CREATE TABLE kept (path TEXT PRIMARY KEY, body BLOB NOT NULL)')
setup.commit()


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.database = sqlite3.connect('values.db', timeout=60)
        self.database.execute('PRAGMA synchronous=NORMAL')

    def finish(self):
        super().finish()
        self.database.close()

    def answer(self, status, body):
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        select = 'SELECT body FROM kept WHERE path = ?'
        row = self.database.execute(select, (self.path,)).fetchone()
        self.answer(200, row[0]) if row else self.answer(404, b'none')

    def do_PUT(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        with self.database:
            self.database.execute('INSERT OR REPLACE INTO kept VALUES (?, ?)', (self.path, body))
        self.answer(200, b'stored %d' % len(body))

    def log_message(self, *_):
        pass


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(('0.0.0.0', 8000), Handler).serve_forever()
