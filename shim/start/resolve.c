/* resolve.c: which file does a command line run? PATH for a bare name, #! lines for a script.
 * The kernel does this for an ordinary exec; here the launcher maps the file, so it must. */
#include "../core/calls.gen.h"
#include "start.h"

static int readable_file(const char *path) {
  u32 st[36];
  i64 e = SYS(HS_NR_faccessat2, -100, path, 1, 0x200 /* AT_EACCESS */);
  if (e == -HS_ENOSYS) e = SYS(HS_NR_access, path, 1);
  return e == 0 && SYS(HS_NR_stat, path, st) == 0 &&
         (st[6] & 0170000) == 0100000;
}

static void copy_text(char *to, const char *from, u64 room) {
  u64 n = hs_strlen(from);
  if (n >= room) n = room - 1;
  memcpy(to, from, n);
  to[n] = 0;
}

static int search_path(struct command *c, const char *name, char **envp) {
  const char *dirs = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (; *envp; envp++)
    if (hs_starts(*envp, "PATH=")) dirs = *envp + 5;
  while (*dirs) {
    char *p = c->path;
    while (*dirs && *dirs != ':' && p < c->path + 700) *p++ = *dirs++;
    if (*dirs == ':') dirs++;
    *p++ = '/';
    for (const char *s = name; *s && p < c->path + 1020; s++) *p++ = *s;
    *p = 0;
    if (readable_file(c->path)) return 1;
  }
  return 0;
}

/* "#!interpreter argument": the interpreter becomes the program, the script its argument. */
static void follow_script(struct command *c, char *line) {
  char *p = line + 2, *interpreter, *argument = NULL;
  u32 n = 0;
  for (char *e = line; *e; e++)
    if (*e == '\n') *e = 0;
  while (*p == ' ' || *p == '\t') p++;
  interpreter = p;
  while (*p && *p != ' ' && *p != '\t') p++;
  if (*p) {
    *p++ = 0;
    while (*p == ' ' || *p == '\t') p++;
    char *end = p + hs_strlen(p);
    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) *--end = 0;
    if (*p) argument = p;
  }
  char *script = c->scripts[c->depth];
  copy_text(script, c->depth ? c->path : c->executed, sizeof c->scripts[0]);
  copy_text(c->path, interpreter, sizeof c->path);
  char **to = c->rewritten[c->depth & 1];
  to[n++] = interpreter;
  if (argument) to[n++] = argument;
  to[n++] = script;
  c->prefix = n + (c->prefix ? c->prefix - 1 : 0);
  for (u32 i = 1; c->argv[0] && c->argv[i] && n < 8190; i++) to[n++] = c->argv[i];
  to[n] = NULL;
  c->argv = to;
  if (!c->depth++) c->executed = script;
}

static const char *no_such(struct command *c, const char *path, const char *what) {
  static char text[400];
  char *p = text;
  for (u32 i = 0; path[i] && i < 250; i++) *p++ = path[i];
  p = hs_put(p, what);
  *p = 0;
  (void)c;
  return text;
}

i64 hs_resolve(struct command *c, i64 file, const char *path, const char *name, char **argv,
               char **envp) {
  int bare = 1;
  for (const char *p = path; *p; p++)
    if (*p == '/') bare = 0;
  c->argv = argv;
  if (!bare) copy_text(c->path, path, sizeof c->path);
  if (file < 0 && (bare ? !search_path(c, path, envp) : !readable_file(c->path))) {
    c->error = no_such(c, path, ": no such program, or it may not be executed");
    return -HS_ENOENT;
  }
  c->executed = name ? name : c->path;
  while (c->depth < HS_SCRIPT_DEPTH) {
    char *line = c->lines[c->depth];
    i64 fd = file >= 0 && !c->depth ? file : SYS(HS_NR_open, c->path, HS_O_CLOEXEC, 0);
    i64 n = SYS(HS_NR_pread64, fd, line, sizeof c->lines[0] - 1, 0);
    if (fd != file) SYS(HS_NR_close, fd);
    line[n > 0 ? n : 0] = 0;
    if (n < 3 || line[0] != '#' || line[1] != '!') return 0;
    follow_script(c, line);
    if (!readable_file(c->path)) break;
  }
  c->error = no_such(c, c->path, ": the interpreter of this script cannot be executed");
  return -HS_ENOENT;
}
