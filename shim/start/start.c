/* start.c: hs-start, the launcher that holds the core.
 *
 *   hs-start --session FD [--settings FD --slots FD --index FD --free FD] -- PROGRAM ARG...
 *
 * Makes the namespaces, maps the program and its ld.so itself, writes their stack, and arms the
 * core before the first instruction of ld.so: both hosts' starts are identical to the byte.
 * `exec` inside the application comes back here (`+x`). The rule: everything placed here is placed
 * at an address or number that does not depend on the host. */
#include "start.h"

#include "../core/arguments.h"
#include "../core/calls.gen.h"
#include "../core/clock.h"
#include "../core/connections.h"
#include "../core/descriptors.h"
#include "../core/groups.h"
#include "../core/identity.h"
#include "../core/ordered.h"
#include "../core/process.h"
#include "../core/signals.h"
#include "../core/sites.h"
#include "../core/tsc.h"

/* What is to run: given on the command line, or handed over by an exec. */
struct start {
  char **argv;
  const char *file, *name;
  i64 fd; /* the file, open; -1 */
  int after_exec;
  u32 slot;
};

static u64 parse_number(const char *s) {
  u64 n = 0;
  while (*s >= '0' && *s <= '9') n = n * 10 + (u64)(*s++ - '0');
  return n;
}

static void map_session(i64 fd) {
  i64 r = SYS(HS_NR_mmap, HS_SESSION_BASE, HS_SESSION_BYTES, 3, HS_MAP_SHARED | HS_MAP_FIXED, fd,
              0);
  if (r != (i64)HS_SESSION_BASE) hs_refuse("the session's memory cannot be mapped");
  hs_session_mapped = 1;
  if (CTL->magic != HS_MAGIC || CTL->version != HS_VERSION)
    hs_refuse("this hs-start and the engine are of different versions: build again");
  if (CTL->table != HS_CALL_TABLE_HASH)
    hs_refuse("this hs-start and the engine have different call tables: build again");
  for (u64 copy = 0; copy < 2; copy++) {
    u64 at = HS_RING_BASE + copy * CTL->ringBytes;
    if (SYS(HS_NR_mmap, at, CTL->ringBytes, 3, HS_MAP_SHARED | HS_MAP_FIXED, fd,
            HS_RING_OFFSET) != (i64)at)
      hs_refuse("the ring cannot be mapped");
  }
  hs_tsc_fast = (CTL->flags & HS_FLAG_FAST_CLOCK) != 0;
  hs_mode = (int)CTL->mode;
  if (CTL->live) hs_mode = HS_MODE_LIVE;
}

/* Descriptors the program must not find: above its own limit, where there is room. */
static void hide(i64 *fds) {
  static const char no_room[] = "no room for hidden descriptors";
  u64 limit[2] = {0, 0}, high[2];
  SYS(HS_NR_prlimit64, 0, 7 /* NOFILE */, 0, limit);
  u64 base = limit[0] < 1024 ? 1024 : limit[0] > 16000 ? 16000 : limit[0];
  high[0] = high[1] = limit[1] > base + HID_COUNT ? limit[1] : base + HID_COUNT;
  SYS(HS_NR_prlimit64, 0, 7, high, 0);
  hs_process.hidden_base = (u32)base;
  for (int i = 0; i < HID_COUNT; i++) {
    if (fds[i] < 0) { /* its number is kept too: the kernel must not give it to the program */
      if (SYS(HS_NR_dup3, HIDDEN(HID_START), HIDDEN(i), 0) < 0) hs_refuse(no_room);
      continue;
    }
    if (SYS(HS_NR_dup3, fds[i], HIDDEN(i), 0) < 0) hs_refuse(no_room);
    SYS(HS_NR_close, fds[i]);
  }
  SYS(HS_NR_prlimit64, 0, 7, limit, 0);
}

/* What a replay keeps beside the program: files of the log (shadow.c), and descriptors that the
 * program's processes have sent each other (passing.c). Both go when the last process does. */
