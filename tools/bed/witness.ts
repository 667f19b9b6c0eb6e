/* witness.ts: an independent observer at a port of the service bridge: what does a machine send
 * that names the service address as its own, in IP or in ARP? It sees the wire, not what anybody
 * says. The rule: it watches outside of the machines, so that no machine can deceive it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { inside } from './namespaces.js';
import { plan, portOf } from './machines.js';
import type { MachineName } from './place.js';

export interface Sighting {
  /** Seconds since the epoch, of the host. */
  at: number;
  kind: 'arp' | 'tcp' | 'other';
  /** Bytes of TCP payload. */
  lenBytes: number;
  isReset: boolean;
  text: string;
}

export class Witness {
  readonly sightings: Sighting[] = [];

  private constructor(private readonly child: ChildProcess) {}

  /** Resolves when the port is being watched. A machine that is off has no port. */
  static async create(name: MachineName): Promise<Witness> {
    const port = await portOf(name, 'service');
    const filter = `src host ${plan.vip} or (arp and arp[14:4] = ${addressNumber(plan.vip)})`;
    const [command = '', ...argv] = inside(['tcpdump', '-i', port, '-Q', 'in', '-n', '-l', '-tt',
      '--immediate-mode', filter]);
    const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
    const witness = new Witness(child);
    createInterface({ input: child.stdout }).on('line', (line) => {
      witness.sightings.push(readSighting(line));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => resolve());
      child.stderr.on('data', (chunk: Buffer) => {
        if (chunk.includes('listening on')) resolve();
      });
    });
    return witness;
  }

  close(): Sighting[] {
    this.child.kill('SIGTERM');
    return this.sightings;
  }
}

const addressNumber = (text: string): number =>
  text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** A line of tcpdump -tt -n. */
export function readSighting(line: string): Sighting {
  const kind = line.includes(' ARP') ? 'arp' : line.includes('Flags [') ? 'tcp' : 'other';
  return {
    at: parseFloat(line),
    kind,
    lenBytes: kind === 'tcp' ? Number(/length (\d+)/.exec(line)?.[1] ?? 0) : 0,
    isReset: /Flags \[[^\]]*R/.test(line),
    text: line,
  };
}
