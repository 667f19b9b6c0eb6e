/* backup-pump.ts: the backup's worker: channel → ring, watermarks → channel, and the takeover
 * with the states of takeover.ts. The whole failover path is here, in one thread, with all that
 * it needs opened beforehand. The rule: what was received is stored before the end is marked, and
 * a primary that comes back after that is not listened to. */
import { FutexWaiter } from 'bpf-loader';
import {
  ChannelError, LogWriter, connect, layout,
  type Channel, type ChannelHandlers, type CloseReason, type Control, type Manifest,
  type ProcessStart, type RunInfo,
} from '../channel/index.js';
import { LostRole, OperatingError } from '../errors.js';
import { Announcer } from './arp.js';
import { EnforcementMap, netRole } from './enforcement-map.js';
import { backupHello, policyOf, processorOf } from './greeting.js';
import { Inbox } from './inbox.js';
import { OpeningTable } from './openings.js';
import {
  Board, type BackupPumpConfig, type FromPump, type OnPartition, type TakeoverTimes, type ToPump,
} from './pump-messages.js';
import { SessionMap } from './ring.js';
import { Successor } from './successor.js';
import { nextState, type TakeoverEvent, type TakeoverState } from './takeover.js';

const { CONTROL } = layout;
const TICK_MS = 5;
/** Clients wait for the confirmation, not the replay: a sleeping copy is woken this often, or for
 * this much, since waking costs as much as replaying a dozen records. */
const WAKE_MS = 1;
const WAKE_BYTES = 0x10000;
const LIVE_SPIN_NS = 10e6;
const LIVE_POLL_MS = 0.5;
const LIVE_BOUND_MS = 30_000;

const nowNs = (): number => Number(process.hrtime.bigint());

/** There once the primary's offer was accepted. */
interface Fed {
  map: SessionMap;
  inbox: Inbox;
  net: EnforcementMap | undefined;
  announcer: Announcer | undefined;
  liveWaiter: FutexWaiter;
  openings: OpeningTable;
}

