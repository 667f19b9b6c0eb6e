/* exec.c: a program replaces itself: the file is judged and resolved here, where a failure is an
 * ordinary result, and then hs-start is executed again, which maps it (start.c).
 *
 * The rule: what the primary resolved is in the record; the backup maps the same file. */
#include "process.h"

#include "../start/start.h"
#include "calls.gen.h"
#include "identity.h"
#include "outbox.h"
#include "regular.h"
#include "signals.h"
#include "slots.h"

/* The interpreter named by a #! line, in place; NULL when there is none. */
static char *interpreter_of(char *head) {
  char *p = head + 2, *name;
  while (*p == ' ' || *p == '\t') p++;
  name = p;
  while (*p && *p != ' ' && *p != '\t' && *p != '\n') p++;
  *p = 0;
  return *name ? name : NULL;
}

/* What the kernel's exec would fail with, 0 when it would not. */
static i64 executable_error(const char *path, i64 dirfd, u64 flags, int depth) {
  char head[256], link[40];
  u32 st[36];
  i64 n = 0;
  if (depth > 5) return -40; /* ELOOP */
  if (!*path && (flags & 0x1000)) { /* AT_EMPTY_PATH: the descriptor itself */
    char *p = hs_put(link, "self/fd/");
    *hs_put_dec(p, dirfd) = 0;
    path = link;
    dirfd = HIDDEN(HID_PROC);
  }
  i64 e = SYS(HS_NR_faccessat2, dirfd, path, 1, 0x200 /* AT_EACCESS */);
  if (e == -HS_ENOSYS) e = SYS(HS_NR_faccessat, dirfd, path, 1);
  if (e) return e;
  i64 fd = SYS(HS_NR_openat, dirfd, path, HS_O_CLOEXEC, 0);
  if (fd < 0) return fd;
  e = SYS(HS_NR_fstat, fd, st);
  if (!e) n = SYS(HS_NR_pread64, fd, head, sizeof head - 1, 0);
  int gains = !e && hs_gains_rights(self(), fd, st);
  SYS(HS_NR_close, fd);
  if (e) return e;
  if ((st[6] & 0170000) != 0100000) return -HS_EACCES;
  head[n > 0 ? n : 0] = 0;
  if (n >= 2 && head[0] == '#' && head[1] == '!') {
    char *interpreter = interpreter_of(head);
    return interpreter ? executable_error(interpreter, -100, 0, depth + 1) : -8;
  }
  if (n < 64 || memcmp(head, "\177ELF\2", 5)) return -8; /* ENOEXEC */
  /* the launcher is what the kernel executes: rights that lie on the file would not be given */
  if (gains) hs_warn("%s gives other rights to who executes it, and was refused with EPERM", path);
  return gains ? -HS_EPERM : 0;
}

/* Opens the file, and gives its real path: on the backup neither the cwd nor the descriptor need be
 * the same. */
static i64 open_file(const char *path, i64 dirfd, char *to) {
  char link[40], *p = hs_put(link, "self/fd/");
  *hs_put_dec(p, dirfd) = 0;
  i64 fd = *path ? SYS(HS_NR_openat, dirfd, path, 0, 0)
                 : SYS(HS_NR_openat, HIDDEN(HID_PROC), link, 0, 0);
  if (fd < 0) return fd;
  *hs_put_dec(p, fd) = 0;
  i64 n = SYS(HS_NR_readlinkat, HIDDEN(HID_PROC), link, to, 1023);
  to[n > 0 ? n : 0] = 0;
  if (n > 0) return fd;
  SYS(HS_NR_close, fd);
  return -HS_ENOENT;
}

/* A file in memory has no path; both sides have written the same into it. */
static int is_memfd(const char *path, i64 dirfd) {
  return !*path && FD_KIND(fd_entry(dirfd)) == FD_MEMFD;
}

