/* start.h: the launcher's pieces: which file to run, how it is mapped, what its stack says. */
#ifndef HS_START_H
#define HS_START_H

#include "../core/state.h"

struct image {
  i64 fd;      /* stays open until the process is named after it */
  u64 base, entry, headers, header_count;
  u64 code_start, code_end, data_start, data_end, heap;
  char interpreter[512];
};

struct stack {
  u64 sp, arg_start, arg_end, env_start, env_end, auxv, auxv_bytes;
};

#define HS_SCRIPT_DEPTH 5

struct command {
  char path[1024];      /* what is mapped, after #! */
  /* an interpreter may be a script itself, as deep as the kernel allows */
  char scripts[HS_SCRIPT_DEPTH][1024];
  char lines[HS_SCRIPT_DEPTH][512];
  u32 depth;
  u32 prefix; /* words of argv that #! lines put before the program's own argv[1] */
  const char *executed; /* AT_EXECFN */
  char **argv;
  char *rewritten[2][8192];
  const char *error;
};

/* Returns in the first process of the new namespaces, alone; its parents never return. */
void hs_make_namespaces(void);
/* Finds the file (PATH, #! lines). file: `path` itself, open, or -1; name: how the program is told
 * of it, NULL for as it is found. 0, or -errno with a sentence in command->error. */
i64 hs_resolve(struct command *c, i64 file, const char *path, const char *name, char **argv,
               char **envp);
/* Maps an ELF file (open as `file`, or -1); refuses what is not one for this machine. base 0: where
 * the kernel likes. */
void hs_load(struct image *image, i64 file, const char *path, u64 base);
/* From here on the kernel refuses every call that is not made in the core's text, in this process
 * and all that come of it. */
void hs_filter_calls(void);
void hs_write_stack(struct stack *s, const struct command *c, char **envp, const u64 *auxv,
                    const struct image *program, const struct image *interpreter);

#endif
