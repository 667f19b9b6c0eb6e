/* Rights given up one after another, each in a child: users, groups, capabilities, bounds; and what
 * the kernel then says of files, limits and the process itself. */
#include "check.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

/* What /proc says of this thread, as facts. The capability sets of who started us may be anybody's,
 * so only those that this program changed are stated. */
static void state(const char *who, const char *lines) {
  char text[8192], path[] = "/proc/thread-self/status";
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) {
    FAIL("%s cannot be read (errno %d)", path, errno);
    return;
  }
  text[n] = 0;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    char name[32];
    if (sscanf(line, "%30[^:]:", name) == 1 && strstr(lines, name)) fact("%s %s", who, line);
  }
}

static void capabilities(unsigned long long *effective, unsigned long long *permitted) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  EXPECT_EQ(syscall(SYS_capget, &header, data), 0);
  *effective = data[0].effective | (unsigned long long)data[1].effective << 32;
  *permitted = data[0].permitted | (unsigned long long)data[1].permitted << 32;
}

static int set_capabilities(unsigned long long effective, unsigned long long permitted,
                            unsigned long long inheritable) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {
      {(unsigned)effective, (unsigned)permitted, (unsigned)inheritable},
      {(unsigned)(effective >> 32), (unsigned)(permitted >> 32), (unsigned)(inheritable >> 32)}};
  return (int)syscall(SYS_capset, &header, data);
}

/* Files as the user of files sees them. */
static void files(const char *name, uid_t uid, gid_t gid) {
  struct stat st;
  int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0640);
  EXPECT(fd >= 0);
  EXPECT_EQ(fstat(fd, &st), 0);
  EXPECT(st.st_uid == uid && st.st_gid == gid);
  close(fd);
  EXPECT_EQ(mkdir("made", 0700), 0);
  EXPECT_EQ(stat("made", &st), 0);
  EXPECT_EQ(st.st_uid, uid);
  EXPECT_EQ(rmdir("made"), 0);
  EXPECT_EQ(unlink(name), 0);
}

static void powerless(void) {
  EXPECT_ERR(open("secret", O_RDONLY), EACCES);
  EXPECT_ERR(chown("open", 1, 1), EPERM);
  EXPECT_ERR(chmod("open", 0777), EPERM);
  EXPECT_ERR(chroot("."), EPERM);
  EXPECT_ERR(setpriority(PRIO_PROCESS, 0, -5), EACCES);
  EXPECT_ERR(mknod("node", S_IFCHR | 0600, 0x103), EPERM);
  struct rlimit most;
  EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &most), 0);
  most.rlim_max++;
  EXPECT_ERR(setrlimit(RLIMIT_NOFILE, &most), EPERM);
  EXPECT_ERR(access("secret", R_OK), EACCES);
  EXPECT_EQ(access("open", R_OK), 0);
}

static void to_nobody(void) {
  gid_t groups[] = {33, 4, 1000};
  EXPECT_EQ(setgid(65534), 0);
  EXPECT_EQ(setgroups(3, groups), 0);
  EXPECT_EQ(setuid(65534), 0);
  state("nobody", "Uid Gid Groups CapPrm CapEff");
  fact("dumpable %d", prctl(PR_GET_DUMPABLE));
  files("mine", 65534, 65534);
  powerless();
  pid_t child = fork();
  if (child == 0) {
    state("child of nobody", "Uid Gid Groups CapPrm CapEff");
    files("its", 65534, 65534);
    powerless();
    _exit(check_failures ? 1 : 0);
  }
  EXPECT_EQ(ended(child), 0);
  EXPECT_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
  EXPECT_EQ(prctl(PR_GET_DUMPABLE), 1);
}

/* Effective only, and back: files change hands with it. */
static void there_and_back(void) {
  for (int round = 0; round < 3; round++) {
    EXPECT_EQ(setegid(33), 0);
    EXPECT_EQ(seteuid(33), 0);
    files("borrowed", 33, 33);
    EXPECT_ERR(open("secret", O_RDONLY), EACCES);
    EXPECT_EQ(seteuid(0), 0);
    EXPECT_EQ(setegid(0), 0);
    files("own", 0, 0);
  }
  EXPECT_EQ(setfsuid(65534), 0);
  files("of files", 65534, 0);
  EXPECT_ERR(open("secret", O_RDONLY), EACCES);
  EXPECT_EQ(setfsuid(0), 65534);
  EXPECT_EQ(setresuid(1, 2, 0), 0);
  EXPECT_EQ(setresgid(5, -1, -1), -1);
  state("three users", "Uid Gid CapEff");
  files("of the second", 2, 0);
  EXPECT_EQ(setresuid(-1, 0, -1), 0);
  close((int)OK(open("secret", O_RDONLY)));
}

