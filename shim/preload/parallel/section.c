/* section.c: whether this process is ordered.
 *
 * The rule: the first that comes here asks; there is one thread then. */
#include "section.h"

#include <unistd.h>

int hs_order_state;

int hs_order_ask(void) {
  static const char refusal[] = "libhotswap-parallel.so: for programs with --schedule parallel\n";
  if (ask(HS_ORDERED_HELLO, 0, 0, 0, 0) != 1) {
    if (write(2, refusal, sizeof refusal - 1) < 0) _exit(70);
    _exit(4);
  }
  return hs_order_state = 1;
}
