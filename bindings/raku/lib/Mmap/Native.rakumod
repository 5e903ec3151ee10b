=begin pod

=head1 NAME

Mmap::Native - the raw mmap and munmap of the C library

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

A drop-in for Mmap::Native 0.0.6, with the same names. Nothing is checked: a wrong address or length ends the program.
New code is better off with L<Mmap::Wrap>; a program may use both.

What is different from 0.0.6:

=item C<munmap> really unmaps, and answers 0, or -1 on failure.
=item The address given to C<mmap> is a real hint, and MAP_FIXED and MAP_FIXED_NOREPLACE work.
=item PKEY_ACCESS_MASK is a number.
=item The constants have this platform's values, asked when they are used. They are terms of the importing scope: C<use
Mmap::Native> brings them, C<Mmap::Native::PROT_READ> does not exist. One that the platform lacks throws
X::Mmap::Unsupported when it is used.
=item C<Pointer> and C<blob-from-pointer> come along, so that the synopsis runs as printed. Where NativeHelpers::Blob is
installed, its own C<blob-from-pointer> is exported, so that both modules go together in one program; else the one
described below is.

As in 0.0.6, flags are joined by C<+|>, the offset is a multiple of the page size, and the numbers suit 64-bit platforms.

=head1 EXPORTS

PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC, PROT_SEM, PROT_GROWSDOWN, PROT_GROWSUP; MAP_SHARED, MAP_PRIVATE,
MAP_SHARED_VALIDATE, MAP_TYPE, MAP_FILE, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_DENYWRITE,
MAP_EXECUTABLE, MAP_LOCKED, MAP_NORESERVE, MAP_POPULATE, MAP_NONBLOCK, MAP_STACK, MAP_HUGETLB, MAP_SYNC,
MAP_UNINITIALIZED; MAP_FAILED; MREMAP_, MLOCK_ONFAULT, MS_, MADV_, OVERCOMMIT_ and PKEY_ names as Linux has them.

=end pod

use NativeCall;
use Mmap::Wrap::Constants;

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
BEGIN { export-terms($_, NAMES) for EXPORT::DEFAULT::, EXPORT::ALL:: }

sub EXPORT {
    # A second routine of one name would not import beside theirs; theirs itself does.
    my \theirs = try { require NativeHelpers::Blob <&blob-from-pointer>; &blob-from-pointer };
    # Without its container: only the identical routine may be imported twice.
    Map.new: '&blob-from-pointer' => (theirs // &Mmap::Native::blob-from-pointer)<>, 'Pointer' => Pointer
}

module Mmap::Native {
    #| The address that C<mmap> answers on failure.
    constant MAP_FAILED is export = Pointer[void].new(-1);

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

    munmap(Pointer $address, uint64 $length --> int32)

Unmaps all pages that hold one of C<$length> bytes from C<$address>, which is on a page border. Answers 0, or -1 on
failure. Mappings made by Mmap::Wrap are not for this: close them.

=begin code :lang<raku>
use Mmap::Native;
my $memory = mmap Pointer, 4096, PROT_READ, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0;
say munmap $memory, 4096;                            # 0
=end code

=end pod

    my sub libc-mmap(Pointer, uint64, int64, int64, int64, int64 --> Pointer) is native is symbol('mmap') { * }

    # Multis with such protos merge with those of Mmap::Wrap where a program imports both. The candidate cannot be the
    # native itself: no Int matches a native parameter of a multi.
    proto mmap(|) is export { * }
    multi mmap(Pointer $address, Int:D $length, Int:D $prot, Int:D $flags, Int:D $fd, Int:D $offset --> Pointer) {
        libc-mmap($address, $length, $prot, $flags, $fd, $offset)
    }

    # C's int: as a wider type, what the register holds above it would be read too.
    sub munmap(Pointer $address, uint64 $length --> int32) is native is export { * }

    my sub memcpy(Blob, Pointer, size_t --> Pointer) is native { * }

=begin pod

=head2 sub blob-from-pointer

    blob-from-pointer(Pointer:D $from, Int:D :$elems!, Blob:U :$type = Buf)

Copies C<$elems> elements from the address into a new Blob of that type. Fails where the pointer has a type of another
size, or is MAP_FAILED.

=begin code :lang<raku>
use Mmap::Native;
my $file = 'data.bin'.IO.open;
my $address = mmap Pointer, 50, PROT_READ, MAP_SHARED, $file.native-descriptor, 0;
say blob-from-pointer($address, :50elems, :type(Buf[uint16]))[0];
=end code

=end pod

    our sub blob-from-pointer(Pointer:D $from, Int:D :$elems!, Blob:U :$type = Buf) {
        fail 'blob-from-pointer: the pointer is MAP_FAILED, there is nothing to copy' if $from == MAP_FAILED;
        my $width = nativesizeof($type.of);
        fail "blob-from-pointer: elements of {$from.of.^name} do not go into a {$type.^name}, they have another size"
            unless $from.of ~~ void || nativesizeof($from.of) == $width;
        my $blob := $type.allocate($elems);
        memcpy($blob, $from, $elems * $width);
        $blob
    }
}
