=begin pod

=head1 NAME

Mmap::Wrap::Raw - the functions of the native library

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

The functions of the native library under their own names. Each returns a value of 0 or more on success and a negative error code on
failure; C<mmap_wrap_last_error_message> returns the message of this thread's last failure. The header of the library, C<mmap_wrap.h>,
documents the functions. All of them are thread-safe.

NativeCall does not check the arguments, as C<Mmap::Wrap> does:

=item A type object or C<Nil> is passed as 0 or NULL.
=item A C<Pointer> argument that is NULL in one call and an address in the next must not be in a container: pass a typed parameter, or a
variable bound with C<:=>. Otherwise Rakudo 2022.12 passes NULL both times.

The native library is the file that the environment variable C<MMAP_WRAP_LIBRARY> names, or else the one installed with this
distribution. A missing library, or one with another ABI version, is X::Mmap::Library.

=end pod

use NativeCall;
use Mmap::Wrap::Exceptions;

unit module Mmap::Wrap::Raw;

#| The ABI version of the library that this module needs.
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

# Flags for every function that maps a file: keep the file open; map it privately when it is only read and does not support shared
# mappings.
constant KEEP       is export = 1 +< 32;
constant OR_PRIVATE is export = 1 +< 33;

# What mremap_wrap does to the file: set its size to the end of the mapping; also allocate all of its blocks.
constant WITH_FILE is export = 1;
constant ALLOCATE  is export = 2;

#| Bytes of a mutex in a mapping.
constant MUTEX_SIZE is export = 16;

#| The result of mmap_wrap_get_int on failure.
constant NO_INT is export = -2 ** 63;

# Kinds of elements, and the byte orders that may be or'ed to them; the default is the machine's own byte order.
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

# What was mapped: the values of .source of Info.
constant SOURCE_ANONYMOUS     is export = 1;
constant SOURCE_DESCRIPTOR    is export = 2;
constant SOURCE_PATH          is export = 3;
constant SOURCE_SHARED_MEMORY is export = 4;
constant SOURCE_MEMORY_FILE   is export = 5;

#| The state of a part of a file in the page cache: struct mmap_wrap_cachestat of the header, which describes the members.
class CacheStat is repr('CStruct') {
    has int64 ($.cached, $.dirty, $.writeback, $.evicted, $.recently_evicted);
}

