/* mmap_wrap.hpp: ownership and lifetime of mappings, exceptions, and that the members access the memory. */
#include "mmap_wrap.hpp"

extern "C" {
#include "../c/check.h"
}

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <type_traits>
#include <unistd.h>
#include <utility>

using mmapwrap::const_view;
using mmapwrap::file_end;
using mmapwrap::mapping;
using mmapwrap::options;
using mmapwrap::view;

static_assert(!std::is_copy_constructible_v<mapping> && !std::is_copy_assignable_v<mapping>);
static_assert(std::is_nothrow_move_constructible_v<mapping> && std::is_nothrow_move_assignable_v<mapping>);
static_assert(!std::is_copy_constructible_v<view> && !std::is_copy_assignable_v<view>);
static_assert(std::is_nothrow_move_constructible_v<view> && std::is_nothrow_move_assignable_v<view>);
static_assert(std::is_nothrow_destructible_v<mapping> && std::is_nothrow_destructible_v<view>);
static_assert(!std::is_copy_constructible_v<const_view> && std::is_nothrow_move_constructible_v<const_view>);
static_assert(std::is_same_v<decltype(std::declval<const const_view &>()[0]), const unsigned char &>);
static_assert(std::is_same_v<decltype(std::declval<const view &>().data()), unsigned char *>);
static_assert(std::is_base_of_v<std::runtime_error, mmapwrap::error>);

/* The code and message of the error that the action throws; code 0 if it throws none. */
struct thrown {
    std::int64_t code;
    std::string message;
};

template <typename Action>
static thrown thrown_by(Action action) {
    try {
        action();
    } catch (const mmapwrap::error &error) {
        return {error.code(), error.what()};
    }
    return {0, ""};
}

#define CHECK_THROWS(statement, expected, text)                                      \
    do {                                                                             \
        const thrown what = thrown_by([&] { statement; });                           \
        CHECK_IS(what.code, expected);                                               \
        if (!CHECK(what.message.find(text) != std::string::npos)) puts(what.message.c_str()); \
    } while (false)

static void make_words() {
    make_file("words", "one two three two\n", 18);
}

static std::string contents(const mapping &whole) {
    const const_view bytes = whole.const_bytes();
    return std::string(bytes.begin(), bytes.end());
}

static void a_file_is_mapped_while_the_object_lives() {
    make_words();
    {
        const mapping words = mapping::file("words");
        CHECK_IS(mappings_of("/words"), 1);
        CHECK_IS(words.length(), 18);
        CHECK(contents(words) == "one two three two\n");
    }
    CHECK_IS(mappings_of("/words"), 0);
    unlink("words");
}

static void a_part_of_a_file_is_mapped() {
    make_words();
    CHECK(contents(mapping::file("words", PROT_READ, MAP_PRIVATE, 3, 4)) == "two");
    unlink("words");
}

static void moving_takes_the_mapping_along() {
    mapping first = mapping::memory(4096);
    const mmap_wrap_handle handle = first.handle();
    mapping second = std::move(first);
    CHECK_IS(second.handle(), handle);
    CHECK_IS(second.length(), 4096);
    CHECK_IS(first.handle(), 0);
    CHECK_THROWS((void)first.length(), MMAP_WRAP_E_HANDLE, "handle");
    CHECK_THROWS((void)first.bytes(), MMAP_WRAP_E_HANDLE, "handle");
    CHECK(!first.unmap());
    CHECK_IS(first.release(), 0);
}

static void what_is_moved_over_is_unmapped() {
    mapping kept = mapping::memory(4096);
    const mmap_wrap_handle lost = kept.handle();
    kept = mapping::memory(8192);
    CHECK_IS(kept.length(), 8192);
    CHECK_FAILS(mmap_wrap_length(lost), MMAP_WRAP_E_UNMAPPED, "unmapped");
}

static void moving_to_itself_keeps_the_mapping_and_the_view() {
    mapping memory = mapping::memory(4096);
    mapping &same = memory;
    memory = std::move(same);
    CHECK_IS(memory.length(), 4096);

    view bytes = memory.bytes();
    view &same_bytes = bytes;
    bytes = std::move(same_bytes);
    CHECK(bytes.data() != nullptr);
    CHECK_IS((std::int64_t)bytes.size(), 4096);
    CHECK_THROWS(memory.unmap(), MMAP_WRAP_E_BUSY, "");
}

static void unmapping_twice_returns_false() {
    const mapping memory = mapping::memory(4096);
    CHECK(memory.unmap());
    CHECK(!memory.unmap());
    CHECK_THROWS((void)memory.length(), MMAP_WRAP_E_UNMAPPED, "unmapped");
}

