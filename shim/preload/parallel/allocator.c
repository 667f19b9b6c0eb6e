/* allocator.c: malloc and its relations, one at a time: addresses come out the same on both sides.
 *
 * libc's own allocator does the work. The rule: it is entered by this way alone. */
#define _GNU_SOURCE
#include "allocator.h"

#include <errno.h>
#include <stddef.h>

void *__libc_malloc(size_t);
void __libc_free(void *);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static char allocator; /* its address stands for it */
__thread int hs_allocator_is_held;

struct hs_object *hs_allocator_enter(void) { return enter(&allocator); }

#define IN_SECTION(what)                                           \
  struct hs_object *e = hs_allocator_is_held ? 0 : enter(&allocator); \
  what;                                                            \
  if (e) leave(e)

EXPORTED void *malloc(size_t bytes) {
  IN_SECTION(void *p = __libc_malloc(bytes));
  return p;
}
EXPORTED void free(void *p) {
  if (!p) return;
  IN_SECTION(__libc_free(p));
}
EXPORTED void *calloc(size_t n, size_t bytes) {
  IN_SECTION(void *p = __libc_calloc(n, bytes));
  return p;
}
EXPORTED void *realloc(void *old, size_t bytes) {
  IN_SECTION(void *p = __libc_realloc(old, bytes));
  return p;
}
EXPORTED void *reallocarray(void *old, size_t n, size_t bytes) {
  size_t all;
  if (__builtin_mul_overflow(n, bytes, &all)) {
    errno = ENOMEM;
    return 0;
  }
  return realloc(old, all);
}
EXPORTED void *memalign(size_t alignment, size_t bytes) {
  IN_SECTION(void *p = __libc_memalign(alignment, bytes));
  return p;
}
EXPORTED void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
EXPORTED int posix_memalign(void **to, size_t alignment, size_t bytes) {
  int error = errno;
  if (alignment % sizeof(void *) || !alignment || (alignment & (alignment - 1))) return EINVAL;
  void *p = memalign(alignment, bytes);
  errno = error;
  if (!p) return ENOMEM;
  *to = p;
  return 0;
}
EXPORTED void *valloc(size_t bytes) { return memalign(4096, bytes); }
EXPORTED void *pvalloc(size_t bytes) { return memalign(4096, (bytes + 4095) & ~4095ul); }
