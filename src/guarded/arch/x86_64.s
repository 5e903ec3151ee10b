# Copies, fills, comparisons, searches for a byte and accesses of single words whose faults are repaired, for x86-64.
#
# Every load and store below lies between two labels that the exception table in mod.rs names, with the place where
# a fault among them goes on. The vector code moves its pointers only after a block's stores are done, so at any of its
# instructions rdi, rsi and rdx say what is left; the fix-up does that again byte by byte. A second fault, there, stops
# at the exact byte: rep movsb and rep stosb keep rcx exact (Intel SDM 1, 7.3.9.3; AMD APM 2, 8.1.2). Nothing behind the
# byte that faults is stored: a block's loads precede its stores, and its stores go upwards.
#
#   mmap_wrap_guarded_copy_*(rdi to, rsi from, rdx size)         rax: bytes left undone, rdx: address of the fault
#   mmap_wrap_guarded_fill_*(rdi to, rsi byte, rdx size)         the same
#
# 1, 2, 4 and 8 bytes are one load and one store each: a device register, or a word shared with another process, is
# accessed once, and whole if it is aligned. Other sizes may access some bytes twice.
#
# The handler puts the address of a fault into r10. Source and destination do not overlap.

# From this size on, a copy goes around the caches, and a fill from twice as much: source and destination are as much as a
# third-level cache commonly holds. From here on it is faster even for a caller that reads all of it next.
.equ STREAM_FROM, 16 * 1024 * 1024

.macro done
    xor     eax, eax
    ret
.endm

# The first four vectors and the last four; bytes in both are stored twice, with the same value.
.macro four_to_eight v, width, load, store
    .irp    i, 0, 1, 2, 3
    \load   \v\i, [rsi + \i * \width]
    .endr
    .irp    i, 4, 5, 6, 7
    \load   \v\i, [rsi + rdx + (\i - 8) * \width]
    .endr
    .irp    i, 0, 1, 2, 3
    \store  [rdi + \i * \width], \v\i
    .endr
    .irp    i, 4, 5, 6, 7
    \store  [rdi + rdx + (\i - 8) * \width], \v\i
    .endr
.endm

# width: bytes of a vector v. load, store, stream: its moves.
.macro guarded_copy name, v, width, load, store, stream
.balign 64
function copy_\name
hidden copy_\name\()_begin
    cmp     rdx, 2 * \width
    ja      3f
    cmp     rdx, \width
    jae     2f
.if \width == 32
    cmp     rdx, 16
    jae     16f
.endif
    cmp     rdx, 8
    jae     8f
    cmp     rdx, 4
    jae     4f
    cmp     rdx, 2
    jae     1f
    test    edx, edx
    jz      10f
    movzx   eax, byte ptr [rsi]
    mov     byte ptr [rdi], al
10: done
    # Below, the flags are still those of the comparison with the size at the label.
1:  movzx   eax, word ptr [rsi]
    jne     11f
    mov     word ptr [rdi], ax
    done
11: movzx   ecx, byte ptr [rsi + 2]
    mov     word ptr [rdi], ax
    mov     byte ptr [rdi + 2], cl
    done
4:  mov     eax, dword ptr [rsi]
    jne     14f
    mov     dword ptr [rdi], eax
    done
14: mov     ecx, dword ptr [rsi + rdx - 4]
    mov     dword ptr [rdi], eax
    mov     dword ptr [rdi + rdx - 4], ecx
    done
8:  mov     rax, qword ptr [rsi]
    jne     18f
    mov     qword ptr [rdi], rax
    done
18: mov     rcx, qword ptr [rsi + rdx - 8]
    mov     qword ptr [rdi], rax
    mov     qword ptr [rdi + rdx - 8], rcx
    done
.if \width == 32
16: movdqu  xmm0, xmmword ptr [rsi]
    jne     17f
    movdqu  xmmword ptr [rdi], xmm0
    done
17: movdqu  xmm1, xmmword ptr [rsi + rdx - 16]
    movdqu  xmmword ptr [rdi], xmm0
    movdqu  xmmword ptr [rdi + rdx - 16], xmm1
    done
.endif
2:  # one to two vectors
    \load   \v\()0, [rsi]
    jne     12f
    \store  [rdi], \v\()0
    jmp     9f
