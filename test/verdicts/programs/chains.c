/* chains.c: a shell, which runs a program, whose output it reads.
 * Expected: replicable */
#include "small.h"

int main(int argc, char **argv) {
  if (argc > 1) {
    tell("process", (unsigned long)getpid());
    return 0;
  }
  char line[600];
  snprintf(line, sizeof line, "x=$(%s inner); echo \"inner: $x\"; exit 5", argv[0]);
  int status = system(line);
  return WEXITSTATUS(status) != 5;
}
