"""`python -m mmap_wrap`: the page cache of files, and what this machine has. See docs/command-line.md."""

import sys

from ._command_line.main import main

if __name__ == "__main__":
    sys.exit(main())
