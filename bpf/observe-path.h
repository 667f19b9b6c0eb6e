/* observe-path.h: the path of an open file, from its dentries up to the root of its mount
 * namespace. bpf_d_path() is not for these programs, and a path that a program passed is not the
 * file it got.
 * The rule: everything is read by probes and every loop is bounded; too long a path loses its
 * beginning, and then does not start with a slash. */
#ifndef HS_OBSERVE_PATH_H
#define HS_OBSERVE_PATH_H

#define PATH_STEPS 40
#define PATH_ROOM 1024u /* names are written from its end to its beginning */

struct path_scratch {
  char bytes[PATH_ROOM + 256u + 8u];
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct path_scratch);
} scratch SEC(".maps");

static __always_inline struct mount *mount_of(struct vfsmount *mnt) {
  return (struct mount *)((char *)mnt - bpf_core_field_offset(struct mount, mnt));
}

/* Writes the last bytes of the path, ending with a zero, to out[HS_OBSERVE_PATH]. */
static __noinline int write_path(struct file *file, char *out) {
  __u32 zero = 0;
  struct path_scratch *s = bpf_map_lookup_elem(&scratch, &zero);
  if (!s || !file || !out) return 0;
  struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
  struct vfsmount *vfsmnt = BPF_CORE_READ(file, f_path.mnt);
  struct mount *mnt = mount_of(vfsmnt);
  __u32 at = PATH_ROOM - 1;
  s->bytes[at] = 0;
  for (int i = 0; i < PATH_STEPS; i++) {
    struct dentry *root = BPF_CORE_READ(mnt, mnt.mnt_root);
    struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
    if (dentry == root || dentry == parent) {
      struct mount *above = BPF_CORE_READ(mnt, mnt_parent);
      if (dentry != root || above == mnt || !above) break;
      dentry = BPF_CORE_READ(mnt, mnt_mountpoint);
      mnt = above;
      continue;
    }
    struct qstr name = BPF_CORE_READ(dentry, d_name);
    __u32 length = name.len & 255u;
    if (at < length + 2) break;
    at = (at - length) & (PATH_ROOM - 1);
    bpf_probe_read_kernel(&s->bytes[at], length, name.name);
    at = (at - 1) & (PATH_ROOM - 1);
    s->bytes[at] = '/';
    dentry = parent;
  }
  if (at == PATH_ROOM - 1) {
    /* A file of no file system that is mounted has a name only: memfd:x, [io_uring]. */
    struct qstr name = BPF_CORE_READ(file, f_path.dentry, d_name);
    bpf_probe_read_kernel_str(out, HS_OBSERVE_PATH, name.name);
    return 0;
  }
  __u32 from = at;
  if (PATH_ROOM - at > HS_OBSERVE_PATH) from = PATH_ROOM - HS_OBSERVE_PATH;
  bpf_probe_read_kernel_str(out, HS_OBSERVE_PATH, &s->bytes[from & (PATH_ROOM - 1)]);
  return 0;
}

/* The open file behind a descriptor of the current process; NULL if there is none. */
static __always_inline struct file *file_of(struct task_struct *task, __u64 fd) {
  struct fdtable *table = BPF_CORE_READ(task, files, fdt);
  struct file *file = NULL;
  if (!table || fd >= BPF_CORE_READ(table, max_fds)) return NULL;
  struct file **list = BPF_CORE_READ(table, fd);
  bpf_probe_read_kernel(&file, sizeof(file), list + (__u32)fd);
  return file;
}

#endif