12: \load   \v\()1, [rsi + rdx - \width]
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
    four_to_eight \v, \width, \load, \store
    jmp     9f
6:  # more: one vector unaligned, then eight at a time to an aligned destination. Fewer in flight are slow where the
    # destination lies less than 256 bytes behind the source modulo 4096: loads then wait for stores that only seem to
    # be of the same bytes.
    \load   \v\()0, [rsi]
    \store  [rdi], \v\()0
    mov     rcx, rdi
    and     rcx, \width - 1
    sub     rcx, \width
    sub     rsi, rcx
    sub     rdi, rcx
    add     rdx, rcx
    cmp     rdx, STREAM_FROM - \width
    jae     40f
    cmp     rdx, 8 * \width
    jbe     8f
    .balign 32
7:  .irp    i, 0, 1, 2, 3, 4, 5, 6, 7
    \load   \v\i, [rsi + \i * \width]
    .endr
    .irp    i, 0, 1, 2, 3, 4, 5, 6, 7
    \store  [rdi + \i * \width], \v\i
    .endr
    add     rsi, 8 * \width
    add     rdi, 8 * \width
    sub     rdx, 8 * \width
    cmp     rdx, 8 * \width
    ja      7b
8:  # up to eight vectors are left
    cmp     rdx, 4 * \width
    jbe     4f
    four_to_eight \v, \width, \load, \store
    jmp     9f
4:  .irp    i, 4, 5, 6, 7
    \load   \v\i, [rsi + rdx + (\i - 8) * \width]
    .endr
    .irp    i, 4, 5, 6, 7
    \store  [rdi + rdx + (\i - 8) * \width], \v\i
    .endr
9:
.if \width == 32
    vzeroupper
.endif
    done
40: # larger than the caches: stores that go around them, of whole lines
    .irp    i, 0, 1, 2, 3
    \load   \v\i, [rsi + \i * \width]
    .endr
    .irp    i, 0, 1, 2, 3
    \store  [rdi + \i * \width], \v\i
    .endr
    mov     rcx, rdi
    and     rcx, 63
    sub     rcx, 64
    sub     rsi, rcx
    sub     rdi, rcx
    add     rdx, rcx
    .balign 32
41: .irp    i, 0, 1, 2, 3, 4, 5, 6, 7
    \load   \v\i, [rsi + \i * \width]
    .endr
    .irp    i, 0, 1, 2, 3, 4, 5, 6, 7
    \stream [rdi + \i * \width], \v\i
    .endr
    add     rsi, 8 * \width
    add     rdi, 8 * \width
    sub     rdx, 8 * \width
    cmp     rdx, 8 * \width
    ja      41b
    sfence
    jmp     8b
hidden copy_\name\()_end
    # A fault goes on here.
.if \width == 32
    vzeroupper
.endif
    to_label jmp, copy_rest
function_end copy_\name
.endm

.macro guarded_fill name, v, width, store, stream
.balign 64
function fill_\name
    movzx   eax, sil
    mov     rcx, 0x0101010101010101
    imul    rax, rcx
hidden fill_\name\()_begin
    cmp     rdx, 16
    jae     16f
    cmp     rdx, 8
    jae     8f
    cmp     rdx, 4
    jae     4f
    cmp     rdx, 2
    jae     2f
    test    edx, edx
    jz      10f
    mov     byte ptr [rdi], al
10: done
    # Below, the flags are still those of the comparison with the size at the label.
2:  mov     word ptr [rdi], ax
    je      10b
    mov     byte ptr [rdi + 2], al
    done
4:  mov     dword ptr [rdi], eax
    je      10b
    mov     dword ptr [rdi + rdx - 4], eax
    done
8:  mov     qword ptr [rdi], rax
    je      10b
    mov     qword ptr [rdi + rdx - 8], rax
    done
16: movq    xmm0, rax
    punpcklqdq xmm0, xmm0
.if \width == 32
    cmp     rdx, 32
    jae     17f
    movdqu  xmmword ptr [rdi], xmm0
    movdqu  xmmword ptr [rdi + rdx - 16], xmm0
    done
17: vinserti128 ymm0, ymm0, xmm0, 1
.endif
    cmp     rdx, 2 * \width
    ja      3f
    \store  [rdi], \v\()0
    \store  [rdi + rdx - \width], \v\()0
    jmp     9f
