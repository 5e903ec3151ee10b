/* A C program on Windows: it is linked with the import library, and gets constants from functions, since there is no
   <sys/mman.h>. Run by scripts/targets/windows. */
#include "windows_check.h"

#include "mmap_wrap_constants.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <windows.h>

static DWORD WINAPI adds(void *handle) {
    for (int i = 0; i < 10000; i++) {
        mmap_wrap_atomic_add(*(mmap_wrap_handle *)handle, 64, 8, 1, NULL);
    }
    return 0;
}

int main(void) {
    int64_t read_only = mmap_wrap_PROT_READ(), read_write = read_only | mmap_wrap_PROT_WRITE();
    int64_t shared = mmap_wrap_MAP_SHARED(), anonymous = mmap_wrap_MAP_PRIVATE() | mmap_wrap_MAP_ANONYMOUS();
    CHECK(mmap_wrap_abi_version() == MMAP_WRAP_ABI_VERSION);
    CHECK(mmap_wrap_page_size() == 4096);
    CHECK(mmap_wrap_O_CREAT() == _O_CREAT && mmap_wrap_O_RDWR() == _O_RDWR);

    /* memory */
    mmap_wrap_handle h = mmap_wrap(NULL, 10000, read_write, anonymous, -1, 0);
    char bytes[16] = {0};
    CHECK(h > 0);
    CHECK(mmap_wrap_write(h, 9990, "0123456789", 10) == 10);
    CHECK(mmap_wrap_read(h, 9990, bytes, 10) == 10 && memcmp(bytes, "0123456789", 10) == 0);
    CHECK(mmap_wrap_find(h, "345", 3, 0, MMAP_WRAP_REST) == 9993);
    CHECK(mmap_wrap_write(h, 9991, "0123456789", 10) == MMAP_WRAP_E_RANGE);
    CHECK(mprotect_wrap(h, read_only, 0, MMAP_WRAP_REST) == 0);
    CHECK(mmap_wrap_write(h, 4096, "x", 1) == MMAP_WRAP_E_FAULT);
    CHECK(strstr(mmap_wrap_last_error_message(), "the protection") != NULL);
    CHECK(mmap_wrap_read(h, 0, (void *)8, 8) == -EFAULT);
    CHECK(mprotect_wrap(h, read_write, 0, MMAP_WRAP_REST) == 0);
    HANDLE threads[4];
    for (int i = 0; i < 4; i++) {
        threads[i] = CreateThread(NULL, 0, adds, &h, 0, NULL);
    }
    WaitForMultipleObjects(4, threads, TRUE, INFINITE);
    int64_t sum = 0;
    CHECK(mmap_wrap_atomic_load(h, 64, 8, &sum) == 0 && sum == 40000);
    CHECK(munmap_wrap(h) == 1);
    CHECK(munmap_wrap(h) == 0);
    CHECK(mmap_wrap_read(h, 0, bytes, 1) == MMAP_WRAP_E_UNMAPPED);

    /* a file, by a handle of the system */
    HANDLE file = CreateFileW(L"\x043a\x043d\x0438\x0433\x0430.tmp", GENERIC_READ | GENERIC_WRITE, 7, NULL, CREATE_ALWAYS,
                              FILE_FLAG_DELETE_ON_CLOSE, NULL);
    CHECK(file != INVALID_HANDLE_VALUE);
    static char contents[100000];
    memset(contents, 'x', sizeof contents);
    DWORD written;
    CHECK(WriteFile(file, contents, sizeof contents, &written, NULL) && written == sizeof contents);
    h = mmap_wrap(NULL, MMAP_WRAP_REST, read_write, shared, (int64_t)(intptr_t)file, 70001);
    CHECK(h > 0 && mmap_wrap_length(h) == 29999);
    CHECK(mmap_wrap_write(h, 0, "here", 4) == 4);
    CHECK(msync_wrap(h, mmap_wrap_MS_SYNC(), 0, MMAP_WRAP_REST) == 0);
    SetFilePointer(file, 70001, NULL, FILE_BEGIN);
    CHECK(ReadFile(file, bytes, 4, &written, NULL) && memcmp(bytes, "here", 4) == 0);
    mmap_wrap_handle by_path = mmap_path_wrap("\xd0\xba\xd0\xbd\xd0\xb8\xd0\xb3\xd0\xb0.tmp", MMAP_WRAP_REST, read_only, shared, 0);
    CHECK(by_path > 0 && mmap_wrap_find(by_path, "here", 4, 0, MMAP_WRAP_REST) == 70001);
    CHECK(munmap_wrap(h) == 1 && munmap_wrap(by_path) == 1);
    CHECK(CloseHandle(file));

    /* errors */
    CHECK(mmap_path_wrap("no such file", MMAP_WRAP_REST, read_only, shared, 0) == -ENOENT);
    CHECK(strstr(mmap_wrap_last_error_message(), "Windows error 2)") != NULL);
    CHECK(mmap_wrap_last_error_system_code() == ERROR_FILE_NOT_FOUND);
    file = CreateFileW(L"alone.tmp", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    CHECK(mmap_path_wrap("alone.tmp", MMAP_WRAP_REST, read_only, shared, 0) == -EACCES);
    CHECK(mmap_wrap_last_error_system_code() == ERROR_SHARING_VIOLATION);
    CHECK(CloseHandle(file));
    CHECK(mmap_wrap_length(0) == MMAP_WRAP_E_HANDLE && mmap_wrap_last_error_system_code() == 0);
    CHECK(mmap_path_wrap("caf\xe9", MMAP_WRAP_REST, read_only, shared, 0) == -EILSEQ);
    CHECK(mmap_wrap(NULL, 10, read_only, shared, -1, 0) == -EBADF);
    int64_t value;
    CHECK(mmap_wrap_constant("MADV_HUGEPAGE", &value) == MMAP_WRAP_E_UNSUPPORTED);
    printf("%d failed\n", failures);
    return failures != 0;
}
