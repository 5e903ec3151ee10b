=begin pod

=head1 NAME

Mmap::Native - mmap, munmap and related functions of the C library

=head1 SYNOPSIS

=begin code :lang<raku>
use Mmap::Native;

my $file = 'data.bin'.IO.open;
my $address = mmap Pointer, 50, PROT_READ, MAP_SHARED, $file.native-descriptor, 0;
die 'cannot map data.bin' if $address == MAP_FAILED;
my $bytes = blob-from-pointer $address, :50elems, :type(Buf[uint8]);
say $bytes.elems;
munmap $address, 50;
=end code

=head1 DESCRIPTION

A drop-in replacement for Mmap::Native 0.0.6, with the same names. It calls functions of the C library: a wrong address or length can
crash the program. Use L<Mmap::Wrap> for new programs. A program may use both modules, but must not pass mappings of Mmap::Wrap to
these functions.

Differences from 0.0.6:

=item C<munmap> unmaps, and returns 0, or -1 on failure.
=item C<mmap> passes its address argument on, so hints, MAP_FIXED and MAP_FIXED_NOREPLACE work.
=item PKEY_ACCESS_MASK is a number.
=item C<mprotect>, C<madvise>, C<msync>, C<mremap>, C<mlock>, C<mlock2>, C<munlock> and C<mincore> are exported, too. A program that
declares a function with one of these names, as programs for 0.0.6 had to, uses its own.
=item An argument that its C type cannot hold, C<Nil>, a type object instead of a number, and a wrong number of arguments are
exceptions. NativeCall would pass 0, truncate the number, or crash. The only type object that is allowed is C<Pointer>, for NULL.
=item The constants have the values of this platform. They are C<Int>s that are stored in precompiled code. One that this platform lacks
throws X::Mmap::Unsupported when it is used.
=item C<Pointer> and C<blob-from-pointer> are exported, so that the synopsis works. If NativeHelpers::Blob is installed, its
C<blob-from-pointer> is exported, so that a program can use both modules; otherwise the one that is described below.

Windows lacks these functions: the module loads there, and a call of one is X::Mmap::Unsupported. The descriptor of an IO::Handle could not
be converted there either. L<Mmap::Wrap> maps files on Windows, too.

As in 0.0.6, join flags with C<+|>. The offset must be a multiple of the page size. The types are those of 64-bit platforms. All
functions are thread-safe.

=head1 EXPORTS

PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC, PROT_SEM, PROT_GROWSDOWN, PROT_GROWSUP; MAP_SHARED, MAP_PRIVATE,
MAP_SHARED_VALIDATE, MAP_TYPE, MAP_FILE, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_DENYWRITE,
MAP_EXECUTABLE, MAP_LOCKED, MAP_NORESERVE, MAP_POPULATE, MAP_NONBLOCK, MAP_STACK, MAP_HUGETLB, MAP_SYNC,
MAP_UNINITIALIZED; MAP_FAILED; MREMAP_, MLOCK_ONFAULT, MS_, MADV_, OVERCOMMIT_ and PKEY_ names as Linux has them.

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Constants;
use Mmap::Wrap::Exceptions;

#| The constants that 0.0.6 exports, except MAP_FAILED. The native library has their values.
my constant NAMES = <
    PROT_NONE PROT_READ PROT_WRITE PROT_EXEC PROT_SEM PROT_GROWSDOWN PROT_GROWSUP
    MREMAP_MAYMOVE MREMAP_FIXED MREMAP_DONTUNMAP
    OVERCOMMIT_GUESS OVERCOMMIT_ALWAYS OVERCOMMIT_NEVER
    MAP_SHARED MAP_PRIVATE MAP_SHARED_VALIDATE MAP_TYPE MAP_FILE MAP_FIXED MAP_FIXED_NOREPLACE MAP_ANONYMOUS
    MAP_GROWSDOWN MAP_DENYWRITE MAP_EXECUTABLE MAP_LOCKED MAP_NORESERVE MAP_POPULATE MAP_NONBLOCK MAP_STACK MAP_HUGETLB
    MAP_SYNC MAP_UNINITIALIZED
    MLOCK_ONFAULT
    MS_ASYNC MS_INVALIDATE MS_SYNC
    MADV_NORMAL MADV_RANDOM MADV_SEQUENTIAL MADV_WILLNEED MADV_DONTNEED MADV_FREE MADV_REMOVE MADV_DONTFORK MADV_DOFORK
    MADV_HWPOISON MADV_SOFT_OFFLINE MADV_MERGEABLE MADV_UNMERGEABLE MADV_HUGEPAGE MADV_NOHUGEPAGE MADV_DONTDUMP
    MADV_DODUMP MADV_WIPEONFORK MADV_KEEPONFORK MADV_COLD MADV_PAGEOUT MADV_POPULATE_READ MADV_POPULATE_WRITE
    MADV_DONTNEED_LOCKED MADV_COLLAPSE
    PKEY_DISABLE_ACCESS PKEY_DISABLE_WRITE PKEY_ACCESS_MASK
