"""`python -m mmap_wrap`: the page cache of files, and what this machine has. See docs/command-line.md."""

import sys

if sys.platform == "win32":

    def main() -> str:
        """What is wrong: the command is about the page cache, of which Windows tells programs nothing."""
        return "mmap-wrap: the command examines the page cache, which it cannot on Windows"

else:
    from ._command_line.main import main

if __name__ == "__main__":
    sys.exit(main())