3:  cmp     rdx, 4 * \width
    jbe     8f
    \store  [rdi], \v\()0
    mov     rcx, rdi
    and     rcx, \width - 1
    sub     rcx, \width
    sub     rdi, rcx
    add     rdx, rcx
    cmp     rdx, 2 * STREAM_FROM - \width
    jae     40f
    cmp     rdx, 4 * \width
    jbe     7f
    .balign 32
31: .irp    i, 0, 1, 2, 3
    \store  [rdi + \i * \width], \v\()0
    .endr
    add     rdi, 4 * \width
    sub     rdx, 4 * \width
    cmp     rdx, 4 * \width
    ja      31b
7:  # up to four vectors are left, and more were to be done at first
    .irp    i, 4, 3, 2, 1
    \store  [rdi + rdx - \i * \width], \v\()0
    .endr
    jmp     9f
8:  \store  [rdi], \v\()0
    \store  [rdi + \width], \v\()0
    \store  [rdi + rdx - 2 * \width], \v\()0
    \store  [rdi + rdx - \width], \v\()0
9:
.if \width == 32
    vzeroupper
.endif
    done
40: # larger than the caches
    .irp    i, 0, 1, 2, 3
    \store  [rdi + \i * \width], \v\()0
    .endr
    mov     rcx, rdi
    and     rcx, 63
    sub     rcx, 64
    sub     rdi, rcx
    add     rdx, rcx
    .balign 32
41: .irp    i, 0, 1, 2, 3
    \stream [rdi + \i * \width], \v\()0
    .endr
    add     rdi, 4 * \width
    sub     rdx, 4 * \width
    cmp     rdx, 4 * \width
    ja      41b
    sfence
    jmp     7b
hidden fill_\name\()_end
    # A fault goes on here.
.if \width == 32
    vzeroupper
.endif
    to_label jmp, fill_rest
function_end fill_\name
.endm

guarded_copy avx2, ymm, 32, vmovdqu, vmovdqu, vmovntdq
guarded_copy sse2, xmm, 16, movdqu, movdqu, movntdq
guarded_fill avx2, ymm, 32, vmovdqu, vmovntdq
guarded_fill sse2, xmm, 16, movdqu, movntdq

# The rest of a copy, byte by byte. sfence: streaming stores may have preceded.
.balign 16
hidden copy_rest
.cfi_startproc
    mov     rcx, rdx
    rep movsb
hidden copy_rest_end
    sfence
    done
.cfi_endproc

# The rest of a fill, byte by byte.
hidden fill_rest
.cfi_startproc
    mov     rcx, rdx
    mov     eax, esi
    rep stosb
hidden fill_rest_end
    sfence
    done
.cfi_endproc

# The fix-up of both, at the byte that faults. At least that byte is left: valgrind decrements rcx before the access that
# faults, so that rcx can be 0 here.
hidden stop
.cfi_startproc
    sfence
    mov     rax, rcx
    cmp     rax, 1
    adc     rax, 0
    mov     rdx, r10
    ret
.cfi_endproc

# A number of bytes that are equal, from the first on: less than four vectors below the first byte that differs or faults, and
# less than one vector below the size. The fix-up of a fault only returns: at any instruction rax counts bytes that are equal.
#
#   mmap_wrap_guarded_equal*(rdi first, rsi second, rdx size)    rax: bytes

# Compares count vectors at rdi + rax and rsi + rax. The zero flag is set if they are equal.
.macro equal_vectors width, count
.if \width == 32
    .irp    i, 0, 1, 2, 3
    .if \i < \count
    vmovdqu ymm\i, [rdi + rax + \i * \width]
    vpcmpeqb ymm\i, ymm\i, [rsi + rax + \i * \width]
    .endif
    .endr
    .if \count == 4
    vpand   ymm0, ymm0, ymm1
    vpand   ymm2, ymm2, ymm3
    vpand   ymm0, ymm0, ymm2
    .endif
    vpmovmskb ecx, ymm0
    inc     ecx
