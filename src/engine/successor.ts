/* successor.ts: a backup that has taken over calls the host it took over from, again and again, at
 * the address where that one's engine listened: when somebody starts a primary there, or one that
 * was only cut off comes back, it hears at once who serves (rival.ts).
 * The rule: it only tells; nothing of what the other says is listened to. */
import { ChannelError, connect, type Channel } from '../channel/index.js';
import { successorHello } from './greeting.js';
import type { BackupPumpConfig } from './pump-messages.js';

const CALL_MS = 250;
/** A pair of another name, key or build is there: nobody to be told, as long as it stays. */
const REFUSED_MS = 30_000;
const HANDSHAKE_MS = 1000;

export class Successor {
  readonly #config: BackupPumpConfig;
  readonly #name: string;
  readonly #vip: string;
  readonly #end = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #channel: Channel | undefined;

  /** `name` and `vip` are the pair's, as its primary said. */
  constructor(config: BackupPumpConfig, name: string, vip: string) {
    this.#config = config;
    this.#name = name;
    this.#vip = vip;
    this.#again(0);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#end.abort();
    this.#channel?.destroy();
  }

  #again(ms: number): void {
    if (this.#end.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#call(), ms);
  }

  async #call(): Promise<void> {
    const { key, detect, connect: where } = this.#config;
    const boundMs = detect.intervalMs * detect.count;
    try {
      await connect({
        ...where, key: Buffer.from(key), attempts: 1, signal: this.#end.signal,
        hello: successorHello(this.#config, this.#name, this.#vip),
        handshakeMs: Math.max(HANDSHAKE_MS, 2 * boundMs),
      }, (channel) => {
        this.#channel = channel;
        return { onControl: () => undefined, onClose: () => this.#again(CALL_MS) };
      });
    } catch (error) {
      const isPassing = error instanceof ChannelError && /^(unreachable|lost)$/.test(error.reason);
      this.#again(isPassing ? CALL_MS : REFUSED_MS);
    }
  }
}
