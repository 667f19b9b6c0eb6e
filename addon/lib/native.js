// Loads the native half, once per thread.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

function load() {
  try {
    return require('../build/Release/bpf_loader.node');
  } catch (cause) {
    const advice = 'bpf-loader: its native half is not built or does not fit this Node; '
      + 'run `npm run build` in its folder';
    throw new Error(advice, { cause });
  }
}

export const native = load();
