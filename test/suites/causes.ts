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
    why: 'calls the table refuses by design: bpf, perf_event_open, quotactl, cachestat, fsopen',
    programs: {
      rr: ['bpf_map', 'bpf_prog_map', 'bpf_query', 'perf_event', 'perf_event_ioctl', 'quotactl'],
      ltp: ['cachestat02', 'fsopen01', 'fsopen02'],
    },
  },
  {
    why: 'refused by design: new namespaces, and mounts in them',
    programs: {
      rr: ['clone_newflags', 'fatal_init_signal', 'fsmount', 'ioctl_br', 'mount_ns_exec',
        'mount_ns_exec2', 'mount_ns_execveat', 'netfilter', 'netfilter_ipv6', 'open_tree',
        'pid_ns_kill_child', 'pid_ns_kill_child_threads', 'pid_ns_kill_child_zombie',
        'pid_ns_kill_threads', 'pid_ns_kill_threads_exit_wait', 'pid_ns_reap', 'pid_ns_segv',
        'pid_ns_shutdown', 'pivot_root', 'prctl_caps', 'privileged_net_ioctl', 'rr_ps_ns'],
      ltp: ['access04', 'cachestat01', 'cachestat03', 'cachestat04', 'chmod06', 'chown04',
        'clone09', 'clone304', 'close_range01', 'epoll_wait10', 'fallocate04', 'fallocate05',
        'fchmod06', 'fchown04', 'fchownat03'],
    },
  },
  {
    why: 'refused by design: ptrace of another process; its tracer then waits for what never ' +
      'comes',
    programs: {
      rr: ['ptrace_attach_null_status', 'ptrace_attach_sleeping', 'ptrace_attach_syscall',
        'ptrace_attach_thread_running', 'ptrace_breakpoint', 'ptrace_sigchld_blocked',
        'ptrace_sysemu_syscall', 'ptrace_trace_clone'],
    },
  },
  {
    why: 'refused by design: processes that share all memory without being threads of one',
    programs: {
      rr: ['clone_share_vm', 'clone_cleartid_coredump', 'futex_restart_clone'],
      ltp: ['clone02', 'clone08'],
    },
  },
  {
    why: 'refused by design: clone3, whose callers fall back to clone; rseq',
    programs: { rr: ['clone_vfork_pidfd', 'rseq_cpu_id_reset'], ltp: ['clone301'] },
  },
  {
    why: "refused by design: seccomp filters, which would judge the shim's own calls",
    programs: {
      rr: ['context_switch_after_patch', 'deterministic_sigsys', 'seccomp_clone_fail',
        'seccomp_madvise', 'seccomp_sigsys_args', 'seccomp_sigsys_sigtrap', 'seccomp_tsync'],
    },
  },
  {
    why: "refused by design: options of prctl that are the shim's own (PR_SET_MM, PR_SET_TSC)",
    programs: { rr: ['prctl', 'prctl_tsc', 'prctl_tsc_supported'] },
  },
  {
    why: 'refused by design: keys of the kernel, Landlock',
    programs: { rr: ['keyctl', 'landlock'] },
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
    why: 'which of several threads or processes runs first is not the same natively and recorded',
    programs: { rr: ['mutex_pi_stress', 'scm_rights'] },
  },
  {
    why: 'a robust mutex whose owner is killed by SIGKILL is never given up: what it held is ' +
      'known to its own memory alone, which is gone',
    programs: { rr: ['robust_futex'] },
  },
  {
    why: 'writes to the memory of another process (/proc/PID/mem) are not repeated',
    programs: { rr: ['proc_mem'] },
  },
  {
    why: 'in a replay of a log alone each mapping of a file has the file opened for it: two that ' +
      'the kernel joined in the recording are not joined, and mremap of both together fails',
    programs: { rr: ['mremap_after_coalesce'] },
  },
  {
    why: 'processes that share a table of descriptors: close_range closes in the table of both',
    programs: { ltp: ['close_range02'] },
  },
  {
    why: 'sends a signal to its process group, to which the recording command belongs',
    programs: { rr: ['abort'] },
  },
  {
    why: 'recorded it leads its process group, as under a shell with job control: setsid is EPERM',
    programs: { rr: ['setsid'] },
  },
  {
    why: "counts descriptors: sixteen numbers under a limit above 16000 are the shim's own, and " +
      '/proc/self/fd shows them',
    programs: {
      rr: ['proc_fds'], posix: ['interfaces/shm_open/38-1'], ltp: ['dup06', 'dup205'],
    },
  },
  {
    why: "counts mappings up to the kernel's limit, of which the shim has some",
    programs: { posix: ['interfaces/mmap/24-1'] },
  },
  {
    why: 'name_to_handle_at: its row takes a handle of 128 bytes, also where the program has fewer',
    programs: { ltp: ['open_by_handle_at01', 'open_by_handle_at02'] },
  },
  {
    why: 'a queue that could not be made for want of room is made by the replay, where there is ' +
      'some',
    programs: { ltp: ['msgget03'] },
  },
  {
    why: 'starts ten thousand processes, each of whose memory is digested: not done in its bound',
    programs: { ltp: ['fcntl14'] },
  },
];

/** The cause of a program's failure, when it is known. */
export function causeOf(suite: string, program: string): string | undefined {
  return causes.find(({ programs }) => programs[suite]?.includes(program))?.why;
}
