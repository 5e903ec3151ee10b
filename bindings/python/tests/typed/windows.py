"""What users write for Windows, and mistakes that a type checker must find there."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import assert_type

import mmap_wrap as mmap


def maps(fd: int) -> None:
    assert_type(mmap.mmap(-1, 4096, "name"), mmap.mmap)
    mmap.mmap(-1, 4096, tagname="name", access=mmap.ACCESS_READ, offset=65536)
    mmap.mmap(fd, 0, None, mmap.ACCESS_COPY, 0, trackfd=False)
    mmap.mmap(fd, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    mmap.mmap(fd, 0, mmap.MAP_PRIVATE)  # type: ignore[arg-type]
    mmap.mmap(-1, 4096, b"name")  # type: ignore[arg-type]
    assert_type(mmap.mmap(fd, 0).dup_fd(), int)
