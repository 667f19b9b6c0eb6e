/* Time through the vDSO, found as libc finds it and as others do: by dlsym and by hand. */
#include "check.h"
#include <dlfcn.h>
#include <elf.h>
#include <sys/auxv.h>

typedef int (*gettime)(clockid_t, struct timespec *);

/* The function of this name in the vDSO's dynamic symbols. */
static void *by_hand(const char *name) {
  const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);
  if (!base) return NULL;
  const Elf64_Ehdr *head = (const void *)base;
  const Elf64_Phdr *segments = (const void *)(base + head->e_phoff);
  const Elf64_Dyn *dynamic = NULL;
  for (int i = 0; i < head->e_phnum; i++)
    if (segments[i].p_type == PT_DYNAMIC) dynamic = (const void *)(base + segments[i].p_offset);
  const Elf64_Sym *symbols = NULL;
  const char *names = NULL;
  unsigned count = 0;
  for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++) {
    const char *at = base + dynamic->d_un.d_ptr;
    if (dynamic->d_tag == DT_SYMTAB) symbols = (const void *)at;
    if (dynamic->d_tag == DT_STRTAB) names = at;
    if (dynamic->d_tag == DT_HASH) count = ((const unsigned *)at)[1];
  }
  for (unsigned i = 0; symbols && names && i < count; i++)
    if (symbols[i].st_value && strcmp(names + symbols[i].st_name, name) == 0)
      return (void *)(base + symbols[i].st_value);
  return NULL;
}

static void forward(gettime get, const char *how) {
  struct timespec t;
  long long last = 0, sum = 0;
  for (int i = 0; i < 200; i++) {
    EXPECT_EQ(get(CLOCK_MONOTONIC, &t), 0);
    long long now = t.tv_sec * 1000000000ll + t.tv_nsec;
    EXPECT(now >= last);
    sum = sum * 31 + now;
    last = now;
  }
  note("%s: %llx", how, sum);
}

int main(void) {
  forward(clock_gettime, "libc");
  void *handle = dlopen("linux-vdso.so.1", RTLD_NOLOAD | RTLD_NOW);
  gettime symbol = handle ? (gettime)dlsym(handle, "__vdso_clock_gettime") : NULL;
  if (symbol) forward(symbol, "dlsym");
  else note("no vDSO by name");
  gettime found = (gettime)by_hand("__vdso_clock_gettime");
  if (found) forward(found, "by hand");
  else note("no vDSO by hand");
  gettime libc = (gettime)dlsym(RTLD_DEFAULT, "clock_gettime");
  EXPECT(libc != NULL);
  if (libc) forward(libc, "dlsym of libc");
  int (*cpu)(unsigned *, unsigned *, void *) = by_hand("__vdso_getcpu");
  unsigned number = 0;
  if (cpu) EXPECT_EQ(cpu(&number, NULL, NULL), 0);
  note("cpu %u, time %ld", number, (long)time(NULL));
  fact("time by every way");
  return finish();
}