static void a_mapping_unmapped_without_its_object_does_no_harm() {
    const mapping memory = mapping::memory(4096);
    CHECK_IS(munmap_wrap(memory.handle()), 1);
    CHECK(!memory.unmap());
}

static void a_released_mapping_is_the_callers() {
    mmap_wrap_handle handle = 0;
    {
        mapping memory = mapping::memory(4096);
        handle = memory.release();
        CHECK_IS(memory.handle(), 0);
    }
    CHECK_IS(mmap_wrap_length(handle), 4096);
    CHECK_IS(munmap_wrap(handle), 1);
}

static void the_handle_that_a_c_call_returned_is_taken_over() {
    mmap_wrap_handle handle = memory_of(4096);
    {
        const mapping memory(handle);
        CHECK_IS(memory.length(), 4096);
    }
    CHECK_FAILS(mmap_wrap_length(handle), MMAP_WRAP_E_UNMAPPED, "unmapped");
}

static void errors_have_the_code_and_the_message_of_the_call() {
    CHECK_THROWS(mapping::file("missing"), -ENOENT, "open 'missing' for reading: No such file");
    CHECK_THROWS(mapping::memory(0), MMAP_WRAP_E_ARGUMENT, "mmap_wrap");
    CHECK_THROWS(mapping(mmap_wrap(nullptr, 1, PROT_READ, MAP_PRIVATE, 1 << 30, 0)), -EBADF, "EBADF");

    const mapping memory = mapping::memory(4096);
    char byte = 0;
    CHECK_THROWS(memory.read(5000, &byte, 1), MMAP_WRAP_E_RANGE, "mmap_wrap_read: offset 5000");
    CHECK_THROWS(memory.write(4096, &byte, 1), MMAP_WRAP_E_RANGE, "mmap_wrap_write");
    CHECK_THROWS(memory.read(0, &byte, SIZE_MAX), MMAP_WRAP_E_RANGE, "mmap_wrap_read");
    CHECK_THROWS(memory.fill(0, 1, 4096), MMAP_WRAP_E_RANGE, "mmap_wrap_fill");
    CHECK_THROWS((void)memory.find("x", 5000), MMAP_WRAP_E_RANGE, "mmap_wrap_find");
    CHECK_THROWS(memory.protect(PROT_READ, 1), MMAP_WRAP_E_ALIGNMENT, "mprotect_wrap");
    CHECK_THROWS(memory.advise(-1), MMAP_WRAP_E_ARGUMENT, "madvise_wrap");
    CHECK_THROWS(memory.sync(1 << 20), MMAP_WRAP_E_ARGUMENT, "msync_wrap");
}

static void check_returns_results_and_throws_errors() {
    CHECK_IS(mmapwrap::check(0), 0);
    CHECK_IS(mmapwrap::check(7), 7);
    char byte = 0;
    CHECK(mmapwrap::check(&byte) == &byte);
    CHECK_THROWS(mmapwrap::check(mmap_wrap_length(0)), MMAP_WRAP_E_HANDLE, mmap_wrap_last_error_message());
    CHECK_THROWS(mmapwrap::check(mmap_wrap_address(0)), MMAP_WRAP_E_HANDLE, mmap_wrap_last_error_message());
}

static void the_code_of_an_earlier_error_has_its_description_and_not_the_message_of_a_later_one() {
    (void)mmap_wrap_length(0);
    CHECK_THROWS(mmapwrap::check(-EACCES), -EACCES, "Permission denied (EACCES)");
}

static void an_error_keeps_the_systems_own_code() {
    const auto code_of = [](auto action) -> std::int64_t {
        try {
            action();
        } catch (const mmapwrap::error &error) {
            (void)mmap_wrap_length(0);
            return error.system_code();
        }
        return -1;
    };
    CHECK_IS(code_of([] { (void)mapping::file("no such file"); }), ENOENT);
    CHECK_IS(code_of([] { (void)mapping().length(); }), 0);
    CHECK_IS(code_of([] { mmapwrap::check(-EACCES); }), 0); /* kept from before */
    CHECK_IS(mmapwrap::error(-EIO, "of the program's own").system_code(), 0);
    CHECK_IS(mmapwrap::error(-EIO, "of the program's own", 1117).system_code(), 1117);
}

