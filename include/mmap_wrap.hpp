/*
 * mmap_wrap.hpp - mapping objects over mmap_wrap.h, for C++17 and later
 *
 * Licence: MIT OR Apache-2.0.
 *
 * A function that has no member here is called as in C: pass handle(), and the result to check().
 * mmap_wrap.h documents the arguments and the errors; each error is thrown as an exception of class
 * error with the same code. Offsets and sizes are in bytes.
 *
 * Thread safety is that of the standard library: several threads may call const members of one
 * object at the same time; a non-const member, or the destructor, needs exclusive access to its
 * object. The namespace is mmapwrap, since mmap_wrap is a function in C.
 *
 *     mmapwrap::mapping words = mmapwrap::mapping::file("words.txt");
 *     if (std::optional<std::int64_t> at = words.find("two")) std::cout << *at << '\n';
 *     for (unsigned char byte : words.const_bytes()) std::cout << byte;
 */
#ifndef MMAP_WRAP_HPP
#define MMAP_WRAP_HPP

#include "mmap_wrap.h"
#include "mmap_wrap_constants.h"

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mmapwrap {

/**
 * An error. what() is the complete message, with the operation, the numbers and the limit; code()
 * is an MMAP_WRAP_E_ code, or -errno of the system.
 *
 *     try {
 *         words.read(1 << 20, buffer, 3);
 *     } catch (const mmapwrap::error &e) {
 *         if (e.code() == MMAP_WRAP_E_RANGE) std::cerr << e.what() << '\n';
 *     }
 */
class error : public std::runtime_error {
public:
    /** A program may throw errors of its own, with any code and message. */
    error(std::int64_t code, const std::string &message, std::int64_t system_code = 0)
        : std::runtime_error(message), code_(code), system_code_(system_code) {}

    /** The negative code that the call returned. */
    std::int64_t code() const noexcept { return code_; }

    /**
     * The operating system's own code: errno or, on Windows, that of GetLastError. 0 where the
     * system did not return the error.
     */
    std::int64_t system_code() const noexcept { return system_code_; }

private:
    std::int64_t code_;
    std::int64_t system_code_;
};

/**
 * Returns the result of a C call, or throws an error if it is negative. Use it on the thread that
 * made the call, before that thread makes another one.
 *
 *     mmapwrap::check(mmap_wrap_move(words.handle(), 0, 4096, 100));
 */
inline std::int64_t check(std::int64_t result) {
    if (result >= 0) return result;
    // The message of an earlier error is no longer available, but the code still has a description.
    const bool is_last = mmap_wrap_last_error_code() == result;
    if (!is_last) throw error(result, mmap_wrap_strerror(result));
    throw error(result, mmap_wrap_last_error_message(), mmap_wrap_last_error_system_code());
}

/** Does the same for a call that returns an address, or NULL on error. */
template <typename T>
T *check(T *address) {
    if (address == nullptr)
        throw error(mmap_wrap_last_error_code(), mmap_wrap_last_error_message(),
                    mmap_wrap_last_error_system_code());
    return address;
}

namespace detail {

/* The handle that a mapping and its views share. The destructor unmaps it. */
class owner {
public:
    explicit owner(mmap_wrap_handle handle) noexcept : handle_(handle) {}
    owner(owner &&other) noexcept : handle_(std::exchange(other.handle_, 0)) {}
    owner &operator=(owner &&) = delete;
    ~owner() {
        // A destructor cannot report an error; mapping::unmap reports it.
        if (handle_ > 0) munmap_wrap(handle_);
    }

    mmap_wrap_handle handle() const noexcept { return handle_; }
    mmap_wrap_handle release() noexcept { return std::exchange(handle_, 0); }

private:
    mmap_wrap_handle handle_;
};

} // namespace detail

/**
 * The memory of a mapping, as a range of bytes like std::span. A view acquires the address: while
 * the view exists, the mapping cannot be unmapped, moved or resized (MMAP_WRAP_E_BUSY), and it
 * stays mapped even after the mapping object is destroyed. A view can be moved, but not copied; one
 * that was moved from is empty. Byte is unsigned char (view) or const unsigned char (const_view).
 *
 * Accesses are not checked: an index beyond size(), or an access that the protection forbids, has
 * undefined behaviour. If the file was truncated, an access raises SIGBUS, unless the mapping is
 * surviving (mapping::survive).
 *
 *     mmapwrap::const_view bytes = words.const_bytes();
 *     std::string text(bytes.begin(), bytes.end());
 */
template <typename Byte>
class basic_view {
    static_assert(std::is_same_v<std::remove_const_t<Byte>, unsigned char>);

public:
    /** An empty view, of no mapping. */
    basic_view() noexcept = default;
    basic_view(basic_view &&other) noexcept { swap(other); }
    basic_view &operator=(basic_view &&other) noexcept {
        // Swaps with a temporary object: the former view of this object is released now and not
        // with other, and moving an object to itself changes nothing.
        basic_view taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~basic_view() {
        if (data_ != nullptr) mmap_wrap_release(handle_);
    }

    /** The address of the first byte; nullptr for a view of no mapping. */
    Byte *data() const noexcept { return data_; }
    /** The number of bytes. */
    std::size_t size() const noexcept { return size_; }
    /** Whether size() is 0. */
    bool empty() const noexcept { return size_ == 0; }
    /** The addresses of the first byte and past the last one: for loops and <algorithm>. */
    Byte *begin() const noexcept { return data_; }
    Byte *end() const noexcept { return data_ + size_; }
    /** The byte at this index, which must be below size(). */
    Byte &operator[](std::size_t index) const noexcept { return data_[index]; }

    /** Exchanges the two views. */
    void swap(basic_view &other) noexcept {
        std::swap(owner_, other.owner_);
        std::swap(handle_, other.handle_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }

private:
    friend class mapping;

    basic_view(std::shared_ptr<detail::owner> memory, mmap_wrap_handle handle,
               void *acquired) noexcept
        : owner_(std::move(memory)), handle_(handle), data_(static_cast<Byte *>(acquired)) {}

    // The body runs after the delegated constructor: if it throws, the destructor releases the
    // address.
    basic_view(std::shared_ptr<detail::owner> memory, mmap_wrap_handle handle)
        : basic_view(std::move(memory), handle, check(mmap_wrap_acquire(handle))) {
        size_ = static_cast<std::size_t>(check(mmap_wrap_length(handle)));
    }

    std::shared_ptr<detail::owner> owner_;
    mmap_wrap_handle handle_ = 0;
    Byte *data_ = nullptr;
    std::size_t size_ = 0;
};

/** Bytes that can be read and written. */
using view = basic_view<unsigned char>;
/** Bytes that can be read. */
using const_view = basic_view<const unsigned char>;

/**
 * How mapping::open and mapping::shared open or create a file and map it. By default the file must
 * exist, its size is not changed, and all of it is mapped, shared, for reading and writing. The
 * mapping keeps the file open.
 *
 *     auto how = mmapwrap::options().create().size(8192).allocate();
 *     auto table = mmapwrap::mapping::open("table", how);
 */
class options {
public:
    options() = default;

    /** Creates the file if it does not exist; its permissions are then mode, less the umask. */
    options &create(std::int64_t mode = 0644) {
        mode_ = mode;
        return flag(mmap_wrap_O_CREAT());
    }
    /** Creates the file; fails with -EEXIST if it exists. */
    options &create_new(std::int64_t mode = 0644) { return create(mode).flag(mmap_wrap_O_EXCL()); }
    /** Truncates the file to 0 bytes when it is opened (O_TRUNC). */
    options &truncate() { return flag(mmap_wrap_O_TRUNC()); }
    /** Adds O_ flags for which there is no member here. */
    options &flag(std::int64_t open_flags) {
        open_flags_ |= open_flags;
        return *this;
    }
    /** Sets the size of the file, which may be larger or smaller than before. */
    options &size(std::int64_t bytes) {
        size_ = bytes;
        return *this;
    }
    /** Allocates blocks for the whole size: a full disk is -ENOSPC now, not a fault later. */
    options &allocate(bool on = true) {
        allocate_ = on;
        return *this;
    }
    /** Opens and maps the file for reading only. */
    options &read_only() {
        access_ = mmap_wrap_O_RDONLY();
        prot_ = mmap_wrap_PROT_READ();
        return *this;
    }
    /**
     * Maps the file privately: bytes that are written to the mapping never reach the file, which is
     * opened for reading only.
     */
    options &copy_on_write() {
        access_ = mmap_wrap_O_RDONLY();
        type_ = mmap_wrap_MAP_PRIVATE();
        return *this;
    }
    /** Maps len bytes of the file from offset on, or all of its bytes from there. */
    options &part(std::int64_t offset, std::int64_t len = MMAP_WRAP_REST) {
        offset_ = offset;
        len_ = len;
        return *this;
    }

private:
    friend class mapping;

    mmap_wrap_open_options in_c() const noexcept {
        const std::int64_t open_flags = access_ | open_flags_, flags = type_ | MMAP_WRAP_KEEP;
        return {open_flags, mode_, size_, allocate_, len_, prot_, flags, offset_};
    }

    std::int64_t access_ = mmap_wrap_O_RDWR();
    std::int64_t open_flags_ = 0;
    std::int64_t mode_ = 0;
    std::int64_t size_ = MMAP_WRAP_REST;
    bool allocate_ = false;
    std::int64_t len_ = MMAP_WRAP_REST;
    std::int64_t prot_ = mmap_wrap_PROT_READ() | mmap_wrap_PROT_WRITE();
    std::int64_t type_ = mmap_wrap_MAP_SHARED();
    std::int64_t offset_ = 0;
};

/** How mapping::resize changes the file that the mapping keeps open. */
enum class file_end : std::int64_t {
    /** The size of the file is not changed. */
    stays = 0,
    /** The file ends where the mapping ends. */
    follows = MMAP_WRAP_WITH_FILE,
    /** The same, and blocks are allocated for all of the file: a full disk is -ENOSPC. */
    allocated = MMAP_WRAP_ALLOCATE,
};

/**
 * A mapping. It is unmapped when the object, its views and its mutexes are destroyed. A mapping
 * object can be moved, but not copied. One that was moved from or default-constructed has no
 * mapping: its handle() is 0, and operations throw MMAP_WRAP_E_HANDLE.
 */
class mapping {
public:
    /** An object without a mapping. */
    mapping() noexcept = default;
    mapping(mapping &&) noexcept = default;
    mapping &operator=(mapping &&) noexcept = default;

    /**
     * Takes ownership of the handle that a call returned, or throws the error that it returned.
     *
     *     mmapwrap::mapping page(mmap_wrap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
     */
    explicit mapping(mmap_wrap_handle handle) : mapping(detail::owner(check(handle))) {}

    /**
     * Maps len bytes of a file from offset on, by default to the end of the file (mmap_path_wrap).
     *
     *     auto data = mmapwrap::mapping::file("data.bin", PROT_READ | PROT_WRITE, MAP_SHARED);
     */
    static mapping file(const std::filesystem::path &path,
                        std::int64_t prot = mmap_wrap_PROT_READ(),
                        std::int64_t flags = mmap_wrap_MAP_SHARED(),
                        std::int64_t len = MMAP_WRAP_REST, std::int64_t offset = 0) {
        return mapping(mmap_path_wrap(whole(in_utf_8(path)).c_str(), len, prot, flags, offset));
    }

    /**
     * Opens or creates the file, and maps it (mmap_open_wrap). On failure no descriptor, file or
     * changed size is left behind.
     *
     *     auto log = mmapwrap::mapping::open("log", mmapwrap::options().create().size(4096));
     */
    static mapping open(const std::filesystem::path &path, const options &how = options()) {
        const mmap_wrap_open_options in_c = how.in_c();
        return mapping(mmap_open_wrap(whole(in_utf_8(path)).c_str(), &in_c, sizeof in_c));
    }

    /**
     * Does the same for POSIX shared memory with this name (mmap_shm_wrap).
     *
     *     auto how = mmapwrap::options().create(0600).size(4096);
     *     auto counters = mmapwrap::mapping::shared("/counters", how);
     *     mmapwrap::check(shm_unlink_wrap("/counters"));
     */
    static mapping shared(const std::string &name, const options &how = options()) {
        const mmap_wrap_open_options in_c = how.in_c();
        return mapping(mmap_shm_wrap(whole(name).c_str(), &in_c, sizeof in_c));
    }

    /**
     * Creates a memory file of len bytes, and maps it, shared, for reading and writing
     * (mmap_memfd_wrap). name is shown in /proc; flags are MFD_ values.
     *
     *     auto buffers = mmapwrap::mapping::memfd("buffers", 1 << 20);
     */
    static mapping memfd(const std::string &name, std::int64_t len, std::int64_t flags = 0) {
        const std::int64_t prot = mmap_wrap_PROT_READ() | mmap_wrap_PROT_WRITE();
        const std::int64_t shared = mmap_wrap_MAP_SHARED();
        return mapping(mmap_memfd_wrap(whole(name).c_str(), flags, len, prot, shared));
    }

    /**
     * Maps len bytes of zeroed memory without a file, for reading and writing. With MAP_SHARED,
     * forked children share the memory.
     *
     *     auto memory = mmapwrap::mapping::memory(8192);
     */
    static mapping memory(std::int64_t len, std::int64_t flags = mmap_wrap_MAP_PRIVATE()) {
        const std::int64_t prot = mmap_wrap_PROT_READ() | mmap_wrap_PROT_WRITE();
        return mapping(mmap_wrap(nullptr, len, prot, flags | mmap_wrap_MAP_ANONYMOUS(), -1, 0));
    }

    /** The handle, for functions in C; 0 without a mapping. The object keeps ownership. */
    mmap_wrap_handle handle() const noexcept { return owner_ ? owner_->handle() : 0; }

    /**
     * Gives up ownership: the caller must unmap the mapping. Returns its handle, or 0 without a
     * mapping.
     *
     *     mmap_wrap_handle h = words.release();
     */
    mmap_wrap_handle release() noexcept {
        const mmap_wrap_handle handle = owner_ ? owner_->release() : 0;
        owner_.reset();
        return handle;
    }

    /**
     * Unmaps the mapping. Throws if that fails, MMAP_WRAP_E_BUSY while a view exists. Returns true
     * if this call unmapped it, false if it was unmapped already or there is no mapping.
     *
     *     words.unmap();
     */
    bool unmap() const { return owner_ && check(munmap_wrap(handle())) == 1; }

    /** The length of the mapping. */
    std::int64_t length() const { return check(mmap_wrap_length(handle())); }

    /**
     * Resizes the mapping to length bytes, and may move it. If it keeps its file open, the file is
     * resized, too, unless end is file_end::stays. Throws MMAP_WRAP_E_BUSY while a view exists. On
     * failure nothing is changed.
     *
     *     words.resize(8192);
     *     words.resize(1 << 20, mmapwrap::file_end::allocated);
     */
    void resize(std::int64_t length) {
        resize(length, info().keeps_file != 0 ? file_end::follows : file_end::stays);
    }
    void resize(std::int64_t length, file_end end) {
        const std::int64_t file = static_cast<std::int64_t>(end);
        check(mremap_wrap(handle(), length, mmap_wrap_MREMAP_MAYMOVE(), nullptr, file));
    }

    /**
     * Makes the mapping surviving, or no longer so. An access through a view to a page that raises
     * SIGBUS, after its file was truncated, for example, then replaces the page by zeroed memory,
     * and the next operation on the mapping throws MMAP_WRAP_E_FAULT once.
     *
     *     words.survive();
     */
    void survive(bool on = true) const { check(mmap_wrap_survive(handle(), on)); }

    /**
     * Locks the pages of the range into memory; unlock undoes that.
     *
     *     words.lock();
     *     words.unlock();
     */
    void lock(std::int64_t offset = 0, std::int64_t size = MMAP_WRAP_REST) const {
        check(mlock_wrap(handle(), 0, offset, size));
    }
    void unlock(std::int64_t offset = 0, std::int64_t size = MMAP_WRAP_REST) const {
        check(munlock_wrap(handle(), offset, size));
    }

    /**
     * A view of the whole mapping, for reading and writing; see basic_view. Throws -EACCES if the
     * mapping is not writable.
     *
     *     words.bytes()[0] = 'x';
     */
    view bytes() const {
        if ((info().protection & mmap_wrap_PROT_WRITE()) == 0)
            throw error(-EACCES, "mmapwrap::mapping::bytes: the mapping is not writable; "
                                 "use const_bytes()");
        return view(owner_, handle());
    }

    /**
     * A view of the whole mapping, for reading.
     *
     *     const unsigned char first = words.const_bytes()[0];
     *     std::cout << first;
     */
    const_view const_bytes() const { return const_view(owner_, handle()); }

    /**
     * Copies size bytes of the mapping from offset on to the buffer.
     *
     *     std::uint32_t number;
     *     words.read(16, &number, sizeof number);
     */
    void read(std::int64_t offset, void *to, std::size_t size) const {
        check(mmap_wrap_read(handle(), offset, to, static_cast<std::int64_t>(size)));
    }

    /**
     * Copies size bytes of the buffer to the mapping from offset on.
     *
     *     words.write(0, "magic", 5);
     */
    void write(std::int64_t offset, const void *from, std::size_t size) const {
        check(mmap_wrap_write(handle(), offset, from, static_cast<std::int64_t>(size)));
    }

    /**
     * Sets size bytes from offset on, by default to the end of the mapping, to byte.
     *
     *     words.fill(0);
     */
    void fill(unsigned char byte, std::int64_t offset = 0,
              std::int64_t size = MMAP_WRAP_REST) const {
        check(mmap_wrap_fill(handle(), offset, byte, size));
    }

    /**
     * Returns the offset of the first needle that lies completely between the offsets start and
     * end, or std::nullopt if there is none.
     *
     *     std::optional<std::int64_t> line_end = words.find("\n");
     */
    std::optional<std::int64_t> find(std::string_view needle, std::int64_t start = 0,
                                     std::int64_t end = MMAP_WRAP_REST) const {
        const std::int64_t size = static_cast<std::int64_t>(needle.size());
        return found(mmap_wrap_find(handle(), needle.data(), size, start, end));
    }

    /** Does the same for the last needle. */
    std::optional<std::int64_t> rfind(std::string_view needle, std::int64_t start = 0,
                                      std::int64_t end = MMAP_WRAP_REST) const {
        const std::int64_t size = static_cast<std::int64_t>(needle.size());
        return found(mmap_wrap_rfind(handle(), needle.data(), size, start, end));
    }

    /**
     * Sets the protection of the pages of the range; prot is PROT_ values.
     *
     *     words.protect(PROT_READ);
     */
    void protect(std::int64_t prot, std::int64_t offset = 0,
                 std::int64_t size = MMAP_WRAP_REST) const {
        check(mprotect_wrap(handle(), prot, offset, size));
    }

    /**
     * Advises the kernel how the range will be used; advice is one MADV_ value.
     *
     *     words.advise(MADV_RANDOM);
     */
    void advise(std::int64_t advice, std::int64_t offset = 0,
                std::int64_t size = MMAP_WRAP_REST) const {
        check(madvise_wrap(handle(), advice, offset, size));
    }

    /**
     * Writes the pages of the range back to the file; flags are MS_ values.
     *
     *     words.sync();
     */
    void sync(std::int64_t flags = mmap_wrap_MS_SYNC(), std::int64_t offset = 0,
              std::int64_t size = MMAP_WRAP_REST) const {
        check(msync_wrap(handle(), flags, offset, size));
    }

private:
    friend class mutex;

    // owned unmaps its handle if make_shared throws.
    explicit mapping(detail::owner owned)
        : owner_(std::make_shared<detail::owner>(std::move(owned))) {}

    struct mmap_wrap_info info() const {
        struct mmap_wrap_info info;
        check(mmap_wrap_info(handle(), &info, sizeof info));
        return info;
    }

    // The library takes UTF-8, on Windows too, where string() may have the letters of the code page
    // only (MSVC). Elsewhere a path is bytes.
    static std::string in_utf_8(const std::filesystem::path &path) {
#ifdef _WIN32
        const auto text = path.u8string(); // of char in C++17, of char8_t in C++20
        return std::string(text.begin(), text.end());
#else
        return path.string();
#endif
    }

    // C ends a name at the first NUL byte, which may be the name of another file.
    static const std::string &whole(const std::string &name) {
        if (name.find('\0') != std::string::npos)
            throw error(MMAP_WRAP_E_ARGUMENT, "mmapwrap::mapping: the name has a NUL byte");
        return name;
    }

    static std::optional<std::int64_t> found(std::int64_t result) {
        if (result == MMAP_WRAP_E_NOT_FOUND) return std::nullopt;
        return check(result);
    }

    std::shared_ptr<detail::owner> owner_;
};

/**
 * A mutex between threads and processes, for std::unique_lock and similar templates. It occupies
 * MMAP_WRAP_MUTEX_SIZE bytes of a mapping; all bytes zero is an unlocked mutex. It shares the
 * ownership of the mapping: destroying the mapping object does not unmap it. If a thread ended
 * while it owned the mutex, the next thread that locks it takes it over, and holder_ended() returns
 * true.
 *
 *     mmapwrap::mutex mutex(words, 64);
 *     mutex.lock();
 *     if (mutex.holder_ended()) std::cerr << "the protected data may be inconsistent\n";
 *     mutex.unlock();
 */
class mutex {
public:
    /** The mutex at offset, which is a multiple of 8. */
    explicit mutex(const mapping &memory, std::int64_t offset = 0) noexcept
        : owner_(memory.owner_), offset_(offset) {}
    mutex(const mutex &) = delete;
    mutex &operator=(const mutex &) = delete;

    /** Locks the mutex, and waits until that is possible. */
    void lock() {
        while (!acquire(MMAP_WRAP_REST)) {}
    }
    /** Locks the mutex if that is possible without waiting; returns whether it did. */
    bool try_lock() { return acquire(0); }
    /** Does the same, but waits up to this time. */
    template <typename Rep, typename Period>
    bool try_lock_for(const std::chrono::duration<Rep, Period> &time) {
        using std::chrono::nanoseconds;
        using std::chrono::steady_clock;
        const auto end = steady_clock::now() + time;
        for (;;) {
            const auto left = std::chrono::duration_cast<nanoseconds>(end - steady_clock::now());
            if (acquire(left.count() > 0 ? left.count() : 0)) return true;
            if (left.count() <= 0) return false;
        }
    }
    /** Unlocks the mutex. Throws -EPERM if the calling thread does not own it. */
    void unlock() { check(mmap_wrap_mutex_unlock(handle(), offset_)); }

    /**
     * Whether the mutex was taken over from an owner that ended without unlocking it. Only the
     * thread that owns the mutex may call this.
     */
    bool holder_ended() const noexcept { return holder_ended_; }

private:
    mmap_wrap_handle handle() const noexcept { return owner_ ? owner_->handle() : 0; }

    // Returns false after the timeout, or if a signal handler interrupted the wait.
    bool acquire(std::int64_t timeout) {
        const std::int64_t result = mmap_wrap_mutex_lock(handle(), offset_, timeout);
        if (result == -ETIMEDOUT || result == -EINTR) return false;
        holder_ended_ = check(result) == 1;
        return true;
    }

    std::shared_ptr<detail::owner> owner_;
    std::int64_t offset_;
    bool holder_ended_ = false;
};

} // namespace mmapwrap

#endif /* MMAP_WRAP_HPP */
