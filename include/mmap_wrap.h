/*
 * mmap_wrap.h - memory mapping with checked handles, ranges and errors
 *
 * Made by cbindgen from src/ffi/ of mmap-wrap; do not edit. Licence: MIT OR Apache-2.0.
 *
 * Link with -lmmap_wrap. C99 or later, C++ as well. Every function may be called from any thread at
 * any time. None may be called from a signal handler. Indented lines are examples to copy.
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
 * Check the ABI number first: a library of another number must not be called further.
 */

/**
 * The number of the binary interface that this library has: that of MMAP_WRAP_ABI_VERSION in the
 * header it was built with. It changes when a call changes its meaning or its parameters, and is
 * the number in the soname.
 *
 *     if (mmap_wrap_abi_version() != MMAP_WRAP_ABI_VERSION) abort();
 */
MMAP_WRAP_API int64_t mmap_wrap_abi_version(void) MMAP_WRAP_NOEXCEPT;

/**
 * The library's version, such as "0.1.0". The text lives for ever.
 *
 *     printf("mmap-wrap %s\n", mmap_wrap_version());
 */
MMAP_WRAP_API const char *mmap_wrap_version(void) MMAP_WRAP_NOEXCEPT;

/**
 * Bytes in a page of memory, asked from the running system: 4096, 16384 and 65536 exist. Mappings
 * of huge pages have pages of their own size.
 *
 *     int64_t two_pages = 2 * mmap_wrap_page_size();
 */
MMAP_WRAP_API int64_t mmap_wrap_page_size(void) MMAP_WRAP_NOEXCEPT;

/*
 * == Results and errors ==
 *
 * Every function that returns int64_t answers zero or more on success and a negative code on error:
 * -1 to -4095 is the system's -errno, below lie the codes here. Where an address is the answer,
 * NULL is the error. Out-parameters are written only on success. No errno is set, none is needed.
 */

/** Not a valid mapping handle. */
#define MMAP_WRAP_E_HANDLE (-4096)

/** The mapping of this handle is unmapped already. */
#define MMAP_WRAP_E_UNMAPPED (-4097)

/** Offset and size do not lie within the mapping, or wrap around. Nothing was touched. */
#define MMAP_WRAP_E_RANGE (-4098)

/** An address, offset or end is not a multiple of a page, or of a word, where it must be. */
#define MMAP_WRAP_E_ALIGNMENT (-4099)

/** The access faulted: protection, or a file cut short. */
#define MMAP_WRAP_E_FAULT (-4100)

/**
 * The mapping is in use. It is exported (mmap_wrap_acquire): it can be neither unmapped nor
 * resized, moved or split now. Or calls of other threads are inside and did not leave: it can be
 * unmapped, but not resized, moved or split.
 */
#define MMAP_WRAP_E_BUSY (-4101)

/** An argument has a value that it cannot have. */
#define MMAP_WRAP_E_ARGUMENT (-4102)

/** This platform or kernel lacks what was asked for. */
#define MMAP_WRAP_E_UNSUPPORTED (-4103)

/** The bytes searched for are not there. */
#define MMAP_WRAP_E_NOT_FOUND (-4104)

/**
 * A part of the mapping is sealed (mseal_wrap): it can be neither unmapped, moved, resized nor
 * protected otherwise.
 */
#define MMAP_WRAP_E_SEALED (-4106)

/** A defect of this library. Please report it with the message. */
#define MMAP_WRAP_E_INTERNAL (-4105)

/**
 * Names any code that a function of this library returned. Never NULL. The text of the library's
 * own codes lives for ever; that of a system error until this thread's next call of this function
 * or of mmap_wrap_last_error_message.
 *
 *     puts(mmap_wrap_strerror(-EACCES));      // Permission denied (EACCES)
 */
MMAP_WRAP_API const char *mmap_wrap_strerror(int64_t code) MMAP_WRAP_NOEXCEPT;

/**
 * This thread's last failure in full: the operation, the numbers, the limit. Empty before the
 * first; a success does not clear it, but for mmap_wrap_get_int and mmap_wrap_get_float of a number
 * that looks like a failure. Never NULL. Valid until this thread's next call of this function or of
 * mmap_wrap_strerror.
 *
 *     if (mprotect_wrap(h, PROT_READ, 4096, 8192) < 0)
 *         puts(mmap_wrap_last_error_message());
 *     // mprotect_wrap: size 8192 from offset 4096 extends beyond 8192 byte mapping
 */
MMAP_WRAP_API const char *mmap_wrap_last_error_message(void) MMAP_WRAP_NOEXCEPT;

/*
 * == Mapping and unmapping ==
 *
 * A handle names a mapping. It is positive; 0 is never one. It is checked at every call: after
 * unmapping it answers MMAP_WRAP_E_UNMAPPED for ever, and a number that was never given out answers
 * MMAP_WRAP_E_HANDLE. Any thread may use any handle at any time, also while another unmaps it; a
 * forked child has its parent's handles.
 *
 * Offsets and sizes are in bytes.
 */

/**
 * A size or end that means "to the end of the mapping", a length that means "to the end of the
 * file".
 */
#define MMAP_WRAP_REST INT64_MIN

/** Names a mapping; see above. Positive. */
typedef int64_t mmap_wrap_handle;

/**
 * Maps len bytes of the file open as fd, from offset on, or memory without a file.
 *
 * addr is where the mapping should begin, a hint unless flags has MAP_FIXED; NULL leaves it to the
 * system. prot and flags are the platform's PROT_ and MAP_ values; unknown bits are refused, and so
 * is a mapping that is neither shared nor private. For memory without a file flags has
 * MAP_ANONYMOUS, fd is -1 and offset 0.
 *
 * With len MMAP_WRAP_REST the mapping goes to the end of the file, and is of length 0 where there
 * is nothing: valid, and good for everything that touches no byte. A length may go beyond the end
 * of the file, as POSIX has it. Until the file has grown, every access to a page that lies wholly
 * beyond its end faults, and the rest of its last page is memory without a file: it reads zero, or
 * what another process stored there, and what is stored there is never written to the file, without
 * an error. offset need not be a multiple of the page size, except with MAP_FIXED. The descriptor
 * may be closed afterwards. MAP_FIXED replaces whatever was mapped there, as in POSIX, mappings of
 * this library included: mind what is yours.
 *
 * A file whose size of 0 says nothing (procfs, sysfs) is -ENODEV or -EIO, a FIFO, a pipe or a
 * socket is -ENODEV: they are read, and nothing is taken from them here. A device has no size: give
 * len.
 *
 * Returns the handle, or: -errno of the system (EACCES, EBADF, ENODEV, ENOMEM, EPERM …),
 * MMAP_WRAP_E_ARGUMENT (unknown bits, length 0, no length known), MMAP_WRAP_E_RANGE (negative or
 * too large numbers, an offset beyond the file's end), MMAP_WRAP_E_ALIGNMENT (with MAP_FIXED).
 *
 *     int64_t flags = MAP_SHARED | MAP_ANONYMOUS;
 *     mmap_wrap_handle h = mmap_wrap(NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_wrap(void *addr, int64_t len, int64_t prot, int64_t flags,
    int64_t fd, int64_t offset) MMAP_WRAP_NOEXCEPT;

/**
 * Opens the file at path, maps it as mmap_wrap does, and closes it: no descriptor stays, whatever
 * happens.
 *
 * path ends in NUL and may hold any other bytes. The file is opened for reading, and for writing
 * too only where a shared mapping is to be written. MAP_ANONYMOUS and MAP_FIXED do not go with a
 * path.
 *
 * Returns the handle, or what mmap_wrap does, or -errno of opening (ENOENT, EACCES, EISDIR, EMFILE
 * …), or MMAP_WRAP_E_ARGUMENT for a NULL path.
 *
 *     mmap_wrap_handle h = mmap_path_wrap("words.txt", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_path_wrap(const char *path, int64_t len, int64_t prot,
    int64_t flags, int64_t offset) MMAP_WRAP_NOEXCEPT;

/**
 * Unmaps. Never waits: while other threads are inside a call on the mapping, it is gone for every
 * new call, and the last of them to leave unmaps the memory.
 *
 * Returns 1 when this call unmapped it, 0 when it was unmapped already, or: MMAP_WRAP_E_BUSY while
 * an export is held, MMAP_WRAP_E_HANDLE, -ENOMEM where splitting a merged range exceeds
 * vm.max_map_count (the mapping then stays).
 *
 *     munmap_wrap(h);
 */
