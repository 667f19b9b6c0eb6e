/* subject.ts: the probes of what shall be replicated: the program's file, and the pair's key,
 * address and port, as far as the settings name them. */
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Endpoint, ServiceAddress } from '../../config-values.js';
import { formatValue } from '../../config-values.js';
import type { Settings } from '../../config.js';
import { errnoOf } from '../../errors.js';
import { findProgram, inspectProgram } from '../../program-file.js';
import { keyFault } from '../commands/key.js';
import { findOwner } from './address.js';
import { missing, ok, warn, type Finding, type Probe } from './probe.js';

const maxInterpreters = 4;

/** What the program's file, or at last its interpreter's, means for replication. */
export function judgeProgram(command: string): Finding {
  let path: string;
  try {
    path = findProgram(command);
  } catch (error) {
    return missing((error as Error).message.split(':')[0]!, 'install it, or give its path');
  }
  const way: string[] = [];
  for (let depth = 0; depth < maxInterpreters; depth++) {
    const file = inspectProgram(path);
    way.push(path);
    const found = way.join(' → ');
    if (file.isPrivileged) {
      return missing(`${found} is set-uid or set-gid`,
        'take the bit away (chmod u-s,g-s), or start a copy of it as the user it would become');
    }
    if (file.kind === 'script') {
      path = file.interpreter!;
      if (!existsSync(path)) return missing(`${found}: no ${path}`, 'install the interpreter');
      continue;
    }
    if (file.kind === 'other') {
      return missing(`${found} has neither an ELF header nor a #! line`, 'name a program');
    }
    if (!file.isX8664) return missing(`${found} is not for x86-64`, 'use a 64-bit x86 build');
    if (file.loader === undefined) return ok(`${found}, static: brought in by the launcher alone`);
    if (!existsSync(file.loader)) return missing(`no ${file.loader}`, 'install its C library');
    return ok(`${found}, dynamic`);
  }
  return missing(`${way.join(' → ')} …`, 'name the program itself: too many interpreters');
}

function device(name: string): Finding {
  if (existsSync(join('/sys/class/net', name))) return ok(name);
  return missing(`no interface ${name}`, '"ip link" lists them');
}

/** Whether nobody on the segment answers for the address. */
async function addressIsFree(vip: ServiceAddress, dev: string | undefined): Promise<Finding> {
  const text = formatValue(vip);
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some(({ address }) => address === vip.address)) {
      const fix = `ip address del ${text} dev ${name}`;
      return warn(`${text} is on ${name} of this host already`, fix);
    }
  }
  if (dev === undefined) return warn(`${text} not probed`, 'name the interface with --dev');
  const owner = await findOwner(vip, dev);
  if (owner.state === 'free') return ok(`${text} is free`);
  if (owner.state === 'unknown') return warn(`${text} not probed: ${owner.why}`, `is ${dev} up?`);
  return missing(`${text} is in use on ${dev}, by ${owner.mac}`, 'choose another address');
}

function portIsFree(listen: Endpoint): Promise<Finding> {
  const text = formatValue(listen);
  return new Promise((done) => {
    const server = createServer();
    server.once('error', (error) => done(errnoOf(error) === 'EADDRINUSE'
      ? missing(`${text} is in use`, 'choose another port')
      : missing(`${text}: ${error.message}`, 'give an address of this host')));
    server.listen(listen, () => server.close(() => done(ok(`${text} is free`))));
  });
}

function key(file: string): Finding {
  const fault = keyFault(file);
  if (fault === undefined) return ok(`${file}, mode 0600`);
  const [what, fix] = fault.split(/: (.*)/s);
  return missing(`${file} ${what}`, fix ?? 'see the message');
}

/** The probes for a program, if one is named, and for the settings that are set. */
export function subjectProbes(command: string | undefined, settings: Settings): Probe[] {
  const { keyFile, dev, vip, listen } = settings;
  const probes: Probe[] = [];
  if (command !== undefined) probes.push({ name: 'program', look: () => judgeProgram(command) });
  if (keyFile !== undefined) probes.push({ name: 'key file', look: () => key(keyFile) });
  if (dev !== undefined) probes.push({ name: 'interface', look: () => device(dev) });
  if (vip !== undefined) probes.push({ name: 'address', look: () => addressIsFree(vip, dev) });
  if (listen !== undefined) probes.push({ name: 'port', look: () => portIsFree(listen) });
  return probes;
}