static void make_replay_places(i64 *fds) {
  int pair[2], room = 64 << 20;
  if (CTL->mode != HS_MODE_REPLAY) return;
  if (SYS(HS_NR_socketpair, 1, 5 /* SEQPACKET */, 0, pair))
    hs_refuse("no socket for descriptors that are passed on");
  SYS(HS_NR_setsockopt, pair[0], 1, 32 /* SO_SNDBUFFORCE */, &room, 4);
  fds[HID_POST] = pair[0];
  fds[HID_TAKE] = pair[1];
  if (CTL->files != HS_FILES_CARRIED) return;
  i64 maker = SYS(HS_NR_fsopen, "tmpfs", 0);
  SYS(HS_NR_fsconfig, maker, 6 /* CMD_CREATE */, 0, 0, 0);
  fds[HID_FILES] = SYS(HS_NR_fsmount, maker, 0, 0);
  SYS(HS_NR_close, maker);
  if (fds[HID_FILES] < 0) hs_refuse("no file system in memory can be made for the replay");
}

/* ---- the program's view of itself ---- */

/* The core's file must not stay mapped, or the kernel will not let /proc/self/exe be changed:
 * each part of the image is replaced by an anonymous copy of itself. */
static void detach_image(void) {
  u64 text_from = (u64)hs_text_start, text_to = (u64)hs_text_end;
  u64 from = text_from, to = PAGE_UP((u64)hs_image_end);
  for (u64 at = from; at < to;) {
    u64 end = at < text_to ? text_to : to;
    i64 copy = SYS(HS_NR_mmap, 0, end - at, 3, HS_MAP_PRIVATE | HS_MAP_ANON, -1, 0);
    if (copy < 0) hs_refuse("no memory for a copy of the core");
    memcpy((void *)copy, (void *)at, end - at);
    if (at == text_from) SYS(HS_NR_mprotect, copy, end - at, HS_PROT_READ | HS_PROT_EXEC);
    SYS(HS_NR_mremap, copy, end - at, end - at, 3 /* MAYMOVE | FIXED */, at);
    at = end;
  }
}

static void name_process(const struct image *program, const struct stack *s, u64 heap) {
  struct {
    u64 start_code, end_code, start_data, end_data, start_brk, brk, start_stack, arg_start,
        arg_end, env_start, env_end, auxv;
    u32 auxv_size, exe_fd;
  } map = {program->code_start, program->code_end, program->data_start, program->data_end,
           heap, heap, s->sp, s->arg_start, s->arg_end, s->env_start, s->env_end, s->auxv,
           (u32)s->auxv_bytes, hs_process.hides_file ? ~0u : (u32)program->fd};
  i64 e = SYS(HS_NR_prctl, 35 /* PR_SET_MM */, 14 /* PR_SET_MM_MAP */, &map, sizeof map, 0);
  if (e) hs_refuse("the program's name and heap cannot be set (PR_SET_MM)");
}

static void name_thread(const char *path) {
  const char *base = path;
  for (const char *p = path; *p; p++)
    if (*p == '/') base = p + 1;
  SYS(HS_NR_prctl, 15 /* PR_SET_NAME */, base);
}

/* The kinds of the descriptors the program begins with. */
static void note_inherited(struct thread *t) {
  u64 st[18];
  for (i64 fd = 0; fd < 3; fd++) {
    i64 flags = SYS(HS_NR_fcntl, fd, 3 /* F_GETFL */);
    if (flags < 0) continue;
    FDS[fd] = FD_INHERITED;
    if ((flags & HS_O_ACCMODE) && !SYS(HS_NR_fstat, fd, st)) hs_sharing_written(t, st);
  }
}

