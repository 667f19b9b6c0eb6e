/* load.c: maps an ELF program or ld.so as the kernel's exec would, at a fixed place. */
#include "../core/calls.gen.h"
#include "../core/hardware.h"
#include "../core/order.h"
#include "../core/sites.h"
#include "start.h"

struct elf {
  u8 id[16];
  u16 type, machine;
  u32 version;
  u64 entry, headers, sections;
  u32 flags;
  u16 bytes, header_bytes, header_count, section_bytes, section_count, names;
};
struct segment {
  u32 type, flags;
  u64 offset, address, physical, file_bytes, memory_bytes, align;
};
enum { PT_LOAD = 1, PT_INTERP = 3, PT_PHDR = 6 };

static void refuse(const char *path, const char *why) {
  char text[400], *p = text;
  for (u32 i = 0; path[i] && i < 250; i++) *p++ = path[i];
  p = hs_put(p, why);
  *p = 0;
  hs_refuse(text);
}

static u64 map_segment(struct image *image, const struct segment *s, u64 base,
                       const char *path) {
  u64 prot = (s->flags & 4 ? 1u : 0u) | (s->flags & 2 ? 2u : 0u) | (s->flags & 1 ? 4u : 0u);
  u64 at = PAGE_DOWN(base + s->address), skip = (base + s->address) & (PAGE - 1);
  u64 file_end = base + s->address + s->file_bytes, end = base + s->address + s->memory_bytes;
  if (s->file_bytes &&
      SYS(HS_NR_mmap, at, s->file_bytes + skip, prot, HS_MAP_PRIVATE | HS_MAP_FIXED, image->fd,
          s->offset - skip) != (i64)at)
    refuse(path, ": a part of the program cannot be mapped at its address");
  if (prot & HS_PROT_EXEC) {
    hs_sites_mapped(at, PAGE_UP(s->file_bytes + skip), s->offset - skip, path);
    hs_hardware_code(at, PAGE_UP(s->file_bytes + skip), s->offset - skip, image->fd);
    if (!image->code_start) image->code_start = at, image->code_end = file_end;
  }
  if (prot & HS_PROT_WRITE) {
    u64 zero_to = PAGE_UP(file_end);
    if (s->file_bytes && end > file_end)
      memset((void *)file_end, 0, (zero_to < end ? zero_to : PAGE_UP(end)) - file_end);
    if (!s->file_bytes) zero_to = at;
    if (PAGE_UP(end) > zero_to)
      SYS(HS_NR_mmap, zero_to, PAGE_UP(end) - zero_to, prot,
          HS_MAP_PRIVATE | HS_MAP_ANON | HS_MAP_FIXED, -1, 0);
    image->data_start = base + s->address;
    image->data_end = file_end;
  }
  return end;
}

static u64 choose_base(const struct elf *e, const struct segment *s, u64 base, const char *path) {
  u64 low = ~0ul, high = 0;
  for (u32 i = 0; i < e->header_count; i++) {
    if (s[i].type != PT_LOAD) continue;
    if (s[i].address < low) low = PAGE_DOWN(s[i].address);
    if (s[i].address + s[i].memory_bytes > high) high = PAGE_UP(s[i].address + s[i].memory_bytes);
  }
  if (e->type != 3) return 0; /* ET_EXEC: at its own addresses */
  i64 r = SYS(HS_NR_mmap, base, high - low, 0,
              HS_MAP_PRIVATE | HS_MAP_ANON | (base ? HS_MAP_FIXED_NOREPLACE : 0), -1, 0);
  if (r < 0 && r > -4096) refuse(path, ": the address range for the program is taken");
  return (u64)r - low;
}

void hs_load(struct image *image, i64 file, const char *path, u64 where) {
  static u8 head[4096];
  const struct elf *e = (const void *)head;
  const struct segment *s = (const void *)(head + 64);
  image->fd = file >= 0 ? file : SYS(HS_NR_open, path, HS_O_CLOEXEC, 0);
  i64 n = SYS(HS_NR_pread64, image->fd, head, sizeof head, 0);
  if (n < 64 || memcmp(head, "\177ELF", 4)) refuse(path, ": not a program (no ELF header)");
  if (e->machine != 62 || head[4] != 2) refuse(path, ": not a 64-bit x86-64 program");
  if (e->headers != 64 || e->header_count > 64) refuse(path, ": an ELF header of unusual form");
  u64 base = choose_base(e, s, where, path);
  u64 end = 0;
  for (u32 i = 0; i < e->header_count; i++) {
    if (s[i].type == PT_INTERP && s[i].file_bytes < sizeof image->interpreter)
      SYS(HS_NR_pread64, image->fd, image->interpreter, s[i].file_bytes, s[i].offset);
    if (s[i].type == PT_PHDR) image->headers = base + s[i].address;
    if (s[i].type != PT_LOAD) continue;
    if (!image->base) image->base = base + PAGE_DOWN(s[i].address);
    if (!image->headers && s[i].offset == 0) image->headers = base + s[i].address + e->headers;
    u64 segment_end = map_segment(image, &s[i], base, path);
    if (segment_end > end) end = segment_end;
  }
  image->entry = base + e->entry;
  image->header_count = e->header_count;
  image->heap = PAGE_UP(end);
  if (!image->data_start) image->data_start = image->data_end = image->code_end;
}