MMAP_WRAP_API int64_t munmap_wrap(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/*
 * == Files that are opened or made, and files in memory ==
 *
 * A mapping of a named file keeps no descriptor, unless MMAP_WRAP_KEEP is or'ed to its flags; one
 * of a memory file keeps it, for there is no other way to it. What a kept file is good for:
 * mmap_wrap_dup_fd hands it out, mremap_wrap resizes it, seals are added to it. It is closed with
 * the mapping.
 *
 * All answer the handle, or what mmap_wrap does, or -errno of opening, or what is named beside
 * them. On any failure nothing is left behind. A size above RLIMIT_FSIZE is -EFBIG and no SIGXFSZ.
 */

/** A flag for every call that maps a file: the mapping keeps it open. */
#define MMAP_WRAP_KEEP 0x100000000

/**
 * A flag for every call that maps a file, beside MAP_SHARED and without PROT_WRITE: where the file
 * takes no shared mapping (FUSE with direct I/O, some files of sysfs), the mapping is private,
 * which reads the same bytes; it cannot be made writable then (-EACCES). The flags in struct
 * mmap_wrap_info say which it is.
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
    /** Bytes that the file is made long, or MMAP_WRAP_REST: the size is not changed. */
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
 * without O_TMPFILE it can.
 *
 * MMAP_WRAP_E_ARGUMENT: options is NULL, options_size is not a multiple of 8, or a member that this
 * version of the library does not know is not 0. Members beyond a smaller options_size have the
 * values of MMAP_WRAP_OPEN_OPTIONS_INIT.
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
 * Other processes use it at the same time, so size only enlarges it: larger shared memory keeps its
 * size, and MMAP_WRAP_REST maps all of it. O_TRUNC and mremap_wrap make it smaller. On failure,
 * existing shared memory that was enlarged stays so.
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
 * Removes the name of POSIX shared memory. Who has it mapped or open keeps it. Returns 0, or -errno
 * (ENOENT, EACCES).
 *
 *     shm_unlink_wrap("/counters");
 */
MMAP_WRAP_API int64_t shm_unlink_wrap(const char *name) MMAP_WRAP_NOEXCEPT;

/**
 * Makes a memory file of len bytes and maps it: memfd_create(2). name is for /proc only.
 * memfd_flags are MFD_ values; seals need MFD_ALLOW_SEALING. With MFD_HUGETLB the file is of whole
 * huge pages.
 *
 * MMAP_WRAP_E_UNSUPPORTED: this system has no memory files.
 *
 *     int64_t prot = PROT_READ | PROT_WRITE;
 *     mmap_wrap_handle h = mmap_memfd_wrap("counters", MFD_ALLOW_SEALING, 4096, prot, MAP_SHARED);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_memfd_wrap(const char *name, int64_t memfd_flags, int64_t len,
    int64_t prot, int64_t flags) MMAP_WRAP_NOEXCEPT;

/**
 * Makes len bytes of secret memory and maps it: memfd_secret(2). It is locked into memory, left out
 * of the kernel's own view, and unreadable for debuggers and /proc/PID/mem. A forked child shares
 * it; madvise_wrap with MADV_DONTFORK keeps it to this process. It counts against RLIMIT_MEMLOCK
 * (-EAGAIN, -EPERM).
 *
 * MMAP_WRAP_E_UNSUPPORTED: Linux before 5.14, or before 6.5 without the boot parameter
 * secretmem.enable=1.
 *
 *     mmap_wrap_handle key = mmap_secret_wrap(32, PROT_READ | PROT_WRITE);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_secret_wrap(int64_t len, int64_t prot) MMAP_WRAP_NOEXCEPT;

/**
 * Makes a file of len bytes that has no name, by the best means there are, and maps it: a memory
 * file, else shared memory, else an unlinked file in the folder for temporary files. For memory
 * whose descriptor is passed on.
 *
 *     mmap_wrap_handle h = mmap_unnamed_wrap(4096, PROT_READ | PROT_WRITE, MAP_SHARED);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_unnamed_wrap(int64_t len, int64_t prot, int64_t flags)
    MMAP_WRAP_NOEXCEPT;

/**
 * A new descriptor of the file that the mapping keeps open, for the caller to pass to another
 * process and to close. It is closed on exec. Or -EMFILE, MMAP_WRAP_E_ARGUMENT where no file is
 * kept, MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
 *
 *     int64_t fd = mmap_wrap_dup_fd(h);
 */
MMAP_WRAP_API int64_t mmap_wrap_dup_fd(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * The F_SEAL_ values of the memory file that the mapping keeps open. Or -EINVAL where the file
 * cannot be sealed, MMAP_WRAP_E_ARGUMENT where no file is kept, MMAP_WRAP_E_UNSUPPORTED,
 * MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
 *
 *     if (mmap_wrap_file_seals(h) & F_SEAL_SHRINK) puts("no access to it can fault");
 */
MMAP_WRAP_API int64_t mmap_wrap_file_seals(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * Adds F_SEAL_ values to the memory file's. They cannot be taken off. Returns 0, or -EPERM (sealed
 * against sealing, or made without MFD_ALLOW_SEALING), -EBUSY (F_SEAL_WRITE while a shared mapping
 * can write), and what mmap_wrap_file_seals does.
 *
 *     mmap_wrap_add_file_seals(h, F_SEAL_SHRINK | F_SEAL_GROW);
 */
MMAP_WRAP_API int64_t mmap_wrap_add_file_seals(mmap_wrap_handle h, int64_t seals)
    MMAP_WRAP_NOEXCEPT;

/*
 * == Addresses and exports ==
 *
 * An address is for zero-copy access, at the caller's own responsibility: no check stands between
 * it and the memory. While an export is held the mapping is neither unmapped nor moved, so an
 * acquired address stays good until released.
 */

/**
 * The address of the mapping's first byte, good until it is unmapped. A mapping of length 0 has an
 * address, too, that must not be accessed. NULL: not a handle, or unmapped;
 * mmap_wrap_last_error_message tells.
 *
 *     const char *text = mmap_wrap_address(h);
 */
MMAP_WRAP_API void *mmap_wrap_address(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * The mapping's length in bytes: what was asked for, not rounded to pages. Or MMAP_WRAP_E_HANDLE,
 * MMAP_WRAP_E_UNMAPPED.
 *
 *     int64_t length = mmap_wrap_length(h);
 */
MMAP_WRAP_API int64_t mmap_wrap_length(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * Counts an export and gives the address of the first byte: until as many calls of
 * mmap_wrap_release, unmapping answers MMAP_WRAP_E_BUSY. A forked child inherits the count. NULL on
 * error, as mmap_wrap_address; and like that call, it leaves a loss that was not reported yet to
 * the next access.
 *
 *     unsigned char *bytes = mmap_wrap_acquire(h);
 */
MMAP_WRAP_API void *mmap_wrap_acquire(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * Gives an export back. Returns how many are still held, or MMAP_WRAP_E_ARGUMENT where none was,
 * MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
 *
 *     mmap_wrap_release(h);
 */
MMAP_WRAP_API int64_t mmap_wrap_release(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/*
 * == Reading, writing, searching ==
 *
 * Checked access: all of the range or an error, and nothing is accessed if it is not inside the
 * mapping. An access that faults (see Faults) is MMAP_WRAP_E_FAULT, and the message says after how
 * many bytes and why; those were done. -EFAULT: the caller's own buffer or needle cannot be
 * accessed. Buffers are the caller's, hold at least size bytes, do not overlap the mapping, and may
 * be NULL where size is 0. Also common to all: MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED,
 * MMAP_WRAP_E_RANGE, and MMAP_WRAP_E_ARGUMENT for a NULL buffer with a size. MMAP_WRAP_REST stands
 * for a size of fill, move, copy and compare, and for an end of find and count; a buffer's size is
 * always given.
 *
 * Threads and processes that change the same bytes at the same time see each other's changes in no
 * set order.
 */

/**
 * Validates the range of size bytes (or MMAP_WRAP_REST) from offset on without accessing memory.
 * Returns how many bytes it has. A pending loss is reported, as by all calls that use the mapping.
 *
 *     if (mmap_wrap_check(h, 16, 4) == 4) puts("bytes 16 to 19 are there");
 */
MMAP_WRAP_API int64_t mmap_wrap_check(mmap_wrap_handle h, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Copies size bytes from offset on to the buffer. Returns size.
 *
 *     uint32_t word;
 *     mmap_wrap_read(h, 16, &word, sizeof word);
 */
MMAP_WRAP_API int64_t mmap_wrap_read(mmap_wrap_handle h, int64_t offset, void *to, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Copies size bytes from the buffer over those from offset on. Returns size.
 *
 *     mmap_wrap_write(h, 0, "magic", 5);
 */
MMAP_WRAP_API int64_t mmap_wrap_write(mmap_wrap_handle h, int64_t offset, const void *from,
    int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * Sets size bytes (or MMAP_WRAP_REST) from offset on to byte, 0 to 255. Returns how many.
 *
 *     mmap_wrap_fill(h, 0, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_fill(mmap_wrap_handle h, int64_t offset, int64_t byte, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Copies size bytes (or MMAP_WRAP_REST) from offset from to offset to; the two may overlap. Returns
 * how many. In an overlap upwards the last bytes go first: after MMAP_WRAP_E_FAULT the bytes done
 * are then the last ones.
 *
 *     mmap_wrap_move(h, 0, 4096, 100);
 */
MMAP_WRAP_API int64_t mmap_wrap_move(mmap_wrap_handle h, int64_t to, int64_t from, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Copies size bytes (or MMAP_WRAP_REST: to the end of the second mapping) from offset from of the
 * mapping h_from to offset to of h_to. Returns how many. With the same handle twice it is
 * mmap_wrap_move. Where both have the same bytes of a file, and the two ranges overlap there, what
 * comes out is in no set order.
 *
 * The message says of which mapping a failure speaks; after MMAP_WRAP_E_FAULT
 * mmap_wrap_fault_address does, too.
 *
 *     mmap_wrap_copy(backup, 0, h, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_copy(mmap_wrap_handle h_to, int64_t to, mmap_wrap_handle h_from,
    int64_t from, int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * Compares size bytes (or MMAP_WRAP_REST: to the end of the mapping h1) from offset1 of h1 on with
 * as many from offset2 of h2 on. Returns how many from the start on are equal: size where all are.
 * A difference before the first byte that faults is a result, not an error. The message says in
 * which mapping an access faulted.
 *
 *     if (mmap_wrap_compare(h1, 0, h2, 0, MMAP_WRAP_REST) == mmap_wrap_length(h1))
 *         puts("h2 begins with all of h1");
 */
MMAP_WRAP_API int64_t mmap_wrap_compare(mmap_wrap_handle h1, int64_t offset1, mmap_wrap_handle h2,
    int64_t offset2, int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * The offset of the first needle that lies whole within start up to, not including, end (or
 * MMAP_WRAP_REST), counted from the mapping's start; MMAP_WRAP_E_NOT_FOUND where there is none. An
 * empty needle is found at start. MMAP_WRAP_E_RANGE: also where end lies before start.
 *
 *     int64_t at = mmap_wrap_find(h, "\n", 1, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_find(mmap_wrap_handle h, const void *needle, int64_t needle_len,
    int64_t start, int64_t end) MMAP_WRAP_NOEXCEPT;

/**
 * The same for the last needle. An empty one is found at end.
 *
 *     int64_t at = mmap_wrap_rfind(h, "\n", 1, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_rfind(mmap_wrap_handle h, const void *needle, int64_t needle_len,
    int64_t start, int64_t end) MMAP_WRAP_NOEXCEPT;

/**
 * How many needles, none overlapping another, lie whole within start up to, not including, end (or
 * MMAP_WRAP_REST), counted from the left. An empty needle counts end - start + 1.
 *
 *     int64_t lines = mmap_wrap_count(h, "\n", 1, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_count(mmap_wrap_handle h, const void *needle, int64_t needle_len,
    int64_t start, int64_t end) MMAP_WRAP_NOEXCEPT;

/*
 * == Protection, advice, sync ==
 *
 * All take a range of the mapping: size bytes from offset, or MMAP_WRAP_REST to its end. Beyond the
 * mapping, or wrapping around, is MMAP_WRAP_E_RANGE, and nothing is touched. Size 0 is fine up to
 * the very end and does nothing. Each returns 0, or MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED,
 * MMAP_WRAP_E_RANGE, and what is named beside it.
 */

/**
 * Changes what may be done with the range: PROT_READ, PROT_WRITE, PROT_EXEC or'ed together, or
 * PROT_NONE.
 *
 * offset must be on a page border or 0 (MMAP_WRAP_E_ALIGNMENT); the size is rounded up to whole
 * pages, as POSIX has it. -EACCES: the file was not opened for that. MMAP_WRAP_E_ARGUMENT: unknown
 * bits.
 *
 *     mprotect_wrap(h, PROT_READ, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mprotect_wrap(mmap_wrap_handle h, int64_t prot, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Tells the kernel how the range will be used: one MADV_ value.
 *
 * Advice that loses nothing covers every page that holds a byte of the range. Advice that discards
 * data, in this process or in a child (MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_DONTFORK,
 * MADV_WIPEONFORK, MADV_GUARD_INSTALL …) needs offset and end on page borders or at the mapping's
 * own ends (MMAP_WRAP_E_ALIGNMENT): the kernel would round up and destroy the neighbours. A forked
 * child that does not inherit all of a mapping (MADV_DONTFORK) has its handle as that of an
 * unmapped one. MMAP_WRAP_E_ARGUMENT: no advice known on this platform. -EINVAL: this kernel lacks
 * it, or it does not apply to this kind of mapping.
 *
 *     madvise_wrap(h, MADV_RANDOM, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t madvise_wrap(mmap_wrap_handle h, int64_t advice, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Writes the pages that hold the range back to the file. MS_SYNC returns when they are stored,
 * MS_ASYNC at once; MS_INVALIDATE may be or'ed to either.
 *
 * -EIO: the data could not be stored. -EBUSY: MS_INVALIDATE on locked pages. MMAP_WRAP_E_ARGUMENT:
 * unknown bits.
 *
 *     msync_wrap(h, MS_SYNC, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t msync_wrap(mmap_wrap_handle h, int64_t flags, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/*
 * == Residency ==
 *
 * Which pages are in memory: locking them there, querying them, reading them in. A range counts
 * every page that holds a byte of it; pages have the mapping's own size (mmap_wrap_info). Every
 * function can also return MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE, and
 * MMAP_WRAP_E_UNSUPPORTED where the kernel lacks the call.
 */

/**
 * Keeps the pages of the range in memory, reading them in (flags 0), or, with MLOCK_ONFAULT (Linux
 * 4.4), those that are there at once and each other one when it is first touched. Locks do not add
 * up: one munlock_wrap undoes them.
 *
 * Returns 0. -ENOMEM: more than RLIMIT_MEMLOCK, or a page that cannot be read. -EPERM: this process
 * may lock nothing. -EAGAIN: a page could not be read in. MMAP_WRAP_E_ARGUMENT: unknown flags.
 *
 *     if (mlock_wrap(h, 0, 0, MMAP_WRAP_REST) < 0) puts(mmap_wrap_last_error_message());
 */
MMAP_WRAP_API int64_t mlock_wrap(mmap_wrap_handle h, int64_t flags, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Lets the pages of the range go again, however often they were locked. Returns 0.
 *
 *     munlock_wrap(h, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t munlock_wrap(mmap_wrap_handle h, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Locks all memory of the process, whether this library mapped it or not: mlockall(2). flags are
 * MCL_CURRENT (what is mapped), MCL_FUTURE (what will be mapped) or both, and MCL_ONFAULT beside
 * them (each page once it is touched).
 *
 * Returns 0. -ENOMEM, -EPERM: as for mlock_wrap; with MCL_FUTURE later mappings meet the limit, too
 * (-EAGAIN). -EINVAL, MMAP_WRAP_E_ARGUMENT: the flags. MMAP_WRAP_E_UNSUPPORTED: this system has no
 * mlockall.
 *
 *     if (mlockall_wrap(MCL_CURRENT | MCL_FUTURE) < 0) puts(mmap_wrap_last_error_message());
 */
MMAP_WRAP_API int64_t mlockall_wrap(int64_t flags) MMAP_WRAP_NOEXCEPT;

/**
 * Unlocks all memory of the process, and what will be mapped: munlockall(2). Returns 0.
 *
 *     munlockall_wrap();
 */
MMAP_WRAP_API int64_t munlockall_wrap(void) MMAP_WRAP_NOEXCEPT;

/**
 * Writes a byte for each page of the range to pages, which has room for that many: 1 where the page
 * is in memory, 0 where not. Returns how many pages the range has; bytes beyond them stay as they
 * were. Others may bring pages in and take them out at any moment.
 *
 * For a file, "in memory" means in the page cache, whoever brought it there. A process that neither
 * owns the file nor may write it is told that all of it is there (Linux 5.2, commit 134fca9063ad).
 *
 * MMAP_WRAP_E_RANGE: too little room; nothing was written. MMAP_WRAP_E_ARGUMENT: NULL with room.
 * -ENOMEM: somebody unmapped a part behind the library's back, and the bytes written so far say
 * nothing.
 *
 *     unsigned char pages[16];
 *     int64_t count = mincore_wrap(h, pages, sizeof pages, 0, 10000);
 */
MMAP_WRAP_API int64_t mincore_wrap(mmap_wrap_handle h, uint8_t *pages, int64_t room, int64_t offset,
    int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * How many bytes are in memory of the pages of the range: a multiple of the page size, by the rules
 * of mincore_wrap.
 *
 *     int64_t bytes = mmap_wrap_resident_bytes(h, 0, MMAP_WRAP_REST);
 *     printf("%lld bytes are in memory\n", (long long)bytes);
 */
MMAP_WRAP_API int64_t mmap_wrap_resident_bytes(mmap_wrap_handle h, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Makes the pages of the range ready for reading (writing = 0) or writing (writing = 1), so that
 * accesses meet no page fault: files are read in, memory is taken. What the pages hold stays as it
 * is, also where others write it meanwhile. Before Linux 5.14 (MADV_POPULATE_READ,
 * MADV_POPULATE_WRITE) it touches page after page.
 *
 * Returns the bytes of the range. MMAP_WRAP_E_FAULT: a page refuses; mmap_wrap_fault_done() tells
 * how many bytes before it are ready, the message why.
 *
 *     mmap_wrap_prefault(h, 1, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_prefault(mmap_wrap_handle h, int64_t writing, int64_t offset,
    int64_t size) MMAP_WRAP_NOEXCEPT;

/*
 * == Guards, seals, names ==
 *
 * Against mistakes and attacks. See also madvise_wrap: MADV_DONTDUMP leaves memory out of core
 * dumps, MADV_WIPEONFORK and MADV_DONTFORK keep it from forked children; mlock_wrap keeps it from
 * being swapped, mmap_secret_wrap from everybody else. PROT_EXEC together with PROT_WRITE is
 * granted as the system grants it, and is what attackers look for: map code writable, then
 * mprotect_wrap it to PROT_READ | PROT_EXEC before it runs. MAP_DROPPABLE memory may read zero at
 * any time when the system runs short: for what can be made again.
 */

/**
 * Makes every access to the range a fault (on = 1), or lifts that (on = 0): guard regions,
 * madvise(2) with MADV_GUARD_INSTALL, or PROT_NONE where the kernel lacks them (before 6.13; 6.15
 * for files) or has them not for this kind of memory. What private memory held there is dropped.
 * Offset and end must be on page borders or at the mapping's own ends (MMAP_WRAP_E_ALIGNMENT).
 * Lifted, the pages have the protection of the mapping as a whole.
 *
 * Returns 0, or MMAP_WRAP_E_RANGE, MMAP_WRAP_E_SEALED, MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED,
 * -ENOMEM.
 *
 *     mmap_wrap_guard(h, 1, 0, mmap_wrap_page_size());
 */
MMAP_WRAP_API int64_t mmap_wrap_guard(mmap_wrap_handle h, int64_t on, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Seals the pages that hold the range, for ever: mseal(2). They can be neither unmapped, moved,
 * resized, nor protected otherwise, and read-only private ones cannot be discarded. munmap_wrap
 * answers MMAP_WRAP_E_SEALED from then on, and the handle stays good until the process ends.
 *
 * A surviving mapping cannot be sealed, for its lost pages could not be replaced:
 * MMAP_WRAP_E_ARGUMENT. Call mmap_wrap_survive(h, 0) first.
 *
 * Returns 0, or MMAP_WRAP_E_UNSUPPORTED (before Linux 6.10, or 32 bits), MMAP_WRAP_E_RANGE,
 * MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, -ENOMEM.
 *
 *     mseal_wrap(h, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mseal_wrap(mmap_wrap_handle h, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Names a mapping without a file: /proc/PID/maps shows it as `[anon:name]`, or as
 * `[anon_shmem:name]` where it is shared. At most 79 bytes of printable ASCII without [ ] \ $ and
 * `. NULL takes the name away.
 *
 * Returns 0, or -EINVAL (not such a name), -EBADF (a file is mapped), MMAP_WRAP_E_UNSUPPORTED
 * (before Linux 5.17, or not built in), MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
 *
 *     mmap_wrap_set_name(h, "index cache");
 */
MMAP_WRAP_API int64_t mmap_wrap_set_name(mmap_wrap_handle h, const char *name) MMAP_WRAP_NOEXCEPT;

/*
 * == Resizing, moving, splitting ==
 *
 * What changes a mapping itself needs to be alone with it: calls of other threads that come
 * meanwhile wait for it, and it waits a moment for those that are inside. MMAP_WRAP_E_BUSY while an
 * export is held (mmap_wrap_acquire), or where the others do not leave. Addresses from
 * mmap_wrap_address are no longer good afterwards. A child that is forked meanwhile has the handle
 * as that of an unmapped mapping.
 */

/** For with_file: the file ends where the mapping ends. */
#define MMAP_WRAP_WITH_FILE 1

/** For with_file: the same, and the file system sets blocks aside for all of it. */
#define MMAP_WRAP_ALLOCATE 2

/**
 * Makes the mapping length bytes long, or as long as to the end of its file (MMAP_WRAP_REST, for a
 * mapping that keeps its file open). The handle stays. The contents stay, as far as they fit.
 *
 * flags: 0 to grow or shrink in place (-ENOMEM where there is no room), MREMAP_MAYMOVE to move if
 * need be, MREMAP_MAYMOVE | MREMAP_FIXED to move to new_addr, which replaces what is there;
 * new_addr is NULL else.
 *
 * with_file: 0 leaves the file as it is. MMAP_WRAP_WITH_FILE makes the file that the mapping keeps
 * open (MMAP_WRAP_KEEP, memory files) end where the mapping ends. MMAP_WRAP_ALLOCATE does so and
 * has the file system set blocks aside for all of it, so that a full disk is -ENOSPC now and not a
 * fault later; MMAP_WRAP_E_UNSUPPORTED where the file system cannot.
 *
 * With 0 a shared mapping cannot grow beyond the end of its file (MMAP_WRAP_E_RANGE), where stores
 * would be lost: see mmap_wrap. Where the file has been emptied, MMAP_WRAP_REST makes the mapping 0
 * bytes long, as mmap_wrap would.
 *
 * With MREMAP_DONTUNMAP the pages move to a new mapping, whose handle is returned, and h keeps its
 * addresses, with fresh pages behind them; length is that of the mapping and with_file is 0, for no
 * size changes.
 *
 * Returns h, or the new handle. On failure nothing has changed: MMAP_WRAP_E_BUSY,
 * MMAP_WRAP_E_SEALED, MMAP_WRAP_E_ARGUMENT (length 0, the end of a device, flags that need others,
 * no file kept), MMAP_WRAP_E_RANGE (beyond the file's end), MMAP_WRAP_E_ALIGNMENT (new_addr),
 * MMAP_WRAP_E_UNSUPPORTED (a shared mapping without a file cannot grow: the memory behind it keeps
 * its size), -EFAULT (parts with a protection or advice of their own), -ENOMEM, -EINVAL (longer
 * than addresses go), -EPERM (a sealed file), MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
 *
 *     if (mremap_wrap(h, 1 << 20, MREMAP_MAYMOVE, NULL, MMAP_WRAP_WITH_FILE) < 0)
 *         puts(mmap_wrap_last_error_message());
 */
MMAP_WRAP_API mmap_wrap_handle mremap_wrap(mmap_wrap_handle h, int64_t length, int64_t flags,
    void *new_addr, int64_t with_file) MMAP_WRAP_NOEXCEPT;

/**
 * Splits the mapping at offset, a page border of it: h ends there, and what follows gets the handle
 * that is returned. So that a part can be unmapped, sealed or handed on by itself. A kept file is
 * kept by both.
 *
 * MMAP_WRAP_E_BUSY, MMAP_WRAP_E_RANGE, MMAP_WRAP_E_ALIGNMENT, MMAP_WRAP_E_ARGUMENT (nothing would
 * be left on one side), MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
 *
 *     mmap_wrap_handle tail = mmap_wrap_split(h, 4096);
 *     munmap_wrap(tail);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_wrap_split(mmap_wrap_handle h, int64_t offset)
    MMAP_WRAP_NOEXCEPT;

/*
 * == Elements ==
 *
 * One number at an offset: of any alignment, and of a kind that says its width, its meaning and,
 * or'ed to it, the order of its bytes; without that it is the machine's own. The calls are checked
 * and fault-proof as those above, and return the same errors; and MMAP_WRAP_E_ARGUMENT for a kind
 * that is none, or not one of the call's. A store that faults has changed nothing, except where the
 * number lies across a page border and only the access to the second page faults.
 *
 * Languages in which an out-parameter is expensive have mmap_wrap_get_int and its like (see "For
 * bindings").
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

/** Or'ed to a kind: the least significant byte stands first, whatever the machine. */
#define MMAP_WRAP_LITTLE_ENDIAN 0x100

/** Or'ed to a kind: the most significant byte stands first, whatever the machine. */
#define MMAP_WRAP_BIG_ENDIAN 0x200

/**
 * Copies the number of this kind at offset to *value, of the kind's width and in the machine's own
 * order of bytes. value need not be aligned. Returns 0, or MMAP_WRAP_E_ARGUMENT: also for NULL.
 *
 *     uint16_t port;
 *     mmap_wrap_get(h, MMAP_WRAP_U16 | MMAP_WRAP_BIG_ENDIAN, 20, &port);
 */
MMAP_WRAP_API int64_t mmap_wrap_get(mmap_wrap_handle h, int64_t kind, int64_t offset, void *value)
    MMAP_WRAP_NOEXCEPT;

/**
 * Sets the number of this kind at offset to *value, of the kind's width and in the machine's own
 * order of bytes. Returns 0, or MMAP_WRAP_E_ARGUMENT: also for NULL.
 *
 *     double pi = 3.14159;
 *     mmap_wrap_put(h, MMAP_WRAP_F64, 24, &pi);
 */
MMAP_WRAP_API int64_t mmap_wrap_put(mmap_wrap_handle h, int64_t kind, int64_t offset,
    const void *value) MMAP_WRAP_NOEXCEPT;

/*
 * == Sharing between processes ==
 *
 * Words of 32 or 64 bits that threads, and with MAP_SHARED processes, change at the same time. bits
 * is 32 or 64, else MMAP_WRAP_E_ARGUMENT. The word's address must be a multiple of its width, else
 * MMAP_WRAP_E_ALIGNMENT; offset is, too, unless the mapping begins inside a page. Numbers are
 * signed, in the machine's own order of bytes; one for 32 bits must fit int32_t or uint32_t, else
 * MMAP_WRAP_E_ARGUMENT. Also common to all: MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED,
 * MMAP_WRAP_E_RANGE, and MMAP_WRAP_E_FAULT where the access faulted; nothing was changed then.
 * -EFAULT where the result cannot be stored at the address given: the operation was done.
 *
 * The atomic operations are sequentially consistent. All but loading need memory that may be
 * written, whatever the word is. The kernel has no call for them: where the handlers of SIGBUS and
 * SIGSEGV are not this library's, or the thread blocks one of them, and always on processors other
 * than x86-64 and arm64, a child process that shares this one's memory does the operation, which
 * takes some 0.1 ms (docs/safety.md). -EAGAIN where no process can be made (RLIMIT_NPROC), and
 * MMAP_WRAP_E_UNSUPPORTED under an emulator that does not share memory: nothing was done.
 */

/**
 * Copies the word at offset to *value. Returns 0, or MMAP_WRAP_E_ARGUMENT: also for NULL.
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
 * Adds value to the word at offset, which wraps around, and stores what it was before to *before,
 * which may be NULL. Returns 0.
 *
 *     int64_t ticket;
 *     mmap_wrap_atomic_add(h, 64, 8, 1, &ticket);
 */
MMAP_WRAP_API int64_t mmap_wrap_atomic_add(mmap_wrap_handle h, int64_t bits, int64_t offset,
    int64_t value, int64_t *before) MMAP_WRAP_NOEXCEPT;

/**
 * Sets the word at offset to value, and stores what it was before to *before, which may be NULL.
 * Returns 0.
 *
 *     int64_t locked;
 *     mmap_wrap_atomic_exchange(h, 32, 0, 1, &locked);
 */
MMAP_WRAP_API int64_t mmap_wrap_atomic_exchange(mmap_wrap_handle h, int64_t bits, int64_t offset,
    int64_t value, int64_t *before) MMAP_WRAP_NOEXCEPT;

/**
 * Sets the word at offset to desired if it is expected. Returns 1 if so, 0 if the word was another;
 * what it was before is stored to *before in either case, which may be NULL.
 *
 *     if (mmap_wrap_atomic_compare_exchange(h, 32, 0, 0, 1, NULL) == 1)
 *         puts("it was 0, and is 1 now");
 */
MMAP_WRAP_API int64_t mmap_wrap_atomic_compare_exchange(mmap_wrap_handle h, int64_t bits,
    int64_t offset, int64_t expected, int64_t desired, int64_t *before) MMAP_WRAP_NOEXCEPT;

/**
 * Waits while the 32-bit word at offset is expected, until mmap_wrap_wake, at most timeout
 * nanoseconds of the monotonic clock; MMAP_WRAP_REST is for ever, another negative number
 * MMAP_WRAP_E_RANGE. Returns 0 when woken, 1 when the word was another already, or -ETIMEDOUT, or
 * -EINTR when a signal handler ran in this thread.
 *
 * A wake-up may come without a reason: look at the word, and wait again. Waker and waiter may be
 * threads or, with MAP_SHARED, processes; it is futex(2), so others may use that on the same word.
 * Who wakes changes the word before: now and then a waiter is looking whether the mapping is still
 * there, and finds the word changed. Who waits is inside the mapping: where it is unmapped
 * meanwhile, the wait ends within a quarter of a second as MMAP_WRAP_E_UNMAPPED, and its memory
 * stays until then; resizing it is MMAP_WRAP_E_BUSY. MMAP_WRAP_E_FAULT: also for private memory
 * that may not be written, where the kernel does not wait, futex(2). MMAP_WRAP_E_UNSUPPORTED
 * elsewhere than on Linux.
 *
 *     while (mmap_wrap_atomic_load(h, 32, 0, &ready) == 0 && ready == 0)
 *         mmap_wrap_wait(h, 0, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_wait(mmap_wrap_handle h, int64_t offset, int64_t expected,
    int64_t timeout) MMAP_WRAP_NOEXCEPT;

/**
 * Wakes up to count (MMAP_WRAP_REST: all) of those who wait on the 32-bit word at offset. Returns
 * how many. MMAP_WRAP_E_RANGE: also for another negative count. MMAP_WRAP_E_UNSUPPORTED elsewhere
 * than on Linux.
 *
 *     mmap_wrap_atomic_store(h, 32, 0, 1);
 *     mmap_wrap_wake(h, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_wake(mmap_wrap_handle h, int64_t offset, int64_t count)
    MMAP_WRAP_NOEXCEPT;

/*
 * == Mutexes in shared memory ==
 *
 * A mutex is MMAP_WRAP_MUTEX_SIZE bytes of a mapping, at an offset whose address is a multiple of
 * 8; zeros are a free one. With MAP_SHARED it works between processes, and between languages. It
 * belongs to a thread: the one that locked it unlocks it, and it is not recursive. After fork the
 * child holds nothing.
 *
 * Where a holder ends without unlocking it, the thread or its process, the next one takes it over:
 * at once, or within a quarter of a second where it waits already. A thread that executes another
 * program counts as the same holder. Ids of threads mean something within one PID namespace: once
 * processes of several have used a mutex, it is not taken over any more. Nor is it where /proc is
 * not mounted.
 *
 * Both calls also return what the atomic operations do. MMAP_WRAP_E_UNSUPPORTED elsewhere than on
 * Linux.
 */

/** Bytes of a mutex. To keep others off its cache line, give it 64. */
#define MMAP_WRAP_MUTEX_SIZE 16

/**
 * Acquires the mutex at offset. Waits up to timeout nanoseconds of the monotonic clock for it;
 * MMAP_WRAP_REST waits indefinitely, 0 tries once.
 *
 * Returns 0, or 1 where its holder ended without unlocking it: it is acquired then, too, and what
 * it protects may be half changed, which is said once, to the one that took it over. Or -ETIMEDOUT
 * (the message has the holder's thread id), -EDEADLK (the calling thread holds it), -EINTR when a
 * signal handler ran while this thread slept (it wakes now and then, so a program that must see
 * every signal locks with short timeouts), MMAP_WRAP_E_RANGE (another negative timeout).
 *
 *     int64_t locked = mmap_wrap_mutex_lock(h, 0, MMAP_WRAP_REST);
 *     if (locked == 1) puts("its holder died: repair what it left");
 *     if (locked >= 0) mmap_wrap_mutex_unlock(h, 0);
 */
MMAP_WRAP_API int64_t mmap_wrap_mutex_lock(mmap_wrap_handle h, int64_t offset, int64_t timeout)
    MMAP_WRAP_NOEXCEPT;

/**
 * Releases the mutex at offset, and wakes one that waits for it. Returns 0, or -EPERM where the
 * calling thread does not hold it.
 *
 *     mmap_wrap_mutex_unlock(h, 0);
 */
MMAP_WRAP_API int64_t mmap_wrap_mutex_unlock(mmap_wrap_handle h, int64_t offset) MMAP_WRAP_NOEXCEPT;

/**
 * Releases the mutex at offset as if the calling thread had ended: the next one to acquire it gets
 * 1. For one that was told so itself and cannot repair what the mutex protects. Returns 0, or
 * -EPERM where the calling thread does not hold it.
 *
 *     if (mmap_wrap_mutex_lock(h, 0, MMAP_WRAP_REST) == 1) mmap_wrap_mutex_abandon(h, 0);
 */
MMAP_WRAP_API int64_t mmap_wrap_mutex_abandon(mmap_wrap_handle h, int64_t offset)
    MMAP_WRAP_NOEXCEPT;

/*
 * == Faults ==
 *
 * A page may fault at any access: its file was cut short, its disk is full or broken, its
 * protection forbids it, another thread unmapped it. For the calls above that is MMAP_WRAP_E_FAULT;
 * the process lives on. A handler of SIGBUS and SIGSEGV repairs the fault. It is installed with the
 * first access, and passes on every signal that is not this library's, as if it were not there.
 * Where another handler has replaced it, or the thread blocks one of the two signals, accesses go
 * through the kernel instead, and are slower (an atomic operation needs a process of its own, and
 * takes some 0.1 ms).
 *
 * Whether the handler is in place is verified by lease: a thread that accesses memory verifies it
 * at most every 25 microseconds or so. An access within the lease that follows a change of handlers
 * or of the signal mask relies on what was true before: only there can a fault still kill.
 * mmap_wrap_verify_handlers ends the lease.
 *
 * An access through an address (mmap_wrap_address, mmap_wrap_acquire) is the caller's own and dies
 * by SIGBUS as usual, unless the mapping is surviving. docs/safety.md says what is guaranteed and
 * what is not.
 */

/**
 * How many bytes this thread's last failed call had done when an access faulted: meant to be asked
 * after MMAP_WRAP_E_FAULT. 0 if the last failure was another.
 *
 *     if (mmap_wrap_read(h, 0, buffer, size) == MMAP_WRAP_E_FAULT) size = mmap_wrap_fault_done();
 */
MMAP_WRAP_API int64_t mmap_wrap_fault_done(void) MMAP_WRAP_NOEXCEPT;

/**
 * The address at which an access faulted; NULL if this thread's last failure was another. Not to be
 * accessed.
 *
 *     printf("faulted at %p\n", mmap_wrap_fault_address());
 */
MMAP_WRAP_API void *mmap_wrap_fault_address(void) MMAP_WRAP_NOEXCEPT;

/**
 * Lets the mapping survive a SIGBUS that code anywhere in the process meets through its address
 * (yes = 1), or stops that (yes = 0, as every mapping begins). The page that refused becomes fresh,
 * zeroed memory of this process, and the next call that uses the mapping, munmap_wrap included,
 * answers MMAP_WRAP_E_FAULT once, so that no loss passes unreported; munmap_wrap unmaps all the
 * same. (mmap_wrap_length and mmap_wrap_address only ask, and answer as ever.)
 *
 * Returns 0, or MMAP_WRAP_E_UNSUPPORTED where another handler has replaced this library's, one of
 * the signals is blocked in this thread, or pages are sealed (they cannot be replaced),
 * MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
 *
 *     mmap_wrap_survive(h, 1);
 */
MMAP_WRAP_API int64_t mmap_wrap_survive(mmap_wrap_handle h, int64_t yes) MMAP_WRAP_NOEXCEPT;

/**
 * A word whose lowest bit is set while the mapping has a loss that was not reported yet. One load
 * tells, at every access if need be. The address stays readable for ever; it speaks of this mapping
 * until that is unmapped. NULL: not a handle, or unmapped.
 *
 *     const volatile uint32_t *loss = mmap_wrap_loss_flag(h);
 *     if (*loss & 1) puts("the file was cut short");
 */
MMAP_WRAP_API const uint32_t *mmap_wrap_loss_flag(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * Verifies now whether the handlers of SIGBUS and SIGSEGV are this library's and neither signal is
 * blocked in this thread, and begins a new lease. To be called by a thread right after it installed
 * a handler of SIGBUS or SIGSEGV, or changed its signal mask. Returns 1 if faults of this thread's
 * accesses are repaired by the handlers from here on, 0 if its accesses go through the kernel.
 * Neither is an error.
 *
 *     sigaction(SIGSEGV, &mine, NULL);
 *     mmap_wrap_verify_handlers();
 */
MMAP_WRAP_API int64_t mmap_wrap_verify_handlers(void) MMAP_WRAP_NOEXCEPT;

/**
 * Says whether the handlers of SIGBUS and SIGSEGV may be taken for granted (yes = 1): no code in
 * this process replaces them from now on, or blocks the signals. Accesses then verify nothing.
 * Without that word (yes = 0, as it begins) the handlers are verified by lease. Returns 0.
 *
 *     mmap_wrap_trust_handlers(1);
 */
MMAP_WRAP_API int64_t mmap_wrap_trust_handlers(int64_t yes) MMAP_WRAP_NOEXCEPT;

/*
 * == Page cache ==
 *
 * What the kernel keeps in memory of files: querying it, reading files into it, evicting pages from
 * it. Functions with a handle take a range of the mapping, and every page that holds a byte of it
 * counts; those with fd in their name take any open file descriptor, and a range of the file that
 * may lie beyond its end. Every function can also return MMAP_WRAP_E_RANGE, and
 * MMAP_WRAP_E_UNSUPPORTED where the kernel lacks the call; with a handle also MMAP_WRAP_E_HANDLE,
 * MMAP_WRAP_E_UNMAPPED.
 */

/**
 * What the page cache holds of a part of a file, in bytes: whole pages. Later versions may add
 * members at the end.
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
    /** Of those, evicted so lately that keeping them would have been better. */
    int64_t recently_evicted;
};

/**
 * Lets the pages of the range go from memory, as far as the kernel finds it possible; they are read
 * in again when they are next used. Nothing is lost: a shared mapping's changes are first written
 * to the file (as msync_wrap with MS_SYNC does), private changes and memory without a file go to
 * swap space or stay. If the mapping keeps its file open, the page cache is told to forget that
 * part, too.
 *
 * Returns 0, however many pages went: mmap_wrap_resident_bytes tells. -EINVAL: locked pages, huge
 * pages from the pool and memory of devices cannot go. -EIO: the data could not be stored; nothing
 * went. Private mappings and memory without a file need MADV_PAGEOUT (Linux 5.4).
 *
 *     mmap_wrap_page_out(h, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_page_out(mmap_wrap_handle h, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Writes the page cache's figures for the file behind the range to cache, which has room for
 * struct_size bytes: say sizeof. A shorter struct, of an older header, gets what it has room for.
 * The mapping must keep its file open; ask mmap_wrap_fd_cachestat otherwise.
 *
 * Returns 0. Linux 6.5; of files on overlayfs it knows nothing and tells zeros.
 * MMAP_WRAP_E_ARGUMENT: it keeps no file, NULL, or a size that is none. -EPERM: this process
 * neither owns the file nor may write it (Linux 6.14). Huge pages from the pool are
 * MMAP_WRAP_E_UNSUPPORTED.
 *
 *     struct mmap_wrap_cachestat cache;
 *     if (cachestat_wrap(h, &cache, sizeof cache, 0, MMAP_WRAP_REST) == 0)
 *         printf("%lld to write\n", (long long)cache.dirty);
 */
MMAP_WRAP_API int64_t cachestat_wrap(mmap_wrap_handle h, struct mmap_wrap_cachestat *cache,
    int64_t struct_size, int64_t offset, int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * The same for size bytes, or MMAP_WRAP_REST to its end, from offset of the file open as fd.
 * Returns 0, or what cachestat_wrap does, or -EBADF.
 *
 *     struct mmap_wrap_cachestat cache;
 *     mmap_wrap_fd_cachestat(fd, &cache, sizeof cache, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_fd_cachestat(int64_t fd, struct mmap_wrap_cachestat *cache,
    int64_t struct_size, int64_t offset, int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * Stores what changed of the file open as fd, and lets the page cache forget the pages of the
 * range, size bytes or MMAP_WRAP_REST from offset. Pages that somebody maps, locks or uses stay,
 * and so do those that the kernel keeps together with one of them.
 *
 * Returns 0, or MMAP_WRAP_E_RANGE, MMAP_WRAP_E_ARGUMENT, -EBADF, -EIO (not all could be stored),
 * -ESPIPE (a pipe).
 *
 *     mmap_wrap_fd_evict(fd, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_fd_evict(int64_t fd, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Begins to read the range of the file open as fd into the page cache, and does not wait for it.
 *
 * Returns 0, or MMAP_WRAP_E_RANGE, MMAP_WRAP_E_ARGUMENT, -EBADF, -ESPIPE (a pipe).
 *
 *     mmap_wrap_fd_readahead(fd, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_fd_readahead(int64_t fd, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/*
 * == Huge pages and NUMA nodes ==
 *
 * Where memory lies, and in which pages. Transparent huge pages form by themselves in memory that
 * is aligned to their size, where madvise_wrap with MADV_HUGEPAGE asks for them or MADV_COLLAPSE
 * makes them; those of the pool (vm.nr_hugepages) come with MAP_HUGETLB.
 */

/**
 * Bytes in a transparent huge page, as the kernel has it; MMAP_WRAP_E_UNSUPPORTED where it has
 * none.
 *
 *     int64_t huge = mmap_wrap_huge_page_size();
 */
MMAP_WRAP_API int64_t mmap_wrap_huge_page_size(void) MMAP_WRAP_NOEXCEPT;

/**
 * Maps as mmap_wrap does, anywhere that the address of the mapping's first page is a multiple of
 * alignment, a power of two. Less than a page, and with MAP_HUGETLB a huge page, is taken for that.
 * (The first byte lies as far beyond that address as offset does beyond its page's border in the
 * file. A mapping of length 0 lies nowhere.)
 *
 * Returns the handle, or what mmap_wrap does, or: MMAP_WRAP_E_ARGUMENT (no power of two;
 * MAP_FIXED), MMAP_WRAP_E_RANGE (length and alignment together exceed any memory), -ENOMEM (no such
 * place is free: for a moment, length and alignment together are taken).
 *
 *     int64_t prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
 *     mmap_wrap_handle h = mmap_aligned_wrap(2 << 20, 64 << 20, prot, flags, -1, 0);
 *     madvise_wrap(h, MADV_HUGEPAGE, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API mmap_wrap_handle mmap_aligned_wrap(int64_t alignment, int64_t len, int64_t prot,
    int64_t flags, int64_t fd, int64_t offset) MMAP_WRAP_NOEXCEPT;

/**
 * How many bytes of the range, size bytes or MMAP_WRAP_REST from offset, lie in huge pages now:
 * transparent ones that the page table has as such, or those of the pool.
 *
 * MMAP_WRAP_E_UNSUPPORTED: before Linux 6.7 (PAGEMAP_SCAN), or without /proc, this is known only of
 * ranges that are mapped apart from their neighbours. MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED,
 * MMAP_WRAP_E_RANGE as ever.
 *
 *     printf("%lld bytes in huge pages\n", (long long)mmap_wrap_huge_bytes(h, 0, MMAP_WRAP_REST));
 */
MMAP_WRAP_API int64_t mmap_wrap_huge_bytes(mmap_wrap_handle h, int64_t offset, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * Sets the memory policy of every page that holds a byte of the range: mode is one MPOL_ value,
 * with MPOL_F_ flags or'ed to it. Bit n of nodes, an array of node_words words with the lowest
 * first, stands for node n; NULL and 0 for policies without nodes. flags is 0 or MPOL_MF_ flags:
 * without them the policy is for pages touched from now on.
 *
 * Returns 0. -EINVAL: a node that is not there, or nodes that the policy needs and has not, or has
 * and does not take. -EIO: with MPOL_MF_STRICT, pages lie elsewhere. -EPERM: MPOL_MF_MOVE_ALL needs
 * CAP_SYS_NICE. MMAP_WRAP_E_ARGUMENT: unknown bits, NULL with words. MMAP_WRAP_E_UNSUPPORTED: a
 * kernel without NUMA. MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE as ever.
 *
 *     uint64_t node_0 = 1;
 *     mbind_wrap(h, MPOL_BIND, &node_0, 1, 0, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mbind_wrap(mmap_wrap_handle h, int64_t mode, const uint64_t *nodes,
    int64_t node_words, int64_t flags, int64_t offset, int64_t size) MMAP_WRAP_NOEXCEPT;

/**
 * The number of the NUMA node that holds the page of the byte at offset; on a machine with one it
 * is 0. Touches nothing.
 *
 * -ENOENT: no page is in memory there; touch it or call mmap_wrap_prefault. -EFAULT: memory that
 * was read and never written shares a page of the kernel's. MMAP_WRAP_E_UNSUPPORTED: a kernel
 * without NUMA. MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE as ever.
 *
 *     int64_t node = mmap_wrap_numa_node(h, 0);
 */
MMAP_WRAP_API int64_t mmap_wrap_numa_node(mmap_wrap_handle h, int64_t offset) MMAP_WRAP_NOEXCEPT;

/*
 * == Info ==
 *
 * What is known of a mapping, and the list of live mappings: for messages, tools and finding leaks.
 */

/** In source of struct mmap_wrap_info: memory without a file. */
#define MMAP_WRAP_SOURCE_ANONYMOUS 1

/** In source: a file by a descriptor of the caller's. */
#define MMAP_WRAP_SOURCE_DESCRIPTOR 2

/** In source: a file by its path (mmap_path_wrap, mmap_open_wrap). */
#define MMAP_WRAP_SOURCE_PATH 3

/** In source: shared memory by its name (mmap_shm_wrap). */
#define MMAP_WRAP_SOURCE_SHARED_MEMORY 4

/**
 * In source: a file without a name that the library made (mmap_memfd_wrap, mmap_secret_wrap,
 * mmap_unnamed_wrap).
 */
#define MMAP_WRAP_SOURCE_MEMORY_FILE 5

/** What mmap_wrap_info reports. Later versions may add members at the end; nothing else changes. */
struct mmap_wrap_info {
    /** Bytes that were asked for. */
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
    /** 1 where the mapping keeps its file open (mmap_wrap_dup_fd), else 0. */
    int64_t keeps_file;
    /** 1 where a part of it is sealed by mseal_wrap, else 0. */
    int64_t sealed;
    /** How many exports are held. */
    int64_t exports;
    /** 1 where it survives a SIGBUS (mmap_wrap_survive), else 0. */
    int64_t surviving;
    /** 1 where it has a loss that was not reported yet, else 0. */
    int64_t lost;
    /** What it was made of: one of MMAP_WRAP_SOURCE_, none of which is 0. */
    int64_t source;
    /**
     * The number, in this process, of the descriptor of the file that the mapping keeps open, or
     * -1. The mapping's own: for /proc/PID/fd, through which another process opens the file. Not to
     * be closed; mmap_wrap_dup_fd gives one away.
     */
    int64_t descriptor;
};

/**
 * Writes what is known of a mapping to info, a struct of size bytes: pass sizeof. A smaller struct,
 * of an older header, gets the members that it has. A loss stays unreported. Returns 0, or
 * MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_ARGUMENT (NULL, or a size that is none).
 *
 *     struct mmap_wrap_info info;
 *     if (mmap_wrap_info(h, &info, sizeof info) == 0)
 *         printf("%lld pages\n", (long long)(info.mapped / info.page_size));
 */
MMAP_WRAP_API int64_t mmap_wrap_info(mmap_wrap_handle h, struct mmap_wrap_info *info, int64_t size)
    MMAP_WRAP_NOEXCEPT;

/**
 * The size in bytes, now, of the file that the mapping keeps open; of a block device, the size of
 * the device. It takes no descriptor, so it works where no more can be opened. Or
 * MMAP_WRAP_E_ARGUMENT where no file is kept, MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED,
 * MMAP_WRAP_E_FAULT (a loss that was not reported yet).
 *
 *     if (mmap_wrap_file_size(h) > mmap_wrap_length(h)) puts("the file has grown");
 */
MMAP_WRAP_API int64_t mmap_wrap_file_size(mmap_wrap_handle h) MMAP_WRAP_NOEXCEPT;

/**
 * Writes the handles of the live mappings, in no set order, to handles, which has room for that
 * many. Returns how many mappings live, which may be more: none are written beyond the room.
 * Mappings of other threads may come and go meanwhile. MMAP_WRAP_E_ARGUMENT: NULL with room,
 * MMAP_WRAP_E_RANGE: negative room.
 *
 *     printf("%lld mappings live\n", (long long)mmap_wrap_list(NULL, 0));
 */
MMAP_WRAP_API int64_t mmap_wrap_list(mmap_wrap_handle *handles, int64_t room) MMAP_WRAP_NOEXCEPT;

/*
 * == Constants ==
 *
 * The platform's own values, by name, for languages without its headers. This library's own
 * (MMAP_WRAP_REST, the error codes, the element kinds …) are among them. mmap_wrap_constants.h has
 * a function for each name, and "For bindings" the whole table.
 */

/**
 * Finds a constant by its name and stores its value. Returns 0, MMAP_WRAP_E_UNSUPPORTED where this
 * platform lacks it, MMAP_WRAP_E_ARGUMENT where the library knows no such name, or a pointer is
 * NULL.
 *
 *     int64_t value;
 *     if (mmap_wrap_constant("MADV_COLD", &value) == 0) madvise_wrap(h, value, 0, MMAP_WRAP_REST);
 */
MMAP_WRAP_API int64_t mmap_wrap_constant(const char *name, int64_t *value) MMAP_WRAP_NOEXCEPT;

/*
 * == For bindings ==
 *
 * What a module for another language needs and a C program does not: the parts of the last error,
 * to put the name of the language's own function before the reason; numbers returned as such, where
 * an out-parameter is expensive; all constants as a table. The functions of mmap_wrap_constants.h
 * are for languages that bind symbol by symbol.
 */

/** What mmap_wrap_get_int returns on failure. */
#define MMAP_WRAP_NO_INT INT64_MIN

/**
 * The code of this thread's last failure; 0 where mmap_wrap_last_error_message is empty. For after
 * a call that answers NULL, or a number.
 *
 *     if (mmap_wrap_acquire(h) == NULL && mmap_wrap_last_error_code() == MMAP_WRAP_E_UNMAPPED)
 *         puts("it is unmapped");
 */
MMAP_WRAP_API int64_t mmap_wrap_last_error_code(void) MMAP_WRAP_NOEXCEPT;

/**
 * The text of mmap_wrap_last_error_message without the name of the function that failed and ": ".
 * Never NULL. Valid until this thread's next call of this function, of mmap_wrap_last_error_message
 * or of mmap_wrap_strerror.
 *
 *     raise(own_name, mmap_wrap_last_error_reason());
 */
MMAP_WRAP_API const char *mmap_wrap_last_error_reason(void) MMAP_WRAP_NOEXCEPT;

/**
 * The integer of this kind at offset. One of MMAP_WRAP_U64 above INT64_MAX is answered as the
 * signed one of the same bits. On failure MMAP_WRAP_NO_INT: mmap_wrap_last_error_code is then the
 * code, and 0 where that very number is the integer.
 *
 *     int64_t count = mmap_wrap_get_int(h, MMAP_WRAP_I32, 16);
 *     if (count == MMAP_WRAP_NO_INT && mmap_wrap_last_error_code() < 0)
 *         puts(mmap_wrap_last_error_message());
 */
MMAP_WRAP_API int64_t mmap_wrap_get_int(mmap_wrap_handle h, int64_t kind, int64_t offset)
    MMAP_WRAP_NOEXCEPT;

/**
 * Sets the integer of this kind at offset. Returns 0, or MMAP_WRAP_E_ARGUMENT for a value that does
 * not fit the kind: the message has the limits. MMAP_WRAP_U64 takes the 64 bits as they are.
 *
 *     mmap_wrap_put_int(h, MMAP_WRAP_U8, 3, 255);
 */
MMAP_WRAP_API int64_t mmap_wrap_put_int(mmap_wrap_handle h, int64_t kind, int64_t offset,
    int64_t value) MMAP_WRAP_NOEXCEPT;

/**
 * The float of this kind at offset. On failure a NaN: mmap_wrap_last_error_code is then the code,
 * and 0 where the float is itself a NaN.
 *
 *     double weight = mmap_wrap_get_float(h, MMAP_WRAP_F32, 40);
 *     if (weight != weight && mmap_wrap_last_error_code() < 0)
 *         puts(mmap_wrap_last_error_message());
 */
MMAP_WRAP_API double mmap_wrap_get_float(mmap_wrap_handle h, int64_t kind, int64_t offset)
    MMAP_WRAP_NOEXCEPT;

/**
 * Sets the float of this kind at offset, rounded to the kind. Returns 0, or MMAP_WRAP_E_ARGUMENT
 * for a finite value beyond the kind's greatest.
 *
 *     mmap_wrap_put_float(h, MMAP_WRAP_F32, 40, 0.5);
 */
MMAP_WRAP_API int64_t mmap_wrap_put_float(mmap_wrap_handle h, int64_t kind, int64_t offset,
    double value) MMAP_WRAP_NOEXCEPT;

/**
 * How many constants the table has. The same on all platforms for one version of the library.
 *
 *     for (int64_t i = 0; i < mmap_wrap_constant_count(); i++) puts(mmap_wrap_constant_name(i));
 */
MMAP_WRAP_API int64_t mmap_wrap_constant_count(void) MMAP_WRAP_NOEXCEPT;

/**
 * The name of constant i, 0 to mmap_wrap_constant_count() - 1. The text lives for ever. NULL
 * outside.
 *
 *     puts(mmap_wrap_constant_name(0));
 */
MMAP_WRAP_API const char *mmap_wrap_constant_name(int64_t i) MMAP_WRAP_NOEXCEPT;

/**
 * The value of constant i; 0 where this platform lacks it. MMAP_WRAP_E_ARGUMENT outside. MAP_FAILED
 * (-1) and the library's own MMAP_WRAP_REST and MMAP_WRAP_E_ codes are negative themselves.
 *
 *     int64_t value = mmap_wrap_constant_value(0);
 */
MMAP_WRAP_API int64_t mmap_wrap_constant_value(int64_t i) MMAP_WRAP_NOEXCEPT;

/**
 * 1 where this platform has constant i, 0 where it does not, MMAP_WRAP_E_ARGUMENT outside.
 *
 *     if (!mmap_wrap_constant_available(0)) puts("not on this platform");
 */
MMAP_WRAP_API int64_t mmap_wrap_constant_available(int64_t i) MMAP_WRAP_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif /* MMAP_WRAP_H */