static void the_calls_reach_the_file() {
    make_words();
    const mapping words = mapping::file("words", PROT_READ | PROT_WRITE);
    char three[4] = "";
    words.read(8, three, 3);
    CHECK(std::strcmp(three, "thr") == 0);
    words.write(0, "ONE", 3);
    words.fill('-', 3, 1);
    words.advise(MADV_RANDOM);
    words.sync();
    char seen[18];
    read_file("words", seen, 18);
    CHECK(std::memcmp(seen, "ONE-two three two\n", 18) == 0);

    words.protect(PROT_READ);
    CHECK_THROWS(words.write(0, "x", 1), MMAP_WRAP_E_FAULT, "mmap_wrap_write");
    unlink("words");
}

static void finding_returns_the_offset_or_nothing() {
    make_words();
    const mapping words = mapping::file("words");
    CHECK(words.find("two") == std::optional<std::int64_t>(4));
    CHECK(words.find("two", 5) == std::optional<std::int64_t>(14));
    CHECK(words.find("two", 5, 16) == std::nullopt);
    CHECK(words.rfind("two") == std::optional<std::int64_t>(14));
    CHECK(words.rfind("two", 0, 16) == std::optional<std::int64_t>(4));
    CHECK(words.rfind("four") == std::nullopt);
    CHECK(words.find("") == std::optional<std::int64_t>(0));
    unlink("words");
}

static void a_view_is_a_range_of_the_memory_itself() {
    const mapping memory = mapping::memory(4096);
    const view bytes = memory.bytes();
    CHECK(bytes.data() == mmap_wrap_address(memory.handle()));
    CHECK_IS(bytes.end() - bytes.begin(), 4096);
    CHECK(!bytes.empty());
    bytes[4095] = 7;
    CHECK_IS(*std::max_element(bytes.begin(), bytes.end()), 7);
    unsigned char last = 0;
    memory.read(4095, &last, 1);
    CHECK_IS(last, 7);
}

static void an_empty_file_has_an_empty_view() {
    make_file("empty", "", 0);
    const mapping nothing = mapping::file("empty");
    const const_view bytes = nothing.const_bytes();
    CHECK(bytes.empty() && bytes.begin() == bytes.end());
    CHECK_THROWS(nothing.unmap(), MMAP_WRAP_E_BUSY, "");
    unlink("empty");
}

static void unmapping_fails_while_there_is_a_view() {
    const mapping memory = mapping::memory(4096);
    {
        const view first = memory.bytes(), second = memory.bytes();
        CHECK_THROWS(memory.unmap(), MMAP_WRAP_E_BUSY, "acquired address");
        first[0] = 1;
        CHECK_IS(second[0], 1);
    }
    CHECK(memory.unmap());
}

static void a_view_that_moves_acquires_the_address_once() {
    const mapping memory = mapping::memory(4096), other = mapping::memory(8192);
    view bytes = memory.bytes();
    view moved = std::move(bytes);
    CHECK(bytes.data() == nullptr && bytes.empty());
    CHECK_IS((std::int64_t)moved.size(), 4096);
    CHECK_THROWS(memory.unmap(), MMAP_WRAP_E_BUSY, "");

    moved = other.bytes();
    CHECK_IS((std::int64_t)moved.size(), 8192);
    CHECK(memory.unmap());
    CHECK_THROWS(other.unmap(), MMAP_WRAP_E_BUSY, "");
    moved = view();
    CHECK(other.unmap());
}

static void a_view_outlives_the_mapping_object_and_unmaps_with_it() {
    make_words();
    {
        const const_view bytes = mapping::file("words").const_bytes();
        CHECK_IS(mappings_of("/words"), 1);
        CHECK_IS(bytes[4], 't');
    }
    CHECK_IS(mappings_of("/words"), 0);
    unlink("words");
}

static void a_view_of_a_released_mapping_releases_its_address() {
    mmap_wrap_handle handle = 0;
    {
        mapping memory = mapping::memory(4096);
        const view bytes = memory.bytes();
        handle = memory.release();
        CHECK_FAILS(munmap_wrap(handle), MMAP_WRAP_E_BUSY, "acquired address");
    }
    CHECK_IS(munmap_wrap(handle), 1);
}

static void an_exception_unmaps() {
    make_words();
    try {
        const mapping words = mapping::file("words");
        const const_view bytes = words.const_bytes();
        throw std::runtime_error("on the way");
    } catch (const std::runtime_error &) {
        CHECK_IS(mappings_of("/words"), 0);
    }
    unlink("words");
}

static std::int64_t size_of(const char *name) {
    struct stat status;
    return stat(name, &status) == 0 ? status.st_size : -1;
}

