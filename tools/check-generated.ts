/* check-generated.ts: part of `npm run check`: what is generated from the call table is fresh.
 * Delegates to `tools/generate.ts --check`; a tree without a generator has nothing to compare. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const generator = fileURLToPath(new URL('generate.ts', import.meta.url));
if (existsSync(generator)) {
  const args = ['--import', 'tsx', generator, '--check'];
  const result = spawnSync(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  process.exitCode = result.status ?? 1;
  if (process.exitCode === 0) console.log('generated files: fresh');
} else {
  console.log('generated files: no generator here');
}
