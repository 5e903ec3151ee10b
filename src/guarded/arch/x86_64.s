# Copies, fills and accesses of single words whose faults are repaired, for x86-64.
#
# Every load and store below lies between two labels that the exception table in engine.rs names, with the place where
# a fault among them goes on. The vector code moves its pointers only after a block's stores are done, so at any of its
# instructions rdi, rsi and rdx say what is left; the fix-up does that again byte by byte. A second fault, there, stops
# at the exact byte: rep movsb and rep stosb keep rcx exact (Intel SDM 1, 7.3.9.3; AMD APM 2, 8.1.2).
#
#   mmap_wrap_guarded_copy_*(rdi to, rsi from, rdx size)         rax: bytes left undone, rdx: address of the fault
#   mmap_wrap_guarded_fill_*(rdi to, rsi byte, rdx size)         the same
#
# The handler puts the address of a fault into r10. Source and destination do not overlap.

.text

# From this size on, a copy goes around the caches: more bytes than they would still hold of it afterwards.
.equ STREAM_FROM, 32 * 1024 * 1024

# width: bytes of a vector. load, store, stream: its moves. leave: what must follow the use of such registers.
.macro guarded_copy name, v, width, load, store, stream
.balign 64
.globl mmap_wrap_guarded_copy_\name
.hidden mmap_wrap_guarded_copy_\name
.type mmap_wrap_guarded_copy_\name, @function
mmap_wrap_guarded_copy_\name:
.cfi_startproc
.globl mmap_wrap_guarded_copy_\name\()_begin
.hidden mmap_wrap_guarded_copy_\name\()_begin
mmap_wrap_guarded_copy_\name\()_begin:
    cmp     rdx, 2 * \width
    ja      3f
    cmp     rdx, \width
    jae     2f
.if \width == 32
    cmp     rdx, 16
    jae     41f
.endif
    cmp     rdx, 8
    jae     8f
    cmp     rdx, 4
    jae     4f
    test    rdx, rdx
    jz      30f
    # 1 to 3 bytes: first, middle, last
    movzx   eax, byte ptr [rsi]
    mov     rcx, rdx
    shr     rcx
    movzx   r8d, byte ptr [rsi + rcx]
    movzx   r9d, byte ptr [rsi + rdx - 1]
    mov     byte ptr [rdi], al
    mov     byte ptr [rdi + rcx], r8b
    mov     byte ptr [rdi + rdx - 1], r9b
30: xor     eax, eax
    ret
4:  mov     eax, dword ptr [rsi]
    mov     ecx, dword ptr [rsi + rdx - 4]
    mov     dword ptr [rdi], eax
    mov     dword ptr [rdi + rdx - 4], ecx
    xor     eax, eax
    ret
8:  mov     rax, qword ptr [rsi]
    mov     rcx, qword ptr [rsi + rdx - 8]
    mov     qword ptr [rdi], rax
    mov     qword ptr [rdi + rdx - 8], rcx
    xor     eax, eax
    ret
.if \width == 32
41: movdqu  xmm0, xmmword ptr [rsi]
    movdqu  xmm1, xmmword ptr [rsi + rdx - 16]
    movdqu  xmmword ptr [rdi], xmm0
    movdqu  xmmword ptr [rdi + rdx - 16], xmm1
    xor     eax, eax
    ret
.endif
2:  # one to two vectors
    \load   \v\()0, [rsi]
    \load   \v\()1, [rsi + rdx - \width]
    \store  [rdi], \v\()0
    \store  [rdi + rdx - \width], \v\()1
    jmp     9f
3:  cmp     rdx, 4 * \width
    ja      5f
    # two to four vectors
    \load   \v\()0, [rsi]
    \load   \v\()1, [rsi + \width]
    \load   \v\()2, [rsi + rdx - 2 * \width]
    \load   \v\()3, [rsi + rdx - \width]
    \store  [rdi], \v\()0
    \store  [rdi + \width], \v\()1
    \store  [rdi + rdx - 2 * \width], \v\()2
    \store  [rdi + rdx - \width], \v\()3
    jmp     9f
