/* installation.ts: where the parts that are not TypeScript lie: the launcher, the BPF objects.
 * The rule: looked for from this file upwards, so that src/ and dist/src/ find the same. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OperatingError } from './errors.js';

/** The directory with package.json above this file, be it in src/ or in dist/src/. */
function packageRoot(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  for (; dir !== '/'; dir = dirname(dir)) {
    if (existsSync(join(dir, 'package.json'))) return dir;
  }
  throw new OperatingError('cannot find the folder this program was installed in');
}

/** A built file of this installation. Throws OperatingError when it was not built. */
export function builtFile(...parts: string[]): string {
  const path = join(packageRoot(), ...parts);
  if (existsSync(path)) return path;
  throw new OperatingError(`${path} is not there: run "npm run setup"`, { reason: 'ENOENT' });
}
