/* hardware.c: instructions whose result is an input (hardware.h).
 *
 * Bytes in a section of code that look like rdrand are taken for it where the code around says so:
 * decoded from nearly all places before it an instruction begins there. In a file that does not
 * name its sections, what follows must also look at the carry flag, which says whether there were
 * bits. The rule: both sides decide by the same bytes of the same file, and in doubt code stays as
 * it is: a divergence says so then, where a damaged table would not. */
#include "hardware.h"

#include "calls.gen.h"
#include "length.h"
#include "ordered.h"
#include "preempt.h"
#include "sigframe.h"
#include "tsc.h"

enum { TO_16 = 0x10, TO_64 = 0x20, OF_PROCESSOR = 0x40, REGISTER = 0x0f };
/* Bytes before a place from which it is decoded: far enough for most starts to fall in step. */
#define NEAREST 64u
#define FARTHEST 192u
#define PLACES 64u /* of one mapping; libraries have a few */
#define SECTIONS_MOST 32u /* of code in one file; what is in others stays as it is */

/* ---- where they are ---- */

/* The instruction around the byte at `at`, as code decodes from `from` on; 0: there is none. */
static u64 around(u64 from, u64 at, u64 end, struct instruction *is) {
  while (hs_instruction((const u8 *)from, end - from, is)) {
    if (from + is->bytes > at) return from;
    from += is->bytes;
  }
  return 0;
}

static int reads_carry(const u8 *code, const struct instruction *is) {
  u32 opcode = code[is->opcode], low = opcode & 15;
  if (is->map == 1) /* cmovcc, jcc, setcc with b, ae, be, a */
    return (opcode >> 4 == 4 || opcode >> 4 == 8 || opcode >> 4 == 9) &&
           (low == 2 || low == 3 || low == 6 || low == 7);
  if (is->map) return 0;
  if (opcode >> 4 == 7) return low == 2 || low == 3 || low == 6 || low == 7;
  return (opcode >= 0x10 && opcode <= 0x1d && (opcode & 7) < 6); /* adc, sbb */
}

static int carry_matters(u64 at, u64 end) {
  struct instruction is;
  for (int n = 0; n < 8 && hs_instruction((const u8 *)at, end - at, &is); n++) {
    if (reads_carry((const u8 *)at, &is)) return 1;
    at += is.bytes;
  }
  return 0;
}

struct elf_header { u8 skipped[40]; u64 sections; u8 more[10]; u16 entry, count, names; };
struct elf_section { u32 name, type; u64 flags, address, offset, bytes, rest[3]; };

/* Where a file says that it has code; read once for a mapping. */
struct code_sections {
  enum { NOT_READ, NAMED, NOT_NAMED } state;
  u32 count;
  struct { u64 offset, bytes; } at[SECTIONS_MOST];
};

static void read_sections(i64 fd, struct code_sections *code) {
  struct elf_header elf;
  struct elf_section section;
  code->state = NOT_NAMED;
  code->count = 0;
  if (SYS(HS_NR_pread64, fd, &elf, sizeof elf, 0) != sizeof elf || !elf.sections) return;
  for (u32 i = 0; i < elf.count && code->count < SECTIONS_MOST; i++) {
    u64 at = elf.sections + i * sizeof section;
    if (SYS(HS_NR_pread64, fd, &section, sizeof section, at) != sizeof section) return;
    if (!(section.flags & 4 /* SHF_EXECINSTR */)) continue;
    code->at[code->count].offset = section.offset;
    code->at[code->count++].bytes = section.bytes;
  }
  code->state = NAMED;
}

static int in_code(const struct code_sections *code, u64 offset) {
  for (u32 i = 0; i < code->count; i++)
    if (offset - code->at[i].offset < code->at[i].bytes) return 1;
  return 0;
}

