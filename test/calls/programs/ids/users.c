/* Users and groups: asked, set to what they are, and given up for good in a child. */
#include "check.h"
#include <grp.h>
#include <sys/fsuid.h>

static void become_nobody(void) {
  gid_t groups[2] = {65534, 4};
  OK(setgroups(2, groups));
  gid_t got[8];
  EXPECT_EQ(getgroups(8, got), 2);
  EXPECT(got[0] + got[1] == 65538);
  EXPECT_EQ(getgroups(0, NULL), 2);
  EXPECT_ERR(getgroups(1, got), EINVAL);
  OK(setresgid(65534, 65534, 65534));
  OK(setresuid(65534, 65534, 65534));
  uid_t real = 0, effective = 0, saved = 0;
  EXPECT_EQ(getresuid(&real, &effective, &saved), 0);
  EXPECT(real == 65534 && effective == 65534 && saved == 65534);
  EXPECT_EQ(getresgid(&real, &effective, &saved), 0);
  EXPECT(real == 65534 && effective == 65534 && saved == 65534);
  EXPECT_ERR(setuid(0), EPERM);
  EXPECT_ERR(setgid(0), EPERM);
  EXPECT_ERR(setreuid(0, 0), EPERM);
  EXPECT_ERR(setregid(0, 0), EPERM);
  EXPECT_ERR(setgroups(1, groups), EPERM);
  EXPECT_EQ(setfsuid(0), 65534);
  EXPECT_EQ(setfsuid((uid_t)-1), 65534);
  EXPECT_EQ(setfsgid(0), 65534);
  fact("nobody is %d %d", getuid(), getgid());
}

int main(void) {
  uid_t uid = getuid(), real, effective, saved;
  gid_t gid = getgid();
  EXPECT_EQ(RAW(SYS_getuid), uid);
  EXPECT_EQ(RAW(SYS_geteuid), geteuid());
  EXPECT_EQ(RAW(SYS_getgid), gid);
  EXPECT_EQ(RAW(SYS_getegid), getegid());
  EXPECT_EQ(getresuid(&real, &effective, &saved), 0);
  EXPECT(real == uid && effective == geteuid());
  EXPECT_EQ(getresgid(&real, &effective, &saved), 0);
  EXPECT(real == gid);
  EXPECT_ERR(syscall(SYS_getresuid, 8, &effective, &saved), EFAULT);
  EXPECT_ERR(syscall(SYS_getresgid, 8, &effective, &saved), EFAULT);
  EXPECT_EQ(setresuid(-1, -1, -1), 0);
  EXPECT_EQ(setresgid(-1, -1, -1), 0);
  EXPECT_EQ(setuid(uid), 0);
  EXPECT_EQ(setgid(gid), 0);
  EXPECT_EQ(setreuid(-1, -1), 0);
  EXPECT_EQ(setregid(-1, -1), 0);
  EXPECT_EQ(setfsuid((uid_t)-1), geteuid());
  EXPECT_EQ(setfsgid((gid_t)-1), getegid());
  EXPECT_ERR(setuid((uid_t)-1), EINVAL);
  gid_t groups[65];
  int count = (int)OK(getgroups(65, groups));
  note("uid %d gid %d groups %d", uid, gid, count);
  if (uid != 0) return finish();
  pid_t child = fork();
  if (child == 0) {
    become_nobody();
    _exit(check_failures ? 1 : 0);
  }
  EXPECT_EQ(ended(child), 0);
  EXPECT_EQ(getuid(), 0);

  /* Only the effective one, there and back, in the process itself: libc does it in all threads. */
  EXPECT_EQ(seteuid(65534), 0);
  EXPECT_EQ(geteuid(), 65534);
  EXPECT_EQ(seteuid(0), 0);
  return finish();
}
