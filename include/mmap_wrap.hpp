/*
 * mmap_wrap.hpp - mapping objects over mmap_wrap.h, for C++17 and later
 *
 * Licence: MIT OR Apache-2.0.
 *
 * Whatever is not here is called as in C, on handle(), with check() around it. What the arguments mean, and which errors
 * there are, says mmap_wrap.h: every failure is thrown as an error with its code. Offsets and sizes are in bytes.
 *
 * Any thread may call what is const on any object. What is not const, and the end of an object, needs the object alone,
 * as with the standard library's. The namespace is mmapwrap: mmap_wrap is the name of a function in C.
 *
 *     mmapwrap::mapping words = mmapwrap::mapping::file("words.txt");
 *     if (std::optional<std::int64_t> at = words.find("two")) std::cout << "'two' is at " << *at << '\n';
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
 * A failure: what() is the message in full, with the operation, the numbers and the limit; code() one of
 * MMAP_WRAP_E_ or the system's -errno.
 *
 *     try { words.read(1 << 20, buffer, 3); }
 *     catch (const mmapwrap::error &e) { if (e.code() == MMAP_WRAP_E_RANGE) std::cerr << e.what() << '\n'; }
 */
class error : public std::runtime_error {
public:
    /** An error of a program's own may have any code and message. */
    error(std::int64_t code, const std::string &message, std::int64_t system_code = 0)
        : std::runtime_error(message), code_(code), system_code_(system_code) {}

    /** Negative, as the call returned it. */
    std::int64_t code() const noexcept { return code_; }

    /** The operating system's own code: errno or, on Windows, that of GetLastError. 0 where the system did not return the error. */
    std::int64_t system_code() const noexcept { return system_code_; }

private:
    std::int64_t code_;
    std::int64_t system_code_;
};

/**
 * Passes on the result of a C call, or throws it where it is an error. To be called on the thread of the call, at once.
 *
 *     mmapwrap::check(mmap_wrap_move(words.handle(), 0, 4096, 100));
 */
inline std::int64_t check(std::int64_t result) {
    if (result >= 0) return result;
    // A code that was kept from before has a message no more, but still a name.
    const bool is_last = mmap_wrap_last_error_code() == result;
    if (!is_last) throw error(result, mmap_wrap_strerror(result));
    throw error(result, mmap_wrap_last_error_message(), mmap_wrap_last_error_system_code());
}

/** The same for a call that returns an address, and NULL on error. */
template <typename T>
T *check(T *address) {
    if (address == nullptr) {
        throw error(mmap_wrap_last_error_code(), mmap_wrap_last_error_message(), mmap_wrap_last_error_system_code());
    }
    return address;
}

namespace detail {

/* What a mapping and its views share: the last of them to go unmaps. */
class owner {
public:
    explicit owner(mmap_wrap_handle handle) noexcept : handle_(handle) {}
    owner(owner &&other) noexcept : handle_(std::exchange(other.handle_, 0)) {}
    owner &operator=(owner &&) = delete;
    ~owner() {
        // A destructor cannot report an error; unmap() does.
        if (handle_ > 0) munmap_wrap(handle_);
    }

    mmap_wrap_handle handle() const noexcept { return handle_; }
    mmap_wrap_handle release() noexcept { return std::exchange(handle_, 0); }

private:
    mmap_wrap_handle handle_;
};

} // namespace detail

/**
 * The bytes of a mapping in place, as a span has them. It acquires the address: until it is gone the mapping is neither
 * unmapped nor moved (MMAP_WRAP_E_BUSY), and it may outlive the mapping object. It moves, and does not copy; a view moved
 * from is empty. Byte is unsigned char (view), or const (const_view).
 *
 * No check stands between it and the memory: an index beyond size(), or a write where the protection forbids it by now, is
 * the program's own mistake, and a file cut short is SIGBUS, unless the mapping survives it (mapping::survive).
 *
 *     mmapwrap::const_view bytes = words.const_bytes();
 *     std::string text(bytes.begin(), bytes.end());
 */
