/* redis.ts: redis in the settings it is run in: plain, with I/O threads, with snapshots by fork,
 * with an append-only file that is rewritten. The rule: 24 connections do all that the load client
 * of the bed knows: streams, pipelines, transactions, blocking pops, subscriptions. */
import { RedisLoad } from '../clients/redis.js';
import type { Program } from '../program.js';

const port = 6379;
const clients = 24;

function redis(name: string, what: string, settings: readonly string[]): Program {
  return {
    name, what, packages: ['redis-server'], version: ['redis-server', '--version'],
    command: ['redis-server', '--port', String(port), '--bind', '0.0.0.0', '--protected-mode',
      'no', '--dir', '/srv/compat', ...settings],
    port, clients,
    load: (options) => new RedisLoad(port, clients, options),
  };
}

const none = ['--save', '', '--appendonly', 'no'];

const programs: Program[] = [
  redis('redis', 'Nothing on disk. 24 connections: streams, pipelines, transactions, blocking '
    + 'pops, subscriptions.', none),
  redis('redis-io-threads', 'The same with `io-threads 4` and `io-threads-do-reads yes`.',
    [...none, '--io-threads', '4', '--io-threads-do-reads', 'yes']),
  redis('redis-rdb', 'The same, and a snapshot by a forked child each second.',
    ['--save', '1 1', '--appendonly', 'no']),
  redis('redis-aof', 'The same with an append-only file, flushed each second, and rewritten by a '
    + 'forked child whenever it has grown by a tenth.',
  ['--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec',
    '--auto-aof-rewrite-percentage', '10', '--auto-aof-rewrite-min-size', '64kb']),
];

export default programs;
