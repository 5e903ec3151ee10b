/*
 * Finds a word in a file, or counts its lines, through a mapping.
 *
 *     cc examples/words.c $(pkg-config --cflags --libs mmap_wrap) -o words       # after `make install`
 *     ./words README.md            # README.md: 4321 bytes, 100 lines
 *     ./words README.md mapping    # README.md: 4321 bytes, 'mapping' at 17 59 1034
 *
 * Exits with 1 if the word does not occur, with 2 and a message if the file cannot be mapped.
 */
#include "mmap_wrap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static int complain(void) {
    fprintf(stderr, "words: %s\n", mmap_wrap_last_error_message());
    return 2;
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: words FILE [WORD]\n");
        return 2;
    }
    const char *path = argv[1], *word = argc == 3 ? argv[2] : "\n";
    const int64_t size = (int64_t)strlen(word);

    /* MMAP_WRAP_REST: the whole file; an empty file is valid. */
    mmap_wrap_handle file = mmap_path_wrap(path, MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0);
    if (file < 0) return complain();

    int64_t count = 0, at = mmap_wrap_find(file, word, size, 0, MMAP_WRAP_REST);
    printf("%s: %" PRId64 " bytes,", path, mmap_wrap_length(file));
    if (argc == 3) printf(" '%s' at", word);
    while (at >= 0) {
        count++;
        if (argc == 3) printf(" %" PRId64, at);
        /* Where an empty word ends, the next begins: step over at least one byte. */
        at = mmap_wrap_find(file, word, size, at + (size > 0 ? size : 1), MMAP_WRAP_REST);
    }
    /* Only these two end a successful search: no further word, or the step beyond the end of the file. */
    if (at != MMAP_WRAP_E_NOT_FOUND && at != MMAP_WRAP_E_RANGE) return complain();
    if (argc == 2) printf(" %" PRId64 " lines", count);
    else if (count == 0) printf(" no place");
    printf("\n");

    /* The end of the program would unmap as well; a longer program should unmap here. */
    if (munmap_wrap(file) < 0) return complain();
    return argc == 3 && count == 0 ? 1 : 0;
}
