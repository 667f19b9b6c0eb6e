/* config-values.ts: the kinds of value a setting may have: addresses, names, bounds.
 * Each takes what a user may write (text, or a number from a file) and yields the parsed form.
 * The rule: the message completes the sentence `--listen is "x": ...`. */
import { isIP } from 'node:net';
import { z } from 'zod';

export interface Endpoint {
  host: string;
  port: number;
}

export interface ServiceAddress {
  address: string;
  prefix: number;
}

export interface Detection {
  /** Length of one silence that counts. */
  intervalMs: number;
  /** So many in a row and the peer is dead. */
  count: number;
}

/** A text that `read` turns into T, or into undefined where it is not valid. */
function text<T>(why: string, read: (written: string) => T | undefined) {
  return z.string(why).transform((written, context): T => {
    const value = read(written);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: why });
    return z.NEVER;
  });
}

const matching = (why: string, pattern: RegExp) =>
  text(why, (written) => (pattern.test(written) ? written : undefined));

/** `host:port`, `1.2.3.4:port`, `[v6]:port`. */
export const endpoint = text('expected HOST:PORT with a port from 1 to 65535', readEndpoint);

function readEndpoint(written: string): Endpoint | undefined {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(written);
  if (!parts) return undefined;
  const [, six, name, digits] = parts;
  const port = Number(digits);
  if (port < 1 || port > 65535) return undefined;
  if (six !== undefined) return isIP(six) === 6 ? { host: six, port } : undefined;
  // Digits and dots alone are meant as an IPv4 address: a wrong one is not a host name.
  if (/^[\d.]+$/.test(name!) && isIP(name!) !== 4) return undefined;
  return { host: name!, port };
}

/** `10.0.0.9/24` or `fd00::9/64`. */
export const vip = text(
  'expected an IP address and a prefix length such as 10.0.0.9/24',
  (written): ServiceAddress | undefined => {
    const [address = '', length = '', ...rest] = written.split('/');
    const family = isIP(address);
    const prefix = Number(length);
    if (rest.length > 0 || family === 0 || !/^\d+$/.test(length)) return undefined;
    return prefix <= (family === 4 ? 32 : 128) ? { address, prefix } : undefined;
  },
);

/** IFNAMSIZ is 16 with the final zero; the kernel refuses `/` and white space. */
export const deviceName = matching(
  'expected the name of a network interface, at most 15 characters',
  /^(?!\.{1,2}$)[^\s/:]{1,15}$/,
);

/** A directory under the runtime directory bears it, and a socket path has only 107 bytes. */
export const pairName = matching(
  'expected 1 to 32 letters, digits, dots, dashes or underscores, not starting with a dot',
  /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,31}$/,
);

/** One of a few words. */
export const choice = <const T extends readonly [string, ...string[]]>(words: T) =>
  z.enum(words, `expected one of ${words.join(', ')}`);

/** How threads that share memory are ordered: one at a time, or by the locks they take. */
export const schedule = choice(['serial', 'parallel']);

export const path = matching('expected a path', /^[^\0]+$/);

/** `fast`, or `50x3`: three silences of 50 ms. */
export const detect = text(
  'expected fast, or MSxN such as 50x3 (1 to 60000 ms, 1 to 100 times)',
  (written): Detection | undefined => {
    const parts = /^(\d{1,5})(?:ms)?[x×](\d{1,3})$/.exec(written === 'fast' ? '10x3' : written);
    const intervalMs = Number(parts?.[1]);
    const count = Number(parts?.[2]);
    const isWithin = intervalMs >= 1 && intervalMs <= 60000 && count >= 1 && count <= 100;
    return isWithin ? { intervalMs, count } : undefined;
  },
);

/** A whole number, also as text. */
export function integer(least: number, most: number) {
  const why = `expected a whole number from ${least} to ${most}`;
  return z
    .union([z.number(), z.string().regex(/^\d{1,15}$/, why).transform(Number)], why)
    .pipe(z.number().int(why).min(least, why).max(most, why));
}

/** A parsed value as a user would write it. */
export function formatValue(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value !== 'object' || value === null) return String(value);
  const v = value as Partial<Endpoint & ServiceAddress & Detection>;
  if (v.host !== undefined) return `${v.host.includes(':') ? `[${v.host}]` : v.host}:${v.port}`;
  if (v.address !== undefined) return `${v.address}/${v.prefix}`;
  return `${v.intervalMs}x${v.count}`;
}
