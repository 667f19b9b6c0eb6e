/* accelerator.ts: KVM or plain emulation, chosen by trying: a machine with the box's own kernel has
 * to come up under KVM in a few seconds. A /dev/kvm that is there may still not work, or be slower
 * than emulation where it is itself emulated.
 * The rule: what was chosen is said, with the reason. */
import { existsSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { inState, readState, wantedAccelerator, type Accelerator } from './place.js';

export interface Choice {
  accelerator: Accelerator;
  why: string;
}

/** Emulation takes about 3 s for the trial: a KVM that is slower than thrice that is none. */
const trialBoundMs = 9_000;

export async function chooseAccelerator(): Promise<Choice> {
  const wanted = wantedAccelerator();
  if (wanted) return { accelerator: wanted, why: 'asked for' };
  const known = readState('accelerator');
  if (known) return { accelerator: known.trim() as Accelerator, why: 'as tried before' };
  if (!existsSync('/dev/kvm')) return { accelerator: 'tcg', why: 'there is no /dev/kvm' };
  const tookMs = await trial();
  const choice: Choice = tookMs === undefined
    ? { accelerator: 'tcg', why: `under KVM a kernel was not up in ${trialBoundMs} ms` }
    : { accelerator: 'kvm', why: `a kernel was up in ${Math.round(tookMs)} ms` };
  writeFileSync(inState('accelerator'), `${choice.accelerator}\n`);
  return choice;
}

/** Boots the first kernel as far as its initial RAM disk; how long it took, if it came so far. */
function trial(): Promise<number | undefined> {
  const startMs = performance.now();
  const child = spawn('qemu-system-x86_64', [
    '-accel', 'kvm', '-cpu', 'host', '-m', '256', '-nodefaults', '-no-user-config', '-no-reboot',
    '-display', 'none', '-serial', 'stdio',
    '-kernel', inState('boot/first/vmlinuz'), '-initrd', inState('boot/first/initrd.img'),
    '-append', 'console=ttyS0 quiet panic=-1 bed.trial',
  ], { stdio: ['ignore', 'pipe', 'ignore'] });
  return new Promise((resolve) => {
    let said = '';
    const late = setTimeout(() => child.kill('SIGKILL'), trialBoundMs);
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('bed-trial-done')) child.kill('SIGKILL');
    });
    child.once('error', () => resolve(undefined));
    child.once('close', () => {
      clearTimeout(late);
      resolve(said.includes('bed-trial-done') ? performance.now() - startMs : undefined);
    });
  });
}
