# database.py: keeps values (store.py) in an SQLite database in WAL mode, each in a transaction of
# its own. A database connection for each client. The rule: what is confirmed is committed.
import sqlite3
from store import Store, serve

setup = sqlite3.connect('values.db')
setup.execute('PRAGMA journal_mode=WAL')
setup.execute('CREATE TABLE kept (path TEXT PRIMARY KEY, body BLOB NOT NULL)')
setup.commit()


class Handler(Store):
    def setup(self):
        super().setup()
        self.database = sqlite3.connect('values.db', timeout=60)
        self.database.execute('PRAGMA synchronous=NORMAL')

    def finish(self):
        super().finish()
        self.database.close()

    def load(self, path):
        select = 'SELECT body FROM kept WHERE path = ?'
        row = self.database.execute(select, (path,)).fetchone()
        return row[0] if row else None

    def keep(self, path, body):
        with self.database:
            self.database.execute('INSERT OR REPLACE INTO kept VALUES (?, ?)', (path, body))


serve(Handler)