.else
    .irp    i, 0, 1, 2, 3
    .if \i < \count
    movdqu  xmm\i, [rdi + rax + \i * \width]
    movdqu  xmm4, [rsi + rax + \i * \width]
    pcmpeqb xmm\i, xmm4
    .endif
    .endr
    .if \count == 4
    pand    xmm0, xmm1
    pand    xmm2, xmm3
    pand    xmm0, xmm2
    .endif
    pmovmskb ecx, xmm0
    sub     ecx, 0xFFFF
.endif
.endm

.macro guarded_equal name, width
.balign 64
function \name
    xor     eax, eax
hidden \name\()_begin
    cmp     rdx, \width
    jb      4f
    lea     r8, [rdx - 4 * \width]
    cmp     rax, r8
    jg      2f
    # one vector unaligned, then four at a time, aligned on the first side
    equal_vectors \width, 1
    jnz     3f
    mov     ecx, edi
    and     ecx, \width - 1
    mov     eax, \width
    sub     rax, rcx
    cmp     rax, r8
    jg      2f
    .balign 32
1:  equal_vectors \width, 4
    jnz     2f
    add     rax, 4 * \width
    cmp     rax, r8
    jle     1b
2:  # one at a time: less than four are left, or there is a difference in them
    add     r8, 3 * \width
    cmp     rax, r8
    jg      3f
21: equal_vectors \width, 1
    jnz     3f
    add     rax, \width
    cmp     rax, r8
    jle     21b
hidden \name\()_end
3:
.if \width == 32
    vzeroupper
.endif
4:  ret
function_end \name
.endm

guarded_equal equal_avx2, 32
guarded_equal equal, 16

# The first position of a byte. The fix-up of a fault searches again byte by byte, and stops at the byte that faults.
#
#   mmap_wrap_guarded_find_byte_*(rdi from, rsi byte, rdx size)  rax: bytes before it, rdx: 1 if it was found,
#                                                                0 if the next byte is the end or faults
#
# Searches the vector at `at` vectors after rdi + rax for the byte; vector i has ones at its positions.
.macro find_in width, i, at
.if \width == 32
    vpcmpeqb ymm\i, ymm0, [rdi + rax + (\at) * \width]
.else
    movdqu  xmm\i, [rdi + rax + (\at) * \width]
    pcmpeqb xmm\i, xmm0
.endif
.endm

.macro mask width, register, i
.if \width == 32
    vpmovmskb \register, ymm\i
.else
    pmovmskb \register, xmm\i
.endif
.endm

.macro guarded_find_byte name, width
.balign 64
function find_byte_\name
.if \width == 32
    cmp     rdx, 32
    to_label jb, find_byte_sse2
.endif
    xor     eax, eax
hidden find_byte_\name\()_begin
    movzx   ecx, sil
    imul    ecx, ecx, 0x01010101
    movd    xmm0, ecx
.if \width == 32
    vpbroadcastd ymm0, xmm0
.else
    pshufd  xmm0, xmm0, 0
    cmp     rdx, 16
    jb      10f
.endif
    # one vector unaligned, then aligned ones
    find_in \width, 1, 0
    mask    \width, ecx, 1
    test    ecx, ecx
    jnz     7f
    mov     ecx, edi
    and     ecx, \width - 1
    mov     eax, \width
    sub     rax, rcx
    lea     r8, [rdx - 4 * \width]
    cmp     rax, r8
    jg      2f
    .balign 32
1:  .irp    i, 1, 2, 3, 4
    find_in \width, \i, \i-1
    .endr
.if \width == 32
    vpor    ymm5, ymm1, ymm2
    vpor    ymm6, ymm3, ymm4
    vpor    ymm5, ymm5, ymm6
.else
    movdqa  xmm5, xmm1
    por     xmm5, xmm2
    por     xmm5, xmm3
    por     xmm5, xmm4
.endif
    mask    \width, ecx, 5
    test    ecx, ecx
    jnz     4f
    add     rax, 4 * \width
    cmp     rax, r8
    jle     1b
2:  # less than four vectors are left
    add     r8, 3 * \width
    jmp     5f
3:  find_in \width, 1, 0
    mask    \width, ecx, 1
    test    ecx, ecx
    jnz     7f
    add     rax, \width
5:  cmp     rax, r8
    jle     3b
    cmp     rax, rdx
    je      9f
    # less than one: the last vector, whose first part was searched already
    mov     rax, r8
    find_in \width, 1, 0
    mask    \width, ecx, 1
    test    ecx, ecx
    jnz     7f
    mov     rax, rdx
    jmp     9f
