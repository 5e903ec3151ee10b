/* What a program in C++ on Windows does with mmap_wrap.hpp: paths of any letters, objects, exceptions with the code of Windows.
   Run by scripts/targets/windows, for C++17 and C++20. */
#include "windows_check.h"

#include "mmap_wrap.hpp"
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <windows.h>

using mmapwrap::mapping;
using mmapwrap::options;
namespace fs = std::filesystem;

/* The code and the system's code of what the action throws; zeros where it throws nothing. */
struct codes {
    std::int64_t code, system_code;
};

template <typename Action>
static codes thrown_by(Action action) {
    try {
        action();
    } catch (const mmapwrap::error &error) {
        (void)mmap_wrap_length(0); // the error keeps what it has
        return {error.code(), error.system_code()};
    }
    return {0, 0};
}

static bool is(codes found, std::int64_t code, std::int64_t system_code) {
    return found.code == code && found.system_code == system_code;
}

static void a_path_has_any_letters(const fs::path &folder) {
    for (const wchar_t *name : {L"plain", L"\x043a\x043d\x0438\x0433\x0430", L"\x66f8 h\xe4\xdf", L"\xd83d\xdcd6"}) {
        const fs::path path = folder / name;
        {
            mapping made = mapping::open(path, options().create_new().size(100));
            made.write(0, "0123456789", 10);
            made.sync();
        }
        CHECK(fs::exists(path) && fs::file_size(path) == 100);
        const mapping read = mapping::file(path);
        CHECK(read.length() == 100 && read.find("789") == std::optional<std::int64_t>(7));
        CHECK(is(thrown_by([&] { (void)mapping::open(path, options().create_new().size(1)); }), -EEXIST, ERROR_FILE_EXISTS));
        const mmapwrap::const_view bytes = read.const_bytes();
        CHECK(std::string(bytes.begin(), bytes.begin() + 10) == "0123456789");
    }
    CHECK(is(thrown_by([&] { (void)mapping::file(folder / L"\x043d\x0435\x0442"); }), -ENOENT, ERROR_FILE_NOT_FOUND));
}

static void an_error_has_the_code_of_windows(const fs::path &folder) {
    const fs::path path = folder / "alone";
    std::ofstream(path) << "contents";
    const HANDLE alone = CreateFileW(path.c_str(), GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr);
    CHECK(alone != INVALID_HANDLE_VALUE);
    CHECK(is(thrown_by([&] { (void)mapping::file(path); }), -EACCES, ERROR_SHARING_VIOLATION));
    CHECK(CloseHandle(alone));
    const mapping whole = mapping::file(path);
    CHECK(is(thrown_by([&] { whole.fill('x', 9); }), MMAP_WRAP_E_RANGE, 0));
    CHECK(is(thrown_by([] { (void)mapping().length(); }), MMAP_WRAP_E_HANDLE, 0));
}

static void memory_is_resized_and_unmapped() {
    mapping memory = mapping::memory(10000);
    memory.write(9990, "0123456789", 10);
    memory.resize(1 << 20);
    CHECK(memory.rfind("0123456789") == std::optional<std::int64_t>(9990));
    {
        const mmapwrap::view bytes = memory.bytes();
        bytes[0] = 'x';
        CHECK(thrown_by([&] { memory.unmap(); }).code == MMAP_WRAP_E_BUSY);
    }
    CHECK(memory.unmap() && !memory.unmap());
}

int main() {
    wchar_t temporary[MAX_PATH + 1];
    CHECK(GetTempPathW(MAX_PATH + 1, temporary) > 0);
    const fs::path folder = fs::path(temporary) / (L"mmap-wrap-\x0442\x0435\x0441\x0442-" + std::to_wstring(GetCurrentProcessId()));
    fs::create_directory(folder);
    a_path_has_any_letters(folder);
    an_error_has_the_code_of_windows(folder);
    memory_is_resized_and_unmapped();
    fs::remove_all(folder);
    CHECK(!fs::exists(folder));
    printf("%d failed\n", failures);
    return failures != 0;
}