static void a_file_is_created_sized_and_allocated() {
    CHECK_THROWS(mapping::open("table"), -ENOENT, "open 'table'");
    {
        const mapping table = mapping::open("table", options().create(0600).size(8192).allocate());
        CHECK_IS(table.length(), 8192);
        table.write(8191, "x", 1);
    }
    struct stat status;
    CHECK(stat("table", &status) == 0 && (status.st_mode & 0777) == 0600 && status.st_blocks * 512 >= 8192);
    CHECK_THROWS(mapping::open("table", options().create_new()), -EEXIST, "EEXIST");
    CHECK_IS(mapping::open("table", options().size(100)).length(), 100);
    CHECK_IS(size_of("table"), 100);
    CHECK_IS(mapping::open("table", options().truncate().size(5)).find("\0\0\0\0\0").value_or(-1), 0);
    unlink("table");
}

static void a_file_is_opened_as_the_options_require() {
    make_words();
    const mapping whole = mapping::open(std::filesystem::path("words"), options().read_only());
    CHECK_IS(whole.length(), 18);
    CHECK_THROWS(whole.write(0, "x", 1), MMAP_WRAP_E_FAULT, "mmap_wrap_write");
    const mapping own = mapping::open("words", options().copy_on_write());
    own.write(0, "XXX", 3);
    CHECK(contents(mapping::open("words", options().part(4, 3).read_only())) == "two");
    CHECK(contents(whole).substr(0, 3) == "one");
    CHECK_THROWS(mapping::open("words", options().flag(1ll << 40)), MMAP_WRAP_E_ARGUMENT, "open flags");
    CHECK_THROWS(mapping::file(std::string("words\0more", 10)), MMAP_WRAP_E_ARGUMENT, "NUL byte");
    CHECK_THROWS(mapping::open(std::string("words\0more", 10)), MMAP_WRAP_E_ARGUMENT, "NUL byte");
    unlink("words");
}

static void shared_memory_has_a_name() {
    const std::string name = "/mmap-wrap-cxx-" + std::to_string(getpid());
    const mapping one = mapping::shared(name, options().create_new(0600).size(4096));
    mapping::shared(name).write(7, "here", 4);
    CHECK_IS(one.find("here").value_or(-1), 7);
    CHECK_IS(mmapwrap::check(shm_unlink_wrap(name.c_str())), 0);
    CHECK_THROWS(mapping::shared(name), -ENOENT, "ENOENT");
}

static void a_memory_file_grows_with_its_mapping() {
    mapping memory = mapping::memfd("growing", 100);
    memory.write(0, "start", 5);
    memory.resize(1 << 20);
    memory.write((1 << 20) - 1, "x", 1);
    CHECK_IS(memory.find("start").value_or(-1), 0);
    const int fd = static_cast<int>(mmapwrap::check(mmap_wrap_dup_fd(memory.handle())));
    struct stat status;
    CHECK(fstat(fd, &status) == 0 && status.st_size == 1 << 20);
    memory.resize(2 << 20, file_end::allocated);
    CHECK(fstat(fd, &status) == 0 && status.st_size == 2 << 20 && status.st_blocks * 512 >= 2 << 20);
    close(fd);
    CHECK_THROWS(memory.resize(3 << 20, file_end::stays), MMAP_WRAP_E_RANGE, "beyond the 2097152 bytes of the file");
    CHECK_IS(memory.length(), 2 << 20);
    CHECK_THROWS(mapping::memfd(std::string("a\0b", 3), 100), MMAP_WRAP_E_ARGUMENT, "NUL byte");
}

static void a_file_is_resized_with_its_mapping_and_memory_without() {
    {
        mapping file = mapping::open("resized", options().create(0600).size(10));
        file.resize(9000);
        CHECK_IS(size_of("resized"), 9000);
        {
            const const_view bytes = file.const_bytes();
            CHECK_THROWS(file.resize(5), MMAP_WRAP_E_BUSY, "acquired address");
        }
        file.resize(5);
    }
    CHECK_IS(size_of("resized"), 5);
    unlink("resized");
    mapping memory = mapping::memory(4096);
    memory.resize(8192);
    CHECK_IS(memory.length(), 8192);
}

static void a_view_survives_a_truncated_file() {
    make_file("cut", std::string(10000, 'x').c_str(), 10000);
    const mapping cut = mapping::file("cut");
    cut.survive();
    const const_view bytes = cut.const_bytes();
    CHECK_IS(bytes[9000], 'x');
    CHECK(truncate("cut", 0) == 0);
    CHECK_IS(bytes[9000], 0);
    CHECK_THROWS((void)cut.find("x"), MMAP_WRAP_E_FAULT, "a page of the mapping was lost");
    unlink("cut");
}