>;

my package EXPORT::DEFAULT { }
my package EXPORT::ALL { }

sub EXPORT {
    # Importing another routine with the same name would conflict with theirs; importing theirs again does not.
    my \theirs = try { require NativeHelpers::Blob <&blob-from-pointer>; &blob-from-pointer };
    # Without its container: only the identical routine can be imported twice.
    Map.new: '&blob-from-pointer' => (theirs // &Mmap::Native::blob-from-pointer)<>, 'Pointer' => Pointer
}

module Mmap::Native {
    # Values of this platform: the native library is installed with this module, so no other platform uses this compilation.
    BEGIN {
        my $here = available-names.Set;
        for NAMES -> $name {
            if $here{$name} {
                my \value = value-of($name);
                .{$name} := value for EXPORT::DEFAULT::, EXPORT::ALL::, Mmap::Native::;
            } else {
                # A program may contain a constant that this platform lacks, as long as it does not use it.
                export-terms($_, [$name]) for EXPORT::DEFAULT::, EXPORT::ALL::;
            }
        }
    }

    #| The address that C<mmap> and C<mremap> return on failure.
    constant MAP_FAILED is export = Pointer[void].new(-1);

    #| A number that fits C's int, or, for flags, unsigned int.
    my subset CInt of Int where { .defined && -2 ** 31 <= $_ < 2 ** 32 }
    #| A number that NativeCall accepts for size_t and off_t: a signed 64-bit integer. No address space is larger.
    my subset CSize of Int where { .defined && -2 ** 63 <= $_ < 2 ** 63 }

    # The C functions. The subs below call them, because NativeCall does not check arguments that it can convert, and reads
    # arguments that are missing. The return types are exactly C's: a wider type would read garbage in the upper half of the register.
    # An empty name is the process itself. NativeCall calls this before the first call of each function.
    my sub c-library(--> Str:D) {
        X::Mmap::Unsupported.new(:code(E_UNSUPPORTED), :name<MMAP_WRAP_E_UNSUPPORTED>,
            :message('Mmap::Native: Windows lacks mmap and the related functions; use Mmap::Wrap')).throw if $*DISTRO.is-win;
        ''
    }
    my sub c-mmap(Pointer, uint64, int32, int32, int32, int64 --> Pointer) is native(&c-library) is symbol('mmap') { * }
    my sub c-munmap(Pointer, uint64 --> int32) is native(&c-library) is symbol('munmap') { * }
    my sub c-mprotect(Pointer, uint64, int32 --> int32) is native(&c-library) is symbol('mprotect') { * }
    my sub c-madvise(Pointer, uint64, int32 --> int32) is native(&c-library) is symbol('madvise') { * }
    my sub c-msync(Pointer, uint64, int32 --> int32) is native(&c-library) is symbol('msync') { * }
    my sub c-mremap(Pointer, uint64, uint64, int32, Pointer --> Pointer) is native(&c-library) is symbol('mremap') { * }
    my sub c-mlock(Pointer, uint64 --> int32) is native(&c-library) is symbol('mlock') { * }
    my sub c-mlock2(Pointer, uint64, uint32 --> int32) is native(&c-library) is symbol('mlock2') { * }
    my sub c-munlock(Pointer, uint64 --> int32) is native(&c-library) is symbol('munlock') { * }
    my sub c-mincore(Pointer, uint64, Buf --> int32) is native(&c-library) is symbol('mincore') { * }
    my sub c-memcpy(Blob, Pointer, uint64 --> Pointer) is native(&c-library) is symbol('memcpy') { * }

=begin pod

=head2 sub mmap

    mmap(Pointer $address, Int:D $length, Int:D $prot, Int:D $flags, Int:D $fd, Int:D $offset --> Pointer)

Maps C<$length> bytes, from C<$offset>, of the file that is open as C<$fd>, and returns their address. On failure it returns
a C<Pointer> that equals MAP_FAILED and is true and defined; nothing is thrown. C<$address> is a hint for the address; C<Pointer>, the type
object, means any address. The descriptor may be closed afterwards.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_READ +| PROT_WRITE, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
say $memory == MAP_FAILED;                           # False
=end code

=head2 sub munmap

    munmap(Pointer $address, Int:D $length --> Int:D)

Unmaps all pages that contain one of C<$length> bytes from C<$address>, a multiple of the page size. Returns 0, or -1 on failure.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_READ, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
say munmap $memory, 4096;                            # 0
=end code

=end pod

    # With this proto, the candidates merge with those of Mmap::Wrap in a program that imports both.
    proto mmap(|) is export { * }
    multi mmap(Pointer $address, CSize $length, CInt $prot, CInt $flags, CInt $fd, CSize $offset --> Pointer) {
        c-mmap($address, $length, $prot, $flags, $fd, $offset)
    }
    # A Junction, such as PROT_READ | PROT_WRITE, would call mmap once for each value.
    multi mmap(Pointer $address, Mu $length, Mu $prot, Mu $flags, Mu $fd, Mu $offset --> Pointer) {
        X::Mmap::Argument.new(:message('mmap: length, prot, flags, fd and offset must be integers that fit their C types; join '
            ~ 'flags with +| instead of |')).throw
    }

    sub munmap(Pointer $address, CSize $length --> Int:D) is export { c-munmap($address, $length) }

=begin pod

=head2 sub mprotect

    mprotect(Pointer $address, Int:D $length, Int:D $prot --> Int:D)

Sets the protection of pages. This function and the following ones return 0, or -1 on failure. They need an address that is a multiple of
the page size, and apply to all pages that contain one of the C<$length> bytes.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_NONE, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
say mprotect $memory, 4096, PROT_READ;               # 0
=end code

=head2 sub madvise

    madvise(Pointer $address, Int:D $length, Int:D $advice --> Int:D)

Gives the kernel advice about the use of pages. C<MADV_DONTNEED>, C<MADV_FREE>, C<MADV_REMOVE> and C<MADV_WIPEONFORK> discard the data of
whole pages, also beyond C<$length>.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_READ, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
say madvise $memory, 4096, MADV_WILLNEED;            # 0
=end code

=head2 sub msync

    msync(Pointer $address, Int:D $length, Int:D $flags --> Int:D)

Writes changed pages back to their file. C<MS_SYNC> waits until they are stored, C<MS_ASYNC> does not.

=begin code :lang<raku>
use Mmap::Native;
my $file = 'data.bin'.IO.open(:rw);
my $address = mmap Pointer, 50, PROT_READ +| PROT_WRITE, MAP_SHARED, $file.native-descriptor, 0;
say msync $address, 50, MS_SYNC;                     # 0
=end code

=head2 sub mremap

    mremap(Pointer $address, Int:D $length, Int:D $new-length, Int:D $flags, Pointer $new? --> Pointer)

Resizes a mapping, and returns its address, or MAP_FAILED. The mapping may move only with C<MREMAP_MAYMOVE>; with C<MREMAP_FIXED> it moves
to C<$new>. Linux only.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_READ, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
say mremap($memory, 4096, 2 ** 20, MREMAP_MAYMOVE) == MAP_FAILED;   # False
=end code

=end pod

    sub mprotect(Pointer $address, CSize $length, CInt $prot --> Int:D) is export { c-mprotect($address, $length, $prot) }
    sub madvise(Pointer $address, CSize $length, CInt $advice --> Int:D) is export { c-madvise($address, $length, $advice) }
    sub msync(Pointer $address, CSize $length, CInt $flags --> Int:D) is export { c-msync($address, $length, $flags) }

    sub mremap(Pointer $address, CSize $length, CSize $new-length, CInt $flags, Pointer $new = Pointer --> Pointer) is export {
        c-mremap($address, $length, $new-length, $flags, $new)
    }

=begin pod

=head2 sub mlock

    mlock(Pointer $address, Int:D $length --> Int:D)
    mlock2(Pointer $address, Int:D $length, Int:D $flags --> Int:D)

C<mlock> reads the pages in and keeps them in memory. C<mlock2> with C<MLOCK_ONFAULT> keeps each page in memory from its first
access; Linux only.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_READ, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
say mlock $memory, 4096;                             # 0
say mlock2 $memory, 4096, MLOCK_ONFAULT;             # 0
=end code

=head2 sub munlock

    munlock(Pointer $address, Int:D $length --> Int:D)

Unlocks the pages.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_READ, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
mlock $memory, 4096;
say munlock $memory, 4096;                           # 0
=end code

=head2 sub mincore

    mincore(Pointer $address, Int:D $length, Buf:D $residency --> Int:D)

Stores one byte per page; its lowest bit is 1 if the page is in memory. X::Mmap::OutOfRange if the buffer has fewer bytes than the range
has pages.

=begin code :lang<raku>
use Mmap::Native;
my $file = 'data.bin'.IO.open;
my $address = mmap Pointer, 50, PROT_READ, MAP_SHARED, $file.native-descriptor, 0;
say mincore $address, 50, my $residency = buf8.allocate(1);   # 0
say so $residency[0] +& 1;                           # True
=end code

=end pod

    sub mlock(Pointer $address, CSize $length --> Int:D) is export { c-mlock($address, $length) }
    sub mlock2(Pointer $address, CSize $length, CInt $flags --> Int:D) is export { c-mlock2($address, $length, $flags) }
    sub munlock(Pointer $address, CSize $length --> Int:D) is export { c-munlock($address, $length) }

    sub mincore(Pointer $address, CSize $length, Buf:D $residency --> Int:D) is export {
        # C reads a negative length as an unsigned number.
        my $pages = ($length % 2 ** 64 / mmap_wrap_page_size).ceiling;
        X::Mmap::OutOfRange.new(:message("mincore: $length bytes have $pages pages, and the buffer has room for {$residency.bytes}; "
            ~ 'allocate one byte per page')).throw if $residency.bytes < $pages;
        c-mincore($address, $length, $residency)
    }

=begin pod

=head2 sub blob-from-pointer

    blob-from-pointer(Pointer:D $from, Int:D :$elems!, Blob:U :$type = Buf)

Copies C<$elems> elements from the address to a new Blob of the given type. Returns a Failure if the pointer has a type of another size,
is MAP_FAILED, or if not all of the bytes are mapped. Reading mapped bytes that fault, such as those of a truncated file, ends the
program; L<Mmap::Wrap> throws an exception for them.

=begin code :lang<raku>
use Mmap::Native;
my $file = 'data.bin'.IO.open;
my $address = mmap Pointer, 50, PROT_READ, MAP_SHARED, $file.native-descriptor, 0;
say blob-from-pointer($address, :25elems, :type(Buf[uint16]))[0];
=end code

=end pod

    our sub blob-from-pointer(Pointer:D $from, Int:D :$elems!, Blob:U :$type = Buf) {
        fail 'blob-from-pointer: the pointer is MAP_FAILED' if $from == MAP_FAILED;
        my $width = nativesizeof($type.of);
        fail "blob-from-pointer: elements of {$from.of.^name} and of {$type.^name} have different sizes"
            unless $from.of ~~ void || nativesizeof($from.of) == $width;
        fail "blob-from-pointer: $elems × $width bytes from {$from.gist} are not all mapped"
            unless mapped(+$from, $elems * $width);
        my $blob := $type.allocate($elems);
        c-memcpy($blob, $from, $elems * $width);
        $blob
    }

    # Allocating an impossible number of elements would end the program, and so would the copy. An asynchronous msync does nothing, but
    # fails if memory is not mapped.
    my sub mapped(Int:D $address, Int:D $size --> Bool:D) {
        my $before = $address % mmap_wrap_page_size;
        0 <= $size < 2 ** 62 && c-msync(Pointer.new($address - $before), $before + $size, MS_ASYNC()) == 0
    }

    # As stubs, so that a program may declare these names itself, as programs for 0.0.6 had to.
    BEGIN .set_yada for &mprotect, &madvise, &msync, &mremap, &mlock, &mlock2, &munlock, &mincore;
}
