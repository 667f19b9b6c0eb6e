/* primary-link.ts: the primary's end of one channel to one backup: the offer, its watermarks, its
 * confirmations of our claims, and how it ended. What follows from them is the pump's to decide.
 * The rule: a message that may not come in this state closes the channel by name. */
import { rowName } from '../calls/calls.gen.js';
import {
  ChannelError, type Channel, type ChannelHandlers, type Control,
} from '../channel/index.js';
import type { DivergenceDetail } from '../errors.js';
import { Claims } from './claims.js';
import type { CatchUp } from './catch-up.js';
import { LagMeter, Spans } from './lag.js';
import type { PrimaryPumpConfig } from './pump-messages.js';

/** offered → (ready) → catchingUp → following; each may end at any time. */
export type LinkState = 'offered' | 'catchingUp' | 'following' | 'closed';

export interface LinkEvents {
  onReady(link: Link): void;
  /** Watermarks in bytes; false: they cannot be. */
  onWatermark(link: Link, received: number, replayed: number): boolean;
  onDivergence(link: Link, divergence: DivergenceDetail): void;
  onStop(reason: string): void;
  /** The peer is the primary now. */
  onLostRole(link: Link): void;
  /** It knows so many of the handshakes it was told of. */
  onKnown(count: number): void;
  onDrain(): void;
  onGone(link: Link, why: string, isSilent: boolean): void;
}

/** Ends of a connection that say nothing about whether the peer is alive. */
const silentEnds = /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN/;

export class Link {
  state: LinkState = 'offered';
  readonly claims: Claims;
  readonly lag = new LagMeter();
  readonly spans = new Spans();
  catchUp: CatchUp | undefined;
  /** Called by the channel for each run it has taken; made once. */
  onFree: (() => void) | undefined;
  /** Bytes of the record stream handed to the channel. */
  sent = 0;
  receivedSeq = 0;
  replayedSeq = 0;

  constructor(
    readonly channel: Channel,
    readonly config: PrimaryPumpConfig,
    readonly events: LinkEvents,
  ) {
    this.claims = new Claims(performance.now());
    const { manifest, process } = config;
    channel.sendControl({ kind: 'role', role: 'primary', generation: 0 });
    channel.sendControl({ kind: 'manifest', ...manifest });
    channel.sendControl({ kind: 'process', ...process });
  }

  get peer(): string {
    return this.channel.remote;
  }

  get isSending(): boolean {
    return this.state === 'following' && this.channel.open;
  }

  handlers(): ChannelHandlers {
    return {
      onControl: (control) => this.#onControl(control),
      onDrain: () => this.events.onDrain(),
      onClose: ({ kind, error }) => {
        const wasClosed = this.state === 'closed';
        this.state = 'closed';
        this.catchUp?.close();
        const why = error?.message ?? (kind === 'goodbye' ? 'the backup left' : 'closed here');
        if (!wasClosed) this.events.onGone(this, why, silentEnds.test(why));
      },
    };
  }

  /** Sends the next claim to the role. */
  claim(nowMs: number): void {
    const generation = this.claims.next(nowMs);
    this.channel.sendControl({ kind: 'role', role: 'primary', generation });
  }

  #onControl(control: Control): void {
    switch (control.kind) {
      case 'caughtUp':
        if (this.state !== 'offered') throw this.#unexpected(control.kind);
        return this.events.onReady(this);
      case 'watermark':
        return this.#onWatermark(control);
      case 'role':
        if (control.role === 'primary') return this.events.onLostRole(this);
        return this.claims.confirm(control.generation);
      case 'known':
        return this.events.onKnown(control.count);
      case 'divergence':
        return this.events.onDivergence(this, {
          seq: String(control.seq), call: rowName(control.row), pid: control.pid,
          tid: control.tid, expected: control.expected, got: control.got,
        });
      case 'stop':
        return this.events.onStop(control.reason);
      default:
        throw this.#unexpected(control.kind);
    }
  }

  #onWatermark(mark: Extract<Control, { kind: 'watermark' }>): void {
    const isNews = mark.receivedSeq > this.receivedSeq;
    this.receivedSeq = mark.receivedSeq;
    this.replayedSeq = mark.replayedSeq;
    if (!this.events.onWatermark(this, mark.received, mark.replayed)) {
      throw new ChannelError(
        'unexpected',
        `the backup holds ${mark.received} bytes and has replayed ${mark.replayed}, of ` +
          `${this.sent} sent: its watermarks cannot be`,
      );
    }
    if (isNews) this.claims.progress(performance.now(), this.config.detect.intervalMs / 4);
  }

  #unexpected(what: string): ChannelError {
    return new ChannelError('unexpected', `${what} came from the backup while ${this.state}`);
  }
}
