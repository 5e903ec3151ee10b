"""The command line: `mmap-wrap`, and `python -m mmap_wrap`. No other module of the package imports it."""
