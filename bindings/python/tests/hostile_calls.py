"""Calls every public function and method with invalid arguments; run by test_hostile in a process of its own.

    hostile_calls.py NAMES SEED COUNT     COUNT calls of the functions named, separated by commas
    hostile_calls.py --run MAP CALL       one of them again, as the line that a failure printed has it

Each call is an expression, so that a failure can be run by hand. Before it is made it is written to the file `last`,
for the case that the process dies of it. An exception is what it should be; a SystemError, a RuntimeError of the
library, a leak, and a map that does not work any more are failures.
"""

import array  # noqa: F401 - the arguments below name it
import ctypes  # noqa: F401
import gc
import inspect
import os
import random
import signal
import sys

import mmap_wrap
from mmap_wrap import mmap, raw

PAGE = mmap_wrap.PAGESIZE


class Interrupted(Exception):  # noqa: N818 - it is not an error
    """The call took long, because its arguments make it wait."""


class Hook:
    """Does something to the map in every conversion, and then returns a valid value."""

    def __init__(self, action, value=5):
        self.action, self.value = action, value

    def act(self):
        try:
            self.action()
        except (BufferError, ValueError, TypeError, OSError):
            # There is a view of the map, or it is closed or read-only: the action has no effect.
            pass

    def __index__(self):
        self.act()
        return self.value

    __int__ = __hash__ = __len__ = __index__

    def __float__(self):
        self.act()
        return float(self.value)

    def __bool__(self):
        self.act()
        return True

    def __eq__(self, other):
        self.act()
        return True

    def __fspath__(self):
        self.act()
        return "hooked"

    def __iter__(self):
        self.act()
        return iter([0, 1])

    def __str__(self):
        self.act()
        return "u1"

    def encode(self, *arguments):
        self.act()
        return b"hooked"

    def __buffer__(self, flags):
        self.act()
        return memoryview(bytearray(b"abcde"))


def impostor(kind):
    """An object whose `__class__` is a class of which it is not an instance."""
    return type("Impostor", (), {"__class__": kind, "__getattr__": lambda self, name: 7})()


class Number(int):
    """An int with overridden comparisons."""

    def __lt__(self, other):
        return True

    __gt__ = __eq__ = __lt__
    __hash__ = int.__hash__


class Text(str):
    __slots__ = ()

    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


class Derived(mmap):
    """A subclass whose instances have a dictionary."""


def raises():
    raise LookupError("raised")


def resize(m, size):
    m.resize(size)


# The maps on which the calls are made, each of a little more than three pages, except where noted.
MAPS = {
    "shared": "mmap(-1, 3 * PAGE + 100)",
    "private": "mmap_wrap.anonymous(3 * PAGE + 100)",
    "memfd": "mmap_wrap.memfd(3 * PAGE + 100)",
    "file": "mmap_wrap.open('file', 'w+', size=3 * PAGE + 100)",
    "reading": "mmap_wrap.open('given', 'r')",
    "copy": "mmap_wrap.open('given', 'c')",
    "untracked": "mmap_wrap.open('given', 'r+', trackfd=False)",
    "empty": "mmap_wrap.open('empty', 'w+')",
    "cut short": "cut(mmap_wrap.open('cut', 'w+', size=3 * PAGE))",
    "closed": "closed(mmap(-1, 10))",
    "derived": "Derived(-1, 3 * PAGE + 100)",
    "derived and closed": "closed(Derived(-1, 100))",
    "split": "mmap_wrap.anonymous(4 * PAGE).split(PAGE)",
}


def cut(m):
    os.truncate("cut", 0)
    return m


def closed(m):
    m.close()
    return m


