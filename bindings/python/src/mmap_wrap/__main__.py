"""`python -m mmap_wrap`: the page cache of files, and the features of this machine. See docs/command-line.md."""

import sys

if sys.platform == "win32":

    def main() -> str:
        """The error message: Windows does not report what is in its page cache."""
        return "mmap-wrap: the command examines the page cache, which is not supported on Windows"

else:
    from ._command_line.main import main

if __name__ == "__main__":
    sys.exit(main())
