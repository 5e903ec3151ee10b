/*
 * mmap_wrap.h - memory mapping with checked handles, ranges and errors
 *
 * Made by cbindgen from src/ffi/ of mmap-wrap; do not edit. Licence: MIT OR Apache-2.0.
 *
 * Link with -lmmap_wrap. C99 or later, C++ as well. Every function may be called from any thread at
 * any time. None may be called from a signal handler. Indented lines are examples to copy.
 *
 * On Windows a file descriptor (fd) is a HANDLE, cast to int64_t; paths are UTF-8; the constants of
 * <sys/mman.h>, which does not exist there, are functions of mmap_wrap_constants.h:
 * mmap_wrap_PROT_READ() for PROT_READ. Errors are numbers of <errno.h> there, too.
 */
#ifndef MMAP_WRAP_H
#define MMAP_WRAP_H

#include <stdint.h>

/* The version that this header describes; mmap_wrap_version() is that of the library. */
#define MMAP_WRAP_VERSION "0.1.0"
#define MMAP_WRAP_VERSION_MAJOR 0
#define MMAP_WRAP_VERSION_MINOR 1
#define MMAP_WRAP_VERSION_PATCH 0

/* The number of the binary interface that this header describes. */
#define MMAP_WRAP_ABI_VERSION 2

/* How functions are imported. Define MMAP_WRAP_STATIC on Windows to link statically. */
#if defined(_WIN32) && !defined(MMAP_WRAP_STATIC)
#define MMAP_WRAP_API __declspec(dllimport)
#elif defined(__GNUC__)
#define MMAP_WRAP_API __attribute__((visibility("default")))
#else
#define MMAP_WRAP_API
#endif

