"""Mistakes, each of which a type checker must find: a comment that hides nothing is an error itself."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import NoReturn

import mmap_wrap as mmap
from mmap_wrap import raw


def mistakes(m: mmap.mmap, kind: str) -> NoReturn:
    print(mmap.PROT_REED)  # type: ignore[attr-defined]
    mmap.mapp(-1, 4096)  # type: ignore[attr-defined]
    raw.munmap_wrapp(1)  # type: ignore[attr-defined]
    raw.munmap_wrap("1")  # type: ignore[arg-type]
    raw.munmap_wrap()  # type: ignore[call-arg]
    mmap.mmap("words.txt", 0)  # type: ignore[arg-type]
    mmap.mmap(-1)  # type: ignore[call-arg]
    mmap.mmap(-1, 4096, tagname="x")  # type: ignore[call-arg]
    mmap.open("words.txt", "rw")  # type: ignore[arg-type]
    mmap.open("words.txt", "r", 4096)  # type: ignore[call-arg]
    mmap.anonymous(4096, True)  # type: ignore[call-arg]
    m[0] = b"x"  # type: ignore[call-overload]
    m[0:1] = 7  # type: ignore[call-overload]
    m["x"]  # type: ignore[call-overload]
    m.find("text")  # type: ignore[arg-type]
    m.write("text")  # type: ignore[arg-type]
    m.find(sub=b"x")  # type: ignore[call-arg]
    m.closed = True  # type: ignore[misc]
    m.colour = 1  # type: ignore[attr-defined]
    m.view("u3")  # type: ignore[call-overload]
    m.view(kind)  # type: ignore[call-overload]
    m.get("I", 0)  # type: ignore[call-overload]
    m.put("u4", 0, 1.5)  # type: ignore[call-overload]
    m.atomic_add(0, 1, 16)  # type: ignore[arg-type]
    m.protect("r")  # type: ignore[arg-type]
    m.copy_from(b"bytes")  # type: ignore[arg-type]
    del m[0]
    raise AssertionError
