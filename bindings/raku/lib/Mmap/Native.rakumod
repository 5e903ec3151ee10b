=begin pod

=head1 NAME

Mmap::Native - the raw mmap and munmap of the C library, and what belongs to them

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

A drop-in for Mmap::Native 0.0.6, with the same names. These are the calls of the C library: a wrong address or length
can end the program. New code is better off with L<Mmap::Wrap>; a program may use both.

What is different from 0.0.6:

=item C<munmap> really unmaps, and answers 0, or -1 on failure.
=item The address given to C<mmap> is a real hint, and MAP_FIXED and MAP_FIXED_NOREPLACE work.
=item PKEY_ACCESS_MASK is a number.
=item C<mprotect>, C<madvise>, C<msync>, C<mremap>, C<mlock>, C<mlock2>, C<munlock> and C<mincore> are there too. A program
that declares one of these names itself, as programs for 0.0.6 had to, goes on to use its own.
=item Arguments are checked to be what C can take: an integer that does not fit its C type, C<Nil>, a type object in
place of a number, or an argument too few or too many is an exception. NativeCall by itself would pass 0, cut the
number, or crash. The one type object that is fine is C<Pointer>, for NULL.
=item The constants have this platform's values. They are plain C<Int>s, fixed like all constants when the program that
uses them is compiled. One that the platform lacks throws X::Mmap::Unsupported when it is used.
=item C<Pointer> and C<blob-from-pointer> come along, so that the synopsis runs as printed. Where NativeHelpers::Blob is
installed, its own C<blob-from-pointer> is exported, so that both modules go together in one program; else the one
described below is.

As in 0.0.6, flags are joined by C<+|>, the offset is a multiple of the page size, and the numbers suit 64-bit platforms.
Any thread may make any call. Mappings made by Mmap::Wrap are not for these calls.

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

#| The names that 0.0.6 exports, besides MAP_FAILED, mmap and munmap. Their values are the native library's.
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
    # A second routine of one name would not import beside theirs; theirs itself does.
    my \theirs = try { require NativeHelpers::Blob <&blob-from-pointer>; &blob-from-pointer };
    # Without its container: only the identical routine may be imported twice.
    Map.new: '&blob-from-pointer' => (theirs // &Mmap::Native::blob-from-pointer)<>, 'Pointer' => Pointer
}

module Mmap::Native {
    # Of this platform, as the native library is that is installed along: no other platform can use this compilation.
    BEGIN {
        my $here = names-here.Set;
        for NAMES -> $name {
            if $here{$name} {
                my \value = value-of($name);
                .{$name} := value for EXPORT::DEFAULT::, EXPORT::ALL::, Mmap::Native::;
            } else {
                # A program that names what the platform lacks, and does without it there, is to compile.
                export-terms($_, [$name]) for EXPORT::DEFAULT::, EXPORT::ALL::;
            }
        }
    }

    #| The address that C<mmap> and C<mremap> answer on failure.
    constant MAP_FAILED is export = Pointer[void].new(-1);

    #| What fits C's int, also where flags are written unsigned.
    my subset CInt of Int where { .defined && -2 ** 31 <= $_ < 2 ** 32 }
    #| What NativeCall takes for C's size_t and off_t: 64 bits with a sign. No address space has room for more.
    my subset CSize of Int where { .defined && -2 ** 63 <= $_ < 2 ** 63 }

    # C's functions. They are called through those below, because NativeCall checks no argument that it can convert, and
    # reads arguments that were not given. An int result is no wider type: what the register holds above it would be read.
    my sub c-mmap(Pointer, uint64, int32, int32, int32, int64 --> Pointer) is native is symbol('mmap') { * }
    my sub c-munmap(Pointer, uint64 --> int32) is native is symbol('munmap') { * }
    my sub c-mprotect(Pointer, uint64, int32 --> int32) is native is symbol('mprotect') { * }
    my sub c-madvise(Pointer, uint64, int32 --> int32) is native is symbol('madvise') { * }
    my sub c-msync(Pointer, uint64, int32 --> int32) is native is symbol('msync') { * }
    my sub c-mremap(Pointer, uint64, uint64, int32, Pointer --> Pointer) is native is symbol('mremap') { * }
    my sub c-mlock(Pointer, uint64 --> int32) is native is symbol('mlock') { * }
    my sub c-mlock2(Pointer, uint64, uint32 --> int32) is native is symbol('mlock2') { * }
    my sub c-munlock(Pointer, uint64 --> int32) is native is symbol('munlock') { * }
    my sub c-mincore(Pointer, uint64, Buf --> int32) is native is symbol('mincore') { * }
    my sub c-memcpy(Blob, Pointer, uint64 --> Pointer) is native is symbol('memcpy') { * }

=begin pod

=head2 sub mmap

    mmap(Pointer $address, Int:D $length, Int:D $prot, Int:D $flags, Int:D $fd, Int:D $offset --> Pointer)

Maps C<$length> bytes of the file open as C<$fd>, from C<$offset> on, and answers where they begin: a true, defined
C<Pointer> equal to MAP_FAILED on failure, nothing is thrown. C<$address> is where to map, C<Pointer> for anywhere. The
descriptor may be closed afterwards.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_READ +| PROT_WRITE, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
say $memory == MAP_FAILED;                           # False
=end code

=head2 sub munmap

    munmap(Pointer $address, Int:D $length --> Int:D)

Unmaps all pages that hold one of C<$length> bytes from C<$address>, which is on a page border. Answers 0, or -1 on
failure.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_READ, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
say munmap $memory, 4096;                            # 0
=end code

=end pod

