/*
 * The smallest guest that proves that it ran: PVH entry, long mode, one byte ('F') to COM1, halt. Cold starts are compared with this floor.
 */
  .section .note.pvh, "a", @note
  .balign 4
  .long 4, 8, 18
  .asciz "Xen"
  .quad entry

  .text
  .code32
  .globl entry
entry:
  cli
  movl $0x20, %eax /* PAE */
  movl %eax, %cr4
  movl $pml4, %eax
  movl %eax, %cr3
  movl $0xc0000080, %ecx
  xorl %edx, %edx
  movl $0x100, %eax
  wrmsr
  movl $0x80000001, %eax
  movl %eax, %cr0
  lgdt gdt_pointer
  ljmp $0x08, $1f
  .code64
1:
  movw $0x3f8, %dx
  movb $'F', %al
  outb %al, %dx
2:
  hlt
  jmp 2b

  .data
  .balign 4096
pml4:
  .quad pdpt + 3
  .fill 511, 8, 0
pdpt:
  .quad pd + 3
  .fill 511, 8, 0
pd:
  .quad 0
  .quad 0x200083 /* the 2 MiB that this guest lies in */
  .fill 510, 8, 0
gdt:
  .quad 0
  .quad 0x00af9b000000ffff
gdt_end:
gdt_pointer:
  .word gdt_end - gdt - 1
  .quad gdt

  .section .note.GNU-stack, "", @progbits
