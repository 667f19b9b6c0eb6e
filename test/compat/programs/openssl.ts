/* openssl.ts: openssl's own TLS server, which turns each line round. It serves one client at a
 * time. The rule: the TLS session is one and the same before and after a takeover. */
import { certificate } from '../clients/certificate.js';
import type { Program, Session, SessionContext } from '../program.js';

async function connect(context: SessionContext): Promise<Session> {
  const wire = await context.wire({ isTls: true });
  return {
    exchange: async () => {
      const { random } = context;
      const line = Array.from({ length: random.between(1, 900) }, () =>
        String.fromCharCode(random.between(97, 122))).join('');
      wire.write(`${line}\n`);
      await wire.expect(`${[...line].reverse().join('')}\n`, 'the line turned round');
    },
    close: () => wire.close(),
  };
}

const programs: Program[] = [{
  name: 'openssl-s_server',
  what: '`s_server -rev`: one TLS 1.3 session, whose lines come back turned round. It serves one '
    + 'client at a time.',
  packages: ['openssl'],
  version: ['openssl', 'version'],
  command: ['openssl', 's_server', '-rev', '-accept', '0.0.0.0:4433', '-key', 'key.pem', '-cert',
    'cert.pem'],
  port: 4433,
  files: () => certificate(),
  clients: 1,
  thinkMs: 1,
  connect,
}];

export default programs;
