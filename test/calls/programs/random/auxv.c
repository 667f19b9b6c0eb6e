/* What the kernel hands over at start: the auxiliary vector, its random bytes, the environment. */
#include "check.h"
#include <elf.h>
#include <sys/auxv.h>

extern char **environ;

int main(int argc, char **argv) {
  EXPECT_EQ(argc, 1);
  EXPECT(argv[1] == NULL);
  const unsigned char *random = (const void *)getauxval(AT_RANDOM);
  EXPECT(random != NULL);
  unsigned any = 0;
  for (int i = 0; i < 16; i++) any |= random[i];
  EXPECT(any != 0);
  note("AT_RANDOM %02x%02x%02x%02x", random[0], random[1], random[2], random[15]);

  EXPECT_EQ(getauxval(AT_PAGESZ), 4096);
  EXPECT_EQ(getauxval(AT_UID), getuid());
  EXPECT_EQ(getauxval(AT_EUID), geteuid());
  EXPECT_EQ(getauxval(AT_GID), getgid());
  EXPECT_EQ(getauxval(AT_SECURE), 0);
  EXPECT_EQ(getauxval(AT_CLKTCK), 100);
  EXPECT(getauxval(AT_ENTRY) != 0);
  EXPECT(getauxval(AT_PHDR) != 0);
  EXPECT_EQ(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
  EXPECT(getauxval(AT_PHNUM) > 3);
  EXPECT_ERR(getauxval(0x7777) == 0 ? -1 : 0, ENOENT);
  const char *name = (const char *)getauxval(AT_EXECFN);
  EXPECT(name != NULL && strcmp(name, argv[0]) == 0);
  fact("platform %s", (const char *)getauxval(AT_PLATFORM));
  note("entry %lx vdso %lx base %lx", getauxval(AT_ENTRY), getauxval(AT_SYSINFO_EHDR),
       getauxval(AT_BASE));
  note("stack %p heap %p", (void *)&name, malloc(10));

  unsigned count = 0;
  for (char **at = environ; *at; at++) count++;
  fact("PATH %s", getenv("PATH") ? "is set" : "is not set");
  note("%u variables", count);

  FILE *file = fopen("/proc/self/auxv", "r");
  EXPECT(file != NULL);
  Elf64_auxv_t entry;
  int seen = 0;
  while (file && fread(&entry, sizeof entry, 1, file) == 1 && entry.a_type != AT_NULL)
    if (entry.a_type == AT_PAGESZ && entry.a_un.a_val == 4096) seen = 1;
  EXPECT(seen);
  return finish();
}
