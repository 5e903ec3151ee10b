"""Teaches dask that an array in a map is a reference: not to be hashed, weighed or sent as the bytes it stands for."""

from __future__ import annotations

import pickle
import sys

import numpy

from ._array import Array, array_of, place_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_taught: set[str] = set()


def register() -> None:
    """To be called when dask has been imported, and again when distributed may have been."""
    if "dask" not in _taught:
        from dask.base import normalize_token
        from dask.sizeof import sizeof

        normalize_token.register(Array, Array.__dask_tokenize__)
        sizeof.register(Array, _size)
        _taught.add("dask")
    if "distributed" not in _taught and "distributed" in sys.modules:
        from distributed.protocol import dask_deserialize, dask_serialize

        dask_serialize.register(Array, _serialize)
        dask_deserialize.register(Array, _deserialize)
        _taught.add("distributed")


def _size(array: Array[Any]) -> int:
    """Bytes of this process's own memory."""
    return int(array.nbytes) if place_of(array) is None else sys.getsizeof(array)


def _serialize(array: Array[Any]) -> tuple[dict[str, Any], list[Any]]:
    from distributed.protocol import dask_serialize

    place = place_of(array)
    if place is not None:
        return {"mmap_wrap": True}, [pickle.dumps(place)]
    header, frames = dask_serialize(array.view(numpy.ndarray))
    return header, frames


def _deserialize(header: dict[str, Any], frames: list[Any]) -> Any:
    from distributed.protocol import dask_deserialize

    if header.get("mmap_wrap"):
        return array_of(*pickle.loads(frames[0]))
    return dask_deserialize.dispatch(numpy.ndarray)(header, frames)
