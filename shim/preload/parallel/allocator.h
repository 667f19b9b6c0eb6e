/* allocator.h: the allocator is one object; who holds it over several operations says so. */
#ifndef HS_ALLOCATOR_H
#define HS_ALLOCATOR_H

#include <stdlib.h>

#include "section.h"

#pragma GCC visibility push(hidden)
/* Set by a thread that has entered and not left: its own allocations are in that section. */
extern __thread int hs_allocator_is_held __attribute__((tls_model("initial-exec")));
struct hs_object *hs_allocator_enter(void);
#pragma GCC visibility pop

#endif
