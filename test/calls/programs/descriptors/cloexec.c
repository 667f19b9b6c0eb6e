/* Which descriptors outlive exec: the program runs itself and asks. */
#include "check.h"

static int after_exec(char **argv) {
  for (char **at = argv + 2; *at; at++) {
    int fd = abs(atoi(*at));
    if (**at == '-') EXPECT_ERR(fcntl(fd, F_GETFD), EBADF);
    else EXPECT_EQ(fcntl(fd, F_GETFD), 0);
  }
  char text[4] = {0};
  EXPECT_EQ(read(atoi(argv[2]), text, 3), 3);
  fact("inherited at its offset: %s", text);
  EXPECT_EQ(open("/dev/null", O_RDONLY), atoi(argv[2]) + 1);
  return finish();
}

int main(int argc, char **argv) {
  if (argc > 1) return after_exec(argv);
  int kept = file_of("kept", "0123456789");
  EXPECT_EQ(lseek(kept, 4, SEEK_SET), 4);
  int closed = (int)OK(open("kept", O_RDONLY | O_CLOEXEC));
  int later = (int)OK(dup(kept));
  EXPECT_EQ(fcntl(later, F_SETFD, FD_CLOEXEC), 0);
  int copied = (int)OK(fcntl(closed, F_DUPFD, 30));
  int ends[2];
  OK(pipe2(ends, O_CLOEXEC));
  char numbers[5][16];
  int signs[5] = {kept, -closed, -later, copied, -ends[0]};
  char *arguments[8] = {argv[0], "again"};
  for (int i = 0; i < 5; i++) {
    snprintf(numbers[i], sizeof numbers[i], "%d", signs[i]);
    arguments[2 + i] = numbers[i];
  }
  pid_t child = fork();
  if (child == 0) {
    execv("/proc/self/exe", arguments);
    _exit(99);
  }
  EXPECT_EQ(ended(child), 0);
  EXPECT_EQ(lseek(kept, 0, SEEK_CUR), 7); /* the open file is one, the child moved it */
  return finish();
}
