/* posix_spawn, popen, system: file actions, attributes, failing exec, output read. */
#include "check.h"
#include <spawn.h>

extern char **environ;

static int spawn(const char *path, char **arguments, posix_spawn_file_actions_t *actions,
                 posix_spawnattr_t *attributes, int wanted) {
  pid_t child = -1;
  int rc = posix_spawn(&child, path, actions, attributes, arguments, environ);
  EXPECT_EQ(rc, wanted);
  return rc ? rc : ended(child);
}

int main(void) {
  char *shell[] = {"sh", "-c", "echo '= spawned'; exit 4", NULL};
  EXPECT_EQ(spawn("/bin/sh", shell, NULL, NULL, 0), 4);
  EXPECT_EQ(spawn("/absent", shell, NULL, NULL, ENOENT), ENOENT);
  EXPECT_EQ(spawn("/", shell, NULL, NULL, EACCES), EACCES);

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t set;
  EXPECT_EQ(posix_spawn_file_actions_init(&actions), 0);
  EXPECT_EQ(posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT, 0644), 0);
  EXPECT_EQ(posix_spawn_file_actions_adddup2(&actions, 1, 2), 0);
  EXPECT_EQ(posix_spawn_file_actions_addclose(&actions, 0), 0);
  EXPECT_EQ(posix_spawnattr_init(&attributes), 0);
  sigemptyset(&set);
  EXPECT_EQ(posix_spawnattr_setsigmask(&attributes, &set), 0);
  sigaddset(&set, SIGUSR1);
  EXPECT_EQ(posix_spawnattr_setsigdefault(&attributes, &set), 0);
  EXPECT_EQ(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                     POSIX_SPAWN_SETPGROUP), 0);
  signal(SIGUSR1, SIG_IGN);
  char *both[] = {"sh", "-c", "echo one; echo two >&2; kill -USR1 $$", NULL};
  EXPECT_EQ(spawn("/bin/sh", both, &actions, &attributes, 0), 1000 + SIGUSR1);
  char text[128] = {0};
  EXPECT_EQ(read((int)OK(open("out", O_RDONLY)), text, 127), 8);
  fact("%.3s %.3s", text, text + 4);
  EXPECT_EQ(posix_spawn_file_actions_addopen(&actions, 3, "absent/x", O_RDONLY, 0), 0);
  EXPECT_EQ(spawn("/bin/sh", both, &actions, NULL, ENOENT), ENOENT);

  pid_t child;
  char *found[] = {"true", NULL};
  EXPECT_EQ(posix_spawnp(&child, "true", NULL, NULL, found, environ), 0);
  EXPECT_EQ(ended(child), 0);
  EXPECT_EQ(posix_spawnp(&child, "absent-program", NULL, NULL, found, environ), ENOENT);

  FILE *pipe = popen("echo popped; read line; exit 6", "r");
  EXPECT(pipe && fgets(text, sizeof text, pipe));
  fact("%.6s", text);
  EXPECT_EQ(WEXITSTATUS(pclose(pipe)), 6);
  pipe = popen("read line; echo \"= the shell read $line\"", "w");
  EXPECT(pipe && fputs("a line\n", pipe) >= 0);
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_EQ(WEXITSTATUS(system("exit 8")), 8);
  EXPECT_EQ(WEXITSTATUS(system("absent-command 2>/dev/null")), 127);
  EXPECT(system(NULL) != 0);
  EXPECT_EQ(WTERMSIG(system("kill -TERM $$")), SIGTERM);
  EXPECT_EQ(system("for i in 1 2 3; do echo $i | cat | cat >/dev/null; done"), 0);
  return finish();
}
