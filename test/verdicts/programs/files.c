/* files.c: writes a file, reads it and its metadata, lists a directory.
 * Expected: replicable */
#include "small.h"
#include <dirent.h>

int main(void) {
  char name[] = "/tmp/hs-verdict-XXXXXX", text[16] = "";
  int fd = (int)NEED(mkstemp(name));
  NEED(unlink(name));
  NEED(write(fd, "0123456789", 10));
  NEED(pread(fd, text, 10, 0));
  struct stat st;
  NEED(fstat(fd, &st));
  tell("inode", st.st_ino);
  tell("modified", (unsigned long)st.st_mtim.tv_nsec);
  DIR *folder = opendir("/etc");
  unsigned long entries = 0;
  while (folder && readdir(folder)) entries++;
  tell("entries", entries);
  return strcmp(text, "0123456789") != 0;
}
