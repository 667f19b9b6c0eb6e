// channel-peer.ts: the other process of the benchmark channel.ts. Answers everything it gets with
// the number of bytes so far: as a watermark of the channel, or as eight bytes over bare TLS.

import { createServer } from 'node:tls';

import { listen } from '../../src/channel/index.js';
import { hello } from '../unit/channel/pair.js';

const [mode, keyHex] = process.argv.slice(2);
const key = Buffer.from(keyHex!, 'hex');

/** Both modes answer once a turn of the loop, as an engine does. */
function oncePerTurn(act: () => void): () => void {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    setImmediate(() => {
      due = false;
      act();
    });
  };
}

if (mode === 'channel') {
  const options = { host: '127.0.0.1', port: 0, key, hello: hello() };
  const server = await listen(options, (channel) => {
    let received = 0;
    const answer = oncePerTurn(() =>
      channel.sendWatermark({ received, replayed: 0, receivedSeq: 0, replayedSeq: 0 }),
    );
    return {
      onRecords: (_bytes, start, end) => {
        received += end - start;
        answer();
      },
    };
  });
  console.log(server.address.port);
} else {
  const server = createServer(
    { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256', pskCallback: () => key },
    (socket) => {
      let received = 0;
      const answer = oncePerTurn(() => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigUInt64LE(BigInt(received));
        socket.write(bytes);
      });
      socket.setNoDelay(true).on('error', () => {});
      socket.on('data', (bytes) => {
        received += bytes.length;
        answer();
      });
    },
  );
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    console.log(typeof address === 'object' ? address?.port : address);
  });
}
