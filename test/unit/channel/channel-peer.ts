// channel-peer.ts: the other process of channel.test.ts. Listens, prints its port, and then does
// what its argument says: `count` counts and hashes records until goodbye, `sink` takes everything.

import { createHash } from 'node:crypto';

import { listen } from '../../../src/channel/index.js';
import { hello } from './pair.js';

const [mode, keyHex] = process.argv.slice(2);
const hash = createHash('sha256');
let records = 0;
let lastSeq = 0;
let inOrder = true;

const server = await listen(
  { host: '127.0.0.1', port: 0, key: Buffer.from(keyHex!, 'hex'), hello: hello({ nextSeq: 1 }) },
  (channel) => ({
    onRecords: (bytes, start, end, info) => {
      inOrder &&= info.firstSeq === lastSeq + 1;
      lastSeq = info.lastSeq;
      records += info.records;
      if (mode === 'count') hash.update(bytes.subarray(start, end));
    },
    onControl: (control) => {
      if (control.kind === 'stop') channel.sendControl({ kind: 'caughtUp', seq: lastSeq });
    },
    onClose: () => {
      server.close();
      console.log(JSON.stringify({ records, lastSeq, inOrder, sha256: hash.digest('hex') }));
    },
  }),
);
console.log(server.address.port);
