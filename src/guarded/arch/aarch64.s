// Copies, fills and accesses of single words whose faults are repaired, for arm64.
//
// As in x86_64.s: every load and store lies between labels that the exception table in engine.rs names. x0, x1 and x2
// say what is left at any instruction of the block code; a fault there does that again byte by byte, and a fault in the
// byte loops stops at the exact byte.
//
//   mmap_wrap_guarded_copy(x0 to, x1 from, x2 size)         x0: bytes left undone, x1: address of the fault
//   mmap_wrap_guarded_fill(x0 to, x1 byte, x2 size)         the same
//
// The handler puts the address of a fault into x10. Source and destination do not overlap.

.text

.macro hidden name
.globl \name
.hidden \name
\name:
.endm

.balign 64
.type mmap_wrap_guarded_copy, %function
hidden mmap_wrap_guarded_copy
.cfi_startproc
hidden mmap_wrap_guarded_copy_begin
    cmp     x2, #16
    b.lo    8f
    cmp     x2, #64
    b.ls    4f
    cmp     x2, #128
    b.ls    5f
2:  // more than 128: 64 bytes at a time
    ldp     q0, q1, [x1]
    ldp     q2, q3, [x1, #32]
    stp     q0, q1, [x0]
    stp     q2, q3, [x0, #32]
    add     x1, x1, #64
    add     x0, x0, #64
    sub     x2, x2, #64
    cmp     x2, #64
    b.hi    2b
3:  // up to 64 are left, and as many were done before: the last 64, some of them twice
    add     x4, x1, x2
    add     x5, x0, x2
    ldp     q0, q1, [x4, #-64]
    ldp     q2, q3, [x4, #-32]
    stp     q0, q1, [x5, #-64]
    stp     q2, q3, [x5, #-32]
    mov     x0, xzr
    ret
4:  // 16 to 64
    add     x4, x1, x2
    add     x5, x0, x2
    cmp     x2, #32
    b.hi    6f
    ldr     q0, [x1]
    ldr     q1, [x4, #-16]
    str     q0, [x0]
    str     q1, [x5, #-16]
    mov     x0, xzr
    ret
6:  ldp     q0, q1, [x1]
    ldp     q2, q3, [x4, #-32]
    stp     q0, q1, [x0]
    stp     q2, q3, [x5, #-32]
    mov     x0, xzr
    ret
5:  // 64 to 128
    add     x4, x1, x2
    add     x5, x0, x2
    ldp     q0, q1, [x1]
    ldp     q2, q3, [x1, #32]
    ldp     q4, q5, [x4, #-64]
    ldp     q6, q7, [x4, #-32]
    stp     q0, q1, [x0]
    stp     q2, q3, [x0, #32]
    stp     q4, q5, [x5, #-64]
    stp     q6, q7, [x5, #-32]
    mov     x0, xzr
    ret
8:  // less than 16
    add     x4, x1, x2
    add     x5, x0, x2
    tbz     x2, #3, 7f
    ldr     x6, [x1]
    ldr     x7, [x4, #-8]
    str     x6, [x0]
    str     x7, [x5, #-8]
    mov     x0, xzr
    ret
7:  tbz     x2, #2, 9f
    ldr     w6, [x1]
    ldr     w7, [x4, #-4]
    str     w6, [x0]
    str     w7, [x5, #-4]
    mov     x0, xzr
    ret
9:  cbz     x2, 6f
    lsr     x8, x2, #1
    ldrb    w6, [x1]
    ldrb    w7, [x1, x8]
    ldrb    w9, [x4, #-1]
    strb    w6, [x0]
    strb    w7, [x0, x8]
    strb    w9, [x5, #-1]
6:  mov     x0, xzr
    ret
hidden mmap_wrap_guarded_copy_end
.cfi_endproc

.balign 64
.type mmap_wrap_guarded_fill, %function
hidden mmap_wrap_guarded_fill
.cfi_startproc
    dup     v0.16b, w1
hidden mmap_wrap_guarded_fill_begin
    cmp     x2, #64
    b.lo    3f
2:  stp     q0, q0, [x0]
    stp     q0, q0, [x0, #32]
    add     x0, x0, #64
    sub     x2, x2, #64
    cmp     x2, #64
    b.hs    2b
    add     x5, x0, x2
    stp     q0, q0, [x5, #-64]
    stp     q0, q0, [x5, #-32]
    mov     x0, xzr
    ret
3:  cbz     x2, 4f
    strb    w1, [x0], #1
    sub     x2, x2, #1
    b       3b
4:  mov     x0, xzr
    ret
hidden mmap_wrap_guarded_fill_end
.cfi_endproc

// What is left of a copy, byte by byte. The pointers move after the store.
.balign 16
hidden mmap_wrap_guarded_copy_rest
.cfi_startproc
    cbz     x2, 3f
2:  ldrb    w6, [x1]
    strb    w6, [x0]
    add     x1, x1, #1
    add     x0, x0, #1
    subs    x2, x2, #1
    b.ne    2b
hidden mmap_wrap_guarded_copy_rest_end
3:  mov     x0, xzr
    ret
.cfi_endproc

// What is left of a fill, byte by byte.
hidden mmap_wrap_guarded_fill_rest
.cfi_startproc
    cbz     x2, 3f
2:  strb    w1, [x0]
    add     x0, x0, #1
    subs    x2, x2, #1
    b.ne    2b
hidden mmap_wrap_guarded_fill_rest_end
3:  mov     x0, xzr
    ret
.cfi_endproc

// Where the handler ends both, at the byte that refused.
hidden mmap_wrap_guarded_stop
.cfi_startproc
    mov     x0, x2
    mov     x1, x10
    ret
.cfi_endproc

// How many bytes are equal, in whole blocks of 32: up to one that differs, refuses, or is not whole. A refusal needs no other
// fix-up than to return: x3 counts whole blocks at any instruction.
//
//   mmap_wrap_guarded_equal(x0 first, x1 second, x2 size)   x0: bytes
.balign 64
.type mmap_wrap_guarded_equal, %function
hidden mmap_wrap_guarded_equal
.cfi_startproc
    mov     x3, xzr
hidden mmap_wrap_guarded_equal_begin
1:  add     x4, x3, #32
    cmp     x4, x2
    b.hi    2f
    ldp     q0, q1, [x0], #32
    ldp     q2, q3, [x1], #32
    cmeq    v0.16b, v0.16b, v2.16b
    cmeq    v1.16b, v1.16b, v3.16b
    and     v0.16b, v0.16b, v1.16b
    uminv   b0, v0.16b
    umov    w5, v0.b[0]
    cbz     w5, 2f
    mov     x3, x4
    b       1b
hidden mmap_wrap_guarded_equal_end
2:  mov     x0, x3
    ret
.cfi_endproc

// Accesses of one word. An instruction that is refused has changed nothing that is looked at again, so all of them are one
// range of the exception table and go on at one place.
//
//   mmap_wrap_guarded_*(x0 word, x1 operand, x2 expected)   x0: 0, x1: the word, or the word before; or x0: 1, refused
.balign 16
hidden mmap_wrap_guarded_word_begin

.macro guarded_word name
.type mmap_wrap_guarded_\name, %function
hidden mmap_wrap_guarded_\name
.cfi_startproc
.endm

.macro done
    mov     x0, xzr
    ret
.cfi_endproc
.endm

// Of any alignment. size: what follows ldr and str. r: the letter of the registers.
.macro guarded_number bits, size, r
guarded_word get\bits
    ldr\size \r\()1, [x0]
    done
guarded_word put\bits
    str\size \r\()1, [x0]
    done
.endm

guarded_number 8, b, w
guarded_number 16, h, w
guarded_number 32, , w
guarded_number 64, , x

// Aligned and atomic: exclusive loads and stores, which every ARMv8 has, and which are sequentially consistent with these
// suffixes. r: the letter of registers of this width.
.macro guarded_atomics bits, r
guarded_word load\bits
    ldar    \r\()1, [x0]
    done
guarded_word add\bits
2:  ldaxr   \r\()3, [x0]
    add     \r\()4, \r\()3, \r\()1
    stlxr   w5, \r\()4, [x0]
    cbnz    w5, 2b
    mov     x1, x3
    done
guarded_word exchange\bits
2:  ldaxr   \r\()3, [x0]
    stlxr   w5, \r\()1, [x0]
    cbnz    w5, 2b
    mov     x1, x3
    done
guarded_word compare_exchange\bits
    // Stores in either case, the old word where it differs: memory that may only be read refuses here as on x86-64.
2:  ldaxr   \r\()3, [x0]
    cmp     \r\()3, \r\()2
    csel    \r\()4, \r\()1, \r\()3, eq
    stlxr   w5, \r\()4, [x0]
    cbnz    w5, 2b
    mov     x1, x3
    done
.endm

guarded_atomics 32, w
guarded_atomics 64, x
hidden mmap_wrap_guarded_word_end

hidden mmap_wrap_guarded_word_stop
.cfi_startproc
    mov     x0, #1
    ret
.cfi_endproc