template <typename Byte>
class basic_view {
    static_assert(std::is_same_v<std::remove_const_t<Byte>, unsigned char>);

public:
    /** Empty, of no mapping. */
    basic_view() noexcept = default;
    basic_view(basic_view &&other) noexcept { swap(other); }
    basic_view &operator=(basic_view &&other) noexcept {
        // By way of a third, so that moving to itself loses nothing, and what this had goes now, not with other.
        basic_view taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~basic_view() {
        if (data_ != nullptr) mmap_wrap_release(handle_);
    }

    /** The first byte. NULL for a view of no mapping. */
    Byte *data() const noexcept { return data_; }
    /** How many bytes, at the time when the view was made. */
    std::size_t size() const noexcept { return size_; }
    /** Whether there is no byte. */
    bool empty() const noexcept { return size_ == 0; }
    /** The first byte, and the one past the last: for loops and <algorithm>. */
    Byte *begin() const noexcept { return data_; }
    Byte *end() const noexcept { return data_ + size_; }
    /** The byte at this index, which must be below size(). */
    Byte &operator[](std::size_t index) const noexcept { return data_[index]; }

    /** Each has then what the other had. */
    void swap(basic_view &other) noexcept {
        std::swap(owner_, other.owner_);
        std::swap(handle_, other.handle_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }

private:
    friend class mapping;

    basic_view(std::shared_ptr<detail::owner> memory, mmap_wrap_handle handle, void *acquired) noexcept
        : owner_(std::move(memory)), handle_(handle), data_(static_cast<Byte *>(acquired)) {}

    // From here on the object is whole, and releases the address if its length cannot be had.
    basic_view(std::shared_ptr<detail::owner> memory, mmap_wrap_handle handle)
        : basic_view(std::move(memory), handle, check(mmap_wrap_acquire(handle))) {
        size_ = static_cast<std::size_t>(check(mmap_wrap_length(handle)));
    }

    std::shared_ptr<detail::owner> owner_;
    mmap_wrap_handle handle_ = 0;
    Byte *data_ = nullptr;
    std::size_t size_ = 0;
};

/** Bytes to read and to write. */
using view = basic_view<unsigned char>;
/** Bytes to read. */
using const_view = basic_view<const unsigned char>;

/**
 * How a file is opened, or made, and mapped: see mapping::open. Unless it is said otherwise, the file must be there, is as
 * large as it is, and is mapped whole, shared, to read and to write. The mapping keeps it open.
 *
 *     auto table = mmapwrap::mapping::open("table", mmapwrap::options().create().size(8192).allocate());
 */
class options {
public:
    options() = default;

    /** The file is made where it is not there; mode is its permissions then, less the umask. */
    options &create(std::int64_t mode = 0644) {
        mode_ = mode;
        return flag(mmap_wrap_O_CREAT());
    }
    /** The file is made, and must not be there (-EEXIST). */
    options &create_new(std::int64_t mode = 0644) { return create(mode).flag(mmap_wrap_O_EXCL()); }
    /** The file is emptied first, at once. */
    options &truncate() { return flag(mmap_wrap_O_TRUNC()); }
    /** O_ values beside those that the other calls stand for. */
    options &flag(std::int64_t open_flags) {
        open_flags_ |= open_flags;
        return *this;
    }
    /** The file is made this many bytes long, larger or smaller than it was. */
    options &size(std::int64_t bytes) {
        size_ = bytes;
        return *this;
    }
    /** The file system sets blocks aside for all of the file: a full disk is -ENOSPC now. */
    options &allocate(bool on = true) {
        allocate_ = on;
        return *this;
    }
    /** The file is opened for reading only, and so is the mapping. */
    options &read_only() {
        access_ = mmap_wrap_O_RDONLY();
        prot_ = mmap_wrap_PROT_READ();
        return *this;
    }
    /** What is written stays in this mapping, and never reaches the file, which is opened for reading only. */
    options &copy_on_write() {
        access_ = mmap_wrap_O_RDONLY();
        type_ = mmap_wrap_MAP_PRIVATE();
        return *this;
    }
    /** The part of the file that is mapped. */
    options &part(std::int64_t offset, std::int64_t len = MMAP_WRAP_REST) {
        offset_ = offset;
        len_ = len;
        return *this;
    }

private:
    friend class mapping;

    mmap_wrap_open_options in_c() const noexcept {
        return {access_ | open_flags_, mode_, size_, allocate_, len_, prot_, type_ | MMAP_WRAP_KEEP, offset_};
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

/** What resizing a mapping makes of the file that it keeps open. */
enum class file_end : std::int64_t {
    /** It keeps its size. */
    stays = 0,
    /** It ends where the mapping ends. */
    follows = MMAP_WRAP_WITH_FILE,
    /** The same, and blocks are set aside for all of it: a full disk is -ENOSPC. */
    allocated = MMAP_WRAP_ALLOCATE,
};

/**
 * A mapping, unmapped when the object goes; where views are left, when the last of them goes. It moves, and does not
 * copy; one moved from, or made by mapping(), maps nothing: its handle() is 0, and every operation on it throws
 * MMAP_WRAP_E_HANDLE.
 */
class mapping {
public:
    /** Maps nothing. */
    mapping() noexcept = default;
    mapping(mapping &&) noexcept = default;
    mapping &operator=(mapping &&) noexcept = default;

    /**
     * Takes over the handle that any call gave, or throws the error that it gave instead.
     *
     *     mmapwrap::mapping page(mmap_wrap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
     */
    explicit mapping(mmap_wrap_handle handle) : mapping(detail::owner(check(handle))) {}

    /**
     * Maps len bytes of a file from offset on, or all there is, as mmap_path_wrap does.
     *
     *     auto data = mmapwrap::mapping::file("data.bin", PROT_READ | PROT_WRITE, MAP_SHARED);
     */
    static mapping file(const std::filesystem::path &path, std::int64_t prot = mmap_wrap_PROT_READ(),
                        std::int64_t flags = mmap_wrap_MAP_SHARED(), std::int64_t len = MMAP_WRAP_REST,
                        std::int64_t offset = 0) {
        return mapping(mmap_path_wrap(whole(in_utf_8(path)).c_str(), len, prot, flags, offset));
    }

    /**
     * Opens the file, or makes it, as the options say, and maps it, as mmap_open_wrap does: on failure nothing is left behind.
     *
     *     auto log = mmapwrap::mapping::open("log", mmapwrap::options().create().size(4096));
     */
    static mapping open(const std::filesystem::path &path, const options &how = options()) {
        const mmap_wrap_open_options in_c = how.in_c();
        return mapping(mmap_open_wrap(whole(in_utf_8(path)).c_str(), &in_c, sizeof in_c));
    }

    /**
     * The same for POSIX shared memory, by its name.
     *
     *     auto counters = mmapwrap::mapping::shared("/counters", mmapwrap::options().create(0600).size(4096));
     *     mmapwrap::check(shm_unlink_wrap("/counters"));
     */
    static mapping shared(const std::string &name, const options &how = options()) {
        const mmap_wrap_open_options in_c = how.in_c();
        return mapping(mmap_shm_wrap(whole(name).c_str(), &in_c, sizeof in_c));
    }

    /**
     * Makes a memory file of len bytes and maps it, shared, to read and to write. name is for /proc, flags are MFD_ values.
     *
     *     auto buffers = mmapwrap::mapping::memfd("buffers", 1 << 20);
     */
    static mapping memfd(const std::string &name, std::int64_t len, std::int64_t flags = 0) {
        const std::int64_t prot = mmap_wrap_PROT_READ() | mmap_wrap_PROT_WRITE();
        return mapping(mmap_memfd_wrap(whole(name).c_str(), flags, len, prot, mmap_wrap_MAP_SHARED()));
    }

    /**
     * Maps len bytes of memory without a file, all zero, to read and to write. With MAP_SHARED a forked child shares it.
     *
     *     auto memory = mmapwrap::mapping::memory(8192);
     */
    static mapping memory(std::int64_t len, std::int64_t flags = mmap_wrap_MAP_PRIVATE()) {
        const std::int64_t prot = mmap_wrap_PROT_READ() | mmap_wrap_PROT_WRITE();
        return mapping(mmap_wrap(nullptr, len, prot, flags | mmap_wrap_MAP_ANONYMOUS(), -1, 0));
    }

    /** The handle, for every other call in C. The mapping stays this object's. */
    mmap_wrap_handle handle() const noexcept { return owner_ ? owner_->handle() : 0; }

    /**
     * Gives the mapping up: the caller unmaps it. Returns its handle, or 0 where there is none.
     *
     *     mmap_wrap_handle h = words.release();
     */
    mmap_wrap_handle release() noexcept {
        const mmap_wrap_handle handle = owner_ ? owner_->release() : 0;
        owner_.reset();
        return handle;
    }

    /**
     * Unmaps now, and throws where that fails: MMAP_WRAP_E_BUSY while there are views. Returns whether this call
     * unmapped it: false where it was unmapped before, or where there is none.
     *
     *     words.unmap();
     */
    bool unmap() const { return owner_ && check(munmap_wrap(handle())) == 1; }

    /** The mapping's length. */
    std::int64_t length() const { return check(mmap_wrap_length(handle())); }

    /**
     * Makes the mapping length bytes long; it may move. The file that it keeps open, if it does, ends where it ends
     * afterwards, or as end says. Throws MMAP_WRAP_E_BUSY while there are views; on failure nothing has changed.
     *
     *     words.resize(8192);
     *     words.resize(1 << 20, mmapwrap::file_end::allocated);
     */
    void resize(std::int64_t length) {
        resize(length, facts().keeps_file != 0 ? file_end::follows : file_end::stays);
    }
    void resize(std::int64_t length, file_end end) {
        check(mremap_wrap(handle(), length, mmap_wrap_MREMAP_MAYMOVE(), nullptr, static_cast<std::int64_t>(end)));
    }

    /**
     * Lets views survive a file that is cut short, or stops that: a page that is lost becomes zeroed memory, and the next
     * call on the mapping throws MMAP_WRAP_E_FAULT, once.
     *
     *     words.survive();
     */
    void survive(bool on = true) const { check(mmap_wrap_survive(handle(), on)); }

    /**
     * Keeps the pages of the range in memory, until they are unlocked.
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
     * All bytes in place, to read and to write; see basic_view. Throws -EACCES where the mapping is read-only.
     *
     *     words.bytes()[0] = 'x';
     */
    view bytes() const {
        if ((facts().protection & mmap_wrap_PROT_WRITE()) == 0)
            throw error(-EACCES, "mmapwrap::mapping::bytes: the mapping is not writable; use const_bytes()");
        return view(owner_, handle());
    }

    /**
     * All bytes in place, to read.
     *
     *     const unsigned char first = words.const_bytes()[0];
     *     std::cout << first;
     */
    const_view const_bytes() const { return const_view(owner_, handle()); }

    /**
     * Copies size bytes from offset on to the buffer.
     *
     *     std::uint32_t number;
     *     words.read(16, &number, sizeof number);
     */
    void read(std::int64_t offset, void *to, std::size_t size) const {
        check(mmap_wrap_read(handle(), offset, to, static_cast<std::int64_t>(size)));
    }

    /**
     * Copies size bytes from the buffer over those from offset on.
     *
     *     words.write(0, "magic", 5);
     */
    void write(std::int64_t offset, const void *from, std::size_t size) const {
        check(mmap_wrap_write(handle(), offset, from, static_cast<std::int64_t>(size)));
    }

    /**
     * Sets size bytes from offset on, or all to the end, to byte.
     *
     *     words.fill(0);
     */
    void fill(unsigned char byte, std::int64_t offset = 0, std::int64_t size = MMAP_WRAP_REST) const {
        check(mmap_wrap_fill(handle(), offset, byte, size));
    }

    /**
     * The offset of the first needle that lies whole from start up to end; nothing where there is none.
     *
     *     std::optional<std::int64_t> line_end = words.find("\n");
     */
    std::optional<std::int64_t> find(std::string_view needle, std::int64_t start = 0,
                                     std::int64_t end = MMAP_WRAP_REST) const {
        return found(mmap_wrap_find(handle(), needle.data(), static_cast<std::int64_t>(needle.size()), start, end));
    }

    /** The same for the last needle. */
    std::optional<std::int64_t> rfind(std::string_view needle, std::int64_t start = 0,
                                      std::int64_t end = MMAP_WRAP_REST) const {
        return found(mmap_wrap_rfind(handle(), needle.data(), static_cast<std::int64_t>(needle.size()), start, end));
    }

    /**
     * Changes what may be done with the range: PROT_ values.
     *
     *     words.protect(PROT_READ);
     */
    void protect(std::int64_t prot, std::int64_t offset = 0, std::int64_t size = MMAP_WRAP_REST) const {
        check(mprotect_wrap(handle(), prot, offset, size));
    }

    /**
     * Tells the kernel how the range will be used: one MADV_ value.
     *
     *     words.advise(MADV_RANDOM);
     */
    void advise(std::int64_t advice, std::int64_t offset = 0, std::int64_t size = MMAP_WRAP_REST) const {
        check(madvise_wrap(handle(), advice, offset, size));
    }

    /**
     * Writes the pages that hold the range back to the file: MS_ values.
     *
     *     words.sync();
     */
    void sync(std::int64_t flags = mmap_wrap_MS_SYNC(), std::int64_t offset = 0,
              std::int64_t size = MMAP_WRAP_REST) const {
        check(msync_wrap(handle(), flags, offset, size));
    }

private:
    friend class mutex;

    // What is given is owned already: it is unmapped if there is no memory to share it.
    explicit mapping(detail::owner given) : owner_(std::make_shared<detail::owner>(std::move(given))) {}

    struct mmap_wrap_info facts() const {
        struct mmap_wrap_info facts;
        check(mmap_wrap_info(handle(), &facts, sizeof facts));
        return facts;
    }

    // The library takes UTF-8, on Windows too: string() may have only the letters of the code page there (MSVC). Elsewhere a
    // path is bytes.
    static std::string in_utf_8(const std::filesystem::path &path) {
#ifdef _WIN32
        const auto text = path.u8string(); // of char in C++17, of char8_t in C++20
        return std::string(text.begin(), text.end());
#else
        return path.string();
#endif
    }

    // In C a name ends at its first NUL: another file than the one that was named.
    static const std::string &whole(const std::string &name) {
        if (name.find('\0') != std::string::npos) throw error(MMAP_WRAP_E_ARGUMENT, "mmapwrap::mapping: the name has a NUL byte");
        return name;
    }

    static std::optional<std::int64_t> found(std::int64_t result) {
        if (result == MMAP_WRAP_E_NOT_FOUND) return std::nullopt;
        return check(result);
    }

    std::shared_ptr<detail::owner> owner_;
};

/**
 * A mutex in MMAP_WRAP_MUTEX_SIZE bytes of a mapping, zeros at first, between threads and processes: for std::unique_lock and
 * its like. It keeps the mapping. Where its owner died, the next one takes it over, and holder_ended() says so.
 *
 *     mmapwrap::mutex mutex(words, 64);
 *     mutex.lock();
 *     if (mutex.holder_ended()) std::cerr << "what it protects may be half changed\n";
 *     mutex.unlock();
 */
class mutex {
public:
    /** The mutex at this offset, a multiple of 8. */
    explicit mutex(const mapping &memory, std::int64_t offset = 0) noexcept : owner_(memory.owner_), offset_(offset) {}
    mutex(const mutex &) = delete;
    mutex &operator=(const mutex &) = delete;

    /** Waits until the calling thread holds it. */
    void lock() {
        while (!acquire(MMAP_WRAP_REST)) {}
    }
    /** Whether the calling thread holds it now; it does not wait. */
    bool try_lock() { return acquire(0); }
    /** The same after at most this time. */
    template <typename Rep, typename Period>
    bool try_lock_for(const std::chrono::duration<Rep, Period> &time) {
        using std::chrono::steady_clock;
        const auto end = steady_clock::now() + time;
        for (;;) {
            const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(end - steady_clock::now());
            if (acquire(left.count() > 0 ? left.count() : 0)) return true;
            if (left.count() <= 0) return false;
        }
    }
    /** Gives it back; throws -EPERM where the calling thread does not hold it. */
    void unlock() { check(mmap_wrap_mutex_unlock(handle(), offset_)); }

    /** Whether the mutex was taken over from an owner that ended, when it was locked. For the thread that holds it. */
    bool holder_ended() const noexcept { return holder_ended_; }

private:
    mmap_wrap_handle handle() const noexcept { return owner_ ? owner_->handle() : 0; }

    // False where the time is over, or a signal handler ran.
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