static void begin_threads(u32 slot, int after_exec) {
  i64 r = SYS(HS_NR_mmap, HS_THREADS_BASE, HS_MAX_SLOTS * HS_THREAD_BYTES, 3,
              HS_MAP_PRIVATE | HS_MAP_ANON | HS_MAP_NORESERVE | HS_MAP_FIXED_NOREPLACE, -1, 0);
  if (r != (i64)HS_THREADS_BASE) hs_refuse("no room for the shim's threads");
  struct thread *t = hs_thread_new(slot);
  __asm__ volatile("wrgsbase %0" ::"r"(t->self));
  t->pid = (u32)SYS(HS_NR_getpid);
  t->tid = (u32)SYS(HS_NR_gettid);
  hs_process.pid = t->pid;
  hs_process.threads = 1;
  t->live_noted = hs_mode == HS_MODE_LIVE;
  hs_ordered_init();
  hs_process.affinity = after_exec ? SLOT(slot)->affinity : 0;
  struct hs_slot *s = SLOT(slot);
  if (after_exec) {
    t->fd_chunk = s->fdChunk;
    t->group = s->group;
    t->stamp = t->group << HS_METHOD_GROUP_SHIFT;
    t->has_group = hs_in_groups(); /* it and the order lock were kept over the exec */
    t->ordered = recording() ? CTL->split : 0;
    return;
  }
  t->fd_chunk = s->fdChunk = hs_chunk_new();
  s->tid = t->tid;
  s->pid = t->pid;
  s->state = s->kernelTid = 1;
  TIDMAP[t->tid] = (u16)slot;
  CTL->slots = 1;
  CTL->threads = CTL->processes = 1;
  CTL->order.word = 1;
  CTL->order.holder = (u64)t->pid << 32 | t->tid;
  hs_group_join(t, 0);
  if (hs_process.parallel) {
    CTL->split = HS_SPLIT_THREADS;
    CTL->together = 1; /* there is one group, and no baton */
    t->ordered = recording();
  }
  note_inherited(t);
}

/* Closes what the program asked to be closed by an exec, as far as the shim's table goes. */
static void forget_closed(struct thread *t) {
  hs_descriptors_end(t, 1);
  for (i64 fd = 0; fd < (i64)HS_MAX_FD; fd++)
    if (FDS[fd] && SYS(HS_NR_fcntl, fd, 1) < 0) FDS[fd] = 0;
}

/* The words of the auxiliary vector that speak of ids: a follower's own are another's. */
enum { AUX_UID = 11, AUX_EUID, AUX_GID, AUX_EGID, AUX_SECURE = 23, AUX_IDS = 5 };
static u64 *auxv_id(u64 *auxv, u32 i) {
  u64 type = i == 4 ? AUX_SECURE : AUX_UID + i;
  while (auxv[0] && auxv[0] != type) auxv += 2;
  return auxv + 1;
}

struct start_facts {
  u64 mask, ignored, ids[AUX_IDS];
};

static void record_start(struct thread *t, u64 mask, u64 ignored, u64 *auxv) {
  struct start_facts facts = {mask, ignored, {0}};
  struct hs_record *r = hs_turn(t);
  hs_group_change(t, r ? hs_group_of_record(r) : hs_group_of_program(t));
  if (!r) {
    struct span spans[3] = {{(u8 *)&facts, sizeof facts}};
    for (u32 i = 0; i < AUX_IDS; i++) facts.ids[i] = *auxv_id(auxv, i);
    u32 n = hs_identity_first(t, spans + 1);
    hs_append(t, HS_EV_PROCESS_INIT, 0, t->pid, 0, spans, 1 + n);
    return;
  }
  if ((r->method & HS_METHOD_ROW) != HS_EV_PROCESS_INIT)
    hs_diverge(t, r, hs_row_name(r->method & HS_METHOD_ROW), "start of a program");
  if (r->result != t->pid)
    hs_diverge_values(t, r, "process id", (u64)r->result, t->pid);
  if (HS_RECORD_LEN(r) < sizeof facts) hs_diverge(t, r, "facts of a start", "none");
  memcpy(&facts, HS_RECORD_DATA(r), sizeof facts);
  for (u32 i = 0; i < AUX_IDS; i++) *auxv_id(auxv, i) = facts.ids[i];
  hs_identity_follow(t, r, HS_RECORD_DATA(r) + sizeof facts, HS_RECORD_LEN(r) - sizeof facts);
  hs_consume(t, r);
}

/* What comes of the program's being somebody else than the launcher. An exec makes a process
 * dumpable, so that others of its user may look into it: here they would find the memory of the
 * session and its sockets, so it stays closed until the program itself asks. */
