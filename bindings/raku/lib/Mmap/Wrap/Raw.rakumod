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
NULL; and an argument that is C<Pointer> (NULL) in one call and an address in the next must come out of its container, from a
parameter with a type or a variable that is bound by C<:=>, else Rakudo 2022.12 passes NULL both times.
C<Mmap::Wrap> does not have these traps.

The library is the one that the environment variable C<MMAP_WRAP_LIBRARY> names by its path, or else the one installed
with this distribution. One of another binary interface is refused with C<X::Mmap::Library>, as is a missing one. Any
call may be made from any thread.

=end pod

use NativeCall;
use Mmap::Wrap::Exceptions;

unit module Mmap::Wrap::Raw;

#| The number of the binary interface that this module is written for.
constant ABI-VERSION is export = 2;

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
constant E_INTERNAL    is export = -4105;
constant E_SEALED      is export = -4106;

# Flags for every call that maps a file: the mapping keeps it open; and one for reading is private where the file takes no shared
# mapping.
constant KEEP       is export = 1 +< 32;
constant OR_PRIVATE is export = 1 +< 33;

# What mremap_wrap makes of the file: it ends where the mapping ends; and blocks are set aside for all of it.
constant WITH_FILE is export = 1;
constant ALLOCATE  is export = 2;

#| Bytes of a mutex in a mapping.
constant MUTEX_SIZE is export = 16;

#| What mmap_wrap_get_int answers on failure.
constant NO_INT is export = -2 ** 63;

# Kinds of elements, and the orders of bytes that may be or'ed to them; without one it is the machine's own.
constant I8            is export = 17;
constant U8            is export = 33;
constant I16           is export = 18;
constant U16           is export = 34;
constant I32           is export = 20;
constant U32           is export = 36;
constant I64           is export = 24;
constant U64           is export = 40;
constant F32           is export = 52;
constant F64           is export = 56;
constant LITTLE_ENDIAN is export = 256;
constant BIG_ENDIAN    is export = 512;

# What a mapping was made of: source of Facts.
constant SOURCE_ANONYMOUS     is export = 1;
constant SOURCE_DESCRIPTOR    is export = 2;
constant SOURCE_PATH          is export = 3;
constant SOURCE_SHARED_MEMORY is export = 4;
constant SOURCE_MEMORY_FILE   is export = 5;

#| What the page cache holds of a part of a file: struct mmap_wrap_cachestat of the header, which says what each number is.
class Cache is repr('CStruct') {
    has int64 ($.cached, $.dirty, $.writeback, $.evicted, $.recently_evicted);
}

#| What is known of a mapping: struct mmap_wrap_info of the header, which says what each number is.
class Facts is repr('CStruct') {
    has int64 ($.length, $.mapped, $.address, $.page_size, $.protection, $.flags);
    has int64 ($.offset, $.keeps_file, $.sealed, $.exports, $.surviving, $.lost, $.source, $.descriptor);
}

#| How mmap_open_wrap and mmap_shm_wrap open, size and map: struct mmap_wrap_open_options of the header.
class OpenOptions is repr('CStruct') {
    has int64 ($.open_flags, $.mode);
    has int64 $.size = -2 ** 63;
    has int64 $.allocate;
    has int64 $.length = -2 ** 63;
    has int64 ($.prot, $.flags, $.offset);
}

sub unusable($message) {
    X::Mmap::Library.new(:message("Mmap::Wrap: $message")).throw
}

