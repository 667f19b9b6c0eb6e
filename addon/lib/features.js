// Turns the native half's tries into a table by name.
import { native } from './native.js';

export function features() {
  const table = {};
  for (const { name, step, errno, code } of native.features()) {
    table[name] = errno === 0
      ? { available: true }
      : { available: false, code, errno, reason: `${step}: ${code}` };
  }
  return table;
}
