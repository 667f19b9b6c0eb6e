/* filter.c: `--audit refuse`: a seccomp filter that lets calls be made in the core's text only.
 *
 * Syscall user dispatch sends calls of other code to the core as long as it is on; whoever gets it
 * turned off meets this filter, which nobody can take away: the call is not made, and SIGSYS tells
 * (on_fault answers EPERM; a program without the core's handlers dies of it). The filter is kept
 * over fork and exec, so it is made once. The rule: it judges by the instruction alone. */
#include "../core/calls.gen.h"
#include "../core/order.h"
#include "start.h"

struct instruction {
  u16 code;
  u8 if_true, if_false;
  u32 value;
};
/* linux/bpf_common.h: BPF_LD | BPF_W | BPF_ABS and so on */
enum { LOAD = 0x20, IS_EQUAL = 0x15, IS_ABOVE = 0x25, IS_AT_LEAST = 0x35, RETURN = 0x06 };
enum { ALLOW = 0x7fff0000, TRAP = 0x00030000 };
enum { IP_LOW = 8, IP_HIGH = 12 }; /* struct seccomp_data */

void hs_filter_calls(void) {
  u64 from = (u64)hs_text_start, to = (u64)hs_text_end;
  struct instruction filter[] = {
      {LOAD, 0, 0, IP_HIGH},
      {IS_EQUAL, 0, 4, (u32)(from >> 32)},
      {LOAD, 0, 0, IP_LOW},
      {IS_AT_LEAST, 0, 2, (u32)from},
      {IS_ABOVE, 1, 0, (u32)to},
      {RETURN, 0, 0, ALLOW},
      {RETURN, 0, 0, TRAP},
  };
  struct {
    u16 count;
    u64 filter;
  } program = {sizeof filter / sizeof *filter, (u64)filter};
  if (from >> 32 != to >> 32 || SYS(HS_NR_prctl, 22 /* PR_SET_SECCOMP */, 2, &program))
    hs_refuse("--audit refuse needs seccomp filters, and this kernel or its settings have none");
}
