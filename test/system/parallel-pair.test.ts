/* parallel-pair.test.ts: pairs whose threads run at once (--schedule parallel), killed: every
 * connection lives on, and each answer is the one that follows from what was answered before.
 * bound: 240 */
import { Bed } from '../../src/bed/bed.js';
import { suite } from '../support/suite.js';
import { endClient, keepOver, startKeepClient, untilInUse } from './support/keep-client.js';
import { endSides, giveKeys, startBackup, startPrimary } from './support/pair.js';

const test = suite('pairs under --schedule parallel');

const configuration = `
user root; worker_processes 2; daemon off; pid /run/nginx.pid; error_log /srv/error.log;
events { worker_connections 64; }
http {
  access_log off; keepalive_requests 1000000; default_type text/plain;
  server { listen 80; root /srv/www; }
}
`;

const cases = [
  {
    name: 'memcached with four threads', port: 11211, kind: 'memcached', files: {},
    command: ['/usr/bin/memcached', '-u', 'root', '-t', '4', '-U', '0', '-l', '0.0.0.0',
      '-o', 'no_lru_maintainer,no_lru_crawler,no_slab_reassign'],
  },
  {
    name: 'nginx with two workers', port: 80, kind: 'http',
    command: ['/usr/sbin/nginx', '-c', '/srv/nginx.conf'],
    files: { '/srv/nginx.conf': configuration, '/srv/www/page': 'the page\n' },
  },
] as const;

for (const { name, port, kind, command, files } of cases) {
  test(`${name}: killed, its connections go on, and what they had stored is there`, async () => {
    await using bed = await Bed.create();
    try {
      await giveKeys(bed);
      for (const host of ['primary', 'backup'] as const) {
        for (const [path, text] of Object.entries(files)) {
          await bed.writeFile(host, path, text, 0o644);
        }
      }
      const primary = startPrimary(bed, command, { more: ['--schedule', 'parallel'] });
      const sides = { primary, backup: startBackup(bed) };
      const client = startKeepClient(bed, { port, kind, connections: 24 });
      await untilInUse(client, sides);
      await keepOver(bed, client, sides);
      await endClient(client, sides);
    } finally {
      await endSides();
    }
  }, 110_000);
}

test.run();
