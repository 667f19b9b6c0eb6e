/* base.h: what freestanding C needs to stand on: types, the system call, bytes, digests, numbers.
 *
 * Nothing here may touch vector registers, allocate, or look at errno: it runs inside another
 * program, in the middle of one of its calls. */
#ifndef HS_BASE_H
#define HS_BASE_H

/* the core is one image: no symbol is looked up through a table */
#pragma GCC visibility push(hidden)

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

#define NOINLINE __attribute__((noinline))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define NULL ((void *)0)

#define PAGE 4096ul
#define PAGE_DOWN(x) ((x) & ~(PAGE - 1))
#define PAGE_UP(x) (((x) + PAGE - 1) & ~(PAGE - 1))

/* errno values and flags of the kernel's ABI that the core needs by name. */
enum { HS_EPERM = 1, HS_ENOENT = 2, HS_ESRCH = 3, HS_EINTR = 4, HS_ENXIO = 6, HS_EBADF = 9,
       HS_ECHILD = 10, HS_EAGAIN = 11, HS_ENOMEM = 12, HS_EACCES = 13, HS_EFAULT = 14,
       HS_EBUSY = 16, HS_EEXIST = 17, HS_EINVAL = 22, HS_EMFILE = 24, HS_EPIPE = 32,
       HS_EDEADLK = 35, HS_ENOSYS = 38, HS_ECONNRESET = 104, HS_ETIMEDOUT = 110,
       HS_EINPROGRESS = 115 };
enum { HS_O_WRONLY = 1, HS_O_RDWR = 2, HS_O_ACCMODE = 3, HS_O_CREAT = 0100, HS_O_EXCL = 0200,
       HS_O_TRUNC = 01000,
       HS_O_APPEND = 02000, HS_O_NONBLOCK = 04000, HS_O_DIRECTORY = 0200000,
       HS_O_CLOEXEC = 02000000, HS_O_PATH = 010000000 };
enum { HS_PROT_READ = 1, HS_PROT_WRITE = 2, HS_PROT_EXEC = 4, HS_MAP_SHARED = 1,
       HS_MAP_PRIVATE = 2, HS_MAP_FIXED = 0x10, HS_MAP_ANON = 0x20, HS_MAP_NORESERVE = 0x4000,
       HS_MAP_FIXED_NOREPLACE = 0x100000 };
enum { HS_SIGTRAP = 5, HS_SIGBUS = 7, HS_SIGFPE = 8, HS_SIGILL = 4, HS_SIGKILL = 9,
       HS_SIGSEGV = 11, HS_SIGPIPE = 13, HS_SIGCHLD = 17, HS_SIGSTOP = 19, HS_SIGSYS = 31 };

/* A system call from the core's own text, the only range syscall user dispatch lets through. */
static inline i64 hs_sys(i64 nr, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f) {
  i64 result;
  register i64 r10 __asm__("r10") = d;
  register i64 r8 __asm__("r8") = e;
  register i64 r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#define SYS_(nr, a, b, c, d, e, f, ...) \
  hs_sys((nr), (i64)(a), (i64)(b), (i64)(c), (i64)(d), (i64)(e), (i64)(f))
#define SYS(nr, ...) SYS_(nr, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

void *memcpy(void *to, const void *from, u64 n);
void *memset(void *to, int value, u64 n);
int memcmp(const void *a, const void *b, u64 n);
u64 hs_strlen(const char *s);
int hs_streq(const char *a, const char *b);
int hs_starts(const char *s, const char *prefix);
/* Each returns the place after what it wrote; the text is not terminated. */
char *hs_put(char *p, const char *s);
char *hs_put_dec(char *p, i64 value);
char *hs_put_hex(char *p, u64 value);

/* CRC-32C (the processor's own instruction), seeded with `crc`. */
static inline u32 hs_crc_word(u32 crc, u64 word) {
  return (u32)__builtin_ia32_crc32di(crc, word);
}
u32 hs_crc(u32 crc, const void *bytes, u64 n);

/* Reads one word of memory that may not be mapped; 0 and *ok = 0 when it is not. */
u64 hs_peek(u64 address, u32 *ok);
extern char hs_peek_load[], hs_peek_fault[];

#endif
