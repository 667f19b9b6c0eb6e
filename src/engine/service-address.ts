/* service-address.ts: the address that moves with the program: on the primary's interface while it
 * serves, on the backup's loopback, silently, until it takes over.
 * The rule: what was added here is removed at the end, and what was there is left as it was; but a
 * primary whose engine was killed loses the address, so that it does not answer for it any more. */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import type { ServiceAddress } from '../config-values.js';
import { OperatingError } from '../errors.js';
import { readArpIgnore } from './arp.js';

const run = promisify(execFile);

function ip(...args: string[]): void {
  try {
    execFileSync('ip', args, { stdio: 'pipe' });
  } catch (cause) {
    const said = String((cause as { stderr?: Buffer }).stderr ?? '').trim();
    throw new OperatingError(`"ip ${args.join(' ')}" failed: ${said}`, { cause });
  }
}

function isOn(dev: string, address: string): boolean {
  return (networkInterfaces()[dev] ?? []).some((entry) => entry.address === address);
}

/** Puts the address on the interface if it is not there. Returns what takes it off again. */
export function holdAddress(vip: ServiceAddress, dev: string): () => void {
  if (isOn(dev, vip.address)) return () => undefined;
  ip('addr', 'add', `${vip.address}/${vip.prefix}`, 'dev', dev);
  return () => {
    if (isOn(dev, vip.address)) ip('addr', 'del', `${vip.address}/${vip.prefix}`, 'dev', dev);
  };
}

/** Takes the address off the interface, whoever put it there: another host has it now. */
export async function dropAddress(vip: ServiceAddress, dev: string): Promise<void> {
  // Sockets without a program would go on repeating their last segment. Not every kernel can.
  await run('ss', ['-K', 'src', vip.address]).catch(() => undefined);
  if (isOn(dev, vip.address)) ip('addr', 'del', `${vip.address}/${vip.prefix}`, 'dev', dev);
}

/** Keeps the address on `lo`, unannounced. Returns what puts everything back. */
export function holdSilently(vip: ServiceAddress, dev: string): () => void {
  if (isOn(dev, vip.address)) {
    throw new OperatingError(
      `${vip.address} is on ${dev} of this host already: "ip addr del ${vip.address}/` +
        `${vip.prefix} dev ${dev}" first, or make this host the primary`);
  }
  const before = readArpIgnore(dev);
  const wasThere = isOn('lo', vip.address);
  writeArpIgnore(new Map([...before.keys()].map((device) => [device, '1'])));
  if (!wasThere) ip('addr', 'add', `${vip.address}/32`, 'dev', 'lo');
  return () => {
    if (!wasThere && isOn('lo', vip.address)) ip('addr', 'del', `${vip.address}/32`, 'dev', 'lo');
    writeArpIgnore(before);
  };
}

function writeArpIgnore(levels: Map<string, string>): void {
  for (const [device, level] of levels) {
    writeFileSync(`/proc/sys/net/ipv4/conf/${device}/arp_ignore`, `${level}\n`);
  }
}

/** Lives as long as its standard input: when that ends without a word, the engine was killed. */
const guardScript =
  'read -r word; [ "$word" = done ] && exit; kill -KILL "$1"; ip addr del "$2" dev "$3"';

/** Ends the program and takes the address away when this process dies without having said so. */
export class Guard {
  readonly #child: ChildProcess;

  constructor(programPid: number, vip: ServiceAddress, dev: string) {
    const args = [String(programPid), `${vip.address}/${vip.prefix}`, dev];
    this.#child = spawn('sh', ['-c', guardScript, 'hotswap-guard', ...args], {
      stdio: ['pipe', 'ignore', 'ignore'], detached: true,
    });
    this.#child.on('error', () => undefined);
    this.#child.stdin!.on('error', () => undefined);
    this.#child.unref();
  }

  /** Everything is in order: it does nothing any more. */
  async release(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.ref();
    this.#child.stdin!.end('done\n');
    await gone;
  }
}
