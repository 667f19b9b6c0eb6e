/* databases.ts: PostgreSQL, a process for each connection with memory shared among them, and
 * MariaDB, a thread for each. Both write their log with fsync at every commit.
 * The rule: the data are made once and copied, so that both hosts start from the same. */
import * as mysql from '../clients/mysql.js';
import * as postgres from '../clients/postgres.js';
import { tableClient, type Dialect } from '../clients/table.js';
import type { Program } from '../program.js';

const ofPostgres: Dialect = {
  logIn: (wire) => postgres.logIn(wire, 'postgres', 'postgres'),
  query: postgres.query,
  write: (key, value) => `insert into kv values ('${key}', '${value}', 1) `
    + 'on conflict (k) do update set v = excluded.v, n = kv.n + 1',
};

const ofMariadb: Dialect = {
  logIn: (wire) => mysql.logIn(wire, 'root', 'compat'),
  query: mysql.query,
  write: (key, value) => `insert into kv values ('${key}', '${value}', 1) `
    + 'on duplicate key update v = values(v), n = n + 1',
};

const versions = '/usr/lib/postgresql/*/bin';
const asPostgres = 'setpriv --reuid=postgres --regid=postgres --clear-groups';

const programs: Program[] = [
  {
    name: 'postgresql',
    what: 'A process for each of 8 connections and one that comes and goes; inserts, updates and '
      + 'selects, some in transactions, with fsync at each commit.',
    packages: ['postgresql'],
    version: ['sh', '-c', `${versions}/postgres --version`],
    command: ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups',
      '/srv/compat/postgres', '-D', '/srv/compat/data', '-p', '5432',
      '-c', 'listen_addresses=*', '-c', 'unix_socket_directories='],
    prepare: `ln -s ${versions}/postgres postgres; mkdir data; chown postgres data
      ${asPostgres} ${versions}/initdb -D data --no-locale -E UTF8 -A trust
      echo 'host all all 0.0.0.0/0 trust' >> data/pg_hba.conf
      echo 'create table kv (k text primary key, v text, n int);' > table.sql
      ${asPostgres} ./postgres --single -D data postgres < table.sql`,
    port: 5432,
    endSignal: 'SIGINT', // SIGTERM waits until every client has gone
    clients: 8,
    visitors: 1,
    connect: (context) => tableClient(context, ofPostgres),
  },
  {
    name: 'mariadb',
    what: 'A thread for each of 8 connections and one that comes and goes; inserts, updates and '
      + 'selects in InnoDB, some in transactions, with fsync at each commit.',
    packages: ['mariadb-server'],
    version: ['mariadbd', '--version'],
    command: ['mariadbd', '--no-defaults', '--user=root', '--datadir=/srv/compat/data',
      '--port=3306', '--bind-address=0.0.0.0', '--socket=/srv/compat/socket',
      '--skip-grant-tables', '--init-file=/srv/compat/table.sql'],
    files: {
      'table.sql': 'create database if not exists compat;\ncreate table if not exists compat.kv '
        + '(k varchar(64) primary key, v mediumtext, n int) engine = InnoDB;\n',
    },
    prepare: 'mariadb-install-db --no-defaults --user=root --datadir=/srv/compat/data '
      + '--auth-root-authentication-method=normal --skip-test-db',
    port: 3306,
    startMs: 120_000,
    clients: 8,
    visitors: 1,
    connect: (context) => tableClient(context, ofMariadb),
  },
];

export default programs;
