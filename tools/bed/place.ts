/* place.ts: where the Vagrant bed keeps what it makes, and what it is told by the environment.
 * The rule: everything lies below one directory, so that removing it removes the bed. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/errors.js';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const stateDir = resolve(process.env['HOTSWAP_BED_DIR'] ?? join(root, '.bed'));
export const inState = (...parts: string[]): string => join(stateDir, ...parts);

export const machineNames = ['primary', 'backup', 'client'] as const;
export type MachineName = (typeof machineNames)[number];

export const accelerators = ['kvm', 'tcg'] as const;
export type Accelerator = (typeof accelerators)[number];

/** The two kernels of the box, as its boot directory calls them: Debian 12's, and the newer one. */
export const kernels = { first: /^6\.1\.0-/, second: /^6\.12\./ } as const;
export type KernelName = keyof typeof kernels;

/** The names of one section of a list of packages: from its heading to the next empty line. */
export function section(list: string, heading: string): string[] {
  const lines = list.split('\n');
  const from = lines.indexOf(`# ${heading}`);
  if (from < 0) throw new UserError(`the list of packages has no section "${heading}"`);
  const to = lines.indexOf('', from);
  return lines.slice(from, to < 0 ? undefined : to)
    .map((line) => line.replace(/#.*/, '').trim()).filter(Boolean);
}

const listOf = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');

/** What the host needs for the bed. */
export const hostPackages = (): string[] =>
  section(listOf('vagrant', 'packages.txt'), 'on the host');

/** What is installed in the box: the bed's own needs, then the project's, from its one list. */
export function guestPackages(): { base: string[]; project: string[]; kernels: string[] } {
  const own = section(listOf('vagrant', 'packages.txt'), 'in the machines');
  const list = listOf('tools', 'packages.txt');
  const isKernel = (name: string): boolean => name.startsWith('linux-image-');
  return {
    base: own.filter((name) => !isKernel(name)),
    kernels: own.filter(isKernel),
    project: [...section(list, 'to run'), ...section(list, 'for the demo')],
  };
}

/** The accelerator that was asked for, if one was. */
export function wantedAccelerator(): Accelerator | undefined {
  const text = process.env['HOTSWAP_BED_ACCELERATOR'];
  if (text === undefined || text === '') return undefined;
  const found = accelerators.find((each) => each === text);
  if (found) return found;
  throw new UserError(`HOTSWAP_BED_ACCELERATOR is ${text}: it may be ${accelerators.join(', ')}`);
}

/** A small file of the state directory; undefined when it is not there. */
export function readState(name: string): string | undefined {
  return existsSync(inState(name)) ? readFileSync(inState(name), 'utf8') : undefined;
}