static void settle_identity(struct thread *t) {
  hs_process.hides_file = !hs_may_name_file(t);
  if (!t->identity.uid[HS_ID_EFFECTIVE] || t->identity.dumpable != 1) return;
  SYS(HS_NR_prctl, 4 /* PR_SET_DUMPABLE */, 0);
  t->identity.dumpable = 0;
  hs_process.hides_dumpable = 1;
}

static void note_executable(i64 fd) {
  char link[40], *p = hs_put(link, "self/fd/");
  *hs_put_dec(p, fd) = 0;
  i64 n = SYS(HS_NR_readlinkat, HIDDEN(HID_PROC), link, hs_process.executable,
              sizeof hs_process.executable - 1);
  hs_process.executable[n > 0 ? n : 0] = 0;
}

/* An exec has followed scripts already, and hands the file over open: it may have no path that the
 * program's user can walk. */
static void find_program(struct command *c, const struct start *s, char **envp) {
  if (!s->after_exec) {
    if (hs_resolve(c, -1, s->file, NULL, s->argv, envp)) hs_refuse(c->error);
    return;
  }
  memcpy(c->path, s->file, hs_strlen(s->file) + 1);
  c->executed = s->name;
  c->argv = s->argv;
}

static void run(const struct start *s, char **envp, u64 *auxv) {
  static struct image program, interpreter;
  static struct stack stack;
  SYS(HS_NR_prctl, 26 /* PR_SET_TSC */, 1); /* a trap outlives the exec, its handler does not */
  begin_threads(s->slot, s->after_exec);
  struct thread *t = self();
  u64 mask = s->after_exec ? SLOT(s->slot)->execMask : 0;
  u64 ignored = s->after_exec ? SLOT(s->slot)->execIgnored : 0;
  hs_net_init();
  if (s->after_exec) forget_closed(t);
  hs_arguments_init();
  hs_pin(t);
  t->affinity = hs_process.affinity; /* over an exec: the one before it was pinned */
  hs_sites_init();
  record_start(t, mask, ignored, auxv);
  hs_order_leave(t);
  settle_identity(t);
  static struct command command;
  find_program(&command, s, envp);
  hs_load(&program, s->fd, command.path, HS_PIE_BASE);
  if (program.interpreter[0]) {
    hs_load(&interpreter, -1, program.interpreter, 0);
    SYS(HS_NR_close, interpreter.fd);
  }
  u64 heap = program.heap;
  hs_write_stack(&stack, &command, envp, auxv, &program, &interpreter);
  detach_image();
  name_process(&program, &stack, heap);
  name_thread(command.executed);
  note_executable(program.fd);
  SYS(HS_NR_close, program.fd);
  hs_signals_init(mask, ignored);
  hs_tsc_settle(t);
  if (!s->after_exec && (CTL->flags & HS_FLAG_REFUSE)) hs_filter_calls();
  hs_sites_arm();
  hs_clock_arm();
  CTL->started = 1;
  if (hs_in_groups() && !recording()) hs_ahead(t); /* as at every boundary (preempt.h) */
  hs_jump(stack.sp, interpreter.entry ? interpreter.entry : program.entry);
}

i64 hs_exec(struct thread *t, i64 fd, const char *file, const char *name, char **argv,
            char **envp) {
  static char *list[8192];
  static char base[16], slot[16], number[16];
  u32 n = 0;
  *hs_put_dec(base, hs_process.hidden_base) = 0;
  *hs_put_dec(slot, t->slot) = 0;
  list[n++] = (char *)"hs-start";
  list[n++] = (char *)"+x";
  list[n++] = base;
  list[n++] = slot;
  *hs_put_dec(number, fd) = 0;
  list[n++] = number;
  list[n++] = (char *)file;
  list[n++] = (char *)name;
  for (u32 i = 0; argv && argv[i] && n < 8190; i++) list[n++] = argv[i];
  list[n] = NULL;
  static char *empty[1];
  /* a tick for the holder of the baton (tick.c) waits until its handler is there again */
  u64 all = ~0ul;
  SYS(HS_NR_rt_sigprocmask, 2 /* SETMASK */, &all, 0, 8);
  i64 error = SYS(HS_NR_execveat, HIDDEN(HID_START), "", list, envp ? envp : empty,
                  0x1000 /* AT_EMPTY_PATH */);
  hs_set_kernel_mask(t);
  return error;
}

