/* A program with neither libc nor start files: what the kernel puts on the stack, bare calls. */

static long call(long nr, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}

static unsigned long length(const char *text) {
  unsigned long count = 0;
  while (text[count]) count++;
  return count;
}

static void say(const char *text) { call(1, 1, (long)text, (long)length(text), 0); }

static int equal(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static const char *body(long *stack) {
  long count = stack[0];
  char **arguments = (char **)(stack + 1);
  if (count != 1) return "argc";
  if (arguments[1]) return "argv";
  const char *name = arguments[0];
  unsigned long len = length(name);
  if (len < 11 || !equal(name + len - 11, "bare.nolibc")) return "name";
  if ((unsigned long)stack % 16 != 0) return "alignment";
  char **environment = arguments + 2;
  while (*environment) environment++;
  unsigned long *vector = (unsigned long *)(environment + 1);
  unsigned long page = 0, random = 0;
  for (; vector[0]; vector += 2) {
    if (vector[0] == 6) page = vector[1];
    if (vector[0] == 25) random = vector[1];
  }
  if (page != 4096) return "AT_PAGESZ";
  if (!random) return "AT_RANDOM";
  long pid = call(39, 0, 0, 0, 0);
  for (int i = 0; i < 100; i++)
    if (call(39, 0, 0, 0, 0) != pid) return "getpid";
  if (call(3, 77, 0, 0, 0) != -9) return "close";
  int ends[2];
  char text[8];
  if (call(22, (long)ends, 0, 0, 0) != 0) return "pipe";
  if (call(1, ends[1], (long)"abc", 3, 0) != 3) return "write";
  if (call(0, ends[0], (long)text, 8, 0) != 3 || text[2] != 'c') return "read";
  long child = call(57, 0, 0, 0, 0);
  if (child == 0) call(60, 6, 0, 0, 0);
  int status = 0;
  if (call(61, child, (long)&status, 0, 0) != child || status != 6 << 8) return "fork";
  return 0;
}

__attribute__((used)) static void start(long *stack) {
  const char *wrong = body(stack);
  if (wrong) {
    call(1, 2, (long)wrong, (long)length(wrong), 0);
    call(231, 1, 0, 0, 0);
  }
  say("= bare\n= done\n");
  call(231, 0, 0, 0, 0);
}

__attribute__((naked, used)) void _start(void) {
  __asm__("xor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n\thlt");
}
