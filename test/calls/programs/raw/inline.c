/* System calls made by the program's own instructions, in every shape compilers and people write,
 * and by libc's syscall(); from several sites, hot and cold. */
#include "check.h"

/* As libc writes it: the number is loaded just before. */
static __attribute__((noinline)) long number_first(void) {
  long result;
  __asm__ volatile("mov $39, %%eax\n\tsyscall" : "=a"(result) : : "rcx", "r11", "memory");
  return result;
}

/* The number comes from elsewhere, the next instruction is a short one. */
static __attribute__((noinline)) long number_from_register(long nr) {
  long result;
  __asm__ volatile("xchg %%rax, %%rax\n\tsyscall\n\tnop" : "=a"(result) : "a"(nr)
                   : "rcx", "r11", "memory");
  return result;
}

/* A jump may land on the very instruction after the call. */
static __attribute__((noinline)) long jumped_to(long nr, int count) {
  long result = nr;
  __asm__ volatile(
      "1:\n\tmov %2, %%rax\n\tsyscall\n2:\n\tdec %1\n\tjnz 1b\n\tjmp 3f\n\tjmp 2b\n3:"
      : "=&a"(result), "+r"(count) : "r"(nr) : "rcx", "r11", "memory", "cc");
  return result;
}

/* Two calls one right behind the other, and one at a function's end. */
static __attribute__((noinline)) long twice(void) {
  long result;
  __asm__ volatile("mov $39, %%eax\n\tsyscall\n\tmov $110, %%eax\n\tsyscall"
                   : "=a"(result) : : "rcx", "r11", "memory");
  return result;
}
__attribute__((naked)) static long tail(void) {
  __asm__("mov $186, %eax\n\tsyscall\n\tret");
}

/* The red zone below the stack pointer belongs to the function. */
__attribute__((naked)) static long red_zone(void) {
  __asm__("movq $0x1234567, -8(%rsp)\n\tmovq $0x89abcde, -120(%rsp)\n\t"
          "mov $39, %eax\n\tsyscall\n\t"
          "xor %eax, %eax\n\tcmpq $0x1234567, -8(%rsp)\n\tjne 1f\n\t"
          "cmpq $0x89abcde, -120(%rsp)\n\tjne 1f\n\tmov $1, %eax\n1:\n\tret");
}

static void *in_thread(void *unused) {
  (void)unused;
  for (int i = 0; i < 200; i++) {
    EXPECT_EQ(number_first(), getpid());
    EXPECT(tail() != getpid());
  }
  return NULL;
}

int main(void) {
  long pid = getpid();
  for (int i = 0; i < 300; i++) {
    EXPECT_EQ(number_first(), pid);
    EXPECT_EQ(number_from_register(SYS_getpid), pid);
    EXPECT_EQ(tail(), pid);
    EXPECT_EQ(red_zone(), 1);
  }
  EXPECT_EQ(jumped_to(SYS_getpid, 50), pid);
  EXPECT_EQ(twice(), getppid());
  EXPECT_EQ(syscall(SYS_getpid), pid);
  EXPECT_EQ(number_from_register(400), -ENOSYS);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, in_thread, NULL);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);

  /* Code made at run time, in memory mapped for it. */
  static const unsigned char code[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3};
  unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(page, code, sizeof code);
  for (int i = 0; i < 20; i++) EXPECT_EQ(((long (*)(void))(void *)page)(), pid);
  page[1] = 186; /* the same place now asks for something else */
  EXPECT_EQ(((long (*)(void))(void *)page)(), gettid());

  pid_t child = fork();
  if (child == 0) _exit(number_first() == getpid() && number_first() != pid ? 0 : 1);
  EXPECT_EQ(ended(child), 0);
  note("pid %ld", pid);
  fact("every shape of call");
  return finish();
}