    # A multi with such a proto merges with that of Mmap::Wrap where a program imports both.
    proto mmap(|) is export { * }
    multi mmap(Pointer $address, CSize $length, CInt $prot, CInt $flags, CInt $fd, CSize $offset --> Pointer) {
        c-mmap($address, $length, $prot, $flags, $fd, $offset)
    }
    # A Junction, as PROT_READ | PROT_WRITE is, would make a mapping for each of its values.
    multi mmap(Pointer $address, Mu $length, Mu $prot, Mu $flags, Mu $fd, Mu $offset --> Pointer) {
        X::Mmap::Argument.new(:message('mmap: length, prot, flags, fd and offset are integers that fit their C types; flags are '
            ~ 'joined by +|, not by |')).throw
    }

    sub munmap(Pointer $address, CSize $length --> Int:D) is export { c-munmap($address, $length) }

=begin pod

=head2 sub mprotect

    mprotect(Pointer $address, Int:D $length, Int:D $prot --> Int:D)

Changes what may be done with the pages. This call and the following ones answer 0, or -1 on failure; they take an
address on a page border, and reach all pages that hold one of the C<$length> bytes.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_NONE, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
say mprotect $memory, 4096, PROT_READ;               # 0
=end code

=head2 sub madvise

    madvise(Pointer $address, Int:D $length, Int:D $advice --> Int:D)

Tells the kernel how the pages will be used. C<MADV_DONTNEED>, C<MADV_FREE>, C<MADV_REMOVE> and C<MADV_WIPEONFORK> lose
data of whole pages, beyond C<$length> as well.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_READ, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
say madvise $memory, 4096, MADV_WILLNEED;            # 0
=end code

=head2 sub msync

    msync(Pointer $address, Int:D $length, Int:D $flags --> Int:D)

Writes changed pages back to their file: C<MS_SYNC> waits for it, C<MS_ASYNC> does not.

=begin code :lang<raku>
use Mmap::Native;
my $file = 'data.bin'.IO.open(:rw);
my $address = mmap Pointer, 50, PROT_READ +| PROT_WRITE, MAP_SHARED, $file.native-descriptor, 0;
say msync $address, 50, MS_SYNC;                     # 0
=end code

=head2 sub mremap

    mremap(Pointer $address, Int:D $length, Int:D $new-length, Int:D $flags, Pointer $new? --> Pointer)

Resizes a mapping, and answers where it is now, or MAP_FAILED. It may move only with C<MREMAP_MAYMOVE>; with
C<MREMAP_FIXED> it moves to C<$new>. Linux only.

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

Reads the pages in and keeps them in memory. C<mlock2> with C<MLOCK_ONFAULT> keeps each from when it is first used; Linux
only.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_READ, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
say mlock $memory, 4096;                             # 0
say mlock2 $memory, 4096, MLOCK_ONFAULT;             # 0
=end code

=head2 sub munlock

    munlock(Pointer $address, Int:D $length --> Int:D)

Lets them go again.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_READ, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
mlock $memory, 4096;
say munlock $memory, 4096;                           # 0
=end code

=head2 sub mincore

    mincore(Pointer $address, Int:D $length, Buf:D $residency --> Int:D)

Stores a byte for each page, whose lowest bit tells whether the page is in memory. X::Mmap::OutOfRange where the buffer has
fewer bytes than there are pages.

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
        # As C reads a negative one.
        my $pages = ($length % 2 ** 64 / mmap_wrap_page_size).ceiling;
        X::Mmap::OutOfRange.new(:message("mincore: the $length bytes lie on $pages pages, and the buffer has room for "
            ~ "{$residency.bytes}; allocate a byte for each page")).throw if $residency.bytes < $pages;
        c-mincore($address, $length, $residency)
    }

=begin pod

=head2 sub blob-from-pointer

    blob-from-pointer(Pointer:D $from, Int:D :$elems!, Blob:U :$type = Buf)

Copies C<$elems> elements from the address into a new Blob of that type. Fails where the pointer has a type of another
size, is MAP_FAILED, or where not all of these bytes are mapped. Bytes that are mapped and refuse to be read, as those of a
file that was cut short do, end the program: C<read> of L<Mmap::Wrap> is for those.

=begin code :lang<raku>
use Mmap::Native;
my $file = 'data.bin'.IO.open;
my $address = mmap Pointer, 50, PROT_READ, MAP_SHARED, $file.native-descriptor, 0;
say blob-from-pointer($address, :25elems, :type(Buf[uint16]))[0];
=end code

=end pod

    our sub blob-from-pointer(Pointer:D $from, Int:D :$elems!, Blob:U :$type = Buf) {
        fail 'blob-from-pointer: the pointer is MAP_FAILED, there is nothing to copy' if $from == MAP_FAILED;
        my $width = nativesizeof($type.of);
        fail "blob-from-pointer: elements of {$from.of.^name} do not go into a {$type.^name}, they have another size"
            unless $from.of ~~ void || nativesizeof($from.of) == $width;
        fail "blob-from-pointer: $elems × $width bytes from {$from.gist} on are not all mapped"
            unless mapped(+$from, $elems * $width);
        my $blob := $type.allocate($elems);
        c-memcpy($blob, $from, $elems * $width);
        $blob
    }

    # Room for a number of elements that nobody can have would end the program, as would the copy. A sync that waits for
    # nothing does nothing, but refuses what is not mapped.
    my sub mapped(Int:D $address, Int:D $size --> Bool:D) {
        my $before = $address % mmap_wrap_page_size;
        0 <= $size < 2 ** 62 && c-msync(Pointer.new($address - $before), $before + $size, MS_ASYNC()) == 0
    }

    # As with stubs, a program may declare these names itself: for 0.0.6 it had to, to make such calls.
    BEGIN .set_yada for &mprotect, &madvise, &msync, &mremap, &mlock, &mlock2, &munlock, &mincore;
}
