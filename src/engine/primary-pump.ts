/* primary-pump.ts: the primary's worker: ring → channel and log, watermarks ← channel.
 * One drain of the ring per turn of the loop, so that acknowledgements and records share the
 * thread fairly. The rule: a run of the ring is given back to the program only when neither the
 * log nor the network needs its bytes any more. */
import {
  ChannelError, ChannelServer, LogWriter, layout, listen, type Channel, type ChannelHandlers,
} from '../channel/index.js';
import { LostRole, type DivergenceDetail } from '../errors.js';
import { CatchUp } from './catch-up.js';
import { EnforcementMap } from './enforcement-map.js';
import { primaryHello } from './greeting.js';
import { lagBoundBytes } from './lag.js';
import { LogKeeper } from './log-keeper.js';
import { Link, type LinkEvents } from './primary-link.js';
import { Protection } from './protection.js';
import { Board, type FromPump, type PrimaryPumpConfig, type ToPump } from './pump-messages.js';
import { claimedBy, servedBy } from './rival.js';
import { RingReader, SessionMap } from './ring.js';

const { CONTROL } = layout;
const RUN_BYTES = 0x100000;
const RUNS_PER_TURN = 4;
/** When less than this is left to catch up, the ring waits for the end of it. */
const HOLD_BYTES = 0x1000000;
/** While the backup has something to confirm, less than this waits for its confirmation: what
 * comes meanwhile shares the cost of one message (RFC 896 does the same for keystrokes). */
const COALESCE_BYTES = 0x10000;
const CLAIM_MS = 10;
const FAREWELL_MS = 10_000;
/** A backup that does not protect yet may be silent for so long. */
const UNPROTECTED_SILENCE_MS = 10_000;

export class PrimaryPump implements LinkEvents {
  readonly #map: SessionMap;
  readonly #net: EnforcementMap | undefined;
  readonly #reader: RingReader;
  readonly #protection: Protection;
  readonly #board: Board;
  readonly #boundMs: number;
  #keeper = new LogKeeper(undefined, () => undefined);
  #server: ChannelServer | undefined;
  #link: Link | undefined;
  #timer: NodeJS.Timeout | undefined;
  #farewell: NodeJS.Timeout | undefined;
  #tickedAt = 0;
  #isScheduled = false;
  /** Records wait for the next watermark, or for a tick that comes before it. */
  #isCoalescing = false;
  #ending: string | undefined;
  #handover: 'no' | 'wanted' | 'done' = 'no';
  #isFinished = false;
  #hasYielded = false;
  #distrust: string | undefined;

  constructor(
    readonly config: PrimaryPumpConfig,
    readonly tell: (message: FromPump) => void,
    readonly fail: (error: unknown) => void,
  ) {
    this.#map = new SessionMap(config.sessionFd, config.ringBytes);
    this.#net = config.settingsFd === null ? undefined : new EnforcementMap(config.settingsFd);
    this.#board = new Board(config.board);
    this.#protection = new Protection(this.#map.control, this.#net, this.#board, config);
    this.#reader = new RingReader(this.#map, () => this.#turn());
    this.#boundMs = config.detect.intervalMs * config.detect.count;
  }

