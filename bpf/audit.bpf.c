/* audit.bpf.c: the witness in the kernel: counts what a replicated program did past its shim.
 *
 * Every system call of the program's process tree has to be made by the core: by an instruction of
 * its text, on a stack of its own. What syscall user dispatch sends back to the core never arrives
 * here (the kernel asks it first), so whatever arrives was made. Connections of the service
 * address: how many bytes the kernel gave out and took in; the engine compares.
 *
 * The rule: nothing is excused because it is rare; each exception below is a call of the core. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "audit.h"

/* BPF_PROG gives every program a context, and a hook's arguments go up to the last one used */
#pragma clang diagnostic ignored "-Wunused-parameter"

char LICENSE[] SEC("license") = "GPL";

#define NR_MUNMAP 11
#define NR_PRCTL 157
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define SIGNAL_SYS 31
#define SI_SECCOMP 1
#define NS_DEEPEST 6

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct hs_audit_settings);
} settings SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, HS_AUDIT_PROCESSES);
  __type(key, __u32);
  __type(value, __u32);
} tree SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, HS_AUDIT_SITES);
  __type(key, struct hs_audit_place);
  __type(value, struct hs_audit_site);
} sites SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, HS_AUDIT_CONNECTIONS);
  __type(key, __u64);
  __type(value, struct hs_audit_connection);
} connections SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, HS_AUDIT_SEEN);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

static __always_inline struct hs_audit_settings *the_settings(void)
{
  __u32 zero = 0;
  return bpf_map_lookup_elem(&settings, &zero);
}

static __always_inline void saw(__u32 what)
{
  __u64 *n = bpf_map_lookup_elem(&seen, &what);
  if (n)
    *n += 1;
}

/* ---- process ids as they are seen inside, and namespaces ---- */

/* The verifier wants constant indices into the kernel's own arrays. */
#define AT_LEVEL(pid, level, field, otherwise)             \
  ((level) == 0   ? (pid)->numbers[0].field                \
   : (level) == 1 ? (pid)->numbers[1].field                \
   : (level) == 2 ? (pid)->numbers[2].field                \
   : (level) == 3 ? (pid)->numbers[3].field                \
   : (level) == 4 ? (pid)->numbers[4].field                \
   : (level) == 5 ? (pid)->numbers[5].field                \
   : (level) == 6 ? (pid)->numbers[6].field : (otherwise))

static __always_inline __u32 number_at(struct pid *pid, __u32 level)
{
  return (__u32)AT_LEVEL(pid, level, nr, 0);
}

static __always_inline __u32 namespace_of(struct task_struct *task)
{
  struct pid *pid = task->thread_pid;
  struct pid_namespace *ns = AT_LEVEL(pid, pid->level, ns, 0);
  return ns ? ns->ns.inum : 0;
}

/* ---- findings ---- */

static __always_inline void fill_site(struct hs_audit_site *site, struct task_struct *task,
                                      const __u64 *arguments)
{
  struct pid *thread = task->thread_pid, *group = task->group_leader->thread_pid;
  __u32 level = thread->level;
  __builtin_memset(site, 0, sizeof *site);
  site->count = 1;
  site->ns = bpf_ktime_get_ns();
  if (arguments)
    __builtin_memcpy(site->arguments, arguments, sizeof site->arguments);
  site->tid = number_at(thread, level);
  site->pid = number_at(group, level);
  if (level)
    site->hostPid = number_at(group, level - 1);
  bpf_get_current_comm(site->name, sizeof site->name);
}

static __always_inline void found(struct hs_audit_settings *s, struct task_struct *task,
                                  __u32 kind, __u32 number, __u64 address,
                                  const __u64 *arguments)
{
  struct hs_audit_place place = {address, number, kind};
  struct hs_audit_site fresh;
  struct hs_audit_site *site = bpf_map_lookup_elem(&sites, &place);
  __sync_fetch_and_add(&s->found[kind], 1);
  if (!site) {
    fill_site(&fresh, task, arguments);
    if (!bpf_map_update_elem(&sites, &place, &fresh, BPF_NOEXIST))
      return;
    site = bpf_map_lookup_elem(&sites, &place); /* another CPU was faster, or there is no room */
  }
  if (site)
    __sync_fetch_and_add(&site->count, 1);
  else
    __sync_fetch_and_add(&s->sitesLost, 1);
}

/* ---- the tree ---- */

static __always_inline void enrol(struct hs_audit_settings *s, __u32 group, __u32 state)
{
  if (bpf_map_update_elem(&tree, &group, &state, BPF_ANY))
    __sync_fetch_and_add(&s->processesLost, 1);
  else
    __sync_fetch_and_add(&s->processes, 1);
}

