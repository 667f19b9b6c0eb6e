/* /proc/self as the program sees it: its own name, its maps, its status, its descriptors. */
#include "check.h"

static int count_lines(const char *path, const char *having) {
  FILE *file = fopen(path, "r");
  EXPECT(file != NULL);
  if (!file) return -1;
  char *line = NULL;
  size_t room = 0;
  int count = 0;
  while (getline(&line, &room, file) > 0)
    if (strstr(line, having)) count++;
  free(line);
  fclose(file);
  return count;
}

int main(int argc, char **argv) {
  EXPECT_EQ(argc, 1);
  char path[PATH_MAX] = {0}, self[PATH_MAX] = {0}, text[4096];
  EXPECT(realpath(argv[0], self) != NULL);
  EXPECT(readlink("/proc/self/exe", path, sizeof path - 1) > 0);
  EXPECT_EQ(strcmp(path, self), 0);
  EXPECT_EQ(readlinkat(AT_FDCWD, "/proc/self/exe", text, 8), 8);
  EXPECT_MEM(text, self, 8);
  snprintf(path, sizeof path, "/proc/%d/exe", getpid());
  EXPECT(readlink(path, text, sizeof text) > 0);
  fact("exe is %s", strrchr(self, '/') + 1);

  int exe = (int)OK(open("/proc/self/exe", O_RDONLY));
  EXPECT_EQ(read(exe, text, 4), 4);
  EXPECT_MEM(text, "\177ELF", 4);
  int comm = (int)OK(open("/proc/self/comm", O_RDONLY));
  long got = read(comm, text, sizeof text);
  EXPECT(got > 1 && text[got - 1] == '\n');
  fact("comm %.*s", (int)got - 1, text);
  int line = (int)OK(open("/proc/self/cmdline", O_RDONLY));
  got = read(line, text, sizeof text);
  EXPECT_EQ(got, strlen(argv[0]) + 1);
  EXPECT_EQ(strcmp(text, argv[0]), 0);

  EXPECT(count_lines("/proc/self/maps", "[stack]") == 1);
  EXPECT(count_lines("/proc/self/maps", strrchr(self, '/')) >= 3);
  EXPECT(count_lines("/proc/self/maps", "libc.so") >= 3);
  EXPECT_EQ(count_lines("/proc/self/status", "Threads:\t1"), 1);
  EXPECT_EQ(count_lines("/proc/self/status", "State:"), 1);
  snprintf(text, sizeof text, "Pid:\t%d", getpid());
  EXPECT(count_lines("/proc/self/status", text) >= 1);
  note("%d mappings", count_lines("/proc/self/maps", "-"));
  EXPECT(count_lines("/proc/self/limits", "Max open files") == 1);
  EXPECT(count_lines("/proc/meminfo", "MemTotal") == 1);
  EXPECT(count_lines("/proc/cpuinfo", "processor") >= 1);
  EXPECT(count_lines("/proc/self/stat", "(") == 1);
  EXPECT(count_lines("/proc/self/mounts", "/") > 0);

  DIR *directory = opendir("/proc/self/fd");
  EXPECT(directory != NULL);
  int open_now = 0;
  while (readdir(directory)) open_now++;
  closedir(directory);
  note("%d entries in fd", open_now);
  EXPECT(readlink("/proc/self/fd/0", path, sizeof path) > 0);
  EXPECT(readlink("/proc/self/cwd", path, sizeof path) > 0);
  EXPECT_ERR(open("/proc/self/fd/900", O_RDONLY), ENOENT);
  EXPECT_ERR(open("/proc/self/nothing", O_RDONLY), ENOENT);

  int fd = (int)OK(open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY));
  EXPECT(read(fd, text, sizeof text) > 0);
  fd = (int)OK(open("/proc/sys/kernel/pid_max", O_RDONLY));
  EXPECT(read(fd, text, sizeof text) > 1);
  EXPECT(pread(fd, path, 2, 0) == 2 && path[0] == text[0]);
  return finish();
}
