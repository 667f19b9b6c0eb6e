/* sites.h: call sites. Syscall user dispatch traps every `syscall` instruction outside the core;
 * each is rewritten at its first trap, so that the exact instruction is known and the next call
 * costs a jump instead of a signal. */
#ifndef HS_SITES_H
#define HS_SITES_H

#include "state.h"

void hs_sites_init(void);
/* Turns syscall user dispatch on for this thread (cleared by clone and exec). */
void hs_sites_arm(void);
/* Notes [at, at+bytes) as code from a file: only such code is rewritten. `path` is its file. */
void hs_sites_mapped(u64 at, u64 bytes, u64 file_offset, const char *path);
void hs_sites_unmapped(u64 at, u64 bytes);
int hs_sites_is_file(u64 from, u64 to);
void hs_sites_trap(u64 *registers);
/* A breakpoint that is there only while a site is rewritten, or is gone already: try it again. */
int hs_sites_is_changing(u64 ip);
int hs_is_stub(u64 ip);
/* From a stub's return address back to its entry: makes the call again. */
#define HS_STUB_ENTRY_BYTES 20

#endif