/* The engine's main thread starts the launcher; its worker may start others meanwhile. */
static __always_inline int is_launcher(struct hs_audit_settings *s, struct task_struct *parent)
{
  struct bpf_pidns_info info = {};
  if (!s->isSpawning || parent->pid != parent->tgid)
    return 0;
  if (bpf_get_ns_current_pid_tgid(s->pidNsDev, s->pidNsInode, &info, sizeof info))
    return 0;
  return info.tgid == s->enginePid;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(forked, struct task_struct *parent, struct task_struct *child)
{
  struct hs_audit_settings *s = the_settings();
  if (!s || child->pid != child->tgid)
    return 0;
  __u32 group = parent->tgid;
  __u32 *state = bpf_map_lookup_elem(&tree, &group);
  if (state) {
    if (!s->programNsInode && child->thread_pid->level > parent->thread_pid->level)
      s->programNsInode = namespace_of(child);
    enrol(s, child->tgid, *state);
  } else if (is_launcher(s, parent)) {
    enrol(s, child->tgid, HS_AUDIT_SPAWNED);
  } else if (s->programNsInode && namespace_of(child) == s->programNsInode) {
    enrol(s, child->tgid, HS_AUDIT_RUNNING);
    found(s, child, HS_AUDIT_INTRUDER, 0, 0, 0);
  }
  return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(executed, struct task_struct *task)
{
  __u32 group = task->tgid;
  __u32 *state = bpf_map_lookup_elem(&tree, &group);
  if (state)
    *state = HS_AUDIT_STARTING;
  return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(exited, struct task_struct *task)
{
  __u32 group = task->tgid;
  if (task->signal->live.counter == 0)
    bpf_map_delete_elem(&tree, &group);
  return 0;
}

/* ---- calls ---- */

/* Whoever turns it off, or lets other code through, makes the calls of that code unseen. */
static __always_inline int changes_dispatch(struct hs_audit_settings *s, struct pt_regs *regs,
                                            long number)
{
  return number == NR_PRCTL && regs->di == PR_SET_SYSCALL_USER_DISPATCH &&
         (regs->si != 1 || regs->dx != s->textFrom || regs->r8);
}

/* What is wrong with a call: its kind, or -1 when the core made it. */
static __always_inline int judge(struct hs_audit_settings *s, __u32 *state,
                                 struct task_struct *task, struct pt_regs *regs, long number)
{
  __u64 ip = regs->ip, sp = regs->sp;
  if (changes_dispatch(s, regs, number))
    return HS_AUDIT_DISPATCH;
  if (ip < s->textFrom || ip > s->textTo)
    return HS_AUDIT_OUTSIDE;
  if (*state == HS_AUDIT_STARTING) {
    if (number == NR_MUNMAP && regs->di == HS_AUDIT_LAST_ADDRESS &&
        regs->si == HS_AUDIT_LAST_BYTES)
      *state = HS_AUDIT_RUNNING;
  } else if (sp < HS_AUDIT_STACK_FROM || sp >= HS_AUDIT_STACK_TO) {
    return HS_AUDIT_BORROWED;
  }
  return task->ptrace ? HS_AUDIT_TRACED : -1;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(entered, struct pt_regs *regs, long number)
{
  __u32 group = bpf_get_current_pid_tgid() >> 32;
  __u32 *state = bpf_map_lookup_elem(&tree, &group);
  if (!state || *state == HS_AUDIT_SPAWNED)
    return 0;
  struct hs_audit_settings *s = the_settings();
  if (!s)
    return 0;
  saw(HS_AUDIT_SEEN_CALLS);
  struct task_struct *task = bpf_get_current_task_btf();
  int kind = judge(s, state, task, regs, number);
  if (kind < 0)
    return 0;
  __u64 arguments[6] = {regs->di, regs->si, regs->dx, regs->r10, regs->r8, regs->r9};
  found(s, task, (__u32)kind & 7, (__u32)number, regs->ip, arguments);
  return 0;
}

/* A ring does its work without calls, in a kernel thread of the same thread group if asked to. */
static __always_inline int requested(struct io_kiocb *request)
{
  __u32 group = bpf_get_current_pid_tgid() >> 32;
  struct hs_audit_settings *s = the_settings();
  if (s && bpf_map_lookup_elem(&tree, &group))
    found(s, bpf_get_current_task_btf(), HS_AUDIT_RING, request->opcode, 0, 0);
  return 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(submitted, struct io_kiocb *request)
{
  return requested(request);
}

/* The same before Linux 6.4: the engine loads the one that is there. */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(submitted_then, struct io_kiocb *request)
{
  return requested(request);
}

/* What the filter of `--audit refuse` has kept from being made is told by a signal. */
SEC("tp_btf/signal_generate")
int BPF_PROG(signalled, int number, struct kernel_siginfo *info, struct task_struct *task)
{
  /* the kernel marks its own by these small numbers instead of an address */
  if (number != SIGNAL_SYS || (__u64)info <= 2 || info->si_code != SI_SECCOMP)
    return 0;
  __u32 group = bpf_get_current_pid_tgid() >> 32;
  struct hs_audit_settings *s = the_settings();
  /* copied: Linux 6.1 takes a member of the union for the first one that begins where it does */
  if (s && bpf_map_lookup_elem(&tree, &group))
    found(s, bpf_get_current_task_btf(), HS_AUDIT_REFUSED,
          (__u32)BPF_CORE_READ(info, _sifields._sigsys._syscall),
          (__u64)BPF_CORE_READ(info, _sifields._sigsys._call_addr), 0);
  return 0;
}

/* ---- connections ---- */

static __always_inline int is_service(struct hs_audit_settings *s, const struct sock *sk)
{
  return s->vip && sk->__sk_common.skc_rcv_saddr == s->vip &&
         sk->__sk_common.skc_net.net->ns.inum == s->netNsInode;
}

static __always_inline void advance(struct hs_audit_connection *c, struct tcp_sock *tcp)
{
  __u32 copied = tcp->copied_seq, sent = tcp->snd_nxt;
  /* an end of file takes a sequence number and is no byte */
  if (c->flags & HS_AUDIT_IN_END && (int)(copied - c->inEnd) > 0)
    copied = c->inEnd;
  if (c->flags & HS_AUDIT_OUT_END && (int)(sent - c->outEnd) > 0)
    sent = c->outEnd;
  if ((int)(copied - c->copied) > 0) {
    c->delivered += copied - c->copied;
    c->copied = copied;
  }
  if ((int)(sent - c->sent) > 0) {
    c->left += sent - c->sent;
    c->sent = sent;
  }
}

static __always_inline void look(struct sock *sk)
{
  struct hs_audit_settings *s = the_settings();
  if (!s || !is_service(s, sk))
    return;
  saw(HS_AUDIT_SEEN_SEGMENTS);
  __u64 cookie = bpf_get_socket_cookie(sk);
  struct hs_audit_connection *c = bpf_map_lookup_elem(&connections, &cookie);
  struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
  if (c && tcp && !(c->flags & HS_AUDIT_CLOSED))
    advance(c, tcp);
}

/* A segment has come: an acknowledgement, at least, of what has left. */
SEC("tp_btf/tcp_probe")
int BPF_PROG(arrived, struct sock *sk)
{
  look(sk);
  return 0;
}

/* Bytes have been copied to a reader. */
SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(delivered, struct sock *sk)
{
  look(sk);
  return 0;
}

static __always_inline void begin(struct hs_audit_settings *s, struct sock *sk,
                                  struct tcp_sock *tcp, __u64 cookie)
{
  struct hs_audit_connection c = {};
  c.raddr = sk->__sk_common.skc_daddr;
  c.rport = sk->__sk_common.skc_dport;
  c.lport = __builtin_bswap16(sk->__sk_common.skc_num);
  c.irs1 = c.copied = tcp->copied_seq;
  c.iss1 = c.sent = tcp->write_seq;
  if (bpf_map_update_elem(&connections, &cookie, &c, BPF_ANY))
    __sync_fetch_and_add(&s->connectionsLost, 1);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(changed, struct sock *sk, int before, int after)
{
  struct hs_audit_settings *s = the_settings();
  if (!s || !is_service(s, sk))
    return 0;
  struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
  if (!tcp)
    return 0;
  __u64 cookie = bpf_get_socket_cookie(sk);
  if (before == TCP_SYN_RECV && after == TCP_ESTABLISHED) {
    begin(s, sk, tcp, cookie);
    return 0;
  }
  struct hs_audit_connection *c = bpf_map_lookup_elem(&connections, &cookie);
  if (!c || (c->flags & HS_AUDIT_CLOSED))
    return 0;
  if (after == TCP_CLOSE_WAIT) { /* the FIN is in the queue already */
    c->inEnd = tcp->rcv_nxt - 1;
    c->flags |= HS_AUDIT_IN_END;
  }
  if (after == TCP_FIN_WAIT1 || after == TCP_LAST_ACK) { /* ours is not yet */
    c->outEnd = tcp->write_seq;
    c->flags |= HS_AUDIT_OUT_END;
  }
  advance(c, tcp);
  if (after == TCP_CLOSE)
    c->flags |= HS_AUDIT_CLOSED;
  return 0;
}