  async start(): Promise<void> {
    const { config } = this;
    if (config.logDir !== null) {
      const { manifest, process, tableHash } = config;
      const version = layout.HS_VERSION;
      const log = LogWriter.create(config.logDir, { version, tableHash, manifest, process });
      this.#keeper = new LogKeeper(log, (why) => this.#onLogLost(why));
    }
    this.#server = await listen({
      ...config.listen, key: Buffer.from(config.key), hello: primaryHello(config),
      keepaliveMs: Math.min(CLAIM_MS, config.detect.intervalMs),
      silentMs: this.#boundMs,
      onRejected: (error) => {
        this.#board.set('rejected', this.#board.get('rejected') + 1);
        this.tell({ kind: 'rejected', message: error.message });
      },
    }, (channel) => this.#attach(channel));
    this.#timer = setInterval(() => this.#tick(), Math.min(CLAIM_MS, config.detect.intervalMs / 4));
    this.tell({ kind: 'listening', address: this.#server.address });
    this.#schedule();
  }

  onMessage(message: ToPump): void {
    if (message.kind === 'openings') return this.#protection.openings?.take(message.held);
    if (message.kind === 'ended') this.#ending = message.reason;
    if (message.kind === 'handover') this.#handover = 'wanted';
    if (message.kind === 'distrust') this.#distrust = message.why;
    if (this.#distrust && this.#link) this.#drop(this.#link, this.#distrust);
    this.#schedule();
  }

  #attach(channel: Channel): ChannelHandlers {
    const rival = servedBy(channel, this.config.manifest.vip);
    this.#yield(rival);
    const refusal = rival ?? this.#refusal();
    if (refusal) {
      channel.refuse(new ChannelError('refused', refusal));
      return {};
    }
    // Its predecessor went silent and left us fenced; a new engine on that host ends the doubt.
    if (this.#link) this.#leave('a new backup has come');
    this.#link = new Link(channel, this.config, this);
    return this.#link.handlers();
  }

  /** Why a backup cannot join now, as a sentence; undefined when it can. */
  #refusal(): string | undefined {
    const link = this.#link;
    if (link && link.state !== 'closed') {
      return `the primary has a backup already, ${link.peer}: stop that one first`;
    }
    if (this.#distrust !== undefined) return `${this.#distrust}: start the primary again`;
    if (this.#ending !== undefined) return 'the program has ended: start the primary again';
    if (this.#reader.position > 0 && !this.#keeper.log) {
      return 'the program runs and its log was not kept: start the primary with --log-dir';
    }
    return undefined;
  }

  // ---- the ring ----

  #schedule(): void {
    if (this.#isScheduled || this.#isFinished) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(isTick = false): void {
    this.#isScheduled = false;
    if (this.#isFinished) return;
    try {
      const isHeld = this.#catchUp();
      const isBusy = isHeld || this.#drain(isTick);
      if (isBusy) return;
      if (!this.#reader.isEmpty || !this.#reader.sleep()) return this.#schedule();
      if (this.#handover === 'wanted') this.#handOver();
      if (this.#ending !== undefined) this.#bid();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Moves what is in the ring. True when somebody else goes on later: the network, or nobody. */
  #drain(isTick: boolean): boolean {
    const reader = this.#reader;
    this.#isCoalescing = false;
    for (let run = 0; run < RUNS_PER_TURN; run++) {
      const link = this.#link?.isSending ? this.#link : undefined;
      if (link && (link.channel.needDrain || link.spans.isFull)) return true;
      if (link && !isTick && this.#coalesces(link)) {
        this.#isCoalescing = true;
        break;
      }
      if (!reader.take(RUN_BYTES)) break;
      this.#keeper.append(reader);
      if (link) this.#send(link);
      else reader.done(reader.position, reader.seq);
    }
    this.#keeper.flush();
    return this.#isCoalescing;
  }

  #coalesces(link: Link): boolean {
    const { isProtected, received } = this.#protection;
    if (!isProtected || link.sent === received) return false;
    return this.#reader.waitingBytes < COALESCE_BYTES;
  }

  #send(link: Link): void {
    const { bytes, start, end, position, seq } = this.#reader;
    link.spans.push(position, seq);
    link.sent = position;
    link.channel.send(bytes.subarray(start, end), this.#onFree(link));
  }

  /** The network has taken the oldest run: its bytes go back to the program. */
  #onFree(link: Link): () => void {
    return link.onFree ??= () => {
      const { position, seq } = link.spans;
      const wasFull = link.spans.isFull;
      link.spans.shift();
      if (!this.#isFinished) this.#reader.done(position, seq);
      if (wasFull || this.#ending !== undefined) this.#schedule();
    };
  }

  #onLogLost(why: Error): void {
    if (this.#link?.state === 'catchingUp') this.#link.channel.destroy();
    this.tell({ kind: 'rejected', message: `the log ends here: ${why.message}` });
  }

  /** Sends the log to a backup that came late. True while the ring has to wait for that. */
  #catchUp(): boolean {
    const link = this.#link;
    if (link?.state !== 'catchingUp' || !link.catchUp) return false;
    const { catchUp } = link;
    if (!link.channel.needDrain) {
      for (let block = 0; block < RUNS_PER_TURN; block++) {
        if (catchUp.step((bytes) => link.channel.send(bytes))) continue;
        link.state = 'following';
        catchUp.close();
        break;
      }
      link.sent = catchUp.sentBytes;
      if (link.state === 'following') return false;
      this.#schedule();
    }
    return catchUp.behindBytes < HOLD_BYTES;
  }

  // ---- the backup ----

  onReady(link: Link): void {
    this.#protection.restart();
    this.tell({ kind: 'ready', peer: link.peer });
    if (this.#reader.position === 0) {
      link.state = 'following';
      this.#protect(link);
    } else {
      link.state = 'catchingUp';
      link.catchUp = new CatchUp(this.#keeper.log!);
      this.#schedule();
    }
  }

  #protect(link: Link): void {
    link.claims.confirm(link.claims.sent);
    link.claims.progress(performance.now(), 0);
    this.#protection.protect(link.channel);
    link.channel.sendControl({ kind: 'caughtUp', seq: this.#reader.seq });
    this.tell({ kind: 'protected', peer: link.peer });
  }

  onWatermark(link: Link, received: number, replayed: number): boolean {
    if (!this.#protection.advance(received, replayed, link.sent)) return false;
    this.#board.set('receivedSeq', link.receivedSeq);
    this.#board.set('replayedSeq', link.replayedSeq);
    const isClose = this.#reader.position - replayed <= RUN_BYTES;
    if (link.state === 'following' && !this.#protection.isProtected && isClose) this.#protect(link);
    if (this.#isCoalescing) this.#turn();
    else if (this.#ending !== undefined || this.#handover !== 'no') this.#schedule();
    return true;
  }

  onKnown = (count: number): void => this.#protection.openings?.release(count);
  onDrain = (): void => this.#schedule();
  onStop = (reason: string): void => this.tell({ kind: 'stop', reason });

  onDivergence(link: Link, divergence: DivergenceDetail): void {
    this.#drop(link, `the backup diverged at record ${divergence.seq}`, divergence);
  }

  onLostRole(link: Link): void {
    link.state = 'closed';
    this.#yield(`${link.peer} is the primary now: this host's copy is stopped`);
  }

  /** Another host serves the address: silence first, then the end. */
  #yield(message: string | undefined): void {
    if (!message || this.#handover === 'done' || this.#hasYielded) return;
    this.#hasYielded = true;
    this.#protection.fence(true);
    this.tell({ kind: 'lostRole', message });
  }

  onGone(link: Link, why: string, isSilent: boolean): void {
    if (link !== this.#link) return;
    if (this.#handover === 'done') {
      return this.tell({ kind: 'lostRole', message: `handed over to ${link.peer}` });
    }
    // It may have taken over, and only cannot tell us: whoever is fenced stays so.
    if (isSilent && this.#protection.isFenced) return;
    this.#leave(why);
  }

  /** The backup hears that we go on without it. */
  #drop(link: Link, why: string, divergence?: DivergenceDetail): void {
    link.state = 'closed';
    link.channel.close();
    this.#leave(why, divergence);
  }

  #leave(why: string, divergence?: DivergenceDetail): void {
    this.#link = undefined;
    this.#protection.unprotect();
    this.#board.set('lagMs', 0);
    this.tell({ kind: 'unprotected', why, divergence });
    this.#schedule();
  }

  // ---- time ----

  #tick(): void {
    const now = performance.now();
    this.#board.set('headSeq', this.#map.control.load64(CONTROL.headSeq));
    this.#board.set('storedSeq', this.#reader.seq);
    this.#yield(this.#net && claimedBy(this.#net, this.config));
    const link = this.#link;
    if (!link || link.state === 'closed' || this.#hasYielded) return;
    link.claim(now);
    this.#board.set('claims', link.claims.sent);
    this.#board.set('sentBytes', link.sent);
    if (!this.#protection.isProtected) {
      // It may be busy starting its copy: nothing depends on it yet.
      if (link.claims.ageMs(now) > UNPROTECTED_SILENCE_MS) link.channel.destroy();
      return;
    }
    this.#watchLag(link, now);
    if (this.#handover !== 'no') return;
    // Our own loop may be late: what has arrived meanwhile is read first. And a stall of ours is
    // no silence of the backup's: it gets longer to answer, still short of its own bound.
    const isLate = now - this.#tickedAt > this.#boundMs / 4;
    this.#tickedAt = now;
    if (this.#isCoalescing && !link.channel.needDrain) this.#turn(true);
    setImmediate(() => this.#watchClaims(link, isLate ? 0.75 : 0.5));
  }

  /** Keeps the bounds on records and milliseconds by the one the shim knows: bytes. */
  #watchLag(link: Link, now: number): void {
    const { config } = this;
    const { control } = this.#map;
    const { replayed } = this.#protection;
    const head = control.load64(CONTROL.head);
    link.lag.sample(head, now);
    const lagMs = link.lag.lagMs(replayed, now);
    this.#board.set('lagMs', lagMs);
    if (config.lagPolicy === 'slow-primary') {
      const headSeq = control.load64(CONTROL.headSeq);
      const bound = lagBoundBytes(config, head, headSeq, replayed, lagMs);
      control.store64(CONTROL.maxLagBytes, bound);
    } else if (lagMs > config.maxLagMs) {
      this.#drop(link, `the backup was ${Math.round(lagMs)} ms behind, and was dropped`);
    }
  }

  /** Fences this host before the backup can take it for dead; docs/decisions/partition.md. */
  #watchClaims(link: Link, share: number): void {
    if (link !== this.#link || link.state === 'closed' || this.#hasYielded) return;
    if (!this.#protection.isProtected) return;
    const ageMs = link.claims.ageMs(performance.now());
    const policy = this.config.onPartition;
    if (policy === 'primary-continues') {
      if (ageMs <= this.#boundMs) return;
      return this.#drop(link, `the backup was silent for ${Math.round(ageMs)} ms`);
    }
    const isLost = ageMs > this.#boundMs * share;
    if (isLost !== this.#protection.isFenced) {
      this.#protection.fence(isLost);
      this.tell({ kind: 'fenced', is: isLost });
    }
    if (policy === 'stop' && ageMs > this.#boundMs * 2) {
      this.fail(new LostRole(
        `the backup was silent for ${Math.round(ageMs)} ms, and --on-partition is stop`));
    }
  }

  // ---- the end ----

  /** The ring is empty: the program waits for nobody, so the backup can be made the primary. */
  #handOver(): void {
    const link = this.#link;
    if (!link?.isSending || !link.spans.isEmpty || this.#protection.replayed < link.sent) return;
    this.#handover = 'done';
    this.#protection.fence(true);
    link.channel.sendControl({ kind: 'role', role: 'backup', generation: link.claims.sent + 1 });
    link.channel.close();
  }

  /** The program has ended and the ring is empty: tells the backup, and waits until it is there. */
  #bid(): void {
    const link = this.#link;
    if (!link?.channel.open || link.state === 'offered') return this.#finish();
    if (link.state !== 'following' || !link.spans.isEmpty) return;
    if (!this.#farewell) {
      link.channel.sendControl({ kind: 'stop', reason: this.#ending! });
      this.#farewell = setTimeout(() => this.#finish(), FAREWELL_MS);
    }
    if (this.#protection.replayed >= link.sent) this.#finish();
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    clearTimeout(this.#farewell);
    clearInterval(this.#timer);
    this.#link?.channel.close();
    this.#server?.close();
    this.#keeper.close();
    this.#reader.close();
    this.#protection.openings?.close();
    this.tell({ kind: 'finished' });
  }
}