# Asked when a call is first made, never while compiling: a path kept in precompiled code would outlive the file.
sub installed(--> Str:D) {
    if %*ENV<MMAP_WRAP_LIBRARY> -> $path {
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

# Rakudo compiles the argument of each `is native` by itself, which is most of the time that this module takes to compile. A trait of
# our own without one would save it, and calls would take up to a hundred times as long: Rakudo 2022.12 does not specialise them then.

# Versions and the page size
sub mmap_wrap_abi_version(--> int64) is native(&library) is export { * }
sub mmap_wrap_version(--> Str) is native(&library) is export { * }
sub mmap_wrap_page_size(--> int64) is native(&library) is export { * }

# Results and errors
sub mmap_wrap_strerror(int64 --> Str) is native(&library) is export { * }
sub mmap_wrap_last_error_message(--> Str) is native(&library) is export { * }
sub mmap_wrap_last_error_reason(--> Str) is native(&library) is export { * }
sub mmap_wrap_last_error_code(--> int64) is native(&library) is export { * }

# Mapping and unmapping. A path or a name is a Blob that ends in NUL, not a Str: NativeCall would cut a Str at its first
# NUL, and normalise it.
sub mmap_wrap(Pointer, int64, int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_path_wrap(Blob, int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub munmap_wrap(int64 --> int64) is native(&library) is export { * }

# Files that are opened or made, and files in memory
sub mmap_open_wrap(Blob, OpenOptions, int64 --> int64) is native(&library) is export { * }
sub mmap_create_wrap(Blob, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_shm_wrap(Blob, OpenOptions, int64 --> int64) is native(&library) is export { * }
sub shm_unlink_wrap(Blob --> int64) is native(&library) is export { * }
sub mmap_memfd_wrap(Blob, int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_secret_wrap(int64, int64 --> int64) is native(&library) is export { * }
sub mmap_unnamed_wrap(int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_dup_fd(int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_file_seals(int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_add_file_seals(int64, int64 --> int64) is native(&library) is export { * }

# Protection, advice, sync
sub mprotect_wrap(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub madvise_wrap(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub msync_wrap(int64, int64, int64, int64 --> int64) is native(&library) is export { * }

# Resizing, moving, splitting
sub mremap_wrap(int64, int64, int64, Pointer, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_split(int64, int64 --> int64) is native(&library) is export { * }

# Guards, seals, names
sub mmap_wrap_guard(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mseal_wrap(int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_set_name(int64, Blob --> int64) is native(&library) is export { * }

# Addresses and exports
sub mmap_wrap_address(int64 --> Pointer) is native(&library) is export { * }
sub mmap_wrap_length(int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_acquire(int64 --> Pointer) is native(&library) is export { * }
sub mmap_wrap_release(int64 --> int64) is native(&library) is export { * }

# Reading, writing, searching
sub mmap_wrap_check(int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_read(int64, int64, Blob, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_write(int64, int64, Blob, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_fill(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_move(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_copy(int64, int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_compare(int64, int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_find(int64, Blob, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_rfind(int64, Blob, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_count(int64, Blob, int64, int64, int64 --> int64) is native(&library) is export { * }

# Elements
sub mmap_wrap_get(int64, int64, int64, Blob --> int64) is native(&library) is export { * }
sub mmap_wrap_put(int64, int64, int64, Blob --> int64) is native(&library) is export { * }
sub mmap_wrap_get_int(int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_put_int(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_get_float(int64, int64, int64 --> num64) is native(&library) is export { * }
sub mmap_wrap_put_float(int64, int64, int64, num64 --> int64) is native(&library) is export { * }

# Sharing between processes. What is stored into is a variable declared as `my int64 $before = 0`.
sub mmap_wrap_atomic_load(int64, int64, int64, int64 is rw --> int64) is native(&library) is export { * }
sub mmap_wrap_atomic_store(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_atomic_add(int64, int64, int64, int64, int64 is rw --> int64) is native(&library) is export { * }
sub mmap_wrap_atomic_exchange(int64, int64, int64, int64, int64 is rw --> int64) is native(&library) is export { * }
sub mmap_wrap_atomic_compare_exchange(int64, int64, int64, int64, int64, int64 is rw --> int64) is native(&library) is export { * }
sub mmap_wrap_wait(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_wake(int64, int64, int64 --> int64) is native(&library) is export { * }

# Mutexes in shared memory
sub mmap_wrap_mutex_lock(int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_mutex_unlock(int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_mutex_abandon(int64, int64 --> int64) is native(&library) is export { * }

# Faults
sub mmap_wrap_fault_done(--> int64) is native(&library) is export { * }
sub mmap_wrap_fault_address(--> Pointer) is native(&library) is export { * }
sub mmap_wrap_survive(int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_loss_flag(int64 --> Pointer) is native(&library) is export { * }
sub mmap_wrap_trust_handlers(int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_verify_handlers(--> int64) is native(&library) is export { * }

# Presence
sub mlock_wrap(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub munlock_wrap(int64, int64, int64 --> int64) is native(&library) is export { * }
sub mlockall_wrap(int64 --> int64) is native(&library) is export { * }
sub munlockall_wrap(--> int64) is native(&library) is export { * }
sub mincore_wrap(int64, Blob, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_resident_bytes(int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_prefault(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_page_out(int64, int64, int64 --> int64) is native(&library) is export { * }
sub cachestat_wrap(int64, Cache, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_fd_cachestat(int64, Cache, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_fd_evict(int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_fd_readahead(int64, int64, int64 --> int64) is native(&library) is export { * }

# Huge pages and NUMA nodes
sub mmap_wrap_huge_page_size(--> int64) is native(&library) is export { * }
sub mmap_aligned_wrap(int64, int64, int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_huge_bytes(int64, int64, int64 --> int64) is native(&library) is export { * }
sub mbind_wrap(int64, int64, CArray[uint64], int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_numa_node(int64, int64 --> int64) is native(&library) is export { * }

# Facts
sub mmap_wrap_info(int64, Facts, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_file_size(int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_list(CArray[int64], int64 --> int64) is native(&library) is export { * }

# Constants
sub mmap_wrap_constant(Str, int64 is rw --> int64) is native(&library) is export { * }
sub mmap_wrap_constant_count(--> int64) is native(&library) is export { * }
sub mmap_wrap_constant_name(int64 --> Str) is native(&library) is export { * }
sub mmap_wrap_constant_value(int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_constant_available(int64 --> int64) is native(&library) is export { * }

# The getters that the other modules ask; all others are in the table, and in Mmap::Wrap::Constants.
sub PROT_READ(--> int64) is native(&library) is symbol('mmap_wrap_PROT_READ') is export { * }
sub PROT_WRITE(--> int64) is native(&library) is symbol('mmap_wrap_PROT_WRITE') is export { * }
sub MAP_SHARED(--> int64) is native(&library) is symbol('mmap_wrap_MAP_SHARED') is export { * }
sub MAP_PRIVATE(--> int64) is native(&library) is symbol('mmap_wrap_MAP_PRIVATE') is export { * }
sub MAP_ANONYMOUS(--> int64) is native(&library) is symbol('mmap_wrap_MAP_ANONYMOUS') is export { * }
sub MS_SYNC(--> int64) is native(&library) is symbol('mmap_wrap_MS_SYNC') is export { * }
sub MS_ASYNC(--> int64) is native(&library) is symbol('mmap_wrap_MS_ASYNC') is export { * }