4:  # in which of the four
    .irp    i, 1, 2, 3
    mask    \width, ecx, \i
    test    ecx, ecx
    jnz     7f
    add     rax, \width
    .endr
    mask    \width, ecx, 4
7:  tzcnt   ecx, ecx
    add     rax, rcx
    mov     edx, 1
    jmp     8f
.if \width == 16
10: # less than 16: the first 8 and the last 8, or 4 and 4, in one vector
    cmp     rdx, 8
    jb      11f
    movq    xmm1, [rdi]
    movq    xmm2, [rdi + rdx - 8]
    punpcklqdq xmm1, xmm2
    pcmpeqb xmm1, xmm0
    mask    \width, ecx, 1
    lea     r8, [rdx - 16]
    mov     r9d, 8
    jmp     12f
11: cmp     rdx, 4
    to_label jb, find_byte_rest
    movd    xmm1, [rdi]
    movd    xmm2, [rdi + rdx - 4]
    punpckldq xmm1, xmm2
    pcmpeqb xmm1, xmm0
    mask    \width, ecx, 1
    movzx   ecx, cl
    lea     r8, [rdx - 8]
    mov     r9d, 4
12: mov     rax, rdx
    test    ecx, ecx
    jz      9f
    tzcnt   ecx, ecx
    lea     rax, [r8 + rcx]
    cmp     ecx, r9d
    cmovb   rax, rcx
    mov     edx, 1
    ret
.endif
9:  xor     edx, edx
8:
.if \width == 32
    vzeroupper
.endif
    ret
hidden find_byte_\name\()_end
    # A fault goes on here.
.if \width == 32
    vzeroupper
.endif
    to_label jmp, find_byte_rest
function_end find_byte_\name
.endm

guarded_find_byte avx2, 32
guarded_find_byte sse2, 16

.balign 16
hidden find_byte_rest
.cfi_startproc
    cmp     rax, rdx
    jae     2f
1:  cmp     byte ptr [rdi + rax], sil
    je      3f
    inc     rax
    cmp     rax, rdx
    jb      1b
hidden find_byte_rest_end
2:  xor     edx, edx
    ret
3:  mov     edx, 1
    ret
.cfi_endproc

# Accesses of one word. An instruction that faults has changed nothing, so all of them are one range of the exception
# table and have one fix-up.
#
#   mmap_wrap_guarded_*(rdi word, rsi operand, rdx expected)     rax: 0, rdx: the word, or the word before; or rax: 1, it faulted
.balign 16
hidden word_begin

.macro guarded_word name
.balign 16
function \name
.endm

.macro guarded_word_done
    done
.cfi_endproc
.endm

# Of any alignment. load: the move that clears the higher bits. rsi: the register's name for this width.
.macro guarded_number bits, load, pointer, rdx, rsi
guarded_word get\bits
    \load   \rdx, \pointer ptr [rdi]
    guarded_word_done
guarded_word put\bits
    mov     [rdi], \rsi
    guarded_word_done
.endm

guarded_number 8, movzx, byte, edx, sil
guarded_number 16, movzx, word, edx, si
guarded_number 32, mov, dword, edx, esi
guarded_number 64, mov, qword, rdx, rsi

# Aligned and atomic. Every load acquires here and every locked instruction is a full barrier, so all are sequentially
# consistent. rax, rdx, rsi: the registers' names for this width.
.macro guarded_atomics bits, rax, rdx, rsi
guarded_word load\bits
    mov     \rdx, [rdi]
    guarded_word_done
guarded_word add\bits
    lock xadd [rdi], \rsi
    mov     \rdx, \rsi
    guarded_word_done
guarded_word exchange\bits
    xchg    [rdi], \rsi
    mov     \rdx, \rsi
    guarded_word_done
guarded_word compare_exchange\bits
    mov     \rax, \rdx
    lock cmpxchg [rdi], \rsi
    mov     \rdx, \rax
    guarded_word_done
.endm

guarded_atomics 32, eax, edx, esi
guarded_atomics 64, rax, rdx, rsi
hidden word_end

hidden word_stop
.cfi_startproc
    mov     eax, 1
    ret
.cfi_endproc
