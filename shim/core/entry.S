/* entry.S: the ways in and out of the core.
 *
 * A rewritten call site jumps to its stub, which puts the address to return to into rcx (dead at
 * a system call) and jumps to hs_enter. hs_enter leaves the program's stack alone (there is a red
 * zone under it) and runs on the shim's own. The rule: nothing here may change a register that
 * the kernel would have preserved. */
.text

.globl hs_enter
hs_enter:
  mov %rsp, %gs:8
  mov %gs:0, %rsp
  pushfq
  push %rcx
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  push %rdi
  push %rsi
  push %rdx
  push %r10
  push %r8
  push %r9
  push %rax
  mov %rsp, %rdi
  cld
  call hs_dispatch
.globl hs_resume
hs_resume:
  add $8, %rsp
  pop %r9
  pop %r8
  pop %r10
  pop %rdx
  pop %rsi
  pop %rdi
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  pop %rcx
  /* the flags as they were; popf would cost more than the rest: OF by an addition, the others by
   * sahf, the direction flag only if it was set */
  pop %r11
  mov %gs:8, %rsp
  bt $10, %r11
  jnc 1f
  std
1:
  mov %rax, %gs:40
  mov %r11d, %eax
  shr $11, %eax
  and $1, %eax
  add $0x7f, %al
  mov %r11d, %eax
  xchg %al, %ah
  sahf
  mov %gs:40, %rax
  jmp *%rcx

/* hs_clone(struct clone_args*, bytes, child thread): clone3 whose child starts on its own shim
 * stack, with the registers the parent had, in hs_child_start. */
.globl hs_clone
hs_clone:
  push %r12
  mov %rdx, %r12
  mov $435, %eax
  syscall
  test %rax, %rax
  jz 1f
  pop %r12
  ret
1:
  wrgsbase %r12
  mov %gs:24, %rsp
  xor %ebp, %ebp
  call hs_child_start
  xor %eax, %eax
  jmp hs_resume

/* hs_try(run, argument): 0, or 1 when `run` touched memory that is not there. The fault handler
 * finds the stack pointer to come back to in gs:32. */
.globl hs_try
hs_try:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  push %gs:32
  mov %rsp, %gs:32
  mov %rdi, %rax
  mov %rsi, %rdi
  call *%rax
  xor %eax, %eax
1:
  pop %gs:32
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret
.globl hs_try_failed
hs_try_failed:
  mov $1, %eax
  jmp 1b

/* hs_sys_wait(nr, a..f, &pending): a system call that a signal caught before it, at any moment,
 * turns into -EINTR. The handler that finds the instruction pointer between begin and end moves
 * it to hs_wait_interrupted. */
.globl hs_sys_wait
hs_sys_wait:
  mov %rdi, %rax
  mov %rsi, %rdi
  mov %rdx, %rsi
  mov %rcx, %rdx
  mov %r8, %r10
  mov %r9, %r8
  mov 8(%rsp), %r9
  mov 16(%rsp), %r11
.globl hs_wait_begin
hs_wait_begin:
  cmpq $0, (%r11)
  jne hs_wait_interrupted
  syscall
.globl hs_wait_end
hs_wait_end:
  ret
.globl hs_wait_interrupted
hs_wait_interrupted:
  mov $-4, %rax
  ret

.globl hs_restorer
hs_restorer:
  mov $15, %eax
  syscall

/* hs_do_sigreturn(frame): leave through the kernel's sigreturn from a frame the core wrote. */
.globl hs_do_sigreturn
hs_do_sigreturn:
  mov %rdi, %rsp
  mov $15, %eax
  syscall
  hlt

/* hs_jump(sp, ip): the program's first instruction, registers as execve leaves them. The stack
 * that the kernel gave the launcher goes: what is on it differs between the hosts. */
.globl hs_jump
hs_jump:
  mov %rdi, %rsp
  mov %rsi, %r12
  mov $0x7fffff7ff000, %rdi /* the launcher's own stack: 8 MiB under the top */
  mov $0x800000, %esi
  mov $11, %eax /* munmap */
  syscall
  mov %r12, %rcx
  xor %eax, %eax
  xor %ebx, %ebx
  xor %edx, %edx
  xor %esi, %esi
  xor %edi, %edi
  xor %ebp, %ebp
  xor %r8d, %r8d
  xor %r9d, %r9d
  xor %r10d, %r10d
  xor %r11d, %r11d
  xor %r12d, %r12d
  xor %r13d, %r13d
  xor %r14d, %r14d
  xor %r15d, %r15d
  jmp *%rcx

.globl _start
_start:
  mov %rsp, %rdi
  xor %ebp, %ebp
  and $-16, %rsp
  call hs_start_main
  hlt

.section .note.GNU-stack,"",@progbits
