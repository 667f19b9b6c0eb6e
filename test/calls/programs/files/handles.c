/* name_to_handle_at, open_by_handle_at, fanotify, quota: called so that they can do no harm. */
#include "check.h"

int main(void) {
  close(file_of("file", "by handle"));
  struct {
    struct file_handle head;
    unsigned char bytes[128];
  } handle = {.head.handle_bytes = 0};
  int mount = -1;
  errno = 0;
  long rc = name_to_handle_at(AT_FDCWD, "file", &handle.head, &mount, 0);
  EXPECT(rc == -1 && (errno == EOVERFLOW || errno == EOPNOTSUPP || errno == ENOSYS));
  if (errno == EOVERFLOW) {
    EXPECT(handle.head.handle_bytes > 0 && handle.head.handle_bytes <= 128);
    EXPECT_EQ(name_to_handle_at(AT_FDCWD, "file", &handle.head, &mount, 0), 0);
    note("handle of %u bytes, type %d", handle.head.handle_bytes, handle.head.handle_type);
    int directory = (int)OK(open(".", O_RDONLY | O_DIRECTORY));
    long fd = MAYBE_REFUSED(open_by_handle_at(directory, &handle.head, O_RDONLY));
    char text[16] = {0};
    if (fd >= 0) EXPECT_EQ(read((int)fd, text, 15), 9);
  }
  EXPECT_ERR(name_to_handle_at(AT_FDCWD, "absent", &handle.head, &mount, 0), ENOENT);
  handle.head.handle_bytes = 9999;
  EXPECT(open_by_handle_at(AT_FDCWD, &handle.head, O_RDONLY) == -1);

  EXPECT(MAYBE_REFUSED(syscall(SYS_fanotify_init, 0xffffffff, 0)) == -1);
  EXPECT(MAYBE_REFUSED(syscall(SYS_fanotify_mark, 1000, 1, 1, AT_FDCWD, ".")) == -1);
  EXPECT(MAYBE_REFUSED(syscall(SYS_quotactl, 0xffffff, "absent", 0, 0)) == -1);
  EXPECT(MAYBE_REFUSED(syscall(SYS_quotactl_fd, 1000, 0xffffff, 0, 0)) == -1);
  EXPECT(MAYBE_REFUSED(syscall(SYS_lookup_dcookie, 1, 0, 0)) == -1);
  fact("handles are open or refused");
  return finish();
}