5:  cmp     rdx, 8 * \width
    ja      6f
    # four to eight vectors
    \load   \v\()0, [rsi]
    \load   \v\()1, [rsi + \width]
    \load   \v\()2, [rsi + 2 * \width]
    \load   \v\()3, [rsi + 3 * \width]
    \load   \v\()4, [rsi + rdx - 4 * \width]
    \load   \v\()5, [rsi + rdx - 3 * \width]
    \load   \v\()6, [rsi + rdx - 2 * \width]
    \load   \v\()7, [rsi + rdx - \width]
    \store  [rdi], \v\()0
    \store  [rdi + \width], \v\()1
    \store  [rdi + 2 * \width], \v\()2
    \store  [rdi + 3 * \width], \v\()3
    \store  [rdi + rdx - 4 * \width], \v\()4
    \store  [rdi + rdx - 3 * \width], \v\()5
    \store  [rdi + rdx - 2 * \width], \v\()6
    \store  [rdi + rdx - \width], \v\()7
    jmp     9f
6:  # more: one vector unaligned, then four at a time to an aligned destination
    \load   \v\()0, [rsi]
    \store  [rdi], \v\()0
    mov     rcx, rdi
    and     rcx, \width - 1
    sub     rcx, \width
    sub     rsi, rcx
    sub     rdi, rcx
    add     rdx, rcx
    cmp     rdx, STREAM_FROM
    jae     40f
    .balign 32
7:  \load   \v\()0, [rsi]
    \load   \v\()1, [rsi + \width]
    \load   \v\()2, [rsi + 2 * \width]
    \load   \v\()3, [rsi + 3 * \width]
    \store  [rdi], \v\()0
    \store  [rdi + \width], \v\()1
    \store  [rdi + 2 * \width], \v\()2
    \store  [rdi + 3 * \width], \v\()3
    add     rsi, 4 * \width
    add     rdi, 4 * \width
    sub     rdx, 4 * \width
    cmp     rdx, 4 * \width
    ja      7b
8:  # up to four vectors are left; what they cover twice is the same both times
    \load   \v\()0, [rsi + rdx - 4 * \width]
    \load   \v\()1, [rsi + rdx - 3 * \width]
    \load   \v\()2, [rsi + rdx - 2 * \width]
    \load   \v\()3, [rsi + rdx - \width]
    \store  [rdi + rdx - 4 * \width], \v\()0
    \store  [rdi + rdx - 3 * \width], \v\()1
    \store  [rdi + rdx - 2 * \width], \v\()2
    \store  [rdi + rdx - \width], \v\()3
9:
.if \width == 32
    vzeroupper
.endif
    xor     eax, eax
    ret
40: # larger than the caches: stores that go around them
    \load   \v\()0, [rsi]
    \load   \v\()1, [rsi + \width]
    \load   \v\()2, [rsi + 2 * \width]
    \load   \v\()3, [rsi + 3 * \width]
    \stream [rdi], \v\()0
    \stream [rdi + \width], \v\()1
    \stream [rdi + 2 * \width], \v\()2
    \stream [rdi + 3 * \width], \v\()3
    add     rsi, 4 * \width
    add     rdi, 4 * \width
    sub     rdx, 4 * \width
    cmp     rdx, 4 * \width
    ja      40b
    sfence
    jmp     8b
.globl mmap_wrap_guarded_copy_\name\()_end
.hidden mmap_wrap_guarded_copy_\name\()_end
mmap_wrap_guarded_copy_\name\()_end:
.cfi_endproc
.size mmap_wrap_guarded_copy_\name, . - mmap_wrap_guarded_copy_\name
.endm

