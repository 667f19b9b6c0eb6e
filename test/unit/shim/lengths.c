/* lengths.c: decodes instructions at the places that standard input names ("offset bytes", offset
 * in hexadecimal) of the file that the first argument names, and prints those that length.c takes
 * for another length. */
#include <stdio.h>
#include <stdlib.h>
#include "../../../shim/core/length.h"

int main(int count, char **names) {
  static u8 code[32 << 20];
  u64 at, wanted, places = 0;
  FILE *file = count == 2 ? fopen(names[1], "rb") : NULL;
  if (!file) return 2;
  u64 bytes = fread(code, 1, sizeof code, file);
  for (; scanf("%lx %lu", &at, &wanted) == 2; places++) {
    struct instruction is;
    u64 got = at < bytes && hs_instruction(code + at, bytes - at, &is) ? is.bytes : 0;
    if (got != wanted) printf("%lx: %lu bytes, not %lu\n", at, wanted, got);
  }
  printf("%lu places\n", places);
  return 0;
}