export class BackupPump {
  readonly #board: Board;
  readonly #boundMs: number;
  readonly #times: TakeoverTimes = {
    cause: 'lost', heardNs: 0, detectedNs: 0, addressNs: 0, storedNs: 0, liveNs: 0, openNs: 0,
  };
  #state: TakeoverState = 'following';
  #channel: Channel | undefined;
  #fed: Fed | undefined;
  #log: LogWriter | undefined;
  #manifest: Manifest | undefined;
  #process: ProcessStart | undefined;
  #policy: OnPartition = 'backup-takes-over';
  #successor: Successor | undefined;
  #timer: NodeJS.Timeout | undefined;
  #late: NodeJS.Timeout | undefined;
  #ackedReplay = 0;
  #heardAt = 0;
  #wokenAt = 0;
  #isAckDue = false;
  #isProtecting = false;
  #isStopping = false;
  #isFinished = false;
  #isClosed = false;

  constructor(
    readonly config: BackupPumpConfig,
    readonly tell: (message: FromPump) => void,
    readonly fail: (error: unknown) => void,
  ) {
    this.#board = new Board(config.board);
    this.#boundMs = config.detect.intervalMs * config.detect.count;
  }

  async start(): Promise<void> {
    const { config } = this;
    await connect({
      ...config.connect,
      key: Buffer.from(config.key),
      attempts: config.attempts,
      hello: backupHello(config),
      keepaliveMs: Math.min(10, config.detect.intervalMs),
      silentMs: this.#boundMs,
    }, (channel) => this.#attach(channel));
  }

  onMessage(message: ToPump): void {
    if (message.kind === 'go') this.#go(message);
    else if (message.kind === 'ended') this.#onEnded();
    else if (message.kind === 'stop') this.#channel?.sendControl(message);
    else if (message.kind === 'refuse') {
      this.#channel?.refuse(new ChannelError('refused', message.message));
    }
  }

  #attach(channel: Channel): ChannelHandlers {
    this.#channel = channel;
    this.#policy = policyOf(channel.peer);
    return {
      onRecords: (bytes, start, end, info) => this.#onRecords(bytes, start, end, info),
      onControl: (control) => this.#onControl(control),
      onSilent: () => this.#onSilent(),
      onClose: (reason) => this.#onClose(reason),
    };
  }

  // ---- the offer ----

  #onControl(control: Control): void {
    // A primary that was cut off and comes back has nothing to say to its successor.
    if (this.#state !== 'following') return;
    switch (control.kind) {
      case 'manifest':
        this.#manifest = control;
        return;
      case 'process': {
        if (!this.#manifest) throw new ChannelError('unexpected', 'process came before manifest');
        this.#process = control;
        const { remote: peer, peer: hello } = this.#channel!;
        const processor = processorOf(hello);
        this.tell({ kind: 'offer', peer, processor, manifest: this.#manifest, process: control });
        return;
      }
      case 'role':
        return this.#onRole(control);
      case 'caughtUp':
        this.#isProtecting = true;
        this.#board.set('isProtected', 1);
        this.#board.set('protectedSinceMs', Date.now());
        return;
      case 'openings':
        if (this.#fed) this.#channel!.sendControl(this.#fed.openings.put(control.slots));
        return;
      case 'stop':
        return this.#onStop(control.reason);
      default:
        throw new ChannelError('unexpected', `${control.kind} came from the primary`);
    }
  }

  #onRole({ role, generation }: Extract<Control, { kind: 'role' }>): void {
    this.#heardAt = performance.now();
    if (role === 'backup') return this.#on('handover');
    this.#channel!.sendControl({ kind: 'role', role: 'backup', generation });
  }

  #go(go: Extract<ToPump, { kind: 'go' }>): void {
    const map = new SessionMap(go.sessionFd, go.ringBytes);
    const { config } = this;
    this.#fed = {
      map,
      inbox: new Inbox(map, () => this.#onSpace()),
      net: go.settingsFd === null ? undefined : new EnforcementMap(go.settingsFd),
      announcer: go.vip === null ? undefined : new Announcer(config.dev, go.vip),
      liveWaiter: new FutexWaiter(map.control.buffer, CONTROL.live, () => this.#pollLive()),
      openings: new OpeningTable(go.sessionFd),
    };
    if (config.logDir !== null) {
      this.#log = LogWriter.create(config.logDir, {
        version: layout.HS_VERSION, tableHash: config.tableHash,
        manifest: this.#manifest!, process: this.#process!,
      });
    }
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#channel!.sendControl({ kind: 'caughtUp', seq: 0 });
  }

  // ---- following ----

  #onRecords(bytes: Uint8Array, start: number, end: number, info: RunInfo): void {
    const fed = this.#fed;
    if (!fed) throw new ChannelError('unexpected', 'records came before they were asked for');
    if (this.#state !== 'following') return;
    this.#log?.append(bytes, start, end, info);
    // The peer is held back by TCP; what of this chunk is still coming is kept as well.
    if (!fed.inbox.put(bytes, start, end, info.lastSeq)) this.#channel!.pause();
    this.#scheduleAck();
  }

  /** One acknowledgement per turn of the loop, however many runs came in it. */
  #scheduleAck(): void {
    if (this.#isAckDue) return;
    this.#isAckDue = true;
    setImmediate(() => {
      this.#isAckDue = false;
      this.#ack();
      this.#wake();
    });
  }

  #ack(): void {
    const { inbox } = this.#fed!;
    if (this.#state !== 'following' || !this.#channel!.open) return;
    this.#log?.flush();
    const { watermark } = inbox;
    this.#ackedReplay = watermark.replayed;
    this.#channel!.sendWatermark(watermark);
    // `verified`: output waits for the replay itself, so its progress is told at once.
    if (this.#manifest!.commit === 'verified' && inbox.behindBytes > 0) inbox.watch();
  }

  /** Sees to it that the program goes on, at the latest with the next tick. */
  #wake(): void {
    const { inbox } = this.#fed!;
    const now = performance.now();
    const isUrgent = this.#manifest!.commit === 'verified' || inbox.behindBytes > WAKE_BYTES;
    if (!isUrgent && now - this.#wokenAt < WAKE_MS) return;
    this.#wokenAt = now;
    inbox.wake();
  }

  /** The program has consumed something that was waited for. */
  #onSpace(): void {
    const fed = this.#fed;
    if (!fed || this.#isFinished) return;
    try {
      const wasWaiting = fed.inbox.isWaiting;
      fed.inbox.flush();
      if (wasWaiting && !fed.inbox.isWaiting) {
        if (this.#state === 'following') this.#channel!.resume();
        else this.#on('stored');
      }
      if (fed.inbox.replayed !== this.#ackedReplay) this.#scheduleAck();
    } catch (error) {
      this.fail(error);
    }
  }

  #tick(): void {
    const { map, inbox } = this.#fed!;
    if (map.control.divergence()) return this.#on('divergence');
    this.#board.set('receivedSeq', inbox.receivedSeq);
    this.#board.set('replayedSeq', inbox.replayedSeq);
    this.#board.set('receivedBytes', inbox.received);
    if (this.#state !== 'following') return;
    inbox.wake();
    if (inbox.replayed !== this.#ackedReplay) this.#ack();
    if (this.#isStopping && !inbox.isWaiting) this.#endLog();
  }

  // ---- how it ends ----

  /** The primary's program has ended, or the pair is stopped: the rest is replayed, no more. */
  #onStop(reason: string): void {
    if (!this.#fed) return this.#finish();
    this.#isStopping = true;
    if (!this.#fed.inbox.isWaiting) this.#endLog();
    this.tell({ kind: 'stop', reason });
  }

  #endLog(): void {
    this.#isStopping = false;
    this.#fed!.inbox.finish(layout.HS_END_STOP);
    this.#on('stop');
  }

  /** Our program has ended: the last watermark, and goodbye. */
  #onEnded(): void {
    if (this.#fed?.map.control.divergence()) this.#on('divergence');
    if (this.#state === 'diverged') return; // its channel is closing: nothing more may be said
    this.#channel!.sendWatermark(this.#fed!.inbox.watermark);
    this.#on('ended');
    this.#finish();
  }

  #onSilent(): void {
    if (this.#policy === 'backup-takes-over' && this.#canTakeOver()) return this.#on('silent');
    if (this.#state !== 'following' || !this.#fed) return;
    this.#giveUp(`the primary was silent for ${this.#boundMs} ms, and its --on-partition is ` +
      `${this.#policy}: this copy stops`);
  }

  #onClose({ kind, error }: CloseReason): void {
    this.#isClosed = true;
    if (this.#isFinished) return this.tell({ kind: 'finished' });
    // Whatever the program does now, its end is what ends us.
    if (this.#state !== 'following' || this.#isStopping) return;
    if (kind === 'lost' && this.#canTakeOver()) return this.#on('lost');
    if (!this.#fed) return this.fail(error ?? new OperatingError('the primary closed the channel'));
    const why = error?.message ?? 'the primary closed the channel, and goes on alone';
    if (kind === 'error') return this.fail(error);
    this.#giveUp(kind === 'lost' ? `${why} before this copy had caught up` : why);
  }

  /** Only a copy that holds all that clients may have seen can go live, and one that has heard
   * the primary of late, unless it may take over from a silent one too. */
  #canTakeOver(): boolean {
    const isRecent = performance.now() - this.#heardAt < this.#boundMs;
    const isAllowed = isRecent || this.#policy === 'backup-takes-over';
    return isAllowed && this.#isProtecting && this.#state === 'following';
  }

  #giveUp(message: string): void {
    this.fail(new LostRole(message));
  }

  // ---- the takeover ----

  #on(event: TakeoverEvent): void {
    const before = this.#state;
    this.#state = nextState(before, event);
    if (this.#state === before) return;
    try {
      if (this.#state === 'asking') this.#enterAsking(event as TakeoverTimes['cause']);
      else if (this.#state === 'restoring') this.#enterRestoring();
      else if (this.#state === 'live') this.#enterLive();
      else if (this.#state === 'diverged') this.#enterDiverged();
    } catch (error) {
      this.fail(error);
    }
  }

  #enterAsking(cause: TakeoverTimes['cause']): void {
    const { map, inbox, net, announcer } = this.#fed!;
    const times = this.#times;
    times.cause = cause;
    times.detectedNs = nowNs();
    times.heardNs = times.detectedNs - (cause === 'silent' ? this.#boundMs * 1e6 : 0);
    map.control.store64(CONTROL.deadNs, times.detectedNs);
    net?.set('role', netRole.takeover);
    announcer?.ignore(0);
    announcer?.announce();
    times.addressNs = nowNs();
    if (!inbox.isWaiting) this.#on('stored');
    this.tell({ kind: 'takingOver', cause });
    // A primary that was cut off hears this when it can hear again.
    if (cause === 'silent') {
      this.#channel!.sendControl({ kind: 'role', role: 'primary', generation: 1 });
    }
  }

  #enterRestoring(): void {
    const { inbox } = this.#fed!;
    inbox.finish(layout.HS_END_GO_LIVE);
    this.#times.storedNs = nowNs();
    this.#late = setTimeout(() => {
      this.#on('late');
      this.fail(new OperatingError(
        `the program did not go live within ${LIVE_BOUND_MS / 1000} s of the takeover`));
    }, LIVE_BOUND_MS);
    this.#pollLive();
  }

  #pollLive(): void {
    if (this.#state !== 'restoring' || this.#isFinished) return;
    const { map, liveWaiter } = this.#fed!;
    if (map.control.load32(CONTROL.live) !== 0) return this.#on('live');
    // Most programs are live within milliseconds: no other thread should be in between.
    if (nowNs() - this.#times.storedNs < LIVE_SPIN_NS) setImmediate(() => this.#pollLive());
    else liveWaiter.arm(0, LIVE_POLL_MS);
  }

  #enterLive(): void {
    const { net, announcer } = this.#fed!;
    clearTimeout(this.#late);
    this.#times.liveNs = nowNs();
    net?.set('role', netRole.live);
    this.#times.openNs = nowNs();
    announcer?.announceOften();
    const { name } = this.#channel!.peer;
    if (announcer) this.#successor = new Successor(this.config, name, this.#manifest!.vip);
    this.#board.set('isProtected', 0);
    this.#board.set('protectedSinceMs', Date.now());
    this.tell({ kind: 'live', times: this.#times });
  }

  /** Tells the primary what happened; it goes on alone. */
  #enterDiverged(): void {
    const { seq, row, pid, tid, expected, got } = this.#fed!.map.control.divergence()!;
    this.#channel!.sendControl({ kind: 'divergence', seq, row, pid, tid, expected, got });
    this.#channel!.close();
    this.#board.set('isProtected', 0);
    this.#board.set('protectedSinceMs', Date.now());
    this.tell({ kind: 'diverged' });
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    clearInterval(this.#timer);
    clearTimeout(this.#late);
    // A primary that was taken over from is not waited for.
    if (this.#times.detectedNs > 0) this.#channel?.destroy();
    else this.#channel?.close();
    this.#log?.close();
    this.#fed?.inbox.close();
    this.#fed?.liveWaiter.close();
    this.#fed?.openings.close();
    this.#fed?.announcer?.close();
    this.#successor?.close();
    // This thread ends with that message, and with it the connection: the last words go first.
    if (!this.#channel || this.#isClosed) this.tell({ kind: 'finished' });
  }
}
