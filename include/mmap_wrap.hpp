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
 *     for (unsigned char byte : words.bytes()) std::cout << byte;
 */
#ifndef MMAP_WRAP_HPP
#define MMAP_WRAP_HPP

#include "mmap_wrap.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
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
    error(std::int64_t code, const std::string &message) : std::runtime_error(message), code_(code) {}

    /** Negative, as the call returned it. */
    std::int64_t code() const noexcept { return code_; }

private:
    std::int64_t code_;
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
    throw error(result, is_last ? mmap_wrap_last_error_message() : mmap_wrap_strerror(result));
}

/** The same for a call that answers an address, and NULL on error. */
template <typename T>
T *check(T *address) {
    if (address == nullptr) throw error(mmap_wrap_last_error_code(), mmap_wrap_last_error_message());
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
        // A destructor has nobody to tell of an error; who wants to hear of it calls unmap().
        if (handle_ > 0) munmap_wrap(handle_);
    }

    mmap_wrap_handle handle() const noexcept { return handle_; }
    mmap_wrap_handle release() noexcept { return std::exchange(handle_, 0); }

private:
    mmap_wrap_handle handle_;
};

} // namespace detail

/**
 * The bytes of a mapping in place, as a span has them. It holds an export: until it is gone the mapping is neither
 * unmapped nor moved (MMAP_WRAP_E_BUSY), and it may outlive the mapping object. It moves, and does not copy; a view moved
 * from is empty.
 *
 * No check stands between it and the memory: an index beyond size(), or a write where the protection forbids it, is the
 * program's own mistake, and a file cut short is SIGBUS, unless the mapping survives it (mmap_wrap_survive).
 *
 *     mmapwrap::view bytes = words.bytes();
 *     std::string text(bytes.begin(), bytes.end());
 */
class view {
public:
    /** Empty, of no mapping. */
    view() noexcept = default;
    view(view &&other) noexcept { swap(other); }
    view &operator=(view &&other) noexcept {
        // By way of a third, so that moving to itself loses nothing, and what this had goes now, not with other.
        view taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~view() {
        if (data_ != nullptr) mmap_wrap_release(handle_);
    }

    /** The first byte. NULL for a view of no mapping. */
    unsigned char *data() const noexcept { return data_; }
    /** How many bytes, at the time when the view was made. */
    std::size_t size() const noexcept { return size_; }
    /** Whether there is no byte. */
    bool empty() const noexcept { return size_ == 0; }
    /** The first byte, and the one past the last: for loops and <algorithm>. */
    unsigned char *begin() const noexcept { return data_; }
    unsigned char *end() const noexcept { return data_ + size_; }
    /** The byte at this index, which must be below size(). */
    unsigned char &operator[](std::size_t index) const noexcept { return data_[index]; }

    /** Each has then what the other had. */
    void swap(view &other) noexcept {
        std::swap(owner_, other.owner_);
        std::swap(handle_, other.handle_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }

private:
    friend class mapping;

    view(std::shared_ptr<detail::owner> memory, mmap_wrap_handle handle, void *acquired) noexcept
        : owner_(std::move(memory)), handle_(handle), data_(static_cast<unsigned char *>(acquired)) {}

    // From here on the object is whole, and gives the export back if its length cannot be had.
    view(std::shared_ptr<detail::owner> memory, mmap_wrap_handle handle)
        : view(std::move(memory), handle, check(mmap_wrap_acquire(handle))) {
        size_ = static_cast<std::size_t>(check(mmap_wrap_length(handle)));
    }

    std::shared_ptr<detail::owner> owner_;
    mmap_wrap_handle handle_ = 0;
    unsigned char *data_ = nullptr;
    std::size_t size_ = 0;
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
    static mapping file(const char *path, std::int64_t prot = mmap_wrap_PROT_READ(),
                        std::int64_t flags = mmap_wrap_MAP_SHARED(), std::int64_t len = MMAP_WRAP_REST,
                        std::int64_t offset = 0) {
        return mapping(mmap_path_wrap(path, len, prot, flags, offset));
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
     * All bytes in place; see view.
     *
     *     words.bytes()[0] = 'x';
     */
    view bytes() const { return view(owner_, handle()); }

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
    // What is given is owned already: it is unmapped if there is no memory to share it.
    explicit mapping(detail::owner given) : owner_(std::make_shared<detail::owner>(std::move(given))) {}

    static std::optional<std::int64_t> found(std::int64_t result) {
        if (result == MMAP_WRAP_E_NOT_FOUND) return std::nullopt;
        return check(result);
    }

    std::shared_ptr<detail::owner> owner_;
};

} // namespace mmapwrap

#endif /* MMAP_WRAP_HPP */