#| The properties of a mapping: struct mmap_wrap_info of the header, which describes the members.
class Info is repr('CStruct') {
    has int64 ($.length, $.mapped, $.address, $.page_size, $.protection, $.flags);
    has int64 ($.offset, $.keeps_file, $.sealed, $.acquired, $.surviving, $.lost, $.source, $.descriptor);
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

# At the first native call, not at compile time: precompiled code would keep the path after the file is gone.
sub installed(--> Str:D) {
    if %*ENV<MMAP_WRAP_LIBRARY> -> $path {
        return $path if $path.IO.f;
        unusable "MMAP_WRAP_LIBRARY is '$path', which is not a file; correct it, or unset it to use the installed library";
    }
    my $resource = %?RESOURCES<libraries/mmap_wrap>;
    my $file = $resource.defined ?? $resource.IO !! Nil;
    return $file.absolute if $file.defined && $file.f;
    unusable "the native library {$file.defined ?? "'{$file.absolute}' " !! ''}is missing; build it with 'zef build .' in the"
        ~ " distribution, or set MMAP_WRAP_LIBRARY to the path of {$*VM.platform-library-name('mmap_wrap'.IO)}";
}

sub abi-version(--> int64) is native(&installed) is symbol('mmap_wrap_abi_version') { * }

my Str $checked = '';

sub library(--> Str:D) {
    my $path = installed;
    return $path if $path eq $checked;
    my $version = try abi-version;
    unusable "'$path' is not the mmap-wrap library: {$!.message}" without $version;
    unusable "'$path' has ABI version $version, and this module needs {ABI-VERSION}; build library and module from the same version"
        unless $version == ABI-VERSION;
    $checked = $path
}

# Rakudo compiles the argument of each `is native` separately, which takes most of the compile time of this module. A trait of our own
# without an argument would avoid that, but then Rakudo 2022.12 does not specialize the calls, which take 2 to 100 times as long.

# Versions and the page size
sub mmap_wrap_abi_version(--> int64) is native(&library) is export { * }
sub mmap_wrap_version(--> Str) is native(&library) is export { * }
sub mmap_wrap_page_size(--> int64) is native(&library) is export { * }

# Results and errors
sub mmap_wrap_strerror(int64 --> Str) is native(&library) is export { * }
sub mmap_wrap_last_error_message(--> Str) is native(&library) is export { * }
sub mmap_wrap_last_error_reason(--> Str) is native(&library) is export { * }
sub mmap_wrap_last_error_code(--> int64) is native(&library) is export { * }
sub mmap_wrap_last_error_system_code(--> int64) is native(&library) is export { * }

# Mapping and unmapping. A path or a name is a Blob that ends with NUL instead of a Str: NativeCall ends a Str at its first
# NUL, and normalizes it.
sub mmap_wrap(Pointer, int64, int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_path_wrap(Blob, int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub munmap_wrap(int64 --> int64) is native(&library) is export { * }

# Files that are opened or created, and memory files
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

# Addresses
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

# Atomics. The argument for an `is rw` parameter is a variable declared as `my int64 $before = 0`.
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

# Residency
sub mlock_wrap(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub munlock_wrap(int64, int64, int64 --> int64) is native(&library) is export { * }
sub mlockall_wrap(int64 --> int64) is native(&library) is export { * }
sub munlockall_wrap(--> int64) is native(&library) is export { * }
sub mincore_wrap(int64, Blob, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_resident_bytes(int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_prefault(int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_page_out(int64, int64, int64 --> int64) is native(&library) is export { * }

# Page cache
sub cachestat_wrap(int64, CacheStat, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_fd_cachestat(int64, CacheStat, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_fd_evict(int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_fd_readahead(int64, int64, int64 --> int64) is native(&library) is export { * }

# Huge pages and NUMA nodes
sub mmap_wrap_huge_page_size(--> int64) is native(&library) is export { * }
sub mmap_aligned_wrap(int64, int64, int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_huge_bytes(int64, int64, int64 --> int64) is native(&library) is export { * }
sub mbind_wrap(int64, int64, CArray[uint64], int64, int64, int64, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_numa_node(int64, int64 --> int64) is native(&library) is export { * }

# Info
sub mmap_wrap_info(int64, Info, int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_file_size(int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_list(CArray[int64], int64 --> int64) is native(&library) is export { * }

# Constants
sub mmap_wrap_constant(Str, int64 is rw --> int64) is native(&library) is export { * }
sub mmap_wrap_constant_count(--> int64) is native(&library) is export { * }
sub mmap_wrap_constant_name(int64 --> Str) is native(&library) is export { * }
sub mmap_wrap_constant_value(int64 --> int64) is native(&library) is export { * }
sub mmap_wrap_constant_available(int64 --> int64) is native(&library) is export { * }

# The constants that the other modules use most; Mmap::Wrap::Constants has all.
sub PROT_READ(--> int64) is native(&library) is symbol('mmap_wrap_PROT_READ') is export { * }
sub PROT_WRITE(--> int64) is native(&library) is symbol('mmap_wrap_PROT_WRITE') is export { * }
sub MAP_SHARED(--> int64) is native(&library) is symbol('mmap_wrap_MAP_SHARED') is export { * }
sub MAP_PRIVATE(--> int64) is native(&library) is symbol('mmap_wrap_MAP_PRIVATE') is export { * }
sub MAP_ANONYMOUS(--> int64) is native(&library) is symbol('mmap_wrap_MAP_ANONYMOUS') is export { * }
sub MS_SYNC(--> int64) is native(&library) is symbol('mmap_wrap_MS_SYNC') is export { * }
sub MS_ASYNC(--> int64) is native(&library) is symbol('mmap_wrap_MS_ASYNC') is export { * }
