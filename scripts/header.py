"""Reads the C headers: their topics, and the declarations of each. For the other scripts."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "include/mmap_wrap.h"
CONSTANTS = ROOT / "include/mmap_wrap_constants.h"

# One piece of the header: a comment, a directive of the preprocessor, or a declaration, with the body of a struct.
PIECE = re.compile(
    r"/\*(?P<comment>.*?)\*/"
    r"|^#(?P<directive>[^\n]*)$"
    r"|(?P<declaration>^[a-z][^;{]*(?:\{(?:/\*.*?\*/|[^}])*\}[^;]*)?;)",
    re.MULTILINE | re.DOTALL,
)


class Declaration(NamedTuple):
    """A macro, a type or a function, as one line of C, and the text of its comment."""

    name: str
    code: str
    about: str

    @property
    def is_function(self) -> bool:
        """Whether the library exports a symbol for it."""
        return self.code.endswith(");") and not self.code.startswith(("#", "typedef "))

    @property
    def constant(self) -> str:
        """The constant that this function returns, such as PROT_READ; "" for every other declaration."""
        found = re.fullmatch(r"mmap_wrap_([A-Z][A-Z0-9_]*)", self.name)
        return found[1] if found and self.is_function else ""


class Topic(NamedTuple):
    """A part of the header with a title; the first has no title and describes the header itself."""

    title: str
    about: str
    declarations: list[Declaration]


def name_of(code: str) -> str:
    """The name that a declaration of one line declares."""
    found = (
        re.match(r"#define (\w+)", code)
        or re.match(r"typedef .*\(\*(\w+)\)\(", code)
        or re.match(r"typedef .*?(\w+);$", code)
        or re.match(r"(?:struct|enum|union) (\w+) \{", code)
        or re.match(r"[^(]*?(\w+)\(", code)
    )
    if not found:
        raise ValueError(f"scripts/header.py cannot parse a declaration of mmap_wrap.h: {code}")
    return found[1]


def read(path: Path = HEADER) -> list[Topic]:
    """The topics of the header in its order."""
    # Without conditional blocks, and without the macros around the declaration of a function.
    text = re.sub(r"^#if(?!ndef).*?^#endif\n", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    text = re.sub(r"^MMAP_WRAP_API |\s+MMAP_WRAP_NOEXCEPT(?=;)", "", text, flags=re.M)
    topics: list[Topic] = []
    about = ""
    for piece in PIECE.finditer(text):
        if piece["comment"]:
            about = re.sub(r"^ ?\* ?", "", piece["comment"].strip("* \n"), flags=re.M)
            title = re.match(r"== (.*) ==\s*", about)
            if title or not topics:
                topics.append(Topic(title[1] if title else "", about[title.end() if title else 0 :], []))
            continue
        code = piece["declaration"] or f"#{piece['directive']}"
        if code.startswith("#") and not re.match(r"#define \w+ .", code):
            continue
        code = " ".join(re.sub(r"/\*.*?\*/|//[^\n]*", "", code, flags=re.S).split())
        topics[-1].declarations.append(Declaration(name_of(code), code, about))
        about = ""
    return topics


def constants(path: Path = CONSTANTS) -> list[Declaration]:
    """The functions that return a constant."""
    return [declaration for topic in read(path) for declaration in topic.declarations if declaration.constant]


def declarations(path: Path = HEADER) -> list[Declaration]:
    """All declarations of the header, and of the header of constants in the same folder."""
    declared = [declaration for topic in read(path) for declaration in topic.declarations]
    beside = path.with_name(CONSTANTS.name)
    return declared + (constants(beside) if beside.exists() else [])
