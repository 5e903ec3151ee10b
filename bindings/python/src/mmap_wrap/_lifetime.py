"""What is to be done when the last reference is gone.

`__del__` is not it: where an object and a view of its map die in one cycle, the collector calls every finalizer while
the objects can still use each other, in no set order, and a map taken away then would leave the others a dead address.
Code objects are what Python has that the collector never looks at and that can be referred to weakly: they go when
the last reference is really dropped. So a blank one serves as the token for what it stands for.
"""

from __future__ import annotations

# weakref.ref at its source: the rest of that module would only slow the import down.
from _weakref import ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

_blank = (lambda: None).__code__


class _End(ref):  # type: ignore[type-arg]
    __slots__ = ("action", "arguments")
    action: Callable[..., object]
    arguments: tuple[object, ...]


# Weak references live here until they are called. By identity: they compare as their code objects do, which are alike.
_ends: dict[int, _End] = {}


def _ended(end: _End, ends: dict[int, _End] = _ends) -> None:
    # Bound as a default: at the interpreter's end the module's names may be gone before the last map is.
    end.action(*end.arguments)
    ends.pop(id(end), None)


def token(action: Callable[..., object], *arguments: object) -> CodeType:
    """An object at whose end `action(*arguments)` is called, once, by whichever thread drops it last.

    The arguments live until the action is done. The action must not raise.
    """
    blank = _blank.replace()
    end = _End(blank, _ended)
    end.action, end.arguments = action, arguments
    _ends[id(end)] = end
    return blank