.macro guarded_fill name, v, width, store
.balign 64
.globl mmap_wrap_guarded_fill_\name
.hidden mmap_wrap_guarded_fill_\name
.type mmap_wrap_guarded_fill_\name, @function
mmap_wrap_guarded_fill_\name:
.cfi_startproc
    movzx   eax, sil
    mov     rcx, 0x0101010101010101
    imul    rax, rcx
    movq    xmm0, rax
    punpcklqdq xmm0, xmm0
.if \width == 32
    vinserti128 ymm0, ymm0, xmm0, 1
.endif
.globl mmap_wrap_guarded_fill_\name\()_begin
.hidden mmap_wrap_guarded_fill_\name\()_begin
mmap_wrap_guarded_fill_\name\()_begin:
    cmp     rdx, \width
    jb      3f
    cmp     rdx, 4 * \width
    jbe     2f
    \store  [rdi], \v\()0
    mov     rcx, rdi
    and     rcx, \width - 1
    sub     rcx, \width
    sub     rdi, rcx
    add     rdx, rcx
    cmp     rdx, 4 * \width
    jbe     2f
    .balign 32
31: \store  [rdi], \v\()0
    \store  [rdi + \width], \v\()0
    \store  [rdi + 2 * \width], \v\()0
    \store  [rdi + 3 * \width], \v\()0
    add     rdi, 4 * \width
    sub     rdx, 4 * \width
    cmp     rdx, 4 * \width
    ja      31b
2:  cmp     rdx, \width
    jb      4f
    \store  [rdi], \v\()0
    add     rdi, \width
    sub     rdx, \width
    jmp     2b
4:  # less than a vector is left, and at least one was stored before it
    \store  [rdi + rdx - \width], \v\()0
    jmp     9f
3:  # less than a vector in all
    test    rdx, rdx
    jz      9f
    mov     byte ptr [rdi], al
    inc     rdi
    dec     rdx
    jmp     3b
9:
.if \width == 32
    vzeroupper
.endif
    xor     eax, eax
    ret
.globl mmap_wrap_guarded_fill_\name\()_end
.hidden mmap_wrap_guarded_fill_\name\()_end
mmap_wrap_guarded_fill_\name\()_end:
.cfi_endproc
.size mmap_wrap_guarded_fill_\name, . - mmap_wrap_guarded_fill_\name
.endm

guarded_copy avx2, ymm, 32, vmovdqu, vmovdqu, vmovntdq
guarded_copy sse2, xmm, 16, movdqu, movdqu, movntdq
guarded_fill avx2, ymm, 32, vmovdqu
guarded_fill sse2, xmm, 16, movdqu

# What is left of a copy, byte by byte. sfence: streaming stores may have gone before.
.balign 16
.globl mmap_wrap_guarded_copy_rest, mmap_wrap_guarded_copy_rest_end
.hidden mmap_wrap_guarded_copy_rest, mmap_wrap_guarded_copy_rest_end
mmap_wrap_guarded_copy_rest:
.cfi_startproc
    mov     rcx, rdx
    rep movsb
mmap_wrap_guarded_copy_rest_end:
    sfence
    xor     eax, eax
    ret
.cfi_endproc

# What is left of a fill, byte by byte.
.globl mmap_wrap_guarded_fill_rest, mmap_wrap_guarded_fill_rest_end
.hidden mmap_wrap_guarded_fill_rest, mmap_wrap_guarded_fill_rest_end
mmap_wrap_guarded_fill_rest:
.cfi_startproc
    mov     rcx, rdx
    mov     eax, esi
    rep stosb
mmap_wrap_guarded_fill_rest_end:
    sfence
    xor     eax, eax
    ret
.cfi_endproc

# Where the handler ends both, at the byte that refused. At least that one is left: valgrind counts rcx down before the
# access that fails, and would say that nothing is.
.globl mmap_wrap_guarded_stop
.hidden mmap_wrap_guarded_stop
mmap_wrap_guarded_stop:
.cfi_startproc
    sfence
    mov     rax, rcx
    cmp     rax, 1
    adc     rax, 0
    mov     rdx, r10
    ret
