/* length.c: the lengths of x86-64 instructions (length.h), from the opcode maps of the Intel
 * manual, volume 2, appendix A. The rule: lengths only; what an instruction does is for the one
 * who asked, and whatever 64-bit mode does not have is no instruction. */
#include "length.h"

/* One bit per opcode: word n holds opcodes 32n to 32n+31. */
typedef const u32 opcodes[8];
static opcodes one_modrm = {0x0f0f0f0f, 0x0f0f0f0f, 0, 0x00000a08,
                            0x0000fffb, 0, 0xff0f00c3, 0xc0c00000};
static opcodes one_byte = {0x10101010, 0x10101010, 0, 0xffff0c00,
                           0x00000009, 0x00ff0100, 0x00002043, 0x000008ff};
static opcodes one_word = {0x20202020, 0x20202020, 0, 0x00000300,
                           0x00000002, 0x00000200, 0x00000080, 0x00000300};
static opcodes one_missing = {0xc0c040c0, 0x80808080, 0, 0x00000007,
                              0x04000004, 0, 0x00704030, 0x00000400};
/* Behind 0f: those without a ModRM byte; those that do not exist; those with a byte to follow. */
static opcodes two_plain = {0x00000be0, 0x00ff0000, 0, 0x00800000,
                            0x0000ffff, 0x00000707, 0x0000ff00, 0};
static opcodes two_missing = {0x0000d410, 0xfa4000f0, 0, 0x0c000000, 0, 0x000000c0, 0, 0};
static opcodes two_byte = {0, 0, 0, 0x000f0000, 0, 0x04001010, 0x00000074, 0};

static int has(opcodes set, u32 opcode) { return (int)(set[opcode >> 5] >> (opcode & 31)) & 1; }

struct decoder {
  const u8 *code;
  u32 at, operand16, address32, wide; /* wide: REX.W */
  struct instruction *is;
};

static u32 modrm_bytes(const struct decoder *d) {
  u32 modrm = d->code[d->at], mod = modrm >> 6, bytes = 1;
  if (mod == 3) return bytes;
  u32 base = modrm & 7;
  if (base == 4) {
    base = d->code[d->at + 1] & 7;
    bytes++;
  }
  if (mod == 1) return bytes + 1;
  return mod == 2 || base == 5 ? bytes + 4 : bytes;
}

/* The immediate operand of the one-byte map. */
static u32 one_immediate(const struct decoder *d, u32 opcode, u32 modrm) {
  u32 word = d->operand16 ? 2 : 4;
  if (opcode == 0xe8 || opcode == 0xe9) return 4;
  if (opcode >= 0xb8 && opcode <= 0xbf) return d->wide ? 8 : word;
  if (opcode >= 0xa0 && opcode <= 0xa3) return d->address32 ? 4 : 8;
  if (opcode == 0xc2 || opcode == 0xca) return 2;
  if (opcode == 0xc8) return 3;
  if (opcode == 0xf6) return (modrm & 0x30) == 0 ? 1 : 0;
  if (opcode == 0xf7) return (modrm & 0x30) == 0 ? word : 0;
  return has(one_byte, opcode) ? 1 : has(one_word, opcode) ? word : 0;
}

static int one(struct decoder *d) {
  u32 opcode = d->code[d->at++];
  if (has(one_missing, opcode)) return 0;
  u32 modrm = d->code[d->at];
  if (has(one_modrm, opcode)) d->at += modrm_bytes(d);
  d->at += one_immediate(d, opcode, modrm);
  return 1;
}

/* The maps behind 0f; `map` as in struct instruction. */
static int escaped(struct decoder *d, u32 map) {
  u32 opcode = d->code[d->at++];
  d->is->map = map;
  d->is->opcode = d->at - 1;
  if (map == 1 && has(two_missing, opcode)) return 0;
  if (map != 1 || !has(two_plain, opcode))
    d->at += modrm_bytes(d);
  else if (opcode >= 0x80 && opcode <= 0x8f)
    d->at += 4;
  if (map == 3 || (map == 1 && has(two_byte, opcode))) d->at += 1;
  return 1;
}

/* VEX and EVEX name the map in their own bytes. */
static int vector(struct decoder *d, u32 prefix) {
  static const u8 payload[3] = {1, 2, 3};
  u32 kind = prefix == 0xc5 ? 0 : prefix == 0xc4 ? 1 : 2;
  u32 map = kind == 0 ? 1 : kind == 1 ? d->code[d->at + 1] & 0x1fu : d->code[d->at + 1] & 7u;
  if (map < 1 || (kind < 2 && map > 3) || map == 4 || map == 7) return 0;
  d->at += 1u + payload[kind];
  return escaped(d, map);
}

int hs_instruction(const u8 *code, u64 left, struct instruction *is) {
  u8 copy[32];
  struct decoder d = {copy, 0, 0, 0, 0, is};
  u32 known = left < 16 ? (u32)left : 16;
  memset(copy, 0, sizeof copy);
  memcpy(copy, code, known);
  memset(is, 0, sizeof *is);
  for (;; d.at++) {
    u32 byte = copy[d.at];
    if (d.at == 14) return 0;
    if (byte == 0x66) d.operand16 = 1;
    else if (byte == 0x67) d.address32 = 1;
    else if (byte != 0xf0 && byte != 0xf2 && byte != 0xf3 && byte != 0x2e && byte != 0x36 &&
             byte != 0x3e && byte != 0x26 && byte != 0x64 && byte != 0x65)
      break;
  }
  if ((copy[d.at] & 0xf0) == 0x40) d.wide = (copy[d.at++] >> 3) & 1;
  u32 first = copy[d.at];
  int exists;
  is->opcode = d.at;
  if (first == 0xc5 || first == 0xc4 || first == 0x62) {
    exists = vector(&d, first);
  } else if (first != 0x0f) {
    exists = one(&d);
  } else {
    u32 second = copy[d.at + 1];
    u32 map = second == 0x38 ? 2 : second == 0x3a ? 3 : 1;
    d.at += map == 1 ? 1 : 2;
    exists = escaped(&d, map);
  }
  is->bytes = d.at;
  return exists && d.at <= known && d.at <= 15;
}
