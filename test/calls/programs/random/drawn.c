/* Random bits that the processor gives (rdrand, rdseed, rdpid), in every form of the instruction:
 * they differ natively from run to run, and a replay has the recording's. */
#include "check.h"
#include <cpuid.h>
#include <stdint.h>

/* The register is the one that the line names. */
#define IN(register, long_name, type, instruction) __extension__({ \
  type value_; unsigned char ok_ = 0; \
  for (int try_ = 0; try_ < 1000 && !ok_; try_++) \
    __asm__ volatile(instruction " %%" long_name "; setc %1" \
                     : "=" register(value_), "=&qm"(ok_) : : "cc"); \
  EXPECT(ok_); value_; })

static uint64_t high(const char *instruction) {
  uint64_t value = 0;
  unsigned char ok = 0;
  for (int i = 0; i < 1000 && !ok; i++)
    if (instruction[2] == 'r')
      __asm__ volatile("rdrand %%r13; mov %%r13, %0; setc %1"
                       : "=r"(value), "=qm"(ok) : : "r13", "cc");
    else
      __asm__ volatile("rdseed %%r13; mov %%r13, %0; setc %1"
                       : "=r"(value), "=qm"(ok) : : "r13", "cc");
  EXPECT(ok);
  return value;
}

int main(void) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  EXPECT(__get_cpuid(1, &a, &b, &c, &d));
  if (c & bit_RDRND) {
    uint64_t wide = IN("a", "rax", uint64_t, "rdrand");
    uint32_t word = IN("S", "esi", uint32_t, "rdrand");
    uint16_t half = IN("d", "dx", uint16_t, "rdrand");
    note("rdrand %llx %x %hx %llx", (unsigned long long)wide, word, half,
         (unsigned long long)high("rdrand"));
    uint64_t zeroed = ~0ul;
    __asm__ volatile("1: rdrand %k0; jnc 1b" : "+r"(zeroed) : : "cc");
    EXPECT(zeroed >> 32 == 0);
    uint64_t kept = 0x1122334455667788ul;
    __asm__ volatile("1: rdrand %w0; jnc 1b" : "+r"(kept) : : "cc");
    EXPECT(kept >> 16 == 0x112233445566ul);
    uint32_t unasked; /* its carry flag is looked at by nobody */
    __asm__ volatile("rdrand %0" : "=r"(unasked) : : "cc");
    note("unasked %x", unasked);
  }
  EXPECT(__get_cpuid_count(7, 0, &a, &b, &c, &d));
  if (b & bit_RDSEED)
    note("rdseed %llx %llx", (unsigned long long)IN("b", "rbx", uint64_t, "rdseed"),
         (unsigned long long)high("rdseed"));
  if (c & bit_RDPID) {
    uint64_t processor;
    __asm__ volatile("rdpid %0" : "=r"(processor));
    note("rdpid %llu", (unsigned long long)processor);
  }
  /* what only looks like it stays: the bytes of rdrand %eax as an operand */
  volatile uint32_t constant = 0x72f0c70f;
  fact("constant %x", constant);
  return finish();
}