static u64 *find_auxv(char **envp) {
  while (*envp) envp++;
  return (u64 *)(envp + 1);
}

/* No address randomisation; takes effect at the next exec, so exec once more. The kernel takes it
 * back where an exec gives capabilities (user 0 that had dropped some); a second exec gives none,
 * and would make the process dumpable (`+d`). */
static void fix_personality(i64 file, char **argv, char **envp) {
  i64 p = SYS(HS_NR_personality, 0xffffffff);
  if (p & 0x40000) return;
  SYS(HS_NR_personality, p | 0x40000);
  if (file >= 0 && SYS(HS_NR_prctl, 3 /* PR_GET_DUMPABLE */) != 1) argv[1][1] = 'd';
  if (file < 0)
    SYS(HS_NR_execve, "/proc/self/exe", argv, envp);
  else
    SYS(HS_NR_execveat, file, "", argv, envp, 0x1000 /* AT_EMPTY_PATH */);
  hs_refuse("hs-start cannot start itself again");
}

static char **parse_options(char **arg, i64 *fds) {
  static const char *const names[] = {"--session", "--settings", "--slots", "--index", "--free"};
  static const int places[] = {HID_SESSION, HID_SETTINGS, HID_SLOTS, HID_INDEX, HID_FREE};
  for (; *arg && !hs_streq(*arg, "--"); arg += 2) {
    u32 i = 0;
    while (i < 5 && !hs_streq(*arg, names[i])) i++;
    if (i == 5 || !arg[1]) hs_refuse("usage: hs-start --session FD [...] -- PROGRAM ARG...");
    fds[places[i]] = (i64)parse_number(arg[1]);
  }
  if (!*arg || !arg[1] || fds[HID_SESSION] < 0)
    hs_refuse("usage: hs-start --session FD [...] -- PROGRAM ARG...");
  return arg + 1;
}

void hs_start_main(u64 *sp) {
  static struct thread early;
  early.self = (u64)&early;
  __asm__ volatile("wrgsbase %0" ::"r"(&early));
  char **argv = (char **)(sp + 1), **envp = argv + sp[0] + 1;
  u64 *auxv = find_auxv(envp);
  for (u64 *a = auxv; a[0]; a += 2)
    if (a[0] == 33) hs_clock_init(a[1]);
  if (sp[0] > 6 && (hs_streq(argv[1], "+x") || hs_streq(argv[1], "+d"))) {
    if (argv[1][1] == 'd') SYS(HS_NR_prctl, 4 /* PR_SET_DUMPABLE */, 0);
    hs_process.hidden_base = (u32)parse_number(argv[2]);
    fix_personality(HIDDEN(HID_START), argv, envp);
    map_session(HIDDEN(HID_SESSION));
    struct start again = {argv + 7, argv[5], argv[6], (i64)parse_number(argv[4]), 1,
                          (u32)parse_number(argv[3])};
    run(&again, envp, auxv);
  }
  fix_personality(-1, argv, envp);
  i64 fds[HID_COUNT];
  for (int i = 0; i < HID_COUNT; i++) fds[i] = -1;
  char **program = parse_options(argv + 1, fds);
  map_session(fds[HID_SESSION]);
  hs_make_namespaces();
  fds[HID_START] = SYS(HS_NR_open, "/proc/self/exe", HS_O_PATH, 0);
  fds[HID_PROC] = SYS(HS_NR_open, "/proc", HS_O_PATH | HS_O_DIRECTORY, 0);
  if (CTL->flags & HS_FLAG_TAKEOVER) fds[HID_RAW] = hs_tcp_raw_open();
  make_replay_places(fds);
  hide(fds);
  struct start first = {program, program[0], NULL, -1, 0, 0};
  run(&first, envp, auxv);
}
