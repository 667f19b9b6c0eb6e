/* ids.c: process and thread ids, users, the host's name.
 * Expected: replicable */
#include "small.h"
#include <sys/utsname.h>

int main(void) {
  struct utsname host;
  NEED(uname(&host));
  tell("process", (unsigned long)getpid());
  tell("parent", (unsigned long)getppid());
  tell("user", getuid());
  tell("host", strlen(host.nodename));
  return 0;
}
