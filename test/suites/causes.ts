/* causes.ts: why programs of the suites do not come out the same: one entry per mechanism, with the
 * programs whose failure was followed to it. docs/suites.md groups by it; what no entry names is
 * shown by its symptom, as not looked into.
 * The rule: an entry names what HotSwap does or lacks, and is deleted with the lack. */

export interface Cause {
  why: string;
  /** Programs by suite. */
  programs: Readonly<Record<string, readonly string[]>>;
}

export const causes: readonly Cause[] = [
  {
    why: 'calls the table refuses by design: bpf',
    programs: { rr: ['bpf_map', 'bpf_prog_map', 'bpf_query'] },
  },
  {
    why: 'refused by design: new namespaces, and mounts in them',
    programs: { rr: ['clone_newflags', 'fatal_init_signal', 'fsmount', 'ioctl_br'] },
  },
  {
    why: 'refused by design: processes that share all memory without being threads of one',
    programs: { rr: ['clone_share_vm', 'clone_cleartid_coredump', 'futex_restart_clone'] },
  },
  {
    why: 'refused by design: clone3, whose callers fall back to clone',
    programs: { rr: ['clone_vfork_pidfd'] },
  },
  {
    why: "refused by design: seccomp filters, which would judge the shim's own calls",
    programs: { rr: ['context_switch_after_patch', 'deterministic_sigsys'] },
  },
  {
    why: 'refused by design: keys of the kernel, Landlock',
    programs: { rr: ['keyctl', 'landlock'] },
  },
  {
    why: 'the memory digest reads a mapped file of 100 GB page by page',
    programs: { rr: ['large_hole'] },
  },
  {
    why: 'setting a clock is refused with EPERM before its arguments are judged (EINVAL natively)',
    programs: { rr: ['clock'], posix: ['interfaces/clock_settime/17-2'] },
  },
  {
    why: 'one thread at a time runs, whatever its real-time priority',
    programs: {
      posix: ['interfaces/pthread_create/1-6', 'interfaces/sched_setparam/9-1'],
    },
  },
  {
    why: 'a write to its own /proc/self/mem is not repeated',
    programs: { rr: ['detach_state', 'jit_proc_mem'] },
  },
  {
    why: 'a process killed by SIGKILL for which nobody waits: its end is not in the log, and the ' +
      'replay is reported as incomplete',
    programs: {
      rr: ['grandchild_threads', 'grandchild_threads_main_running',
        'grandchild_threads_thread_running'],
    },
  },
  {
    why: 'sends a signal to its process group, to which the recording command belongs',
    programs: { rr: ['abort'] },
  },
  {
    why: 'ends with every descriptor in use: the memory digest needs one, and nothing is compared',
    programs: { posix: ['interfaces/shm_open/38-1'] },
  },
  {
    why: "counts mappings up to the kernel's limit, of which the shim has some",
    programs: { posix: ['interfaces/mmap/24-1'] },
  },
];

/** The cause of a program's failure, when it is known. */
export function causeOf(suite: string, program: string): string | undefined {
  return causes.find(({ programs }) => programs[suite]?.includes(program))?.why;
}
