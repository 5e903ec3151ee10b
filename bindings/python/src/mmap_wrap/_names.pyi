"""The constants, for type checkers: each that a platform may have. Written by scripts/stubs."""

from typing import Final

__all__ = [
]