static void pages_are_locked_into_memory() {
    const mapping memory = mapping::memory(8192);
    memory.lock();
    CHECK_IS(mmap_wrap_resident_bytes(memory.handle(), 0, MMAP_WRAP_REST), 8192);
    memory.unlock(0, 4096);
    memory.unlock();
    CHECK_THROWS(memory.lock(9000), MMAP_WRAP_E_RANGE, "mlock_wrap");
}

static void a_read_only_mapping_has_const_views_only() {
    make_words();
    const mapping words = mapping::file("words");
    CHECK_THROWS((void)words.bytes(), -EACCES, "use const_bytes()");
    const const_view bytes = words.const_bytes();
    CHECK(std::string(bytes.begin(), bytes.end()) == "one two three two\n");
    const mapping memory = mapping::memory(4096);
    memory.bytes()[7] = 7;
    CHECK_IS(memory.const_bytes()[7], 7);
    memory.protect(PROT_READ);
    CHECK_THROWS((void)memory.bytes(), -EACCES, "not writable");
    CHECK(memory.unmap());
    unlink("words");
}

static void a_mutex_works_with_the_locks_of_the_standard_library() {
    const mapping memory = mapping::memory(4096, MAP_SHARED);
    mmapwrap::mutex one(memory), same(memory), other(memory, 64);
    {
        const std::lock_guard<mmapwrap::mutex> held(one);
        CHECK(!one.holder_ended());
        CHECK_THROWS((void)same.try_lock(), -EDEADLK, "this thread holds it already");
        CHECK(other.try_lock());
        std::thread([&] {
            CHECK(!same.try_lock());
            CHECK(!same.try_lock_for(std::chrono::milliseconds(20)) && !same.try_lock_for(std::chrono::duration<double>(.02)));
            CHECK_THROWS(same.unlock(), -EPERM, "holds it");
        }).join();
        other.unlock();
    }
    CHECK_THROWS(one.unlock(), -EPERM, "it is free");

    const pid_t child = fork();
    if (child == 0) {
        one.lock();
        _exit(0);
    }
    CHECK(waitpid(child, nullptr, 0) == child);
    const std::unique_lock<mmapwrap::mutex> taken_over(one, std::chrono::seconds(10));
    CHECK(taken_over.owns_lock() && one.holder_ended());
    CHECK_THROWS(mmapwrap::mutex(mapping()).lock(), MMAP_WRAP_E_HANDLE, "handle");
}

int main() {
    /* The first exception, the first printed lines and the first surviving mapping allocate memory that is never freed. */
    (void)thrown_by([] { mapping::file("missing"); });
    mapping::memory(1).survive();
    RUN(a_file_is_mapped_while_the_object_lives);
    RUN(a_part_of_a_file_is_mapped);
    RUN(moving_takes_the_mapping_along);
    RUN(what_is_moved_over_is_unmapped);
    RUN(moving_to_itself_keeps_the_mapping_and_the_view);
    RUN(unmapping_twice_returns_false);
    RUN(a_mapping_unmapped_without_its_object_does_no_harm);
    RUN(a_released_mapping_is_the_callers);
    RUN(the_handle_that_a_c_call_returned_is_taken_over);
    RUN(errors_have_the_code_and_the_message_of_the_call);
    RUN(check_returns_results_and_throws_errors);
    RUN(the_code_of_an_earlier_error_has_its_description_and_not_the_message_of_a_later_one);
    RUN(an_error_keeps_the_systems_own_code);
    RUN(the_calls_reach_the_file);
    RUN(finding_returns_the_offset_or_nothing);
    RUN(a_view_is_a_range_of_the_memory_itself);
    RUN(an_empty_file_has_an_empty_view);
    RUN(unmapping_fails_while_there_is_a_view);
    RUN(a_view_that_moves_acquires_the_address_once);
    RUN(a_view_outlives_the_mapping_object_and_unmaps_with_it);
    RUN(a_view_of_a_released_mapping_releases_its_address);
    RUN(an_exception_unmaps);
    RUN(a_file_is_created_sized_and_allocated);
    RUN(a_file_is_opened_as_the_options_require);
    RUN(shared_memory_has_a_name);
    RUN(a_memory_file_grows_with_its_mapping);
    RUN(a_file_is_resized_with_its_mapping_and_memory_without);
    RUN(a_view_survives_a_truncated_file);
    RUN(pages_are_locked_into_memory);
    RUN(a_read_only_mapping_has_const_views_only);
    RUN_THREADED(a_mutex_works_with_the_locks_of_the_standard_library);
    return finish();
}
