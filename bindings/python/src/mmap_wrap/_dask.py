"""Registers arrays in a map with dask, so that it hashes, measures and sends the reference instead of the bytes."""

from __future__ import annotations

import pickle
import sys

import numpy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_registered: set[str] = set()


def register(kind: Any, arguments_of: Callable[[Any], tuple[Any, ...] | None], array_of: Callable[..., Any]) -> None:
    """Registers the class. To be called once dask is imported, and again once distributed may be.

    `kind` is the class; the functions are `array_arguments_or_none` and `array_of` of its module.
    """

    def size(array: Any) -> int:
        # The size in this process's own memory, in bytes.
        return int(array.nbytes) if arguments_of(array) is None else sys.getsizeof(array)

    def serialize(array: Any) -> tuple[dict[str, Any], list[Any]]:
        arguments = arguments_of(array)
        if arguments is not None:
            return {"mmap_wrap": True}, [pickle.dumps(arguments)]
        header, frames = dask_serialize(array.view(numpy.ndarray))
        return header, frames

    def deserialize(header: dict[str, Any], frames: list[Any]) -> Any:
        if header.get("mmap_wrap"):
            return array_of(*pickle.loads(frames[0]))
        return dask_deserialize.dispatch(numpy.ndarray)(header, frames)

    if "dask" not in _registered:
        from dask.base import normalize_token
        from dask.sizeof import sizeof

        normalize_token.register(kind, kind.__dask_tokenize__)
        sizeof.register(kind, size)
        _registered.add("dask")
    if "distributed" not in _registered and "distributed" in sys.modules:
        from distributed.protocol import dask_deserialize, dask_serialize

        dask_serialize.register(kind, serialize)
        dask_deserialize.register(kind, deserialize)
        _registered.add("distributed")
