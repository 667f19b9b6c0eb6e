/* streams.c: stdio. A stream's lock is libc's own, taken in order; the work is then done by libc
 * under it.
 *
 * The rule: a stream is locked here before libc does, so libc never waits for it. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "section.h"

/* Names of libc that are not ours. */
int real_trylock_stream(FILE *);
void real_unlock_stream(FILE *);
int real_vfprintf(FILE *, const char *, va_list);
int real_fclose(FILE *);
int real_ungetc(int, FILE *);
FILE *real_fopen(const char *, const char *);
FILE *real_fdopen(int, const char *);
__asm__(".symver real_trylock_stream,_IO_ftrylockfile@GLIBC_2.2.5");
__asm__(".symver real_unlock_stream,_IO_funlockfile@GLIBC_2.2.5");
__asm__(".symver real_vfprintf,_IO_vfprintf@GLIBC_2.2.5");
__asm__(".symver real_fclose,_IO_fclose@GLIBC_2.2.5");
__asm__(".symver real_ungetc,_IO_ungetc@GLIBC_2.2.5");
__asm__(".symver real_fopen,_IO_fopen@GLIBC_2.2.5");
__asm__(".symver real_fdopen,_IO_fdopen@GLIBC_2.2.5");

#undef fread_unlocked
#undef fwrite_unlocked

static char all_streams; /* its address stands for libc's list of them */

EXPORTED void flockfile(FILE *f) {
  ATTEMPTS(f, HS_HELD_UNTIL_CHANGE, 0, 0, 0, 0, real_trylock_stream(f) ? EBUSY : 0);
}
EXPORTED int ftrylockfile(FILE *f) {
  struct hs_object *e = enter(f);
  int r = real_trylock_stream(f);
  leave(e);
  return r;
}
EXPORTED void funlockfile(FILE *f) {
  struct hs_object *e = enter(f);
  real_unlock_stream(f);
  leave_changed(e);
}

#define LOCKED(stream, what) \
  flockfile(stream);         \
  what;                      \
  funlockfile(stream)

EXPORTED int vfprintf(FILE *f, const char *format, va_list list) {
  LOCKED(f, int r = real_vfprintf(f, format, list));
  return r;
}
EXPORTED int vprintf(const char *format, va_list list) { return vfprintf(stdout, format, list); }
EXPORTED int __vfprintf_chk(FILE *f, int flag, const char *format, va_list list) {
  (void)flag;
  return vfprintf(f, format, list);
}
EXPORTED int __vprintf_chk(int flag, const char *format, va_list list) {
  (void)flag;
  return vfprintf(stdout, format, list);
}

#define FORMATTED(stream)                     \
  va_list list;                               \
  va_start(list, format);                     \
  int printed = vfprintf(stream, format, list); \
  va_end(list);                               \
  return printed

EXPORTED int printf(const char *format, ...) { FORMATTED(stdout); }
EXPORTED int fprintf(FILE *f, const char *format, ...) { FORMATTED(f); }
EXPORTED int __printf_chk(int flag, const char *format, ...) {
  (void)flag;
  FORMATTED(stdout);
}
EXPORTED int __fprintf_chk(FILE *f, int flag, const char *format, ...) {
  (void)flag;
  FORMATTED(f);
}

EXPORTED int fputs(const char *text, FILE *f) {
  LOCKED(f, int r = fputs_unlocked(text, f));
  return r;
}
EXPORTED int puts(const char *text) {
  LOCKED(stdout, int r = fputs_unlocked(text, stdout); if (r >= 0) r = putc_unlocked('\n', stdout));
  return r < 0 ? r : 1;
}
EXPORTED int fputc(int c, FILE *f) {
  LOCKED(f, int r = putc_unlocked(c, f));
  return r;
}
EXPORTED int(putc)(int c, FILE *f) { return fputc(c, f); }
EXPORTED int _IO_putc(int c, FILE *f) { return fputc(c, f); }
EXPORTED int(putchar)(int c) { return fputc(c, stdout); }
EXPORTED size_t fwrite(const void *from, size_t size, size_t n, FILE *f) {
  LOCKED(f, size_t r = fwrite_unlocked(from, size, n, f));
  return r;
}
EXPORTED size_t fread(void *to, size_t size, size_t n, FILE *f) {
  LOCKED(f, size_t r = fread_unlocked(to, size, n, f));
  return r;
}
EXPORTED int fgetc(FILE *f) {
  LOCKED(f, int r = getc_unlocked(f));
  return r;
}
EXPORTED int(getc)(FILE *f) { return fgetc(f); }
EXPORTED int _IO_getc(FILE *f) { return fgetc(f); }
EXPORTED int(getchar)(void) { return fgetc(stdin); }
EXPORTED int ungetc(int c, FILE *f) {
  LOCKED(f, int r = real_ungetc(c, f));
  return r;
}
EXPORTED char *fgets(char *to, int n, FILE *f) {
  LOCKED(f, char *r = fgets_unlocked(to, n, f));
  return r;
}
EXPORTED int fflush(FILE *f) {
  if (!f) {
    struct hs_object *e = enter(&all_streams);
    int all = fflush_unlocked(0);
    leave(e);
    return all;
  }
  LOCKED(f, int r = fflush_unlocked(f));
  return r;
}

EXPORTED FILE *fopen(const char *path, const char *mode) {
  struct hs_object *e = enter(&all_streams);
  FILE *f = real_fopen(path, mode);
  leave(e);
  return f;
}
EXPORTED FILE *fopen64(const char *path, const char *mode) { return fopen(path, mode); }
EXPORTED FILE *fdopen(int fd, const char *mode) {
  struct hs_object *e = enter(&all_streams);
  FILE *f = real_fdopen(fd, mode);
  leave(e);
  return f;
}
EXPORTED int fclose(FILE *f) {
  struct hs_object *e = enter(&all_streams);
  int r = real_fclose(f);
  leave(e);
  return r;
}
