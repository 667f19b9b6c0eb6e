/* Calls by which the kernel would write into memory on its own, the obsolete ones, and those of
 * newer kernels. As in refused.c each prints what came back. */
#include "check.h"
#include <sys/prctl.h>

#define BAD 8
#define ANY 0xffff


static void asynchronous(void) {
  CALL("io_setup", 206, 0, BAD);
  CALL("io_destroy", 207, 0);
  CALL("io_getevents", 208, 0, 1, 1, BAD, 0);
  CALL("io_submit", 209, 0, 1, BAD);
  CALL("io_cancel", 210, 0, BAD, BAD);
  CALL("io_pgetevents", 333, 0, 1, 1, BAD, 0, 0);
  CALL("io_uring_setup", 425, 0, BAD);
  CALL("io_uring_enter", 426, -1, 0, 0, 0, 0, 0);
  CALL("io_uring_register", 427, -1, ANY, 0, 0);
  CALL("shmget", 29, 0, 0, 0);
  CALL("shmat", 30, -1, 0, 0);
  CALL("shmctl", 31, -1, 99, 0);
  CALL("shmdt", 67, BAD);
  CALL("semget", 64, 0, 0, 0);
  CALL("semop", 65, -1, BAD, 1);
  CALL("semctl", 66, -1, 0, 99, 0);
  CALL("semtimedop", 220, -1, BAD, 1, 0);
  CALL("msgget", 68, 0x5eed5eed, 0);
  CALL("msgsnd", 69, -1, BAD, 1, 0);
  CALL("msgrcv", 70, -1, BAD, 1, 0, 0);
  CALL("msgctl", 71, -1, 99, 0);
  CALL("mq_open", 240, "absent-queue", 0, 0, 0);
  CALL("mq_unlink", 241, "absent-queue");
  CALL("mq_timedsend", 242, -1, BAD, 1, 0, 0);
  CALL("mq_timedreceive", 243, -1, BAD, 1, 0, 0);
  CALL("mq_notify", 244, -1, 0);
  CALL("mq_getsetattr", 245, -1, 0, 0);
}

static void obsolete(void) {
  static const struct {
    long nr;
    const char *name;
  } rows[] = {{134, "uselib"},         {156, "_sysctl"},        {174, "create_module"},
              {177, "get_kernel_syms"}, {178, "query_module"},   {180, "nfsservctl"},
              {181, "getpmsg"},        {182, "putpmsg"},        {183, "afs_syscall"},
              {184, "tuxcall"},        {185, "security"},       {214, "epoll_ctl_old"},
              {215, "epoll_wait_old"}, {236, "vserver"}};
  for (size_t i = 0; i < LENGTH(rows); i++) CALL(rows[i].name, rows[i].nr, BAD, 0);
}

static void newer(void) {
  CALL("setxattrat", 463, -1, BAD, ANY, BAD, BAD, 0);
  CALL("getxattrat", 464, -1, BAD, ANY, BAD, BAD, 0);
  CALL("listxattrat", 465, -1, BAD, ANY, BAD, 1);
  CALL("removexattrat", 466, -1, BAD, ANY, BAD);
  CALL("file_getattr", 468, -1, BAD, BAD, 0, ANY);
  CALL("file_setattr", 469, -1, BAD, BAD, 0, ANY);
}

int main(void) {
  asynchronous();
  obsolete();
  newer();
  /* Numbers that no kernel has. */
  EXPECT_EQ(RAW(400), -ENOSYS);
  EXPECT_EQ(RAW(511), -ENOSYS);
  EXPECT_EQ(RAW(100000), -ENOSYS);
  EXPECT_EQ(RAW(-1), -ENOSYS);
  EXPECT_ERR(prctl(PR_SET_SECCOMP, 99), EINVAL);
  fact("refused");
  return finish();
}