/* Another user that keeps the right to read everything, and none else. */
static void with_one_capability(void) {
  unsigned long long one = 1ull << CAP_DAC_READ_SEARCH, effective, permitted;
  EXPECT_EQ(prctl(PR_SET_KEEPCAPS, 1), 0);
  EXPECT_EQ(prctl(PR_GET_KEEPCAPS), 1);
  EXPECT_EQ(setresuid(33, 33, 33), 0);
  capabilities(&effective, &permitted);
  EXPECT_EQ(effective, 0);
  EXPECT(permitted & one);
  EXPECT_ERR(open("secret", O_RDONLY), EACCES);
  EXPECT_EQ(set_capabilities(one, one, 0), 0);
  state("one capability", "Uid CapPrm CapEff CapInh");
  close((int)OK(open("secret", O_RDONLY)));
  EXPECT_ERR(open("secret", O_WRONLY), EACCES);
  EXPECT_EQ(prctl(PR_SET_KEEPCAPS, 0), 0);
}

/* User 0 without the rights of one. */
static void root_without_rights(void) {
  unsigned long long none = 1ull << CAP_SETPCAP | 1ull << CAP_KILL;
  EXPECT_EQ(prctl(PR_CAPBSET_DROP, CAP_SYS_TIME), 0);
  EXPECT_EQ(prctl(PR_CAPBSET_READ, CAP_SYS_TIME), 0);
  EXPECT_EQ(set_capabilities(none, none, 1ull << CAP_KILL), 0);
  EXPECT_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0), 0);
  EXPECT_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0), 1);
  EXPECT_EQ(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP), 0);
  EXPECT_EQ(prctl(PR_GET_SECUREBITS), SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP);
  EXPECT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  state("bare root", "Uid CapPrm CapEff CapInh CapAmb NoNewPrivs");
  EXPECT_ERR(chroot("."), EPERM);
  EXPECT_ERR(setuid(33), EPERM);
  EXPECT_ERR(chown("open", 1, 1), EPERM);
  files("bare", 0, 0);
}

static void *in_a_thread(void *arg) {
  (void)arg;
  state("thread", "Uid Gid CapEff");
  files("of the thread", 33, 0);
  /* the system call is this thread's alone */
  EXPECT_EQ(RAW(SYS_setresuid, -1, 0, -1), 0);
  close((int)OK(open("secret", O_RDONLY)));
  return NULL;
}

static void threads(void) {
  pthread_t thread;
  EXPECT_EQ(RAW(SYS_setresuid, -1, 33, -1), 0);
  EXPECT_EQ(pthread_create(&thread, NULL, in_a_thread, NULL), 0);
  EXPECT_EQ(pthread_join(thread, NULL), 0);
  EXPECT_ERR(open("secret", O_RDONLY), EACCES);
}

/* libc makes every thread follow, also one that waits. */
static int waiting[2], back[2];
static void *waits(void *arg) {
  char byte = 0;
  EXPECT_EQ(read(waiting[0], &byte, 1), 1);
  EXPECT(getuid() == 33 && geteuid() == 33 && getgid() == 33);
  EXPECT_ERR(open("secret", O_RDONLY), EACCES);
  files("of who waited", 33, 33);
  EXPECT_EQ(write(back[1], "x", 1), 1);
  return arg;
}

static void together(void) {
  pthread_t thread[3];
  char byte;
  EXPECT(pipe(waiting) == 0 && pipe(back) == 0);
  for (size_t i = 0; i < LENGTH(thread); i++) pthread_create(&thread[i], NULL, waits, NULL);
  EXPECT_EQ(setgid(33), 0);
  EXPECT_EQ(setuid(33), 0);
  for (size_t i = 0; i < LENGTH(thread); i++) {
    EXPECT_EQ(write(waiting[1], "x", 1), 1);
    EXPECT_EQ(read(back[0], &byte, 1), 1);
  }
  for (size_t i = 0; i < LENGTH(thread); i++) EXPECT_EQ(pthread_join(thread[i], NULL), 0);
  state("together", "Uid Gid CapEff");
}

int main(void) {
  static void (*const ways[])(void) = {to_nobody, there_and_back, with_one_capability,
                                       root_without_rights, threads, together};
  if (getuid() != 0) {
    fact("only user 0 has rights to give up");
    return finish();
  }
  EXPECT_EQ(chmod(".", 0777), 0);
  umask(0);
  close(file_of("secret", "root's\n"));
  close(file_of("open", "everybody's\n"));
  EXPECT_EQ(chmod("secret", 0600), 0);
  EXPECT_EQ(chmod("open", 0644), 0);
  for (size_t i = 0; i < LENGTH(ways); i++) {
    pid_t child = fork();
    if (child == 0) {
      ways[i]();
      _exit(check_failures ? 1 : 0);
    }
    EXPECT_EQ(ended(child), 0);
  }
  fact("root still: %d", getuid());
  return finish();
}
