=begin pod

=head1 NAME

Mmap::Wrap::Raw - the native calls, as they are

=head1 SYNOPSIS

=begin code :lang<raku>
use Mmap::Wrap::Raw;
use NativeCall;
my $handle = mmap_wrap(Pointer, 4096, PROT_READ() +| PROT_WRITE(), MAP_SHARED() +| MAP_ANONYMOUS(), -1, 0);
die mmap_wrap_last_error_message() if $handle < 0;
mmap_wrap_write($handle, 0, 'magic'.encode, 5);
munmap_wrap($handle);
=end code

=head1 DESCRIPTION

The exported functions of the native library under their own names, without any conversion: zero or more is the answer,
a negative code is an error, and C<mmap_wrap_last_error_message> tells about this thread's last one. The library's
header, C<mmap_wrap.h>, is the manual. Beware of what NativeCall does to arguments: a type object or C<Nil> becomes 0 or
NULL. C<Mmap::Wrap> does not have that trap.

The library is the one that the environment variable C<MMAP_WRAP_LIBRARY> names by its path, or else the one installed
with this distribution. One of another binary interface is refused with C<X::Mmap::Library>, as is a missing one. Any
call may be made from any thread.

=end pod

use NativeCall;
use Mmap::Wrap::Exceptions;

unit module Mmap::Wrap::Raw;

#| The number of the binary interface that this module is written for.
constant ABI-VERSION is export = 1;

#| A size or end that means "to the end of the mapping", a length that means "to the end of the file".
constant REST is export = -2 ** 63;

# The library's own codes; mmap_wrap.h lists them.
constant E_HANDLE      is export = -4096;
constant E_UNMAPPED    is export = -4097;
constant E_RANGE       is export = -4098;
constant E_ALIGNMENT   is export = -4099;
constant E_FAULT       is export = -4100;
constant E_BUSY        is export = -4101;
constant E_ARGUMENT    is export = -4102;
constant E_UNSUPPORTED is export = -4103;
constant E_NOT_FOUND   is export = -4104;

sub unusable($message) {
    X::Mmap::Library.new(:message("Mmap::Wrap: $message")).throw
}

# Asked when a call is first made, never while compiling: a path kept in precompiled code would outlive the file.
sub installed(--> Str:D) {
    with %*ENV<MMAP_WRAP_LIBRARY> -> $path {
        return $path if $path.IO.f;
        unusable "MMAP_WRAP_LIBRARY names '$path', where no file is; correct it, or unset it to use the installed library";
    }
    my $resource = %?RESOURCES<libraries/mmap_wrap>;
    my $file = $resource.defined ?? $resource.IO !! Nil;
    return $file.absolute if $file.defined && $file.f;
    unusable "the native library {$file.defined ?? "'{$file.absolute}' " !! ''}is missing; build it with 'zef build .' in the"
        ~ ' distribution, or set MMAP_WRAP_LIBRARY to the path of libmmap_wrap';
}

sub abi-version(--> int64) is native(&installed) is symbol('mmap_wrap_abi_version') { * }

my Str $trusted = '';

sub library(--> Str:D) {
    my $path = installed;
    return $path if $path eq $trusted;
    my $version = try abi-version;
    unusable "'$path' is not the mmap-wrap library: {$!.message}" without $version;
    unusable "'$path' has binary interface $version, this module needs {ABI-VERSION}; build library and module from one version"
        unless $version == ABI-VERSION;
    $trusted = $path
}

sub mmap_wrap_version(--> Str) is native(&library) is export { * }
sub mmap_wrap_page_size(--> int64) is native(&library) is export { * }
sub mmap_wrap_strerror(int64 --> Str) is native(&library) is export { * }
sub mmap_wrap_last_error_message(--> Str) is native(&library) is export { * }

sub mmap_wrap(Pointer, int64, int64, int64, int64, int64 --> int64) is native(&library) is export { * }
# A Blob that ends in NUL, not a Str: NativeCall would cut a Str at its first NUL, and normalise it.
sub mmap_path_wrap(Blob, int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub munmap_wrap(int64 --> int64) is native(&library) is export { * }

sub mprotect_wrap(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub madvise_wrap(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub msync_wrap(int64, int64, int64, int64 --> int64) is native(&library) is export { * }

sub mmap_wrap_address(int64 --> Pointer) is native(&library) is export { * }
sub mmap_wrap_length(int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_acquire(int64 --> Pointer) is native(&library) is export { * }
sub mmap_wrap_release(int64 --> int64) is native(&library) is export { * }

sub mmap_wrap_survive(int64, int64 --> int64) is native(&library) is export { * }

sub mmap_wrap_read(int64, int64, Blob, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_write(int64, int64, Blob, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_fill(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_move(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_find(int64, Blob, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_rfind(int64, Blob, int64, int64, int64 --> int64) is native(&library) is export { * }

sub mmap_wrap_constant(Str, int64 is rw --> int64) is native(&library) is export { * }
sub mmap_wrap_constant_count(--> int64) is native(&library) is export { * }
sub mmap_wrap_constant_name(int64 --> Str) is native(&library) is export { * }
sub mmap_wrap_constant_available(int64 --> int64) is native(&library) is export { * }

sub PROT_READ(--> int64) is native(&library) is symbol('mmap_wrap_PROT_READ') is export { * }
sub PROT_WRITE(--> int64) is native(&library) is symbol('mmap_wrap_PROT_WRITE') is export { * }
sub MAP_SHARED(--> int64) is native(&library) is symbol('mmap_wrap_MAP_SHARED') is export { * }
sub MAP_PRIVATE(--> int64) is native(&library) is symbol('mmap_wrap_MAP_PRIVATE') is export { * }
sub MAP_ANONYMOUS(--> int64) is native(&library) is symbol('mmap_wrap_MAP_ANONYMOUS') is export { * }
sub MS_SYNC(--> int64) is native(&library) is symbol('mmap_wrap_MS_SYNC') is export { * }
sub MS_ASYNC(--> int64) is native(&library) is symbol('mmap_wrap_MS_ASYNC') is export { * }