HOOKED = (
    "lambda: m.close()",
    "lambda: resize(m, 1)",
    "lambda: resize(m, 5 * PAGE)",
    "raises",
    "names.clear",
    "gc.collect",
)
HOOKED += "lambda: views.append(memoryview(m))", "lambda: m.find(b'x')", "lambda: m.protect(1)"
ARGUMENTS = [
    *(
        "None",
        "True",
        "1.5",
        "nan",
        "inf",
        "-inf",
        "1j",
        "''",
        "'text'",
        "'nul\\0'",
        "'\\ud800'",
        "'u4'",
        "'>f8'",
        "b''",
    ),
    *(
        "b'bytes'",
        "b'nul\\0'",
        "[]",
        "[1, 'a']",
        "{}",
        "()",
        "object()",
        "int",
        "len",
        "m",
        "other",
        "Number(3)",
        "'r+'",
    ),
    *(
        "0",
        "1",
        "3",
        "5",
        "97",
        "255",
        "-1",
        "PAGE",
        "PAGE - 1",
        "2 * PAGE",
        "3 * PAGE + 100",
        "3 * PAGE + 101",
        "65537",
    ),
    *("2**31", "2**62", "2**63 - 1", "2**63", "-2**63", "-2**63 + 1", "2**64", "-(2**64)", "10**30", "Text('u4')"),
    *("slice(None)", "slice(2, 9)", "slice(None, None, -3)", "slice(0, 1.5)", "slice(2**70, -2**70, 7)"),
    *(
        "bytearray(b'ab')",
        "memoryview(m)",
        "memoryview(m)[2:7]",
        "memoryview(b'abcdef')[::2]",
        "array.array('d', [1.5])",
    ),
    *(
        "memoryview(bytes(12)).cast('I', (1, 3))",
        "ctypes.c_int(1)",
        "(ctypes.c_char * 5)()",
        "impostor(int)",
        "impostor(slice)",
    ),
    *(
        "impostor(bytes)",
        "impostor(mmap)",
        "impostor(str)",
        "closed(mmap(-1, 5))",
        "Derived(-1, 50)",
        "BaseException",
        "other.view",
    ),
    *(f"Hook({action})" for action in HOOKED),
    *(f"slice(Hook({action}), None)" for action in HOOKED),
    *(f"Hook({action}, b'abc')" for action in HOOKED),
    *("Hook(lambda: m.close(), -1)", "Hook(lambda: m.close(), 2**70)", "Hook(raises, None)"),
]
# Valid arguments for a parameter; integers if it is not listed.
GOOD = {
    "access": ["0"],
    "fileno": ["-1"],
    "length": ["100", "PAGE"],
    "prot": ["3"],
    "bits": ["32", "64"],
    "data": ["b'bytes'", "memoryview(m)[2:7]"],
    "dtype": ["'u1'", "'>f8'"],
    "key": ["1", "slice(2, 9)"],
    "kind": ["'u4'", "'>f8'", "'<i8'"],
    "mode": ["'r'", "'r+'", "'c'", "'w+'"],
    "name": ["'read'", "'file'", "'PROT_READ'"],
    "nodes": ["[0]"],
    "other": ["other", "m"],
    "path": ["'given'", "b'given'"],
    "sub": ["b'x'", "b'\\1\\2'", "b''"],
    "timeout": ["0", "0.001"],
}
WHOLE = ["0", "0", "1", "2", "3", "4", "8", "97", "PAGE", "2 * PAGE", "m.seekable() + 4"]
# With an address a map replaces any mapping there: only invalid ones.
ADDRESSES = ["None", "1.5", "'text'", "-1", "1", "PAGE + 1", "2**63", "-(2**63)", "2**64", "Hook(raises)", "[]"]

# Attributes of the class, and calls that end the process on purpose.
NOT_CALLED = {"__class__", "__init_subclass__", "__subclasshook__", "__new__", "__getattribute__", "__doc__"}


def public():
    """Each public callable by the expression that names it, and its parameters by name."""
    names = {}
    for name in dir(mmap):
        if name not in NOT_CALLED and (name[:2] == "__" or name[0] != "_") and callable(getattr(mmap, name)):
            names[f"m.{name}"] = parameters(getattr(mmap, name))[1:]
    for name, value in vars(mmap_wrap).items():
        if name[0] != "_" and callable(value) and not (isinstance(value, type) and issubclass(value, Exception)):
            names["mmap" if value is mmap else f"mmap_wrap.{name}"] = parameters(value)
    names["mmap_wrap.__getattr__"] = ["name"]
    # Iteration is not a method of the class.
    names["iter(m).__next__"] = []
    return names


def parameters(function):
    try:
        return list(inspect.signature(function).parameters.values())
    except ValueError:
        # A slot of a type, without a signature.
        return [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in ("self", "key", "data", "c")]


