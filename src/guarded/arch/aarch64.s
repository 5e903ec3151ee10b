// Copies, fills, comparisons, searches for a byte and accesses of single words whose faults are repaired, for arm64.
//
// As in x86_64.s: every load and store lies between labels that the exception table in mod.rs names. x0, x1 and x2
// say what is left at any instruction of the block code; a fault there does that again byte by byte, and a fault in the
// byte loops stops at the exact byte.
//
//   mmap_wrap_guarded_copy(x0 to, x1 from, x2 size)         x0: bytes left undone, x1: address of the fault
//   mmap_wrap_guarded_fill(x0 to, x1 byte, x2 size)         the same
//
// 1, 2, 4 and 8 bytes are one load and one store each. Other sizes may access some bytes twice.
//
// The handler puts the address of a fault into x10. Source and destination do not overlap.

.macro done
    mov     x0, xzr
    ret
.endm

.balign 64
function copy
hidden copy_begin
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
    done
4:  // 16 to 64
    add     x4, x1, x2
    add     x5, x0, x2
    cmp     x2, #32
    b.hi    6f
    ldr     q0, [x1]
    ldr     q1, [x4, #-16]
    str     q0, [x0]
    str     q1, [x5, #-16]
    done
6:  ldp     q0, q1, [x1]
    ldp     q2, q3, [x4, #-32]
    stp     q0, q1, [x0]
    stp     q2, q3, [x5, #-32]
    done
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
    done
8:  // less than 16
    add     x4, x1, x2
    add     x5, x0, x2
    tbz     x2, #3, 7f
    ldr     x6, [x1]
    cmp     x2, #8
    b.ne    18f
    str     x6, [x0]
    done
18: ldr     x7, [x4, #-8]
    str     x6, [x0]
    str     x7, [x5, #-8]
    done
7:  tbz     x2, #2, 9f
    ldr     w6, [x1]
    cmp     x2, #4
    b.ne    17f
    str     w6, [x0]
    done
17: ldr     w7, [x4, #-4]
    str     w6, [x0]
    str     w7, [x5, #-4]
    done
9:  tbz     x2, #1, 19f
    ldrh    w6, [x1]
    cmp     x2, #2
    b.ne    16f
    strh    w6, [x0]
    done
16: ldrb    w7, [x1, #2]
    strh    w6, [x0]
    strb    w7, [x0, #2]
    done
19: cbz     x2, 6f
    ldrb    w6, [x1]
    strb    w6, [x0]
6:  done
hidden copy_end
.cfi_endproc

.balign 64
function fill
    dup     v0.16b, w1
hidden fill_begin
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
    done
3:  // less than 64
    add     x5, x0, x2
    cmp     x2, #16
    b.lo    5f
    cmp     x2, #32
    b.hi    4f
    str     q0, [x0]
    str     q0, [x5, #-16]
    done
4:  stp     q0, q0, [x0]
    stp     q0, q0, [x5, #-32]
    done
5:  tbz     x2, #3, 6f
    str     d0, [x0]
    cmp     x2, #8
    b.eq    9f
    str     d0, [x5, #-8]
    done
6:  tbz     x2, #2, 7f
    str     s0, [x0]
    cmp     x2, #4
    b.eq    9f
    str     s0, [x5, #-4]
    done
7:  tbz     x2, #1, 8f
    str     h0, [x0]
    cmp     x2, #2
    b.eq    9f
    strb    w1, [x0, #2]
    done
8:  cbz     x2, 9f
    strb    w1, [x0]
9:  done
hidden fill_end
.cfi_endproc

// The rest of a copy, byte by byte. The pointers move after the store.
.balign 16
hidden copy_rest
.cfi_startproc
    cbz     x2, 3f
2:  ldrb    w6, [x1]
    strb    w6, [x0]
    add     x1, x1, #1
    add     x0, x0, #1
    subs    x2, x2, #1
    b.ne    2b
hidden copy_rest_end
3:  done
.cfi_endproc

// The rest of a fill, byte by byte.
hidden fill_rest
.cfi_startproc
    cbz     x2, 3f
2:  strb    w1, [x0]
    add     x0, x0, #1
    subs    x2, x2, #1
    b.ne    2b
hidden fill_rest_end
3:  done
.cfi_endproc

// The fix-up of both, at the byte that faults.
hidden stop
.cfi_startproc
    mov     x0, x2
    mov     x1, x10
    ret
.cfi_endproc

// A number of bytes that are equal, from the first on: less than 64 below the first byte that differs or faults, and less than
// 16 below the size. The fix-up of a fault only returns: at any instruction x3 counts bytes that are equal.
//
//   mmap_wrap_guarded_equal(x0 first, x1 second, x2 size)       x0: bytes
.balign 64
function equal
    mov     x3, xzr
hidden equal_begin
1:  add     x4, x3, #64
    cmp     x4, x2
    b.hi    2f
    ldp     q0, q1, [x0]
    ldp     q2, q3, [x0, #32]
    ldp     q4, q5, [x1]
    ldp     q6, q7, [x1, #32]
    cmeq    v0.16b, v0.16b, v4.16b
    cmeq    v1.16b, v1.16b, v5.16b
    cmeq    v2.16b, v2.16b, v6.16b
    cmeq    v3.16b, v3.16b, v7.16b
    and     v0.16b, v0.16b, v1.16b
    and     v2.16b, v2.16b, v3.16b
    and     v0.16b, v0.16b, v2.16b
    uminv   s0, v0.4s
    fmov    w5, s0
    cmn     w5, #1
    b.ne    2f
    add     x0, x0, #64
    add     x1, x1, #64
    mov     x3, x4
    b       1b
2:  // less than 64 are left, or there is a difference in them
    add     x4, x3, #16
    cmp     x4, x2
    b.hi    3f
    ldr     q0, [x0], #16
    ldr     q4, [x1], #16
    cmeq    v0.16b, v0.16b, v4.16b
    uminv   s0, v0.4s
    fmov    w5, s0
    cmn     w5, #1
    b.ne    3f
    mov     x3, x4
    b       2b
hidden equal_end
3:  mov     x0, x3
    ret
.cfi_endproc

// The first position of a byte. The fix-up of a fault searches again byte by byte, and stops at the byte that faults.
//
//   mmap_wrap_guarded_find_byte(x0 from, x1 byte, x2 size)      x0: bytes before it, x1: 1 if it was found,
//                                                               0 if the next byte is the end or faults
//
// x3 counts the bytes searched. Four bits of x6 represent each byte of a vector.
.macro find_in vector
    shrn    v5.8b, \vector\().8h, #4
    fmov    x6, d5
    cbnz    x6, 7f
.endm

.balign 64
function find_byte
    mov     x3, xzr
    dup     v0.16b, w1
hidden find_byte_begin
    cmp     x2, #16
    b.lo    8f
    sub     x4, x2, #64
    cmp     x3, x4
    b.gt    2f
1:  add     x5, x0, x3
    ldp     q1, q2, [x5]
    ldp     q3, q4, [x5, #32]
    cmeq    v1.16b, v1.16b, v0.16b
    cmeq    v2.16b, v2.16b, v0.16b
    cmeq    v3.16b, v3.16b, v0.16b
    cmeq    v4.16b, v4.16b, v0.16b
    orr     v5.16b, v1.16b, v2.16b
    orr     v6.16b, v3.16b, v4.16b
    orr     v5.16b, v5.16b, v6.16b
    umaxp   v5.4s, v5.4s, v5.4s
    fmov    x6, d5
    cbnz    x6, 4f
    add     x3, x3, #64
    cmp     x3, x4
    b.le    1b
2:  // less than 64 are left
    add     x4, x4, #48
    b       5f
3:  ldr     q1, [x0, x3]
    cmeq    v1.16b, v1.16b, v0.16b
    find_in v1
    add     x3, x3, #16
5:  cmp     x3, x4
    b.le    3b
    cmp     x3, x2
    b.eq    9f
    // less than 16: the last 16, whose first part was searched already
    mov     x3, x4
    ldr     q1, [x0, x3]
    cmeq    v1.16b, v1.16b, v0.16b
    find_in v1
    mov     x3, x2
9:  mov     x0, x3
    mov     x1, xzr
    ret
4:  // in which of the four
    find_in v1
    add     x3, x3, #16
    find_in v2
    add     x3, x3, #16
    find_in v3
    add     x3, x3, #16
    find_in v4
7:  rbit    x6, x6
    clz     x6, x6
    add     x0, x3, x6, lsr #2
    mov     x1, #1
    ret
8:  // less than 16: the first 8 and the last 8, or 4 and 4, in one vector
    add     x5, x0, x2
    cmp     x2, #8
    b.lo    10f
    ldr     d1, [x0]
    ldr     d2, [x5, #-8]
    mov     v1.d[1], v2.d[0]
    cmeq    v1.16b, v1.16b, v0.16b
    shrn    v5.8b, v1.8h, #4
    fmov    x6, d5
    sub     x4, x2, #16
    mov     x7, #8
    b       11f
10: cmp     x2, #4
    b.lo    12f
    ldr     s1, [x0]
    ldr     s2, [x5, #-4]
    mov     v1.s[1], v2.s[0]
    cmeq    v1.16b, v1.16b, v0.16b
    shrn    v5.8b, v1.8h, #4
    fmov    w6, s5
    sub     x4, x2, #8
    mov     x7, #4
11: mov     x3, x2
    cbz     x6, 9b
    rbit    x6, x6
    clz     x6, x6
    lsr     x6, x6, #2
    add     x4, x4, x6
    cmp     x6, x7
    csel    x0, x6, x4, lo
    mov     x1, #1
    ret
12: to_label b, find_byte_rest
hidden find_byte_end
.cfi_endproc

hidden find_byte_rest
.cfi_startproc
    cmp     x3, x2
    b.hs    2f
1:  ldrb    w4, [x0, x3]
    cmp     w4, w1, uxtb
    b.eq    3f
    add     x3, x3, #1
    cmp     x3, x2
    b.lo    1b
hidden find_byte_rest_end
2:  mov     x0, x3
    mov     x1, xzr
    ret
3:  mov     x0, x3
    mov     x1, #1
    ret
.cfi_endproc

// Accesses of one word. An instruction that faults has changed nothing that is used later, so all of them are one range of
// the exception table and have one fix-up.
//
//   mmap_wrap_guarded_*(x0 word, x1 operand, x2 expected)   x0: 0, x1: the word, or the word before; or x0: 1, it faulted
.balign 16
hidden word_begin

.macro guarded_word name
function \name
.endm

.macro guarded_word_done
    done
.cfi_endproc
.endm

// Of any alignment. size: the suffix of ldr and str. r: the letter of the registers.
.macro guarded_number bits, size, r
guarded_word get\bits
    ldr\size \r\()1, [x0]
    guarded_word_done
guarded_word put\bits
    str\size \r\()1, [x0]
    guarded_word_done
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
    guarded_word_done
guarded_word add\bits
2:  ldaxr   \r\()3, [x0]
    add     \r\()4, \r\()3, \r\()1
    stlxr   w5, \r\()4, [x0]
    cbnz    w5, 2b
    mov     x1, x3
    guarded_word_done
guarded_word exchange\bits
2:  ldaxr   \r\()3, [x0]
    stlxr   w5, \r\()1, [x0]
    cbnz    w5, 2b
    mov     x1, x3
    guarded_word_done
guarded_word compare_exchange\bits
    // Stores in either case, the old word where it differs: memory that may only be read faults here as on x86-64.
2:  ldaxr   \r\()3, [x0]
    cmp     \r\()3, \r\()2
    csel    \r\()4, \r\()1, \r\()3, eq
    stlxr   w5, \r\()4, [x0]
    cbnz    w5, 2b
    mov     x1, x3
    guarded_word_done
.endm

guarded_atomics 32, w
guarded_atomics 64, x
hidden word_end

hidden word_stop
.cfi_startproc
    mov     x0, #1
    ret
.cfi_endproc