/* The path as the kernel would tell the program (AT_EXECFN): execveat's are /dev/fd paths. */
static void name_of_exec(char *to, const char *path, i64 dirfd) {
  char *p = to;
  if (dirfd != -100 && *path != '/') {
    p = hs_put_dec(hs_put(p, "/dev/fd/"), dirfd);
    if (*path) *p++ = '/';
  }
  for (u64 i = 0; path[i] && i < 900; i++) *p++ = path[i];
  *p = 0;
}

/* ---- /proc/self/exe of a process that may not set it ---- */

static int names_own_file(u64 address) {
  char text[40], own[40], *p = hs_put(own, "/proc/");
  u32 ok;
  for (u32 i = 0; i < sizeof text; i++) {
    u64 word = hs_peek((address + i) & ~7ul, &ok);
    if (!ok) return 0;
    text[i] = (char)(word >> (((address + i) & 7) * 8));
    if (!text[i]) break;
    if (i == sizeof text - 1) return 0;
  }
  *hs_put(hs_put_dec(p, self()->pid), "/exe") = 0;
  return hs_streq(text, "/proc/self/exe") || hs_streq(text, "/proc/thread-self/exe") ||
         hs_streq(text, own);
}

u64 *hs_own_name(struct regs *g, const struct hs_call *c) {
  if (c->policy == HS_IRREGULAR &&
      (c->irregular == HS_IRR_readlink || c->irregular == HS_IRR_exec))
    return NULL; /* they look themselves */
  if (c->arg[0].kind == HS_IN_STRING) return names_own_file(g->rdi) ? &g->rdi : NULL;
  return c->arg[1].kind == HS_IN_STRING && names_own_file(g->rsi) ? &g->rsi : NULL;
}

struct own_link {
  u64 to, bytes;
};
static void copy_own(void *argument) {
  const struct own_link *link = argument;
  memcpy((void *)link->to, hs_process.executable, link->bytes);
}

i64 hs_irr_readlink(struct thread *t, struct regs *g, const struct hs_call *c) {
  int at = g->rax == HS_NR_readlinkat;
  if (!hs_process.hides_file || !names_own_file(at ? g->rsi : g->rdi)) return hs_regular(t, g, c);
  struct hs_record *r = hs_turn(t);
  if (r) return hs_replay_regular(t, g, c, r);
  struct own_link link = {at ? g->rdx : g->rsi, hs_strlen(hs_process.executable)};
  i64 room = (int)(at ? g->r10 : g->rdx);
  if (room > 0 && link.bytes > (u64)room) link.bytes = (u64)room;
  i64 result = room <= 0 ? -HS_EINVAL : hs_try(copy_own, &link) ? -HS_EFAULT : (i64)link.bytes;
  hs_append_bytes(t, (u32)g->rax, 0, result, hs_check(g, c, result), hs_process.executable,
                  result > 0 ? (u64)result : 0);
  return result;
}

/* Scripts are followed before the exec, and what came of it is recorded: the file that is mapped
 * and the words before the program's own arguments. A replay needs no script to be there. */
static struct command command;
static char resolved_text[8192];
static u64 resolved_bytes;

static i64 resolve(i64 *fd, const char *file, const char *name, char **argv, char **envp) {
  char *p = resolved_text;
  command.depth = command.prefix = 0;
  i64 error = hs_resolve(&command, *fd, file, name, argv, envp);
  if (!error && command.depth) { /* a script: the program is its interpreter */
    SYS(HS_NR_close, *fd);
    error = *fd = SYS(HS_NR_open, command.path, 0, 0);
  }
  if (error < 0) return error;
  p = hs_put(p, command.path) + 1;
  p[-1] = 0;
  for (u32 i = 0; i < command.prefix; i++) {
    p = hs_put(p, command.argv[i]) + 1;
    p[-1] = 0;
  }
  resolved_bytes = (u64)(p - resolved_text);
  return 0;
}

