/* length.h: how long an instruction of the processor is, for those who must know where in code an
 * instruction begins. */
#ifndef HS_LENGTH_H
#define HS_LENGTH_H

#include "base.h"

struct instruction {
  u32 bytes;  /* all of it */
  u32 opcode; /* offset of its last opcode byte */
  u32 map;    /* 0 one-byte opcodes, 1 those behind 0f, 2 behind 0f 38, 3 behind 0f 3a, 5, 6 more */
};

/* Decodes the instruction at `code`, of which `left` bytes may be read. 0 when it is none in 64-bit
 * mode, or is cut off. */
int hs_instruction(const u8 *code, u64 left, struct instruction *is);

#endif
