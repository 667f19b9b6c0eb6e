/* base.c: bytes, text and digests without a libc. See base.h. */
#include "base.h"

void *memcpy(void *to, const void *from, u64 n) {
  u8 *d = to;
  const u8 *s = from;
  /* short copies are most copies, and rep movsb costs some 30 cycles to start */
  while (n >= 8 && n <= 256) {
    u64 word;
    __builtin_memcpy(&word, s, 8);
    __builtin_memcpy(d, &word, 8);
    d += 8, s += 8, n -= 8;
  }
  if (n > 256) {
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n)::"memory");
    return to;
  }
  while (n--) {
    *d++ = *s++;
    __asm__ volatile("" ::: "memory"); /* keep the compiler from calling memcpy here */
  }
  return to;
}

void *memset(void *to, int value, u64 n) {
  u8 *d = to;
  __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(value) : "memory");
  return to;
}

int memcmp(const void *a, const void *b, u64 n) {
  const u8 *x = a, *y = b;
  for (; n >= 8; n -= 8, x += 8, y += 8) { /* most of what is compared is equal */
    u64 here, there;
    __builtin_memcpy(&here, x, 8);
    __builtin_memcpy(&there, y, 8);
    if (here != there) break;
  }
  for (; n; n--, x++, y++)
    if (*x != *y) return *x - *y;
  return 0;
}

u64 hs_strlen(const char *s) {
  u64 n = 0;
  while (s[n]) n++;
  return n;
}

int hs_streq(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

int hs_starts(const char *s, const char *prefix) {
  while (*prefix)
    if (*s++ != *prefix++) return 0;
  return 1;
}

char *hs_put(char *p, const char *s) {
  while (*s) *p++ = *s++;
  return p;
}

static char *put_digits(char *p, u64 value, u64 base) {
  char digits[24];
  int n = 0;
  do {
    digits[n++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value);
  while (n) *p++ = digits[--n];
  return p;
}

char *hs_put_dec(char *p, i64 value) {
  if (value < 0) {
    *p++ = '-';
    return put_digits(p, 0 - (u64)value, 10);
  }
  return put_digits(p, (u64)value, 10);
}

char *hs_put_hex(char *p, u64 value) { return put_digits(p, value, 16); }

u32 hs_crc(u32 crc, const void *bytes, u64 n) {
  const u8 *p = bytes;
  u64 c = crc;
  for (; n >= 8; n -= 8, p += 8) {
    u64 word;
    __builtin_memcpy(&word, p, 8);
    c = __builtin_ia32_crc32di(c, word);
  }
  for (; n; n--) c = __builtin_ia32_crc32qi((u32)c, *p++);
  return (u32)c;
}

/* The fault handler moves the instruction pointer from hs_peek_load to hs_peek_fault. */
__asm__(".text\n"
        ".globl hs_peek, hs_peek_load, hs_peek_fault\n"
        "hs_peek:\n"
        "hs_peek_load: mov (%rdi),%rax\n"
        "  movl $1,(%rsi)\n"
        "  ret\n"
        "hs_peek_fault: movl $0,(%rsi)\n"
        "  xor %eax,%eax\n"
        "  ret\n");
