/* The labels that Rust refers to, in the formats of object files: ELF; where NOT_ELF is set COFF, or Mach-O if MACHO is set, too.
 *
 * In Mach-O names begin with an underscore. The linker may move or drop what lies between two labels, but for those that are
 * alternative entries: here the code is one piece, which begins with the only other label. */

.text
.ifdef MACHO
_mmap_wrap_guarded_loops:
.endif

.macro hidden name
.ifdef MACHO
.globl _mmap_wrap_guarded_\name
.private_extern _mmap_wrap_guarded_\name
.alt_entry _mmap_wrap_guarded_\name
_mmap_wrap_guarded_\name:
.else
.globl mmap_wrap_guarded_\name
.ifndef NOT_ELF
.hidden mmap_wrap_guarded_\name
.endif
mmap_wrap_guarded_\name:
.endif
.endm

.macro function name
.ifndef NOT_ELF
.type mmap_wrap_guarded_\name, %function
.endif
hidden \name
.cfi_startproc
.endm

.macro function_end name
.cfi_endproc
.ifndef NOT_ELF
.size mmap_wrap_guarded_\name, . - mmap_wrap_guarded_\name
.endif
.endm

/* An instruction that branches to one of the labels. */
.macro to_label instruction, name
.ifdef MACHO
\instruction _mmap_wrap_guarded_\name
.else
\instruction mmap_wrap_guarded_\name
.endif
.endm