/* What the bytes 0f c7 at `at` are, as a kind of hs_tsc_patch; 0: nothing to replace. */
static int judge(u64 start, u64 at, u64 end, int is_code) {
  struct instruction is;
  u32 agree = 0, all = 0;
  const u8 *code = (const u8 *)at, *p;
  u64 begin = at, from = at - start > FARTHEST ? at - FARTHEST : start;
  do {
    u64 found = around(from, at, end, &is);
    if (!found) continue;
    all++;
    if (is.map != 1 || found + is.opcode != at + 1 || found + is.bytes != at + 3) continue;
    agree++;
    begin = found;
  } while (++from + NEAREST <= at);
  if (all && agree * 4 < all * 3) return 0;
  int kind = HS_DRAWN | (code[2] & 7), again = 0;
  for (p = (const u8 *)begin; p < code; p++) {
    if (*p == 0xf3) again = 1;
    if (*p == 0x66) kind |= TO_16;
    if (*p >> 4 == 4) kind |= ((*p & 1) << 3) | (*p & 8 ? TO_64 : 0);
  }
  if (again) return code[2] >= 0xf8 ? kind | OF_PROCESSOR : 0;
  return is_code || carry_matters(at + 3, end) ? kind : 0;
}

/* Passes over eights of bytes without a c7 among them; never beyond `bytes`. */
static u64 skip(const u8 *code, u64 i, u64 bytes) {
  for (; i + 8 <= bytes; i += 8) {
    u64 word;
    memcpy(&word, code + i, 8);
    word ^= 0xc7c7c7c7c7c7c7c7ul;
    if ((word - 0x0101010101010101ul) & ~word & 0x8080808080808080ul) break;
  }
  return i;
}

/* All are judged before any is replaced: a breakpoint decodes as something else. */
static void patch_drawing(u64 at, u64 bytes, u64 file_offset, i64 fd) {
  struct { u64 at; int kind; } found[PLACES];
  struct code_sections sections;
  u32 count = 0;
  const u8 *code = (const u8 *)at;
  sections.state = NOT_READ;
  for (u64 i = 1; i + 1 < bytes && count < PLACES; i++) {
    if (!(i & 7)) i = skip(code, i, bytes - 2);
    if (code[i] != 0xc7 || code[i - 1] != 0x0f || code[i + 1] < 0xf0) continue;
    if (sections.state == NOT_READ) read_sections(fd, &sections);
    int is_named = sections.state == NAMED;
    if (is_named && !in_code(&sections, file_offset + i - 1)) continue;
    int kind = judge(at, at + i - 1, at + bytes, is_named);
    if (!kind) continue;
    found[count].at = at + i - 1;
    found[count++].kind = kind;
  }
  while (count--) hs_tsc_patch(found[count].at, found[count].kind);
}

void hs_hardware_code(u64 at, u64 bytes, u64 file_offset, i64 fd) {
  u64 st[18];
  if (SYS(HS_NR_fstat, fd, st)) st[6] = 0;
  u64 left = st[6] > file_offset ? st[6] - file_offset : 0; /* no file behind it: a bus error */
  if (bytes > left) bytes = left;
  patch_drawing(at, bytes, file_offset, fd);
  hs_tsc_code(at, bytes, file_offset, fd, (u32)st[6]);
}

/* ---- what they give ---- */

/* The kernel's generator mixes the processor's in: its bits are as good, and always there. */
static u64 draw(struct thread *t, u32 bytes) {
  u64 value = 0;
  if (!hs_expect(t, HS_EV_DRAWN, &value)) {
    SYS(HS_NR_getrandom, &value, bytes, 0);
    hs_append(t, HS_EV_DRAWN, bytes, (i64)value, 0, NULL, 0);
  }
  t->calls++;
  hs_boundary(t);
  return value;
}

void hs_draw(struct thread *t, u64 *r, int kind) {
  static const u8 places[16] = {R_RAX, R_RCX, R_RDX, R_RBX, R_RSP, R_RBP, R_RSI, R_RDI,
                                0, 1, 2, 3, 4, 5, 6, 7};
  u64 *to = &r[places[kind & REGISTER]];
  r[R_RIP] += 3;
  if (kind & OF_PROCESSOR) {
    *to = 0; /* as rdtscp says it */
    return;
  }
  u32 bytes = kind & TO_64 ? 8 : kind & TO_16 ? 2 : 4;
  u64 value = draw(t, bytes);
  *to = bytes == 2 ? (*to & ~0xfffful) | (value & 0xffff) : value;
  r[R_FLAGS] = (r[R_FLAGS] & ~0x8d5ul) | 1; /* there were bits: carry, and no other flag */
}