.cfi_endproc

# How many bytes are equal, in whole blocks of 32: up to one that differs, refuses, or is not whole. A refusal needs no other
# fix-up than to return: rax counts whole blocks at any instruction.
#
#   mmap_wrap_guarded_equal(rdi first, rsi second, rdx size)     rax: bytes
.balign 64
.globl mmap_wrap_guarded_equal, mmap_wrap_guarded_equal_begin, mmap_wrap_guarded_equal_end
.hidden mmap_wrap_guarded_equal, mmap_wrap_guarded_equal_begin, mmap_wrap_guarded_equal_end
.type mmap_wrap_guarded_equal, @function
mmap_wrap_guarded_equal:
.cfi_startproc
    xor     eax, eax
mmap_wrap_guarded_equal_begin:
1:  lea     rcx, [rax + 32]
    cmp     rcx, rdx
    ja      2f
    movdqu  xmm0, [rdi + rax]
    movdqu  xmm1, [rdi + rax + 16]
    movdqu  xmm2, [rsi + rax]
    movdqu  xmm3, [rsi + rax + 16]
    pcmpeqb xmm0, xmm2
    pcmpeqb xmm1, xmm3
    pand    xmm0, xmm1
    pmovmskb r8d, xmm0
    cmp     r8d, 0xFFFF
    jne     2f
    mov     rax, rcx
    jmp     1b
mmap_wrap_guarded_equal_end:
2:  ret
.cfi_endproc

# Accesses of one word. An instruction that is refused has changed nothing, so all of them are one range of the exception
# table and go on at one place.
#
#   mmap_wrap_guarded_*(rdi word, rsi operand, rdx expected)     rax: 0, rdx: the word, or the word before; or rax: 1, refused
.balign 16
.globl mmap_wrap_guarded_word_begin, mmap_wrap_guarded_word_end, mmap_wrap_guarded_word_stop
.hidden mmap_wrap_guarded_word_begin, mmap_wrap_guarded_word_end, mmap_wrap_guarded_word_stop
mmap_wrap_guarded_word_begin:

.macro guarded_word name
.balign 16
.globl mmap_wrap_guarded_\name
.hidden mmap_wrap_guarded_\name
.type mmap_wrap_guarded_\name, @function
mmap_wrap_guarded_\name:
.cfi_startproc
.endm

.macro done
    xor     eax, eax
    ret
.cfi_endproc
.endm

# Of any alignment. load: the move that clears what is above. rsi: its name in this width.
.macro guarded_number bits, load, pointer, rdx, rsi
guarded_word get\bits
    \load   \rdx, \pointer ptr [rdi]
    done
guarded_word put\bits
    mov     [rdi], \rsi
    done
.endm

guarded_number 8, movzx, byte, edx, sil
guarded_number 16, movzx, word, edx, si
guarded_number 32, mov, dword, edx, esi
guarded_number 64, mov, qword, rdx, rsi

# Aligned and atomic. Every load acquires here and every locked instruction is a full barrier, so all are sequentially
# consistent. rax, rdx, rsi: their names in this width.
.macro guarded_atomics bits, rax, rdx, rsi
guarded_word load\bits
    mov     \rdx, [rdi]
    done
guarded_word add\bits
    lock xadd [rdi], \rsi
    mov     \rdx, \rsi
    done
guarded_word exchange\bits
    xchg    [rdi], \rsi
    mov     \rdx, \rsi
    done
guarded_word compare_exchange\bits
    mov     \rax, \rdx
    lock cmpxchg [rdi], \rsi
    mov     \rdx, \rax
    done
.endm

guarded_atomics 32, eax, edx, esi
guarded_atomics 64, rax, rdx, rsi
mmap_wrap_guarded_word_end:

mmap_wrap_guarded_word_stop:
.cfi_startproc
    mov     eax, 1
    ret
.cfi_endproc