/* No function throws. */
#ifdef __cplusplus
#define MMAP_WRAP_NOEXCEPT noexcept
extern "C" {
#else
#define MMAP_WRAP_NOEXCEPT
#endif

/*
 * == Versions and the page size ==
 *
 * Check the ABI number before any other call: do not use a library that has another number.
 */

/**
 * Returns the number of the binary interface of the library: MMAP_WRAP_ABI_VERSION of the header
 * that it was built with. It is the number in the soname, and changes when the parameters or the
 * meaning of a function change.
 *
 *     if (mmap_wrap_abi_version() != MMAP_WRAP_ABI_VERSION) abort();
 */
MMAP_WRAP_API int64_t mmap_wrap_abi_version(void) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the version of the library, such as "0.1.0". The string is static.
 *
 *     printf("mmap-wrap %s\n", mmap_wrap_version());
 */
MMAP_WRAP_API const char *mmap_wrap_version(void) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the size in bytes of a memory page of the running system: 4096, 16384 and 65536 exist.
 * Mappings of huge pages have pages of their own size (mmap_wrap_info).
 *
 *     int64_t two_pages = 2 * mmap_wrap_page_size();
 */
MMAP_WRAP_API int64_t mmap_wrap_page_size(void) MMAP_WRAP_NOEXCEPT;

/*
 * == Results and errors ==
 *
 * Unless stated otherwise, functions that return int64_t return a value >= 0 on success and a
 * negative code on error: -1 to -4095 is -errno as the system set it, and the library's own codes,
 * defined here, are below that. Functions that return a pointer return NULL on error. Output
 * parameters are written only on success. errno is not used.
 */

/** Not a valid mapping handle. */
#define MMAP_WRAP_E_HANDLE (-4096)

/** The mapping of this handle is unmapped already. */
#define MMAP_WRAP_E_UNMAPPED (-4097)

/** Offset and size are not inside the mapping, or wrap around. Nothing was accessed. */
#define MMAP_WRAP_E_RANGE (-4098)

/** An address, offset or end is not a multiple of a page, or of a word, where it must be. */
#define MMAP_WRAP_E_ALIGNMENT (-4099)

/**
 * The access faulted: a truncated file, a full disk, an I/O error, or a protection that forbids the
 * access (see Faults).
 */
#define MMAP_WRAP_E_FAULT (-4100)

/**
 * The mapping is in use. Either its address is acquired (mmap_wrap_acquire): it can be neither
 * unmapped nor resized, moved or split now. Or calls of other threads are executing and did not
 * return in time: it can be unmapped, but not resized, moved or split.
 */
#define MMAP_WRAP_E_BUSY (-4101)

/** An argument has an invalid value. */
#define MMAP_WRAP_E_ARGUMENT (-4102)

/** This platform or kernel lacks what the call needs. */
#define MMAP_WRAP_E_UNSUPPORTED (-4103)

/** The bytes searched for were not found. */
#define MMAP_WRAP_E_NOT_FOUND (-4104)

/**
 * A part of the mapping is sealed (mseal_wrap): it cannot be unmapped, moved or resized, nor its
 * protection changed.
 */
#define MMAP_WRAP_E_SEALED (-4106)

/** A defect of this library. Please report it with the message. */
#define MMAP_WRAP_E_INTERNAL (-4105)

/**
 * Returns the description of an error code of this library. Never NULL. The string is static for
 * the library's own codes; for a system error it is valid until the calling thread next calls this
 * function, mmap_wrap_last_error_message or mmap_wrap_last_error_reason.
 *
 *     puts(mmap_wrap_strerror(-EACCES));      // Permission denied (EACCES)
 */
MMAP_WRAP_API const char *mmap_wrap_strerror(int64_t code) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the message of the calling thread's last error: the function that failed, the reason with
 * its numbers, the limit, and, if known, the remedy. Empty before the first error. A success does
 * not clear it (exception: see mmap_wrap_get_int). Never NULL; valid until the calling thread next
 * calls this function, mmap_wrap_last_error_reason or mmap_wrap_strerror.
 *
 *     if (mprotect_wrap(h, PROT_READ, 4096, 8192) < 0)
 *         puts(mmap_wrap_last_error_message());
 *     // mprotect_wrap: size 8192 from offset 4096 extends beyond 8192 byte mapping
 */
MMAP_WRAP_API const char *mmap_wrap_last_error_message(void) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the operating system's own code for the calling thread's last error: errno or, on
 * Windows, the code of GetLastError, several of which have the same errno. 0 if the system did not
 * return the error, or there was none.
 *
 *     if (mmap_path_wrap("no such file", MMAP_WRAP_REST, PROT_READ, MAP_SHARED, 0) < 0)
 *         printf("the system's code is %lld\n", (long long)mmap_wrap_last_error_system_code());
 */
MMAP_WRAP_API int64_t mmap_wrap_last_error_system_code(void) MMAP_WRAP_NOEXCEPT;

/*
 * == Mapping and unmapping ==
 *
 * A mapping is identified by a handle, a positive number. Every call checks its handle: with the
 * handle of an unmapped mapping it fails with MMAP_WRAP_E_UNMAPPED, with a number that is not a
 * handle with MMAP_WRAP_E_HANDLE. Handles are not reused. Any thread may use any handle at any
 * time, also while another thread unmaps it. A forked child has the handles of its parent.
 *
 * Offsets and sizes are in bytes, everywhere.
 */

/**
 * As a size or an end: up to the end of the mapping. As a length, or a size in a file: up to the
 * end of the file. As a timeout: indefinitely. As a count: all. As the size of
 * mmap_wrap_open_options: the size of the file is not changed.
 */
#define MMAP_WRAP_REST INT64_MIN

/** Identifies a mapping. Valid handles are positive. */
typedef int64_t mmap_wrap_handle;

/**
 * Maps len bytes of the open file fd from offset on; or, with MAP_ANONYMOUS in flags, fd -1 and
 * offset 0, memory without a file.
 *
 * prot and flags are the PROT_ and MAP_ values of the platform; flags has MAP_SHARED or
 * MAP_PRIVATE. addr is a hint where to map; NULL lets the system choose. With MAP_FIXED the mapping
 * is placed at addr and replaces whatever is mapped there, as POSIX defines it, including mappings
 * of this library.
 *
 * offset need not be a multiple of the page size, except with MAP_FIXED. With len MMAP_WRAP_REST
 * the mapping ends at the end of the file; for an empty file that gives a valid mapping of length
 * 0. A device has no size and needs a len. The file may be closed afterwards.
 *
 * len may exceed the file, as in POSIX. Accesses to pages that lie completely beyond the end of the
 * file fault until the file grows. The rest of the file's last page is accessible, but is not part
 * of the file: what is stored there is never written, and no error is reported.
 *
 * Returns the handle. Errors: -errno of the system (EACCES, EBADF, ENOMEM, EPERM and others);
 * -ENODEV for a FIFO, pipe or socket; -ENODEV or -EIO for a file without a meaningful size (procfs,
 * sysfs); MMAP_WRAP_E_ARGUMENT for unknown bits, length 0, or an unknown length; MMAP_WRAP_E_RANGE
 * for numbers that are negative or too large, or an offset beyond the end of the file;
 * MMAP_WRAP_E_ALIGNMENT with MAP_FIXED.
 *
 *     int64_t flags = MAP_SHARED | MAP_ANONYMOUS;
 *     mmap_wrap_handle h = mmap_wrap(NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_wrap(void *addr, int64_t len, int64_t prot, int64_t flags,
    int64_t fd, int64_t offset) MMAP_WRAP_NOEXCEPT;

/**
 * Opens the file at path, maps it as mmap_wrap does, and closes it. No descriptor is left open, on
 * success or failure.
 *
 * path is any string of bytes that ends in NUL. The file is opened for reading, and for writing
 * only if flags has MAP_SHARED and prot has PROT_WRITE. MAP_ANONYMOUS and MAP_FIXED are
 * MMAP_WRAP_E_ARGUMENT.
 *
 * Returns the handle. Errors: those of mmap_wrap; -errno of open(2) (ENOENT, EACCES, EISDIR, EMFILE
 * and others); MMAP_WRAP_E_ARGUMENT if path is NULL.
 *
 *     mmap_wrap_handle h = mmap_path_wrap("words.txt", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_path_wrap(const char *path, int64_t len, int64_t prot,
    int64_t flags, int64_t offset) MMAP_WRAP_NOEXCEPT;

/**
 * Unmaps the mapping. New calls fail with MMAP_WRAP_E_UNMAPPED from now on. Waits for a call of
 * another thread that resizes, moves or splits the mapping, not for others: those complete or fail,
 * and the memory is unmapped when the last of them returns.
 *
 * Returns 1 if this call unmapped it, 0 if it was unmapped already. Errors: MMAP_WRAP_E_BUSY while
 * its address is acquired (mmap_wrap_acquire); MMAP_WRAP_E_SEALED; MMAP_WRAP_E_FAULT if a loss was
 * pending (mmap_wrap_survive), in which case it is unmapped nevertheless; MMAP_WRAP_E_HANDLE;
 * -ENOMEM if splitting a range that the kernel had merged exceeds vm.max_map_count, in which case
 * it stays mapped.
 *
 *     munmap_wrap(h);
 */
MMAP_WRAP_API int64_t munmap_wrap(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/*
 * == Opening and creating files, memory files ==
 *
 * A mapping of a named file does not keep the file open, unless MMAP_WRAP_KEEP is set in its flags;
 * a mapping of a memory file always does. A kept file can be resized with its mapping
 * (mremap_wrap), duplicated (mmap_wrap_dup_fd) and sealed. It is closed when the mapping is
 * unmapped.
 *
 * Unless stated otherwise, functions return the handle, an error of mmap_wrap, or -errno of opening
 * the file. On failure no descriptor, file or changed size is left behind. A size above
 * RLIMIT_FSIZE is -EFBIG; SIGXFSZ is not raised.
 */

/** Flag of every function that maps a file: the mapping keeps the file open. */
#define MMAP_WRAP_KEEP 0x100000000

/**
 * Flag of every function that maps a file, together with MAP_SHARED and without PROT_WRITE: if the
 * file cannot be mapped shared (FUSE with direct I/O, some files of sysfs), it is mapped privately,
 * which reads the same bytes. Such a mapping cannot be made writable (-EACCES). The flags in struct
 * mmap_wrap_info show which it is.
 */
#define MMAP_WRAP_OR_PRIVATE 0x200000000

/**
 * How mmap_open_wrap and mmap_shm_wrap open, size and map. Begin with MMAP_WRAP_OPEN_OPTIONS_INIT
 * and set what differs. Later versions may add members at the end.
 */
struct mmap_wrap_open_options {
    /**
     * O_RDONLY or O_RDWR, with O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_TMPFILE (path is then the
     * directory), O_SYNC, O_DSYNC, O_DIRECT, O_NOATIME: the platform's values. The descriptor is
     * always close-on-exec.
     */
    int64_t open_flags;
    /** Permissions of a file that is created, less the umask. */
    int64_t mode;
    /** Size of the file in bytes, or MMAP_WRAP_REST: the size is not changed. */
    int64_t size;
    /**
     * 1: the file system allocates blocks for the whole size, so that a full disk is -ENOSPC now
     * and not a fault later.
     */
    int64_t allocate;
    /** Bytes to map, or MMAP_WRAP_REST: to the end of the file. */
    int64_t length;
    /** PROT_ bits. */
    int64_t prot;
    /** MAP_ bits, and MMAP_WRAP_KEEP, MMAP_WRAP_OR_PRIVATE. */
    int64_t flags;
    /** File offset of the first byte to map. */
    int64_t offset;
};

/** The values to begin with: read-only access, the size unchanged, all of the file. */
#define MMAP_WRAP_OPEN_OPTIONS_INIT {0, 0, MMAP_WRAP_REST, 0, MMAP_WRAP_REST, 0, 0, 0}

/**
 * Opens or creates the file at path, sets its size, and maps it, as options says; options_size is
 * sizeof of the struct.
 *
 * With allocate, -errno or MMAP_WRAP_E_UNSUPPORTED where the file system cannot allocate. On
 * failure a file that did not exist is removed and an existing one has its former size; it is made
 * smaller only after everything else has succeeded. (O_TRUNC truncates at once.) A block device has
 * its own size; other devices need a length.
 *
 * A file that is created with a size gets its name only when it has the size (O_TMPFILE and
 * linkat(2)), so that a process that opens it meanwhile never finds it empty; on a file system
 * without O_TMPFILE another process can open it while it is empty.
 *
 * options_size must be a multiple of 8, and members that this version of the library does not know
 * must be 0, else it is MMAP_WRAP_E_ARGUMENT, as options NULL is. If options_size is smaller than
 * the library's struct, the missing members have the values of MMAP_WRAP_OPEN_OPTIONS_INIT.
 *
 *     struct mmap_wrap_open_options options = MMAP_WRAP_OPEN_OPTIONS_INIT;
 *     options.open_flags = O_RDWR | O_CREAT;
 *     options.mode = 0644;
 *     options.size = 8192;
 *     options.prot = PROT_READ | PROT_WRITE;
 *     options.flags = MAP_SHARED;
 *     mmap_wrap_handle h = mmap_open_wrap("table", &options, sizeof options);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_open_wrap(const char *path,
    const struct mmap_wrap_open_options *options, int64_t options_size) MMAP_WRAP_NOEXCEPT;

/**
 * Opens or creates the file at path and maps all of it, shared, for reading and writing:
 * mmap_open_wrap with O_RDWR | O_CREAT. size and mode are as in mmap_wrap_open_options.
 *
 *     mmap_wrap_handle h = mmap_create_wrap("table", 8192, 0644);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_create_wrap(const char *path, int64_t size, int64_t mode)
    MMAP_WRAP_NOEXCEPT;

/**
 * Does the same as mmap_open_wrap for POSIX shared memory: name is that of shm_open(3),
 * "/like-this". It exists until shm_unlink_wrap.
 *
 * Other processes use it at the same time, so size never makes it smaller, and length
 * MMAP_WRAP_REST maps all of it. O_TRUNC and mremap_wrap make it smaller. On failure, existing
 * shared memory that was enlarged stays so.
 *
 * Where size and length are MMAP_WRAP_REST and the memory has 0 bytes, another process has created
 * it by shm_open(3) and is about to size it: the call waits for that up to a second, then fails
 * with -ETIMEDOUT.
 *
 *     struct mmap_wrap_open_options options = MMAP_WRAP_OPEN_OPTIONS_INIT;
 *     options.open_flags = O_RDWR | O_CREAT;
 *     options.mode = 0600;
 *     options.size = 4096;
 *     options.prot = PROT_READ | PROT_WRITE;
 *     options.flags = MAP_SHARED;
 *     mmap_wrap_handle h = mmap_shm_wrap("/counters", &options, sizeof options);
 *     shm_unlink_wrap("/counters");
 */
MMAP_WRAP_API mmap_wrap_handle mmap_shm_wrap(const char *name,
    const struct mmap_wrap_open_options *options, int64_t options_size) MMAP_WRAP_NOEXCEPT;

/**
 * Removes the name of POSIX shared memory. Existing mappings and descriptors stay valid. Returns 0,
 * or -errno (ENOENT, EACCES).
 *
 *     shm_unlink_wrap("/counters");
 */
MMAP_WRAP_API int64_t shm_unlink_wrap(const char *name) MMAP_WRAP_NOEXCEPT;

/**
 * Creates a memory file of len bytes and maps it: memfd_create(2). name is shown in /proc only.
 * memfd_flags are MFD_ values: MFD_ALLOW_SEALING allows seals, with MFD_HUGETLB the file consists
 * of huge pages.
 *
 * MMAP_WRAP_E_UNSUPPORTED if the system has no memory files.
 *
 *     int64_t prot = PROT_READ | PROT_WRITE;
 *     mmap_wrap_handle h = mmap_memfd_wrap("counters", MFD_ALLOW_SEALING, 4096, prot, MAP_SHARED);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_memfd_wrap(const char *name, int64_t memfd_flags, int64_t len,
    int64_t prot, int64_t flags) MMAP_WRAP_NOEXCEPT;

/**
 * Creates len bytes of secret memory and maps it: memfd_secret(2). It is locked, removed from the
 * kernel's own mappings, and not readable by debuggers or through /proc/PID/mem. A forked child
 * shares it, unless madvise_wrap is called with MADV_DONTFORK. It counts towards RLIMIT_MEMLOCK
 * (-EAGAIN, -EPERM).
 *
 * MMAP_WRAP_E_UNSUPPORTED before Linux 5.14, and before Linux 6.5 without the boot parameter
 * secretmem.enable=1.
 *
 *     mmap_wrap_handle key = mmap_secret_wrap(32, PROT_READ | PROT_WRITE);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_secret_wrap(int64_t len, int64_t prot) MMAP_WRAP_NOEXCEPT;

/**
 * Creates a file of len bytes that has no name, with the best mechanism available, and maps it: a
 * memory file, else shared memory, else an unlinked file in the directory for temporary files. For
 * memory whose descriptor is passed to other processes.
 *
 *     mmap_wrap_handle h = mmap_unnamed_wrap(4096, PROT_READ | PROT_WRITE, MAP_SHARED);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_unnamed_wrap(int64_t len, int64_t prot, int64_t flags)
    MMAP_WRAP_NOEXCEPT;

/**
 * Returns a new descriptor of the file that the mapping keeps open; the caller closes it. It is
 * close-on-exec. Errors: -EMFILE; MMAP_WRAP_E_ARGUMENT if no file is kept; MMAP_WRAP_E_HANDLE;
 * MMAP_WRAP_E_UNMAPPED.
 *
 *     int64_t fd = mmap_wrap_dup_fd(h);
 */
MMAP_WRAP_API int64_t mmap_wrap_dup_fd(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the F_SEAL_ bits of the memory file that the mapping keeps open. Errors: -EINVAL if the
 * file cannot have seals; MMAP_WRAP_E_ARGUMENT if no file is kept; MMAP_WRAP_E_UNSUPPORTED;
 * MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED. (mseal_wrap seals the mapping, not the file.)
 *
 *     if (mmap_wrap_file_seals(h) & F_SEAL_SHRINK) puts("no access to it can fault");
 */
MMAP_WRAP_API int64_t mmap_wrap_file_seals(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * Adds F_SEAL_ bits to the memory file that the mapping keeps open. Seals cannot be removed.
 * Returns 0. Errors: -EPERM if the file has F_SEAL_SEAL or was created without MFD_ALLOW_SEALING;
 * -EBUSY for F_SEAL_WRITE while a writable shared mapping exists; those of mmap_wrap_file_seals.
 *
 *     mmap_wrap_add_file_seals(h, F_SEAL_SHRINK | F_SEAL_GROW);
 */
MMAP_WRAP_API int64_t mmap_wrap_add_file_seals(mmap_wrap_handle h, int64_t seals)
    MMAP_WRAP_NOEXCEPT;

/*
 * == Addresses ==
 *
 * For access without copying, at the caller's own responsibility: no call checks what is done
 * through an address. While an address is acquired, the mapping is not unmapped, moved or resized.
 */

/**
 * Returns the address of the first byte. It is valid until the mapping is unmapped, moved or
 * resized. A mapping of length 0 has an address, which must not be accessed. NULL on error:
 * MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED (mmap_wrap_last_error_code).
 *
 *     const char *text = mmap_wrap_address(h);
 */
MMAP_WRAP_API void *mmap_wrap_address(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the length of the mapping in bytes: the length that was requested, not rounded up to
 * pages. Errors: MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
 *
 *     int64_t length = mmap_wrap_length(h);
 */
MMAP_WRAP_API int64_t mmap_wrap_length(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * Acquires the address of the first byte: until mmap_wrap_release has been called the same number
 * of times, unmapping, moving and resizing fail with MMAP_WRAP_E_BUSY. A forked child inherits the
 * count. A pending loss is not reported here, but by the next call that accesses the mapping. NULL
 * on error, as mmap_wrap_address.
 *
 *     unsigned char *bytes = mmap_wrap_acquire(h);
 */
MMAP_WRAP_API void *mmap_wrap_acquire(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * Releases an acquired address. Returns how many times it is still acquired. Errors:
 * MMAP_WRAP_E_ARGUMENT if it is not acquired; MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED.
 *
 *     mmap_wrap_release(h);
 */
MMAP_WRAP_API int64_t mmap_wrap_release(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/*
 * == Reading, writing, searching ==
 *
 * Every call checks its range first and accesses nothing if the range is not inside the mapping. If
 * an access faults (see Faults), the call returns MMAP_WRAP_E_FAULT; the message has the number of
 * bytes processed before the fault, and the cause.
 *
 * Buffers belong to the caller, have at least size bytes, do not overlap the mapping, and may be
 * NULL if size is 0. MMAP_WRAP_REST is accepted as the size of fill, move, copy and compare, and as
 * the end of find, rfind and count; not as the size of a buffer.
 *
 * All can return MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE, MMAP_WRAP_E_FAULT,
 * MMAP_WRAP_E_ARGUMENT if a buffer is NULL and its size is not 0, and -EFAULT if a buffer of the
 * caller cannot be accessed.
 *
 * If several threads or processes change the same bytes at the same time, the result is
 * unspecified.
 */

/**
 * Validates a range without accessing memory: size bytes, or MMAP_WRAP_REST, from offset on.
 * Returns its size in bytes. Reports a pending loss, as every call does that uses the mapping.
 *
 *     if (mmap_wrap_check(h, 16, 4) == 4) puts("bytes 16 to 19 are there");
 */
MMAP_WRAP_API int64_t mmap_wrap_check(mmap_wrap_handle h, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Copies size bytes from offset on into the buffer. Returns size.
 *
 *     uint32_t word;
 *     mmap_wrap_read(h, 16, &word, sizeof word);
 */
MMAP_WRAP_API int64_t mmap_wrap_read(mmap_wrap_handle h, int64_t offset, void *to, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Copies size bytes from the buffer into the mapping, from offset on. Returns size.
 *
 *     mmap_wrap_write(h, 0, "magic", 5);
 */
MMAP_WRAP_API int64_t mmap_wrap_write(mmap_wrap_handle h, int64_t offset, const void *from,
    int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * Sets size bytes, or MMAP_WRAP_REST, from offset on to the value byte (0 to 255). Returns the
 * number of bytes.
 *
 *     mmap_wrap_fill(h, 0, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_fill(mmap_wrap_handle h, int64_t offset, int64_t byte, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Copies size bytes, or MMAP_WRAP_REST, from offset from to offset to; the ranges may overlap.
 * Returns the number of bytes. If to lies inside the source range, copying starts at the end: after
 * MMAP_WRAP_E_FAULT, mmap_wrap_fault_done then counts bytes from the end of the range.
 *
 *     mmap_wrap_move(h, 0, 4096, 100);
 */
MMAP_WRAP_API int64_t mmap_wrap_move(mmap_wrap_handle h, int64_t to, int64_t from, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Copies size bytes, or MMAP_WRAP_REST (up to the end of h_from), from offset from of h_from to
 * offset to of h_to. Returns the number of bytes. If both handles are the same, it does what
 * mmap_wrap_move does. If both mappings have the same bytes of a file and the ranges overlap there,
 * the result is unspecified.
 *
 * The message of an error names the mapping: "the mapping copied to" or "the mapping copied from".
 * After MMAP_WRAP_E_FAULT, mmap_wrap_fault_address is an address in it.
 *
 *     mmap_wrap_copy(backup, 0, h, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_copy(mmap_wrap_handle h_to, int64_t to, mmap_wrap_handle h_from,
    int64_t from, int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * Compares size bytes, or MMAP_WRAP_REST (up to the end of h1), from offset1 of h1 with those from
 * offset2 of h2. Returns how many bytes are equal from the start on: size if all are. If the first
 * difference lies before the byte that faults, the call succeeds. The message of a fault names the
 * mapping.
 *
 *     if (mmap_wrap_compare(h1, 0, h2, 0, MMAP_WRAP_REST) == mmap_wrap_length(h1))
 *         puts("h2 begins with all of h1");
 */
MMAP_WRAP_API int64_t mmap_wrap_compare(mmap_wrap_handle h1, int64_t offset1, mmap_wrap_handle h2,
    int64_t offset2, int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the offset of the first occurrence of the needle that lies completely between start and
 * end (exclusive; or MMAP_WRAP_REST). The offset is from the start of the mapping. Errors:
 * MMAP_WRAP_E_NOT_FOUND; MMAP_WRAP_E_RANGE, also if end is less than start. An empty needle is
 * found at start.
 *
 *     int64_t at = mmap_wrap_find(h, "\n", 1, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_find(mmap_wrap_handle h, const void *needle, int64_t needle_len,
    int64_t start, int64_t end) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the offset of the last occurrence; otherwise as mmap_wrap_find. An empty needle is found
 * at end.
 *
 *     int64_t at = mmap_wrap_rfind(h, "\n", 1, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_rfind(mmap_wrap_handle h, const void *needle, int64_t needle_len,
    int64_t start, int64_t end) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the number of non-overlapping occurrences of the needle between start and end (exclusive;
 * or MMAP_WRAP_REST), counted from the left. For an empty needle that is end - start + 1.
 *
 *     int64_t lines = mmap_wrap_count(h, "\n", 1, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_count(mmap_wrap_handle h, const void *needle, int64_t needle_len,
    int64_t start, int64_t end) MMAP_WRAP_NOEXCEPT;

/*
 * == Protection, advice, synchronization ==
 *
 * Each takes a range of the mapping: size bytes, or MMAP_WRAP_REST, from offset on. A range that is
 * not inside the mapping is MMAP_WRAP_E_RANGE, and nothing is changed. Size 0 is valid with each
 * offset from 0 to the length, and does nothing. Each returns 0; all can return MMAP_WRAP_E_HANDLE,
 * MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE, MMAP_WRAP_E_SEALED.
 */

/**
 * Sets the protection of the range: PROT_READ, PROT_WRITE, PROT_EXEC combined, or PROT_NONE.
 *
 * offset must be 0 or on a page boundary (MMAP_WRAP_E_ALIGNMENT); the size is rounded up to whole
 * pages, as in POSIX. Errors: -EACCES if the file was not opened for that access;
 * MMAP_WRAP_E_ARGUMENT for unknown bits.
 *
 *     mprotect_wrap(h, PROT_READ, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mprotect_wrap(mmap_wrap_handle h, int64_t prot, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Advises the kernel how the range will be used: one MADV_ value.
 *
 * Advice that discards nothing applies to every page that holds a byte of the range. Advice that
 * discards data, in this process or in a child (MADV_DONTNEED, MADV_FREE, MADV_REMOVE,
 * MADV_DONTFORK, MADV_WIPEONFORK, MADV_GUARD_INSTALL and others), needs an offset and an end that
 * are on page boundaries or at the ends of the mapping (MMAP_WRAP_E_ALIGNMENT): the kernel would
 * round up and discard the neighbouring bytes. In a forked child that does not inherit the whole
 * mapping (MADV_DONTFORK), the mapping counts as unmapped (MMAP_WRAP_E_UNMAPPED).
 *
 * Errors: MMAP_WRAP_E_ARGUMENT if the value is not advice on this platform; -EINVAL if the kernel
 * lacks it or it does not apply to this kind of mapping.
 *
 *     madvise_wrap(h, MADV_RANDOM, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t madvise_wrap(mmap_wrap_handle h, int64_t advice, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Writes modified pages of the range to the file. MS_SYNC returns when they are stored, MS_ASYNC at
 * once; MS_INVALIDATE can be combined with either.
 *
 * Errors: -EIO if the data could not be stored; -EBUSY for MS_INVALIDATE with locked pages;
 * MMAP_WRAP_E_ARGUMENT for unknown bits.
 *
 *     msync_wrap(h, MS_SYNC, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t msync_wrap(mmap_wrap_handle h, int64_t flags, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/*
 * == Residency ==
 *
 * Which pages are in memory: locking them there, querying them, reading them in. A range applies to
 * every page that holds a byte of it; pages have the size that mmap_wrap_info reports. All can
 * return MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE, and MMAP_WRAP_E_UNSUPPORTED
 * if the system lacks the call.
 */

/**
 * Locks the pages of the range into memory. With flags 0 they are read in now; with MLOCK_ONFAULT
 * (Linux 4.4) pages that are not in memory are locked when they are first accessed. Locks do not
 * nest: one munlock_wrap removes them.
 *
 * Returns 0. Errors: -ENOMEM above RLIMIT_MEMLOCK, or if a page cannot be read; -EPERM if the
 * process may not lock memory; -EAGAIN if a page could not be read in; MMAP_WRAP_E_ARGUMENT for
 * unknown flags.
 *
 *     if (mlock_wrap(h, 0, 0, MMAP_WRAP_REST) < 0) puts(mmap_wrap_last_error_message());
 */
MMAP_WRAP_API int64_t mlock_wrap(mmap_wrap_handle h, int64_t flags, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Unlocks the pages of the range, however often they were locked. Returns 0.
 *
 *     munlock_wrap(h, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t munlock_wrap(mmap_wrap_handle h, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Locks all memory of the process, also memory that this library did not map: mlockall(2). flags:
 * MCL_CURRENT (existing mappings), MCL_FUTURE (future mappings), or both; with MCL_ONFAULT each
 * page when it is first accessed.
 *
 * Returns 0. Errors: -ENOMEM and -EPERM as for mlock_wrap (with MCL_FUTURE, later calls that map
 * memory can fail with -EAGAIN); -EINVAL, MMAP_WRAP_E_ARGUMENT for invalid flags;
 * MMAP_WRAP_E_UNSUPPORTED.
 *
 *     if (mlockall_wrap(MCL_CURRENT | MCL_FUTURE) < 0) puts(mmap_wrap_last_error_message());
 */
MMAP_WRAP_API int64_t mlockall_wrap(int64_t flags) MMAP_WRAP_NOEXCEPT;

/**
 * Unlocks all memory of the process, and ends MCL_FUTURE: munlockall(2). Returns 0.
 *
 *     munlockall_wrap();
 */
MMAP_WRAP_API int64_t munlockall_wrap(void) MMAP_WRAP_NOEXCEPT;

/**
 * Writes one byte for each page of the range to pages, an array of capacity bytes: 1 if the page is
 * in memory, 0 if not. Returns the number of pages of the range. Bytes beyond those are not
 * changed. The result can be out of date at any moment.
 *
 * For a file, "in memory" means in the page cache. Linux reports all pages as being in memory to a
 * process that neither owns the file nor may write it (Linux 5.2, commit 134fca9063ad).
 *
 * Errors: MMAP_WRAP_E_RANGE if capacity is too small, in which case nothing is written;
 * MMAP_WRAP_E_ARGUMENT if pages is NULL and capacity is not 0; -ENOMEM if a part was unmapped
 * without this library, in which case the bytes are meaningless.
 *
 *     unsigned char pages[16];
 *     int64_t count = mincore_wrap(h, pages, sizeof pages, 0, 10000);
 */
MMAP_WRAP_API int64_t mincore_wrap(mmap_wrap_handle h, uint8_t *pages, int64_t capacity,
    int64_t offset, int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * Returns how many bytes of the range's pages are in memory, a multiple of the page size. See
 * mincore_wrap.
 *
 *     int64_t bytes = mmap_wrap_resident_bytes(h, 0, MMAP_WRAP_REST);
 *     printf("%lld bytes are in memory\n", (long long)bytes);
 */
MMAP_WRAP_API int64_t mmap_wrap_resident_bytes(mmap_wrap_handle h, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Populates the pages of the range for reading (writing = 0) or writing (writing = 1), so that
 * later accesses cause no page fault. Contents are not changed, also if other threads write at the
 * same time. Before Linux 5.14 (MADV_POPULATE_READ, MADV_POPULATE_WRITE) each page is accessed in
 * turn.
 *
 * Returns the size of the range in bytes. MMAP_WRAP_E_FAULT if a page cannot be populated:
 * mmap_wrap_fault_done() is the number of bytes before it.
 *
 *     mmap_wrap_prefault(h, 1, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_prefault(mmap_wrap_handle h, int64_t writing, int64_t offset,
    int64_t size) MMAP_WRAP_NOEXCEPT;

/*
 * == Hardening ==
 *
 * Guard regions, sealing, names. Related: madvise_wrap with MADV_DONTDUMP excludes memory from core
 * dumps, with MADV_WIPEONFORK or MADV_DONTFORK from forked children; mlock_wrap keeps memory from
 * being swapped; mmap_secret_wrap hides it from other processes and the kernel. Memory that is both
 * writable and executable helps attackers: map code as writable, then mprotect_wrap it to PROT_READ
 * | PROT_EXEC before it runs. MAP_DROPPABLE memory can become zero at any time when the system is
 * short of memory.
 */

/**
 * Installs a guard region (on = 1), in which every access faults, or removes it (on = 0):
 * madvise(2) with MADV_GUARD_INSTALL, or PROT_NONE if the kernel has no guard regions (before Linux
 * 6.13; 6.15 for files) or does not support them for this kind of memory. The contents of private
 * memory in the range are discarded. offset and end must be on page boundaries or at the ends of
 * the mapping (MMAP_WRAP_E_ALIGNMENT).
 *
 * A guard region stays when the protection changes, on every kernel; when it is removed, its pages
 * have the protection that was set last.
 *
 * Returns 0. Errors: MMAP_WRAP_E_RANGE, MMAP_WRAP_E_SEALED, MMAP_WRAP_E_HANDLE,
 * MMAP_WRAP_E_UNMAPPED, -ENOMEM.
 *
 *     mmap_wrap_guard(h, 1, 0, mmap_wrap_page_size());
 */
MMAP_WRAP_API int64_t mmap_wrap_guard(mmap_wrap_handle h, int64_t on, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Seals the pages of the range until the process ends: mseal(2). They cannot be unmapped, moved or
 * resized, their protection cannot be changed, and read-only private pages cannot be discarded.
 * munmap_wrap then fails with MMAP_WRAP_E_SEALED, and the handle stays valid.
 * (mmap_wrap_add_file_seals seals a memory file instead.)
 *
 * Returns 0. Errors: MMAP_WRAP_E_ARGUMENT for a surviving mapping, whose pages could no longer be
 * replaced (call mmap_wrap_survive(h, 0) first); MMAP_WRAP_E_UNSUPPORTED before Linux 6.10 and on
 * 32-bit systems; MMAP_WRAP_E_RANGE; MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED; -ENOMEM.
 *
 *     mseal_wrap(h, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mseal_wrap(mmap_wrap_handle h, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Names a mapping that has no file: /proc/PID/maps shows `[anon:name]`, or `[anon_shmem:name]` if
 * it is shared. The name is at most 79 bytes of printable ASCII without [ ] \ $ and `. NULL removes
 * it.
 *
 * Returns 0. Errors: -EINVAL for an invalid name; -EBADF if a file is mapped;
 * MMAP_WRAP_E_UNSUPPORTED before Linux 5.17, or if the kernel was built without it;
 * MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED.
 *
 *     mmap_wrap_set_name(h, "index cache");
 */
MMAP_WRAP_API int64_t mmap_wrap_set_name(mmap_wrap_handle h, const char *name) MMAP_WRAP_NOEXCEPT;

/*
 * == Resizing, moving, splitting ==
 *
 * These change the mapping itself. Calls of other threads on the same mapping wait until the change
 * is done; the change waits briefly for calls that are executing, and returns MMAP_WRAP_E_BUSY if
 * they do not return. It also returns MMAP_WRAP_E_BUSY while the address is acquired
 * (mmap_wrap_acquire). Addresses from mmap_wrap_address are invalid afterwards. In a child that is
 * forked during the change, the mapping counts as unmapped (MMAP_WRAP_E_UNMAPPED).
 */

/** For with_file: the file is resized to end where the mapping ends. */
#define MMAP_WRAP_WITH_FILE 1

/**
 * For with_file: as MMAP_WRAP_WITH_FILE, and the file system allocates blocks for the whole file.
 */
#define MMAP_WRAP_ALLOCATE 2

/**
 * Resizes the mapping to length bytes, or, with MMAP_WRAP_REST, up to the end of the file that it
 * keeps open. The handle and the contents, as far as they fit, stay.
 *
 * flags: 0 resizes in place (-ENOMEM if there is no room); MREMAP_MAYMOVE allows moving it;
 * MREMAP_MAYMOVE | MREMAP_FIXED moves it to new_addr and replaces what is mapped there. Otherwise
 * new_addr is NULL.
 *
 * with_file: 0 does not change the file. MMAP_WRAP_WITH_FILE resizes the file that the mapping
 * keeps open (MMAP_WRAP_KEEP, memory files), so that it ends where the mapping ends.
 * MMAP_WRAP_ALLOCATE also allocates its blocks, so that a full disk is -ENOSPC now and not a fault
 * later; MMAP_WRAP_E_UNSUPPORTED if the file system cannot do that.
 *
 * If with_file is 0, a shared mapping cannot grow beyond the end of its file (MMAP_WRAP_E_RANGE),
 * where stores would be lost. If the file is empty, MMAP_WRAP_REST gives a mapping of length 0.
 *
 * With MREMAP_DONTUNMAP the pages move to a new mapping, whose handle is returned, and h keeps its
 * addresses with empty pages; length must be that of the mapping, and with_file 0.
 *
 * Returns h, or the new handle. On failure nothing has changed. Errors: MMAP_WRAP_E_BUSY;
 * MMAP_WRAP_E_SEALED; MMAP_WRAP_E_ARGUMENT (length 0, MMAP_WRAP_REST for a device, invalid
 * combinations of flags, no file kept); MMAP_WRAP_E_RANGE; MMAP_WRAP_E_ALIGNMENT (new_addr);
 * MMAP_WRAP_E_UNSUPPORTED (shared memory without a file cannot grow); -EFAULT (parts have different
 * protection or advice); -ENOMEM; -EINVAL (longer than the address space); -EPERM (a sealed file);
 * MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED.
 *
 *     if (mremap_wrap(h, 1 << 20, MREMAP_MAYMOVE, NULL, MMAP_WRAP_WITH_FILE) < 0)
 *         puts(mmap_wrap_last_error_message());
 */
MMAP_WRAP_API mmap_wrap_handle mremap_wrap(mmap_wrap_handle h, int64_t length, int64_t flags,
    void *new_addr, int64_t with_file) MMAP_WRAP_NOEXCEPT;

/**
 * Splits the mapping at offset, which must be on a page boundary: h ends there, and a new handle,
 * which is returned, identifies the rest. Both keep the file open if h does. Then one part can be
 * unmapped or sealed separately.
 *
 * Errors: MMAP_WRAP_E_BUSY; MMAP_WRAP_E_RANGE; MMAP_WRAP_E_ALIGNMENT; MMAP_WRAP_E_ARGUMENT if one
 * part would be empty; MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED.
 *
 *     mmap_wrap_handle tail = mmap_wrap_split(h, 4096);
 *     munmap_wrap(tail);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_wrap_split(mmap_wrap_handle h, int64_t offset)
    MMAP_WRAP_NOEXCEPT;

/*
 * == Elements ==
 *
 * Reading and writing one number at any offset; it need not be aligned. Its kind is one of the
 * constants below, which define width and type, combined (by |) with a byte order; the default is
 * the byte order of the machine. Errors are those of "Reading, writing, searching", and
 * MMAP_WRAP_E_ARGUMENT for a value that is not a kind. A store that faults changes nothing, unless
 * the number crosses a page boundary and only the access to the second page faults.
 */

/**
 * Kind of an element: a signed integer of 8 bits. The low four bits of every kind are its width in
 * bytes.
 */
#define MMAP_WRAP_I8 0x11

/** An unsigned integer of 8 bits. */
#define MMAP_WRAP_U8 0x21

/** A signed integer of 16 bits. */
#define MMAP_WRAP_I16 0x12

/** An unsigned integer of 16 bits. */
#define MMAP_WRAP_U16 0x22

/** A signed integer of 32 bits. */
#define MMAP_WRAP_I32 0x14

/** An unsigned integer of 32 bits. */
#define MMAP_WRAP_U32 0x24

/** A signed integer of 64 bits. */
#define MMAP_WRAP_I64 0x18

/** An unsigned integer of 64 bits. */
#define MMAP_WRAP_U64 0x28

/** A float of 32 bits. */
#define MMAP_WRAP_F32 0x34

/** A float of 64 bits. */
#define MMAP_WRAP_F64 0x38

/** Combined with a kind (by |): little-endian, on any machine. */
#define MMAP_WRAP_LITTLE_ENDIAN 0x100

/** Combined with a kind (by |): big-endian, on any machine. */
#define MMAP_WRAP_BIG_ENDIAN 0x200

/**
 * Reads the number of this kind at offset into *value, which has the width of the kind and the byte
 * order of the machine, and need not be aligned. Returns 0.
 *
 *     uint16_t port;
 *     mmap_wrap_get(h, MMAP_WRAP_U16 | MMAP_WRAP_BIG_ENDIAN, 20, &port);
 */
MMAP_WRAP_API int64_t mmap_wrap_get(mmap_wrap_handle h, int64_t kind, int64_t offset, void *value)
    MMAP_WRAP_NOEXCEPT;

/**
 * Writes *value, which has the width of the kind and the byte order of the machine, as the number
 * of this kind at offset. Returns 0.
 *
 *     double pi = 3.14159;
 *     mmap_wrap_put(h, MMAP_WRAP_F64, 24, &pi);
 */
MMAP_WRAP_API int64_t mmap_wrap_put(mmap_wrap_handle h, int64_t kind, int64_t offset,
    const void *value) MMAP_WRAP_NOEXCEPT;

/*
 * == Atomics ==
 *
 * Atomic operations on words of 32 or 64 bits in memory that threads, or with MAP_SHARED processes,
 * share. They are sequentially consistent.
 *
 * bits is 32 or 64 (else MMAP_WRAP_E_ARGUMENT). The address of the word must be a multiple of its
 * width (MMAP_WRAP_E_ALIGNMENT). Values are signed and in the byte order of the machine; a value
 * for 32 bits must fit int32_t or uint32_t (MMAP_WRAP_E_ARGUMENT). All but atomic_load need
 * writable memory. All can return MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE;
 * MMAP_WRAP_E_FAULT if the access faulted, in which case nothing was changed; and -EFAULT if the
 * result cannot be stored to the caller's variable, in which case the operation was performed.
 *
 * If the handlers of SIGBUS and SIGSEGV are not this library's, or one of these signals is blocked,
 * and always on processors other than x86-64 and arm64, a child process that shares the memory
 * executes the operation, which takes about 0.1 ms (docs/safety.md). That can fail with -EAGAIN if
 * no process can be created (RLIMIT_NPROC), and with MMAP_WRAP_E_UNSUPPORTED under an emulator that
 * does not share memory; in both cases nothing was changed.
 */

/**
 * Reads the word at offset into *value. Returns 0.
 *
 *     int64_t ready;
 *     mmap_wrap_atomic_load(h, 32, 0, &ready);
 */
MMAP_WRAP_API int64_t mmap_wrap_atomic_load(mmap_wrap_handle h, int64_t bits, int64_t offset,
    int64_t *value) MMAP_WRAP_NOEXCEPT;

/**
 * Sets the word at offset to value. Returns 0.
 *
 *     mmap_wrap_atomic_store(h, 32, 0, 1);
 */
MMAP_WRAP_API int64_t mmap_wrap_atomic_store(mmap_wrap_handle h, int64_t bits, int64_t offset,
    int64_t value) MMAP_WRAP_NOEXCEPT;

/**
 * Adds value to the word at offset, with wrap-around, and stores its previous value to *before
 * unless that is NULL. Returns 0.
 *
 *     int64_t ticket;
 *     mmap_wrap_atomic_add(h, 64, 8, 1, &ticket);
 */
MMAP_WRAP_API int64_t mmap_wrap_atomic_add(mmap_wrap_handle h, int64_t bits, int64_t offset,
    int64_t value, int64_t *before) MMAP_WRAP_NOEXCEPT;

/**
 * Sets the word at offset to value, and stores its previous value to *before unless that is NULL.
 * Returns 0.
 *
 *     int64_t locked;
 *     mmap_wrap_atomic_exchange(h, 32, 0, 1, &locked);
 */
MMAP_WRAP_API int64_t mmap_wrap_atomic_exchange(mmap_wrap_handle h, int64_t bits, int64_t offset,
    int64_t value, int64_t *before) MMAP_WRAP_NOEXCEPT;

/**
 * Sets the word at offset to desired if it equals expected. Stores its previous value to *before in
 * either case, unless that is NULL. Returns 1 if the word was set, 0 if it was different.
 *
 *     if (mmap_wrap_atomic_compare_exchange(h, 32, 0, 0, 1, NULL) == 1)
 *         puts("it was 0, and is 1 now");
 */
MMAP_WRAP_API int64_t mmap_wrap_atomic_compare_exchange(mmap_wrap_handle h, int64_t bits,
    int64_t offset, int64_t expected, int64_t desired, int64_t *before) MMAP_WRAP_NOEXCEPT;

/**
 * Waits while the 32-bit word at offset equals expected, until mmap_wrap_wake: futex(2). timeout is
 * in nanoseconds of the monotonic clock; MMAP_WRAP_REST waits indefinitely, other negative numbers
 * are MMAP_WRAP_E_RANGE.
 *
 * Returns 0 if woken, 1 if the word was different already. Errors: -ETIMEDOUT; -EINTR if a signal
 * handler ran in this thread; MMAP_WRAP_E_FAULT, also for private memory that is not writable;
 * MMAP_WRAP_E_UNSUPPORTED if the system has no such call.
 *
 * Wake-ups can be spurious: check the word and wait again. Change the word before calling
 * mmap_wrap_wake: a waiting thread sleeps again if the word still has the expected value. If the
 * mapping is unmapped while a thread waits, the call returns MMAP_WRAP_E_UNMAPPED within 250
 * milliseconds; until then the memory stays mapped. Resizing, moving and splitting fail with
 * MMAP_WRAP_E_BUSY while a thread waits. Threads, and with MAP_SHARED processes, may also use
 * futex(2) on the same word.
 *
 *     while (mmap_wrap_atomic_load(h, 32, 0, &ready) == 0 && ready == 0)
 *         mmap_wrap_wait(h, 0, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_wait(mmap_wrap_handle h, int64_t offset, int64_t expected,
    int64_t timeout) MMAP_WRAP_NOEXCEPT;

/**
 * Wakes up to count threads, or all with MMAP_WRAP_REST, that wait on the 32-bit word at offset.
 * Returns the number of threads woken; on FreeBSD, which does not report it, 0. MMAP_WRAP_E_RANGE
 * also for other negative counts; MMAP_WRAP_E_UNSUPPORTED if the system has no such call.
 *
 *     mmap_wrap_atomic_store(h, 32, 0, 1);
 *     mmap_wrap_wake(h, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_wake(mmap_wrap_handle h, int64_t offset, int64_t count)
    MMAP_WRAP_NOEXCEPT;

/*
 * == Mutexes in shared memory ==
 *
 * A mutex occupies MMAP_WRAP_MUTEX_SIZE bytes of a mapping; the address of the first is a multiple
 * of 8. All bytes zero is an unlocked mutex. With MAP_SHARED, threads of different processes and
 * languages can use it. Only the thread that locked it can unlock it. It is not recursive. After
 * fork(2) the child holds no mutex.
 *
 * If the owner ends without unlocking it (the thread or its process), the next thread that locks it
 * takes it over: at once, or within 250 milliseconds if it is waiting already. A thread that calls
 * execve(2) counts as the same owner. Thread ids are valid in one PID namespace: a mutex that
 * processes of several PID namespaces have used is not taken over any more; without /proc, no mutex
 * is.
 *
 * All can also return the errors of atomic operations. MMAP_WRAP_E_UNSUPPORTED if the system has no
 * futex(2).
 */

/** Size of a mutex in bytes. Reserve 64 for each to keep them on separate cache lines. */
#define MMAP_WRAP_MUTEX_SIZE 16

/**
 * Locks the mutex at offset. timeout is in nanoseconds of the monotonic clock; MMAP_WRAP_REST waits
 * indefinitely, 0 tries once.
 *
 * Returns 0 if it is locked; 1 if it is locked and was taken over from an owner that ended, so that
 * the data it protects may be inconsistent. This is reported once, to the thread that took it over.
 *
 * Errors: -ETIMEDOUT (the message has the owner's thread id); -EDEADLK if the calling thread holds
 * it; -EINTR if a signal handler ran while this thread slept (a signal that arrives while it does
 * not sleep does not end the call: to react to every signal, lock with short timeouts);
 * MMAP_WRAP_E_RANGE for any other negative timeout.
 *
 *     int64_t locked = mmap_wrap_mutex_lock(h, 0, MMAP_WRAP_REST);
 *     if (locked == 1) puts("its owner died: repair what it left");
 *     if (locked >= 0) mmap_wrap_mutex_unlock(h, 0);
 */
MMAP_WRAP_API int64_t mmap_wrap_mutex_lock(mmap_wrap_handle h, int64_t offset, int64_t timeout)
    MMAP_WRAP_NOEXCEPT;

/**
 * Unlocks the mutex at offset, and wakes a thread that waits for it. Returns 0, or -EPERM if the
 * calling thread does not hold it.
 *
 *     mmap_wrap_mutex_unlock(h, 0);
 */
MMAP_WRAP_API int64_t mmap_wrap_mutex_unlock(mmap_wrap_handle h, int64_t offset) MMAP_WRAP_NOEXCEPT;

/**
 * Unlocks the mutex at offset as if the calling thread had ended: mmap_wrap_mutex_lock returns 1 to
 * the next thread. For a thread that took the mutex over and cannot repair the data. Returns 0, or
 * -EPERM if the calling thread does not hold it.
 *
 *     if (mmap_wrap_mutex_lock(h, 0, MMAP_WRAP_REST) == 1) mmap_wrap_mutex_abandon(h, 0);
 */
MMAP_WRAP_API int64_t mmap_wrap_mutex_abandon(mmap_wrap_handle h, int64_t offset)
    MMAP_WRAP_NOEXCEPT;

/*
 * == Faults ==
 *
 * An access can fault at any time: the file was truncated, its disk is full or broken, the
 * protection forbids the access, or the memory was unmapped without this library. The calls of this
 * library then return MMAP_WRAP_E_FAULT, and the process continues. The first access installs
 * handlers of SIGBUS and SIGSEGV for this. The handlers repair faults of this library's calls, and
 * SIGBUS in surviving mappings; they pass every other signal to the handlers that were installed
 * before, or to the default action. If other handlers have replaced them, or the calling thread
 * blocks one of the two signals, accesses are done by the kernel (process_vm_readv(2)), which is
 * slower.
 *
 * Each thread verifies that the handlers are in place at most once in 12 to 33 microseconds, not at
 * every access. If the handlers or the signal mask are changed within that time, an access can
 * still kill the process; mmap_wrap_verify_handlers verifies immediately.
 *
 * An access through an address (mmap_wrap_address, mmap_wrap_acquire) that faults kills the process
 * as usual, unless the mapping is surviving (mmap_wrap_survive). docs/safety.md states what is
 * guaranteed and what is not.
 */

/**
 * Returns how many bytes the calling thread's last failed call had processed when an access
 * faulted; call it after MMAP_WRAP_E_FAULT. 0 if the last error was not a fault.
 *
 *     if (mmap_wrap_read(h, 0, buffer, size) == MMAP_WRAP_E_FAULT) size = mmap_wrap_fault_done();
 */
MMAP_WRAP_API int64_t mmap_wrap_fault_done(void) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the address of the access that faulted; NULL if the calling thread's last error was not a
 * fault. Do not access it.
 *
 *     printf("faulted at %p\n", mmap_wrap_fault_address());
 */
MMAP_WRAP_API void *mmap_wrap_fault_address(void) MMAP_WRAP_NOEXCEPT;

/**
 * Makes the mapping surviving (yes = 1), or not (yes = 0, the default). If an access through the
 * address of a surviving mapping, by any code of the process, raises SIGBUS, the page is replaced
 * by a zeroed page of private memory and the access continues; the mapping is marked as having lost
 * data. The next call that uses the mapping, including munmap_wrap, returns MMAP_WRAP_E_FAULT once,
 * so that no loss is unreported; munmap_wrap unmaps it nevertheless. (mmap_wrap_length,
 * mmap_wrap_address, mmap_wrap_acquire and mmap_wrap_info do not report it.)
 *
 * Returns 0. Errors: MMAP_WRAP_E_UNSUPPORTED if other handlers have replaced this library's, one of
 * the signals is blocked in this thread, pages are sealed, or, on Windows, for a private mapping of
 * a file; -ENOMEM if there is no memory for the reserve, -EAGAIN if RLIMIT_MEMLOCK leaves none
 * (docs/safety.md); MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED.
 *
 *     mmap_wrap_survive(h, 1);
 */
MMAP_WRAP_API int64_t mmap_wrap_survive(mmap_wrap_handle h, int64_t yes) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the address of a word whose lowest bit is set while the mapping has lost data and no call
 * has reported it. Reading it takes one load. The address stays readable until the process ends.
 * After the mapping is unmapped, the word may belong to another mapping. NULL on error, as
 * mmap_wrap_address.
 *
 *     const volatile uint32_t *loss = mmap_wrap_loss_flag(h);
 *     if (*loss & 1) puts("the file was truncated");
 */
MMAP_WRAP_API const uint32_t *mmap_wrap_loss_flag(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * Verifies now that the handlers of SIGBUS and SIGSEGV are this library's and that neither signal
 * is blocked in the calling thread. Call it after installing a handler of one of these signals or
 * changing the signal mask. Returns 1 if faults of this thread's accesses are handled by the
 * handlers, 0 if its accesses are done by the kernel. Neither value is an error.
 *
 *     sigaction(SIGSEGV, &mine, NULL);
 *     mmap_wrap_verify_handlers();
 */
MMAP_WRAP_API int64_t mmap_wrap_verify_handlers(void) MMAP_WRAP_NOEXCEPT;

/**
 * States that no code of the process will replace the handlers of SIGBUS and SIGSEGV or block these
 * signals (yes = 1): accesses then verify nothing. With yes = 0, the default, each thread verifies
 * the handlers at intervals (see above). Returns 0.
 *
 *     mmap_wrap_trust_handlers(1);
 */
MMAP_WRAP_API int64_t mmap_wrap_trust_handlers(int64_t yes) MMAP_WRAP_NOEXCEPT;

/*
 * == Page cache ==
 *
 * Which pages of files the kernel keeps in memory: querying them, reading them in, evicting them.
 * Functions with a handle take a range of the mapping, and apply to every page that holds a byte of
 * it; functions with fd in their name take an open file and a range of it, which may lie beyond its
 * end. All can return MMAP_WRAP_E_RANGE, MMAP_WRAP_E_UNSUPPORTED if the system lacks the call, and,
 * with a handle, MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
 */

/**
 * Page cache statistics of a part of a file, in bytes: whole pages. Later versions may add members
 * at the end.
 */
struct mmap_wrap_cachestat {
    /** In memory. */
    int64_t cached;
    /** Of those, changed and not yet being written. */
    int64_t dirty;
    /** Of those, being written now. */
    int64_t writeback;
    /** No longer in memory, as far as the kernel remembers. */
    int64_t evicted;
    /** Of those, evicted so recently that they were part of the working set. */
    int64_t recently_evicted;
};

/**
 * Removes the pages of the range from memory, as far as the kernel can; they are read in again when
 * they are accessed. Nothing is lost: modified pages of shared mappings are first written to the
 * file, as by msync_wrap with MS_SYNC; private modifications and anonymous memory go to swap space
 * or stay. If the mapping keeps its file open, the range is also evicted from the page cache.
 *
 * Returns 0, even if no page was removed (see mmap_wrap_resident_bytes). Errors: -EINVAL for locked
 * pages, huge pages of the pool and memory of devices; -EIO if the data could not be stored, in
 * which case nothing was removed. Private mappings and anonymous memory need MADV_PAGEOUT (Linux
 * 5.4).
 *
 *     mmap_wrap_page_out(h, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_page_out(mmap_wrap_handle h, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Writes page cache statistics of the range to *cache, a struct of struct_size bytes: pass sizeof.
 * If the struct is smaller, as in an older header, only its members are written. The mapping must
 * keep its file open; otherwise use mmap_wrap_fd_cachestat. cachestat(2), Linux 6.5. For files on
 * overlayfs the kernel reports zeros.
 *
 * Returns 0. Errors: MMAP_WRAP_E_ARGUMENT if no file is kept, cache is NULL or struct_size is
 * invalid; -EPERM if the process neither owns the file nor may write it (Linux 6.14);
 * MMAP_WRAP_E_UNSUPPORTED, also for huge pages of the pool.
 *
 *     struct mmap_wrap_cachestat cache;
 *     if (cachestat_wrap(h, &cache, sizeof cache, 0, MMAP_WRAP_REST) == 0)
 *         printf("%lld to write\n", (long long)cache.dirty);
 */
MMAP_WRAP_API int64_t cachestat_wrap(mmap_wrap_handle h, struct mmap_wrap_cachestat *cache,
    int64_t struct_size, int64_t offset, int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * Does the same as cachestat_wrap for size bytes, or MMAP_WRAP_REST, from offset on of the open
 * file fd. Returns 0. Errors: those of cachestat_wrap; -EBADF.
 *
 *     struct mmap_wrap_cachestat cache;
 *     mmap_wrap_fd_cachestat(fd, &cache, sizeof cache, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_fd_cachestat(int64_t fd, struct mmap_wrap_cachestat *cache,
    int64_t struct_size, int64_t offset, int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * Stores the modified data of the open file fd, and evicts the pages of the range, size bytes or
 * MMAP_WRAP_REST from offset on, from the page cache. Pages that are mapped, locked or in use stay,
 * and so do pages that the kernel keeps in one folio with them.
 *
 * Returns 0. Errors: MMAP_WRAP_E_RANGE; MMAP_WRAP_E_ARGUMENT; -EBADF; -EIO if not all data could be
 * stored; -ESPIPE for a pipe.
 *
 *     mmap_wrap_fd_evict(fd, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_fd_evict(int64_t fd, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Starts reading the range of the open file fd into the page cache, and does not wait for the end.
 *
 * Returns 0. Errors: MMAP_WRAP_E_RANGE; MMAP_WRAP_E_ARGUMENT; -EBADF; -ESPIPE for a pipe.
 *
 *     mmap_wrap_fd_readahead(fd, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_fd_readahead(int64_t fd, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/*
 * == Huge pages and NUMA ==
 *
 * The NUMA node of memory, and the size of its pages. The kernel uses transparent huge pages in
 * memory that is aligned to their size, after madvise_wrap with MADV_HUGEPAGE or MADV_COLLAPSE;
 * MAP_HUGETLB takes huge pages of the pool (vm.nr_hugepages).
 */

/**
 * Returns the size in bytes of a transparent huge page; MMAP_WRAP_E_UNSUPPORTED if the kernel has
 * none.
 *
 *     int64_t huge = mmap_wrap_huge_page_size();
 */
MMAP_WRAP_API int64_t mmap_wrap_huge_page_size(void) MMAP_WRAP_NOEXCEPT;

/**
 * Maps as mmap_wrap does, at an address that is a multiple of alignment, a power of two. (That is
 * the address of the mapping's first page; if offset is not a multiple of the page size, the first
 * byte lies that much behind it.) An alignment of less than a page, or with MAP_HUGETLB of less
 * than a huge page, is increased to that size.
 *
 * Returns the handle. Errors: those of mmap_wrap; MMAP_WRAP_E_ARGUMENT if alignment is not a power
 * of two, and for MAP_FIXED; MMAP_WRAP_E_UNSUPPORTED on Windows if offset is not a multiple of
 * alignment or, above 64 KiB, of 64 KiB; MMAP_WRAP_E_RANGE if len and alignment together exceed the
 * address space; -ENOMEM if len and alignment together exceed the free addresses: both are reserved
 * temporarily.
 *
 *     int64_t prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
 *     mmap_wrap_handle h = mmap_aligned_wrap(2 << 20, 64 << 20, prot, flags, -1, 0);
 *     madvise_wrap(h, MADV_HUGEPAGE, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_aligned_wrap(int64_t alignment, int64_t len, int64_t prot,
    int64_t flags, int64_t fd, int64_t offset) MMAP_WRAP_NOEXCEPT;

/**
 * Returns how many bytes of the range, size bytes or MMAP_WRAP_REST from offset on, are in huge
 * pages now: transparent ones that are mapped as such, or those of the pool.
 *
 * Errors: MMAP_WRAP_E_UNSUPPORTED if the kernel has merged the range with adjacent memory, and
 * PAGEMAP_SCAN (Linux 6.7) or /proc is missing; MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED;
 * MMAP_WRAP_E_RANGE.
 *
 *     printf("%lld bytes in huge pages\n", (long long)mmap_wrap_huge_bytes(h, 0, MMAP_WRAP_REST));
 */
MMAP_WRAP_API int64_t mmap_wrap_huge_bytes(mmap_wrap_handle h, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Sets the NUMA memory policy of every page that holds a byte of the range: mbind(2). mode is one
 * MPOL_ value, combined with MPOL_F_ flags. nodes is a bit set of node_words words, the lowest
 * first, in which bit n is node n; NULL and 0 for policies without nodes. flags is 0 or MPOL_MF_
 * flags; with 0 the policy applies to pages that are allocated from now on.
 *
 * Returns 0. Errors: -EINVAL for a node that does not exist, or nodes that the policy does not
 * accept; -EIO if, with MPOL_MF_STRICT, pages are on other nodes; -EPERM for MPOL_MF_MOVE_ALL
 * without CAP_SYS_NICE; MMAP_WRAP_E_ARGUMENT for unknown bits, or if nodes is NULL and node_words
 * is not 0; MMAP_WRAP_E_UNSUPPORTED if the kernel has no NUMA; MMAP_WRAP_E_HANDLE;
 * MMAP_WRAP_E_UNMAPPED; MMAP_WRAP_E_RANGE.
 *
 *     uint64_t node_0 = 1;
 *     mbind_wrap(h, MPOL_BIND, &node_0, 1, 0, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mbind_wrap(mmap_wrap_handle h, int64_t mode, const uint64_t *nodes,
    int64_t node_words, int64_t flags, int64_t offset, int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the number of the NUMA node that holds the page of the byte at offset; 0 on a machine
 * with one node. The memory is not accessed.
 *
 * Errors: -ENOENT if the page is not in memory (access it, or call mmap_wrap_prefault); -EFAULT for
 * memory that was read but never written, which is the kernel's shared zero page;
 * MMAP_WRAP_E_UNSUPPORTED if the kernel has no NUMA; MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED;
 * MMAP_WRAP_E_RANGE.
 *
 *     int64_t node = mmap_wrap_numa_node(h, 0);
 */
MMAP_WRAP_API int64_t mmap_wrap_numa_node(mmap_wrap_handle h, int64_t offset) MMAP_WRAP_NOEXCEPT;

/*
 * == Info ==
 *
 * Properties of a mapping, and the list of live mappings: for messages, tools and finding leaks.
 */

/** Value of source in struct mmap_wrap_info: memory without a file. */
#define MMAP_WRAP_SOURCE_ANONYMOUS 1

/** Value of source: a file, by a descriptor of the caller. */
#define MMAP_WRAP_SOURCE_DESCRIPTOR 2

/** Value of source: a file, by its path (mmap_path_wrap, mmap_open_wrap). */
#define MMAP_WRAP_SOURCE_PATH 3

/** Value of source: shared memory, by its name (mmap_shm_wrap). */
#define MMAP_WRAP_SOURCE_SHARED_MEMORY 4

/**
 * Value of source: a file without a name, which the library created (mmap_memfd_wrap,
 * mmap_secret_wrap, mmap_unnamed_wrap).
 */
#define MMAP_WRAP_SOURCE_MEMORY_FILE 5

/**
 * Properties of a mapping, for mmap_wrap_info. Later versions may add members at the end; nothing
 * else changes.
 */
struct mmap_wrap_info {
    /** The length in bytes that was requested. */
    int64_t length;
    /** Bytes that the kernel mapped, in whole pages. */
    int64_t mapped;
    /** Address of the first byte. */
    int64_t address;
    /** Bytes in a page of this mapping. */
    int64_t page_size;
    /** PROT_ bits, as mapped or as last set for the whole mapping; parts may differ. */
    int64_t protection;
    /** MAP_ bits, as mapped. */
    int64_t flags;
    /** File offset of the first byte. */
    int64_t offset;
    /** 1 if the mapping keeps its file open (mmap_wrap_dup_fd), else 0. */
    int64_t keeps_file;
    /** 1 if a part of it is sealed by mseal_wrap, else 0. */
    int64_t sealed;
    /** How many times its address is acquired (mmap_wrap_acquire). */
    int64_t acquired;
    /** 1 if it is surviving (mmap_wrap_survive), else 0. */
    int64_t surviving;
    /** 1 if a loss is pending: data was lost, and no call has reported it; else 0. */
    int64_t lost;
    /** What is mapped: one of MMAP_WRAP_SOURCE_, none of which is 0. */
    int64_t source;
    /**
     * The number, in this process, of the descriptor of the file that the mapping keeps open, or
     * -1. Another process can open the file through /proc/PID/fd with it. Do not close it: it
     * belongs to the mapping; mmap_wrap_dup_fd returns one that the caller owns.
     */
    int64_t descriptor;
};

/**
 * Writes information about a mapping to *info, a struct of size bytes: pass sizeof. If the struct
 * is smaller, as in an older header, only its members are written. A pending loss stays pending.
 * Returns 0. Errors: MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED; MMAP_WRAP_E_ARGUMENT if info is NULL
 * or size is invalid.
 *
 *     struct mmap_wrap_info info;
 *     if (mmap_wrap_info(h, &info, sizeof info) == 0)
 *         printf("%lld pages\n", (long long)(info.mapped / info.page_size));
 */
MMAP_WRAP_API int64_t mmap_wrap_info(mmap_wrap_handle h, struct mmap_wrap_info *info, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Returns the current size in bytes of the file that the mapping keeps open, or of the device if it
 * is a block device. It opens no descriptor. Errors: MMAP_WRAP_E_ARGUMENT if no file is kept;
 * MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED; MMAP_WRAP_E_FAULT for a pending loss.
 *
 *     if (mmap_wrap_file_size(h) > mmap_wrap_length(h)) puts("the file has grown");
 */
MMAP_WRAP_API int64_t mmap_wrap_file_size(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * Writes the handles of the live mappings, in no particular order, to handles, an array of capacity
 * elements. Returns the number of live mappings, which can exceed capacity. Other threads may map
 * and unmap meanwhile. Errors: MMAP_WRAP_E_ARGUMENT if handles is NULL and capacity is not 0;
 * MMAP_WRAP_E_RANGE if capacity is negative.
 *
 *     printf("%lld mappings live\n", (long long)mmap_wrap_list(NULL, 0));
 */
MMAP_WRAP_API int64_t mmap_wrap_list(mmap_wrap_handle *handles, int64_t capacity)
    MMAP_WRAP_NOEXCEPT;

/*
 * == Constants ==
 *
 * The values of the platform by name, for languages without its headers. The library's own
 * constants (MMAP_WRAP_REST, error codes, element kinds and others) are included.
 * mmap_wrap_constants.h declares a function for each name; "For bindings" has the whole table.
 */

/**
 * Stores the value of the constant with this name to *value. Returns 0. Errors:
 * MMAP_WRAP_E_UNSUPPORTED if this platform lacks it; MMAP_WRAP_E_ARGUMENT if the library has no
 * constant of that name, or a pointer is NULL.
 *
 *     int64_t value;
 *     if (mmap_wrap_constant("MADV_COLD", &value) == 0) madvise_wrap(h, value, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_constant(const char *name, int64_t *value) MMAP_WRAP_NOEXCEPT;

/*
 * == For bindings ==
 *
 * For modules that wrap this library for another language: the code and the reason of the last
 * error, so that the message can begin with the name of that language's own function; functions
 * that return numbers directly, for languages in which output parameters are expensive; the table
 * of all constants.
 */

/** The value that mmap_wrap_get_int returns on error. */
#define MMAP_WRAP_NO_INT INT64_MIN

/**
 * Returns the code of the calling thread's last error; 0 if mmap_wrap_last_error_message is empty.
 * For functions that return a pointer or a number.
 *
 *     if (mmap_wrap_acquire(h) == NULL && mmap_wrap_last_error_code() == MMAP_WRAP_E_UNMAPPED)
 *         puts("it is unmapped");
 */
MMAP_WRAP_API int64_t mmap_wrap_last_error_code(void) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the message of the calling thread's last error without the name of the function and ": ".
 * Never NULL; valid until the calling thread next calls this function, mmap_wrap_last_error_message
 * or mmap_wrap_strerror.
 *
 *     fprintf(stderr, "my_read: %s\n", mmap_wrap_last_error_reason());
 */
MMAP_WRAP_API const char *mmap_wrap_last_error_reason(void) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the integer of this kind at offset. A MMAP_WRAP_U64 above INT64_MAX is returned as the
 * negative number with the same bits. On error it returns MMAP_WRAP_NO_INT, and
 * mmap_wrap_last_error_code is the code. If that number is the integer itself, the call clears the
 * last error, so that mmap_wrap_last_error_code is 0.
 *
 *     int64_t count = mmap_wrap_get_int(h, MMAP_WRAP_I32, 16);
 *     if (count == MMAP_WRAP_NO_INT && mmap_wrap_last_error_code() < 0)
 *         puts(mmap_wrap_last_error_message());
 */
MMAP_WRAP_API int64_t mmap_wrap_get_int(mmap_wrap_handle h, int64_t kind, int64_t offset)
    MMAP_WRAP_NOEXCEPT;

/**
 * Writes the integer of this kind at offset. Returns 0, or MMAP_WRAP_E_ARGUMENT if value does not
 * fit the kind; the message has the limits. For MMAP_WRAP_U64 all 64 bits are stored unchanged.
 *
 *     mmap_wrap_put_int(h, MMAP_WRAP_U8, 3, 255);
 */
MMAP_WRAP_API int64_t mmap_wrap_put_int(mmap_wrap_handle h, int64_t kind, int64_t offset,
    int64_t value) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the floating-point number of this kind at offset. On error it returns a NaN, and
 * mmap_wrap_last_error_code is the code. If the number is itself a NaN, the call clears the last
 * error, so that mmap_wrap_last_error_code is 0.
 *
 *     double weight = mmap_wrap_get_float(h, MMAP_WRAP_F32, 40);
 *     if (weight != weight && mmap_wrap_last_error_code() < 0)
 *         puts(mmap_wrap_last_error_message());
 */
MMAP_WRAP_API double mmap_wrap_get_float(mmap_wrap_handle h, int64_t kind, int64_t offset)
    MMAP_WRAP_NOEXCEPT;

/**
 * Writes the floating-point number of this kind at offset, rounded to the kind. Returns 0, or
 * MMAP_WRAP_E_ARGUMENT for a finite value beyond the range of the kind.
 *
 *     mmap_wrap_put_float(h, MMAP_WRAP_F32, 40, 0.5);
 */
MMAP_WRAP_API int64_t mmap_wrap_put_float(mmap_wrap_handle h, int64_t kind, int64_t offset,
    double value) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the number of constants in the table. It is the same on all platforms for one version of
 * the library.
 *
 *     for (int64_t i = 0; i < mmap_wrap_constant_count(); i++) puts(mmap_wrap_constant_name(i));
 */
MMAP_WRAP_API int64_t mmap_wrap_constant_count(void) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the name of constant i, 0 to mmap_wrap_constant_count() - 1. The string is static. NULL
 * if i is out of range.
 *
 *     puts(mmap_wrap_constant_name(0));
 */
MMAP_WRAP_API const char *mmap_wrap_constant_name(int64_t i) MMAP_WRAP_NOEXCEPT;

/**
 * Returns the value of constant i; 0 if this platform lacks it; MMAP_WRAP_E_ARGUMENT if i is out of
 * range. The values of MAP_FAILED, MMAP_WRAP_REST and MMAP_WRAP_E_ codes are negative.
 *
 *     int64_t value = mmap_wrap_constant_value(0);
 */
MMAP_WRAP_API int64_t mmap_wrap_constant_value(int64_t i) MMAP_WRAP_NOEXCEPT;

/**
 * Returns 1 if this platform has constant i, 0 if not, MMAP_WRAP_E_ARGUMENT if i is out of range.
 *
 *     if (!mmap_wrap_constant_available(0)) puts("not on this platform");
 */
MMAP_WRAP_API int64_t mmap_wrap_constant_available(int64_t i) MMAP_WRAP_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* MMAP_WRAP_H */
