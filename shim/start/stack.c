/* stack.c: the first words a program reads: argc, argv, envp, auxiliary vector.
 *
 * Written here so that both hosts' are the same: AT_RANDOM comes from the pair's seed, the vDSO
 * and rseq are left out. The rule: nothing host-specific goes onto this stack. */
#include "../core/calls.gen.h"
#include "../core/order.h"
#include "start.h"

enum { AT_PHDR = 3, AT_PHNUM = 5, AT_BASE = 7, AT_ENTRY = 9, AT_PLATFORM = 15, AT_RANDOM = 25,
       AT_RSEQ_SIZE = 27, AT_RSEQ_ALIGN = 28, AT_EXECFN = 31, AT_SYSINFO = 33 };

static char *push_text(u8 **sp, const char *text) {
  u64 n = hs_strlen(text) + 1;
  *sp -= n;
  memcpy(*sp, text, n);
  return (char *)*sp;
}

static void fill_random(u8 *to) {
  u64 x = CTL->seed;
  for (int i = 0; i < 2; i++) { /* splitmix64 */
    u64 z = (x += 0x9E3779B97F4A7C15ul);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ul;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBul;
    z ^= z >> 31;
    memcpy(to + 8 * i, &z, 8);
  }
}

static u32 copy_auxv(u64 *to, const u64 *from, const struct image *program,
                     const struct image *interpreter, u64 random, u64 name, u64 platform) {
  u32 n = 0;
  for (; from[0]; from += 2) {
    u64 value = from[1];
    switch (from[0]) {
      case AT_SYSINFO: case AT_RSEQ_SIZE: case AT_RSEQ_ALIGN: case 51 /* MINSIGSTKSZ */: continue;
      case AT_PHDR: value = program->headers; break;
      case AT_PHNUM: value = program->header_count; break;
      case AT_BASE: value = interpreter->base; break;
      case AT_ENTRY: value = program->entry; break;
      case AT_RANDOM: value = random; break;
      case AT_EXECFN: value = name; break;
      case AT_PLATFORM: value = platform; break;
      default: break;
    }
    to[n++] = from[0];
    to[n++] = value;
  }
  to[n++] = 0;
  to[n++] = 0;
  return n;
}

void hs_write_stack(struct stack *s, const struct command *c, char **envp, const u64 *auxv,
                    const struct image *program, const struct image *interpreter) {
  static char *args[8192], *envs[8192];
  static u64 aux[96];
  u32 argc = 0, envc = 0;
  i64 r = SYS(HS_NR_mmap, HS_STACK_BASE, HS_STACK_BYTES, 3,
              HS_MAP_PRIVATE | HS_MAP_ANON | HS_MAP_NORESERVE | HS_MAP_FIXED_NOREPLACE, -1, 0);
  if (r != (i64)HS_STACK_BASE) hs_refuse("no room for the program's stack");
  u8 *sp = (u8 *)(HS_STACK_BASE + HS_STACK_BYTES - 64);
  char *platform = push_text(&sp, "x86_64");
  char *name = push_text(&sp, c->executed);
  s->env_end = (u64)sp;
  while (envp[envc] && envc < 8190) envc++;
  for (u32 i = envc; i > 0; i--) envs[i - 1] = push_text(&sp, envp[i - 1]);
  s->env_start = s->arg_end = (u64)sp;
  while (c->argv[argc] && argc < 8190) argc++;
  for (u32 i = argc; i > 0; i--) args[i - 1] = push_text(&sp, c->argv[i - 1]);
  s->arg_start = (u64)sp;
  sp = (u8 *)((u64)sp & ~15ul) - 16;
  fill_random(sp);
  u32 words = copy_auxv(aux, auxv, program, interpreter, (u64)sp, (u64)name, (u64)platform);
  u64 total = 1 + argc + 1 + envc + 1 + words;
  u64 *q = (u64 *)(((u64)sp - total * 8) & ~15ul);
  s->sp = (u64)q;
  *q++ = argc;
  for (u32 i = 0; i < argc; i++) *q++ = (u64)args[i];
  *q++ = 0;
  for (u32 i = 0; i < envc; i++) *q++ = (u64)envs[i];
  *q++ = 0;
  s->auxv = (u64)q;
  s->auxv_bytes = words * 8;
  memcpy(q, aux, words * 8);
}
