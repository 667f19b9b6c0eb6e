/* certificate.ts: a key and a certificate for TLS servers under test, made once by openssl for as
 * long as the process runs. The rule: they protect nothing, and clients do not check them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let made: { 'key.pem': Buffer; 'cert.pem': Buffer } | undefined;

/** `key.pem` and `cert.pem`, for a program's files. */
export function certificate(): { 'key.pem': Buffer; 'cert.pem': Buffer } {
  if (made) return made;
  const folder = mkdtempSync(join(tmpdir(), 'hs-certificate-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
      '-subj', '/CN=compat', '-keyout', key, '-out', cert], { stdio: 'ignore' });
    made = { 'key.pem': readFileSync(key), 'cert.pem': readFileSync(cert) };
    return made;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