class Calls:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def argument(self, name):
        if name == "address":
            return self.random.choice(ADDRESSES)
        return self.random.choice(ARGUMENTS if self.random.random() < self.badness else GOOD.get(name, WHOLE))

    def call(self, expression, known):
        """A call, often with the right number of arguments, sometimes with fewer, seldom with one too many."""
        positional, keywords, self.badness = [], {}, self.random.choice([0.1, 0.5, 1])
        for parameter in known:
            name = parameter if isinstance(parameter, str) else parameter.name
            kind = inspect.Parameter.POSITIONAL_ONLY if isinstance(parameter, str) else parameter.kind
            if kind is inspect.Parameter.KEYWORD_ONLY or kind is inspect.Parameter.VAR_KEYWORD:
                if self.random.random() < 0.2:
                    keywords[name] = self.argument(name)
            elif kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and (keywords or self.random.random() < 0.2):
                keywords[name] = self.argument(name)
            else:
                positional.append(self.argument(name))
        if "address" not in str(known):
            less = self.random.choice([0, 0, 0, 1, 1, 2, -1])
            positional = positional[: len(positional) - less] if less >= 0 else [*positional, self.argument("more")]
        words = [*positional, *(f"{name}={value}" for name, value in keywords.items())]
        return f"{expression}({', '.join(words)})"


def interrupt(signal_number, frame):
    raise Interrupted


def play(map_name, call):
    """Makes one call on a map of that kind; returns what is wrong afterwards, or None."""
    names = {**globals(), "nan": float("nan"), "inf": float("inf"), "other": mmap(-1, 5000), "views": []}
    names["names"] = names
    names["m"] = m = eval(MAPS[map_name], names)
    # Bound before the call: a hook may clear the names.
    views, problem = names["views"], None
    signal.setitimer(signal.ITIMER_REAL, 0.02 if ".wait(" in call else 20)
    try:
        result = eval(call, names)
        if call.startswith("m.dup_fd") and type(result) is int:
            os.close(result)
        if hasattr(result, "__next__"):
            next(result, None)
        del result
    except (SystemError, RuntimeError) as error:
        # The library raises RuntimeError itself for a defect; subclasses, such as RecursionError, are not its own.
        if type(error) in (SystemError, RuntimeError):
            problem = repr(error)
    except Exception:
        pass
    except BaseException as error:
        problem = repr(error)
    signal.setitimer(signal.ITIMER_REAL, 0)
    names.clear()
    views.clear()
    gc.collect(0)
    return problem or broken(m)


def broken(m):
    """What no longer works of a map of which there are no views; None if all works."""
    try:
        if m.closed:
            return None
        info = m.info()
        if info.acquired:
            return f"{info.acquired} addresses are acquired"
        with memoryview(m) as view:
            if len(view) != len(m):
                return "the view has another size"
        m[:1]
    except (mmap_wrap.FaultError, ValueError):
        # Its pages are lost, or may not be read; or a subclass raises the exception.
        return None
    except Exception as error:
        return repr(error)
    try:
        m.close()
    except mmap_wrap.SealedError:
        return None
    except OSError as error:
        # The loss is reported once, and the map is closed nevertheless.
        return None if m.closed else repr(error)
    return None


def open_resources():
    gc.collect()
    return len(os.listdir("/proc/self/fd")), raw.mmap_wrap_list(None, 0)


def main(names, seed, count):
    calls, known, last = Calls(seed), public(), os.open("last", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    before = open_resources()
    for number in range(count):
        name = names[number % len(names)]
        map_name, call = calls.random.choice(list(MAPS)), calls.call(name, known[name])
        os.ftruncate(last, 0)
        os.pwrite(last, f"{map_name!r} {call!r}".encode(), 0)
        problem = play(map_name, call)
        mmap_wrap.trust_handlers(False)
        if problem:
            print(f"{map_name!r} {call!r}: {problem}")
            return 1
    # A sealed mapping stays until the process ends.
    if "m.mseal" not in names and open_resources() != before:
        print(f"{names}: descriptors and mappings were {before}, and are {open_resources()}")
        return 1
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, interrupt)
    with open("given", "wb") as file:
        file.write(bytes(range(256)) * 48 + b"x" * 100)
    if sys.argv[1] == "--run":
        print(play(*sys.argv[2:4]))
        sys.exit()
    sys.exit(main(sys.argv[1].split(","), int(sys.argv[2]), int(sys.argv[3])))
