"""Teaches dask that an array in a map is a reference: not to be hashed, weighed or sent as the bytes it stands for."""

from __future__ import annotations

import pickle
import sys

import numpy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._array import Array

_taught: set[str] = set()


def register(
    kind: type[Array[Any]], place_of: Callable[[Any], tuple[Any, ...] | None], array_of: Callable[..., Array[Any]]
) -> None:
    """To be called when dask has been imported, and again when distributed may have been.

    `kind` is the class, and the functions are those of its module.
    """

    def size(array: Array[Any]) -> int:
        # Bytes of this process's own memory.
        return int(array.nbytes) if place_of(array) is None else sys.getsizeof(array)

    def serialize(array: Array[Any]) -> tuple[dict[str, Any], list[Any]]:
        place = place_of(array)
        if place is not None:
            return {"mmap_wrap": True}, [pickle.dumps(place)]
        header, frames = dask_serialize(array.view(numpy.ndarray))
        return header, frames

    def deserialize(header: dict[str, Any], frames: list[Any]) -> Any:
        if header.get("mmap_wrap"):
            return array_of(*pickle.loads(frames[0]))
        return dask_deserialize.dispatch(numpy.ndarray)(header, frames)

    if "dask" not in _taught:
        from dask.base import normalize_token
        from dask.sizeof import sizeof

        normalize_token.register(kind, kind.__dask_tokenize__)
        sizeof.register(kind, size)
        _taught.add("dask")
    if "distributed" not in _taught and "distributed" in sys.modules:
        from distributed.protocol import dask_deserialize, dask_serialize

        dask_serialize.register(kind, serialize)
        dask_deserialize.register(kind, deserialize)
        _taught.add("distributed")
