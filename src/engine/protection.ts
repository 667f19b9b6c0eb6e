/* protection.ts: output commit on the primary: what the backup holds and has executed becomes what
 * may leave. Protected: held until `released`; alone: everything may leave at once.
 * The rule: going from protected to alone is one step, and nothing that waits is left asleep. */
import { layout, type Channel } from '../channel/index.js';
import type { ControlBlock } from './control-block.js';
import type { EnforcementMap } from './enforcement-map.js';
import { Openings } from './openings.js';
import type { Board, PrimaryPumpConfig } from './pump-messages.js';

const { CONTROL, HS_FLAG_PROTECTED } = layout;
const EVERYTHING = (1n << 64n) - 1n;

export class Protection {
  isProtected = false;
  isFenced = false;
  received = 0;
  replayed = 0;
  readonly #control: ControlBlock;
  readonly commit: PrimaryPumpConfig['manifest']['commit'];
  readonly maxLagBytes: number;
  readonly openings: Openings | undefined;

  constructor(
    control: ControlBlock,
    readonly net: EnforcementMap | undefined,
    readonly board: Board,
    { manifest: { commit }, maxLagBytes, slotsFd, dev }: PrimaryPumpConfig,
  ) {
    this.#control = control;
    this.commit = commit;
    this.maxLagBytes = maxLagBytes;
    // With `async` clients are told what the backup may never hear of: so is this.
    const waits = commit !== 'async';
    if (net && slotsFd !== null) this.openings = new Openings(net, slotsFd, dev, waits);
    this.unprotect();
  }

  /** From here on output waits for the backup. The program may be running already. */
  protect(backup: Channel): void {
    this.isProtected = true;
    // Output of `async` waits for nothing; but what clients sent is acknowledged when it is safe.
    this.#release(this.commit === 'verified' ? this.replayed : this.received);
    this.net?.set('clamp', 1);
    this.openings?.follow(backup);
    this.#control.store64(CONTROL.maxLagBytes, this.maxLagBytes);
    this.#control.setBits(CONTROL.flags, HS_FLAG_PROTECTED);
    this.#note();
  }

  /** From here on nothing waits, and what waited leaves. */
  unprotect(): void {
    this.isProtected = false;
    this.#control.clearBits(CONTROL.flags, HS_FLAG_PROTECTED);
    this.#control.store64(CONTROL.maxLagBytes, 0);
    this.#control.storeBig(CONTROL.released, EVERYTHING);
    this.net?.set('clamp', 0);
    this.openings?.alone();
    this.fence(false);
    this.#control.wakeAlways(CONTROL.releasedSleeping, CONTROL.releasedWord);
    this.#control.wakeAlways(CONTROL.spaceSleeping, CONTROL.spaceWord);
    this.#note();
  }

  /** A new backup begins at the beginning. */
  restart(): void {
    this.received = 0;
    this.replayed = 0;
  }

  /** New watermarks. False when they go backwards or beyond what was sent: the peer is wrong. */
  advance(received: number, replayed: number, sent: number): boolean {
    if (received < this.received || replayed < this.replayed) return false;
    if (received > sent || replayed > received) return false;
    const control = this.#control;
    if (received !== this.received) {
      this.received = received;
      control.store64(CONTROL.received, received);
      if (this.isProtected && this.commit !== 'verified') this.#release(received);
    }
    if (replayed !== this.replayed) {
      this.replayed = replayed;
      control.store64(CONTROL.replayed, replayed);
      if (this.isProtected && this.commit === 'verified') this.#release(replayed);
      control.wakeSleeper(CONTROL.spaceSleeping, CONTROL.spaceWord);
    }
    return true;
  }

  /** Nothing of the service leaves this host while it is fenced. */
  fence(is: boolean): void {
    this.isFenced = is;
    this.net?.set('fenced', is ? 1 : 0);
    this.board.set('isFenced', is ? 1 : 0);
  }

  #release(position: number): void {
    this.#control.store64(CONTROL.released, position);
    this.#control.wakeSleeper(CONTROL.releasedSleeping, CONTROL.releasedWord);
  }

  #note(): void {
    this.board.set('isProtected', this.isProtected ? 1 : 0);
    this.board.set('protectedSinceMs', Date.now());
  }
}
