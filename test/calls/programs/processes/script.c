/* Scripts with #!: arguments, an interpreter with an option, one script run by another. */
#include "check.h"

static void script(const char *name, const char *text) {
  close(file_of(name, text));
  OK(chmod(name, 0755));
}

static int run(char **arguments) {
  pid_t child = fork();
  if (child == 0) {
    execv(arguments[0], arguments);
    _exit(99);
  }
  return ended(child);
}

int main(void) {
  script("plain", "#!/bin/sh\necho \"= $# arguments, first $1, script ${0##*/}\"\nexit 11\n");
  EXPECT_EQ(run((char *[]){"./plain", "one", "two words", NULL}), 11);
  script("option", "#!/bin/sh -e\nfalse\nexit 12\n");
  EXPECT_EQ(run((char *[]){"./option", NULL}), 1);
  char nested[PATH_MAX + 64], where[PATH_MAX];
  EXPECT(getcwd(where, sizeof where) != NULL);
  snprintf(nested, sizeof nested, "#!%s/plain inner\n", where);
  script("outer", nested);
  if (strlen(nested) < 200) EXPECT_EQ(run((char *[]){"./outer", "x", NULL}), 11);
  script("loop", "#!/bin/sh\ntotal=0\nfor i in 1 2 3 4 5; do total=$((total + i)); done\n"
                 "test $total = 15 && /bin/echo \"= total $total\"\n");
  EXPECT_EQ(run((char *[]){"./loop", NULL}), 0);
  script("python", "#!/usr/bin/env python3\nimport sys\nprint('= python', len(sys.argv))\n"
                   "sys.exit(9)\n");
  EXPECT_EQ(run((char *[]){"./python", "a", NULL}), 9);
  script("writes", "#!/bin/sh\nexec >made\necho through a redirection\n");
  EXPECT_EQ(run((char *[]){"./writes", NULL}), 0);
  char text[64] = {0};
  EXPECT_EQ(read((int)OK(open("made", O_RDONLY)), text, 63), 22);
  fact("%.21s", text);
  return finish();
}
