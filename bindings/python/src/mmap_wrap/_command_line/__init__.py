"""The command line: `mmap-wrap`, and `python -m mmap_wrap`. Nothing else of the package imports it."""
