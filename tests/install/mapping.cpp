/* mmap_wrap.hpp: what owns a mapping and for how long, what is thrown, and that the calls reach the memory. */
#include "mmap_wrap.hpp"

extern "C" {
#include "../c/check.h"
}

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <type_traits>
#include <unistd.h>
#include <utility>

using mmapwrap::mapping;
using mmapwrap::view;

static_assert(!std::is_copy_constructible_v<mapping> && !std::is_copy_assignable_v<mapping>);
static_assert(std::is_nothrow_move_constructible_v<mapping> && std::is_nothrow_move_assignable_v<mapping>);
static_assert(!std::is_copy_constructible_v<view> && !std::is_copy_assignable_v<view>);
static_assert(std::is_nothrow_move_constructible_v<view> && std::is_nothrow_move_assignable_v<view>);
static_assert(std::is_nothrow_destructible_v<mapping> && std::is_nothrow_destructible_v<view>);
static_assert(std::is_base_of_v<std::runtime_error, mmapwrap::error>);

/* What the action throws: its code and message; code 0 where it throws nothing. */
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
    const view bytes = whole.bytes();
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

static void unmapping_twice_answers_false() {
    const mapping memory = mapping::memory(4096);
    CHECK(memory.unmap());
    CHECK(!memory.unmap());
    CHECK_THROWS((void)memory.length(), MMAP_WRAP_E_UNMAPPED, "unmapped");
}

static void a_mapping_unmapped_behind_the_objects_back_does_no_harm() {
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

static void a_handle_that_a_call_in_c_gave_is_taken_over() {
    mmap_wrap_handle handle = memory_of(4096);
    {
        const mapping memory(handle);
        CHECK_IS(memory.length(), 4096);
    }
    CHECK_FAILS(mmap_wrap_length(handle), MMAP_WRAP_E_UNMAPPED, "unmapped");
}

static void errors_have_the_code_and_the_message_of_the_call() {
    CHECK_THROWS(mapping::file("missing"), -ENOENT, "open 'missing' for reading: No such file");
    CHECK_THROWS(mapping::memory(0), MMAP_WRAP_E_ARGUMENT, "mmap");
    CHECK_THROWS(mapping(mmap_wrap(nullptr, 1, PROT_READ, MAP_PRIVATE, 1 << 30, 0)), -EBADF, "EBADF");

    const mapping memory = mapping::memory(4096);
    char byte = 0;
    CHECK_THROWS(memory.read(5000, &byte, 1), MMAP_WRAP_E_RANGE, "mmap_wrap_read: offset 5000");
    CHECK_THROWS(memory.write(4096, &byte, 1), MMAP_WRAP_E_RANGE, "mmap_wrap_write");
    CHECK_THROWS(memory.read(0, &byte, SIZE_MAX), MMAP_WRAP_E_RANGE, "mmap_wrap_read");
    CHECK_THROWS(memory.fill(0, 1, 4096), MMAP_WRAP_E_RANGE, "mmap_wrap_fill");
    CHECK_THROWS((void)memory.find("x", 5000), MMAP_WRAP_E_RANGE, "mmap_wrap_find");
    CHECK_THROWS(memory.protect(PROT_READ, 1), MMAP_WRAP_E_ALIGNMENT, "mprotect");
    CHECK_THROWS(memory.advise(-1), MMAP_WRAP_E_ARGUMENT, "madvise");
    CHECK_THROWS(memory.sync(1 << 20), MMAP_WRAP_E_ARGUMENT, "msync");
}

static void check_passes_results_on_and_throws_errors() {
    CHECK_IS(mmapwrap::check(0), 0);
    CHECK_IS(mmapwrap::check(7), 7);
    char byte = 0;
    CHECK(mmapwrap::check(&byte) == &byte);
    CHECK_THROWS(mmapwrap::check(mmap_wrap_length(0)), MMAP_WRAP_E_HANDLE, mmap_wrap_last_error_message());
    CHECK_THROWS(mmapwrap::check(mmap_wrap_address(0)), MMAP_WRAP_E_HANDLE, mmap_wrap_last_error_message());
}

static void a_code_kept_from_before_has_its_name_and_no_other_failures_message() {
    (void)mmap_wrap_length(0);
    CHECK_THROWS(mmapwrap::check(-EACCES), -EACCES, "Permission denied (EACCES)");
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

static void finding_answers_the_offset_or_nothing() {
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
    const view bytes = nothing.bytes();
    CHECK(bytes.empty() && bytes.begin() == bytes.end());
    CHECK_THROWS(nothing.unmap(), MMAP_WRAP_E_BUSY, "");
    unlink("empty");
}

static void unmapping_is_refused_while_a_view_lives() {
    const mapping memory = mapping::memory(4096);
    {
        const view first = memory.bytes(), second = memory.bytes();
        CHECK_THROWS(memory.unmap(), MMAP_WRAP_E_BUSY, "export");
        first[0] = 1;
        CHECK_IS(second[0], 1);
    }
    CHECK(memory.unmap());
}

static void a_view_that_moves_holds_one_export() {
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
        const view bytes = mapping::file("words").bytes();
        CHECK_IS(mappings_of("/words"), 1);
        CHECK_IS(bytes[4], 't');
    }
    CHECK_IS(mappings_of("/words"), 0);
    unlink("words");
}

static void a_view_of_a_released_mapping_gives_its_export_back() {
    mmap_wrap_handle handle = 0;
    {
        mapping memory = mapping::memory(4096);
        const view bytes = memory.bytes();
        handle = memory.release();
        CHECK_FAILS(munmap_wrap(handle), MMAP_WRAP_E_BUSY, "export");
    }
    CHECK_IS(munmap_wrap(handle), 1);
}

static void an_exception_unmaps_on_its_way() {
    make_words();
    try {
        const mapping words = mapping::file("words");
        const view bytes = words.bytes();
        throw std::runtime_error("on the way");
    } catch (const std::runtime_error &) {
        CHECK_IS(mappings_of("/words"), 0);
    }
    unlink("words");
}

int main() {
    /* The first exception and the first lines printed take memory that stays. */
    (void)thrown_by([] { mapping::file("missing"); });
    RUN(a_file_is_mapped_while_the_object_lives);
    RUN(a_part_of_a_file_is_mapped);
    RUN(moving_takes_the_mapping_along);
    RUN(what_is_moved_over_is_unmapped);
    RUN(moving_to_itself_keeps_the_mapping_and_the_view);
    RUN(unmapping_twice_answers_false);
    RUN(a_mapping_unmapped_behind_the_objects_back_does_no_harm);
    RUN(a_released_mapping_is_the_callers);
    RUN(a_handle_that_a_call_in_c_gave_is_taken_over);
    RUN(errors_have_the_code_and_the_message_of_the_call);
    RUN(check_passes_results_on_and_throws_errors);
    RUN(a_code_kept_from_before_has_its_name_and_no_other_failures_message);
    RUN(the_calls_reach_the_file);
    RUN(finding_answers_the_offset_or_nothing);
    RUN(a_view_is_a_range_of_the_memory_itself);
    RUN(an_empty_file_has_an_empty_view);
    RUN(unmapping_is_refused_while_a_view_lives);
    RUN(a_view_that_moves_holds_one_export);
    RUN(a_view_outlives_the_mapping_object_and_unmaps_with_it);
    RUN(a_view_of_a_released_mapping_gives_its_export_back);
    RUN(an_exception_unmaps_on_its_way);
    return finish();
}