static void read_resolved(const char *text, u64 bytes, char **argv) {
  u32 n = 0;
  if (bytes > sizeof resolved_text) bytes = sizeof resolved_text;
  memcpy(resolved_text, text, bytes);
  char *p = resolved_text, *end = resolved_text + bytes;
  memcpy(command.path, p, hs_strlen(p) + 1);
  for (p += hs_strlen(p) + 1; p < end; p += hs_strlen(p) + 1) command.rewritten[0][n++] = p;
  for (u32 i = n ? 1 : 0; argv && (i == 0 || argv[0]) && argv[i] && n < 8190; i++)
    command.rewritten[0][n++] = argv[i];
  command.rewritten[0][n] = NULL;
  command.argv = command.rewritten[0];
}

static i64 strings_error(u64 list) {
  u32 ok;
  if (!list) return 0;
  for (u64 i = 0;; i++) {
    u64 text = hs_peek(list + 8 * i, &ok);
    if (!ok) return -HS_EFAULT;
    if (!text) return 0;
    if (hs_peek(text & ~7ul, &ok), !ok) return -HS_EFAULT;
  }
}

/* The file that an exec of `path` executes, by a name that leads there. */
static const char *way_to(u64 path) {
  return hs_process.hides_file && names_own_file(path) ? hs_process.executable : (const char *)path;
}

i64 hs_irr_exec(struct thread *t, struct regs *g, const struct hs_call *c) {
  int at = g->rax == HS_NR_execveat;
  u64 path = at ? g->rsi : g->rdi, argv = at ? g->rdx : g->rsi, envp = at ? g->r10 : g->rdx;
  u32 ok;
  struct hs_record *r = hs_turn(t);
  i64 error, fd = -1;
  char file[1024]; /* the file itself; the program sees the path as it was given */
  char name[1024];
  name_of_exec(name, (hs_peek(path & ~7ul, &ok), ok) ? (const char *)path : "",
               at ? (i64)(int)g->rdi : -100);
  if (r) {
    error = r->result;
    hs_match(t, g, r, hs_check(g, c, error));
    if (!error) {
      read_resolved((const char *)HS_RECORD_DATA(r), HS_RECORD_LEN(r), (char **)argv);
      fd = at && is_memfd((const char *)path, (i64)(int)g->rdi)
               ? open_file("", (i64)(int)g->rdi, file)
               : hs_open_any(t, command.path, 0);
      if (fd < 0) hs_diverge(t, r, command.path, "this file cannot be opened here");
    }
    hs_consume(t, r);
  } else {
    error = (hs_peek(path & ~7ul, &ok), ok) ? strings_error(argv) : -HS_EFAULT;
    if (!error) error = strings_error(envp);
    if (!error)
      error = executable_error(way_to(path), at ? (i64)(int)g->rdi : -100, at ? g->r8 : 0, 0);
    if (!error) hs_outbox_empty(t);
    if (!error) error = fd = open_file(way_to(path), at ? (i64)(int)g->rdi : -100, file);
    if (error >= 0 && fd >= 0) error = resolve(&fd, file, name, (char **)argv, (char **)envp);
    if (error && fd >= 0) SYS(HS_NR_close, fd);
    hs_append_bytes(t, (u32)g->rax, 0, error, hs_check(g, c, error), resolved_text,
                    error ? 0 : resolved_bytes);
  }
  if (error) return error;
  CTL->execs++;
  /* other threads of the process end with the exec */
  for (u32 i = 0; !t->vfork_child && i < CTL->slots; i++)
    if (i != t->slot && SLOT(i)->state == 1 && SLOT(i)->pid == t->pid) {
      hs_robust_end(thread_at(i));
      hs_slot_leave(i);
      CTL->threads--;
    }
  hs_robust_end(t);
  SLOT(t->slot)->execMask = t->mask;
  SLOT(t->slot)->affinity = t->pinned ? t->affinity : 0;
  u64 ignored = 0;
  for (int s = 1; s <= 64; s++)
    if (t->actions[s].handler == 1) ignored |= HS_BIT(s);
  SLOT(t->slot)->execIgnored = ignored;
  return hs_exec(t, fd, command.path, name, command.argv, (char **)envp);
}
