/* audit.ts: the independent witness over one side of a pair: what the kernel saw of the program
 * that the shim did not record, and what follows from it by policy (docs/audit.md).
 * The rule: the audit observes; it never stands in the way of a record, and a pair whose kernel
 * does not allow it says so instead of claiming that nothing was found. */
import { rowName } from '../calls/calls.gen.js';
import { layout } from '../channel/index.js';
import type { Settings } from '../config.js';
import { NotReplicable, errnoOf } from '../errors.js';
import { log } from '../log.js';
import { ByteAudit, noTotals } from './audit-bytes.js';
import { AuditKernel, type AuditSite } from './audit-kernel.js';
import type { AuditReport, PairStatus } from './control-protocol.js';
import type { Session } from './session.js';

const { CONTROL, HS_FLAG_REFUSE } = layout;
const ROUND_MS = 1000;

export interface AuditOptions {
  policy: Settings['audit'];
  /** Service address; null where none is served. */
  vip: string | null;
  /** Called once, with the first finding as a sentence, when the policy is `fatal`. */
  onFatal: (sentence: string) => void;
}

export class Audit {
  readonly #kernel: AuditKernel | undefined;
  readonly #why: string | null = null;
  #bytes: ByteAudit | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isFatal = false;
  /** Findings that were logged, by place. */
  readonly #told = new Set<string>();

  /** Attaches it. Throws NotReplicable when the kernel refuses and the policy depends on it. */
  constructor(readonly session: Session, readonly options: AuditOptions) {
    const { policy, vip } = options;
    if (policy === 'off') {
      this.#why = 'the policy is off';
      return;
    }
    if (session.parts.starter !== undefined) {
      this.#why = 'another launcher than this installation\'s';
      return;
    }
    try {
      this.#kernel = AuditKernel.attach(vip);
    } catch (cause) {
      if (errnoOf(cause) === undefined) throw cause;
      this.#why = `this kernel does not let it look (${(cause as Error).message})`;
      const why = `--audit ${policy}: ${this.#why}`;
      if (policy !== 'report') throw new NotReplicable(why, { cause });
      log.warn(`no audit: ${this.#why}`);
      return;
    }
    if (policy === 'refuse') session.control.setBits(CONTROL.flags, HS_FLAG_REFUSE);
    if (vip !== null) this.#bytes = new ByteAudit(this.#kernel, session.control, session.fd);
    this.#timer = setInterval(() => this.#round(), ROUND_MS);
    this.#timer.unref();
  }

  /** Runs what spawns the launcher, and nothing else. */
  spawning(spawn: () => void): void {
    if (this.#kernel) this.#kernel.spawning(spawn);
    else spawn();
  }

  report(status: PairStatus): AuditReport {
    const kernel = this.#kernel;
    const seen = kernel?.seen() ?? { calls: 0, segments: 0 };
    return {
      name: status.name,
      role: status.role,
      policy: this.options.policy,
      isRunning: kernel !== undefined,
      why: this.#why,
      calls: seen.calls,
      segments: seen.segments,
      processes: kernel?.processes ?? 0,
      ...this.#findings(),
      sites: (kernel?.sites() ?? []).map(plainSite),
      lost: kernel?.lost() ?? { sites: 0, processes: 0, connections: 0 },
      bytes: this.#bytes?.totals() ?? null,
      replay: { compared: status.watermarks.replayed, divergence: status.divergence },
    };
  }

  /** What `status` shows. */
  totals(): PairStatus['audit'] {
    if (this.options.policy === 'off') return null;
    const { bypasses, refused } = this.#findings();
    return {
      policy: this.options.policy, isRunning: this.#kernel !== undefined, bypasses, refused,
      differences: this.#bytes?.totals().different ?? 0,
    };
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#kernel) this.#tell();
    this.#bytes?.close();
    this.#kernel?.close();
  }

  #findings(): Pick<AuditReport, 'byKind' | 'bypasses' | 'refused'> {
    const byKind: Record<string, number> = this.#kernel?.found() ?? {};
    const all = Object.values(byKind).reduce((sum, n) => sum + n, 0);
    const refused = byKind['refused'] ?? 0;
    return { byKind, refused, bypasses: all - refused };
  }

  #round(): void {
    this.#bytes?.round();
    this.#tell();
  }

  /** Logs each place once, and each connection that differs. */
  #tell(): void {
    const { bypasses, refused } = this.#findings();
    const bytes = this.#bytes?.totals() ?? noTotals();
    if (bypasses + bytes.different + refused === 0) return;
    let first: string | undefined;
    for (const site of this.#kernel!.sites()) {
      const sentence = sentenceOf(site);
      if (site.kind !== 'refused') first ??= sentence;
      if (this.#isNews(`${site.kind} ${site.number} ${site.address}`)) {
        const word = site.kind === 'refused' ? 'REFUSED' : 'BYPASS';
        log.error({ audit: plainSite(site) }, `${word}: ${sentence}`);
      }
    }
    for (const difference of bytes.differences) {
      const { what, client, port, kernelBytes, shimBytes } = difference;
      const sentence = `connection of ${client} to port ${port}: ${what.replaceAll('-', ' ')}: ` +
        `${kernelBytes - shimBytes} bytes`;
      first ??= sentence;
      if (this.#isNews(`${what} ${client} ${port}`)) log.error({ audit: difference }, sentence);
    }
    if (first === undefined || this.#isFatal || this.options.policy !== 'fatal') return;
    this.#isFatal = true;
    this.options.onFatal(`the audit found ${first}`);
  }

  #isNews(what: string): boolean {
    if (this.#told.has(what)) return false;
    this.#told.add(what);
    return true;
  }
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

function callOf({ kind, number }: AuditSite): string {
  if (kind === 'ring') return `io_uring operation ${number}`;
  return kind === 'intruder' ? 'none' : rowName(number);
}

const plainSite = (site: AuditSite): AuditReport['sites'][number] => ({
  kind: site.kind,
  call: callOf(site),
  number: site.number,
  address: hex(site.address),
  count: site.count,
  first: { ...site.first, arguments: site.first.arguments.map(hex) },
});

function sentenceOf(site: AuditSite): string {
  const { kind, address, first } = site;
  const who = `thread ${first.tid} of process ${first.pid} (${first.name})`;
  const call = callOf(site);
  switch (kind) {
    case 'outside': return `${call} made at ${hex(address)}, outside the shim, by ${who}`;
    case 'borrowed': return `${call} made through the shim's own instruction by ${who}`;
    case 'dispatch': return `syscall user dispatch changed by ${who}`;
    case 'traced': return `${call} made while somebody traces ${who}`;
    case 'ring': return `${call} by ${who}`;
    case 'intruder':
      return `process ${first.pid} (${first.name}) among the program's, and not its child`;
    case 'refused': return `${call} at ${hex(address)}, outside the shim, by ${who}`;
  }
}
