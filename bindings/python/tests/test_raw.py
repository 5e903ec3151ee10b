"""The functions of the C header in `mmap_wrap.raw`: all of them, with their parameters and unchanged results."""

import ctypes
import errno
import re
import sys
from pathlib import Path

import pytest
from conftest import run_well

import mmap_wrap as mmap
from mmap_wrap import _signatures, raw

# The crate is the repository, or a folder of the source distribution.
CRATES = [Path(__file__).resolve().parents[3], Path(__file__).resolve().parents[1] / "crate"]
HEADER = next(crate / "include/mmap_wrap.h" for crate in CRATES if (crate / "include/mmap_wrap.h").exists()).read_text()
NATIVE = (Path(__file__).resolve().parents[1] / "native/src/header.rs").read_text()
# The macros with a value; those used in declarations are attributes.
MACROS = dict(re.findall(r"^#define (MMAP_WRAP_\w+) ([^_n].*)$", HEADER, re.MULTILINE))


# Each declaration in one line, without these macros.
DECLARATIONS = re.sub(r",\n +", ", ", re.sub(r"\s+MMAP_WRAP_NOEXCEPT;", ";", HEADER.replace("MMAP_WRAP_API ", "")))
LEAST = -(2**63)


def letter(c_type):
    """The letter in the table of signatures for a type of the header."""
    known = {"int64_t": "i", "mmap_wrap_handle": "i", "double": "d", "const char *": "t"}
    return known.get(c_type, "p" if c_type.endswith("*") else c_type)


def declared():
    """The functions of the header and their signatures."""
    functions = {}
    for result, name, text in re.findall(r"^([a-z][\w ]*?[ *]+)(\w+)\((.*)\);$", DECLARATIONS, re.MULTILINE):
        types = [re.sub(r"\w+$", "", one).strip() for one in text.split(",") if one != "void"]
        functions[name] = "".join(map(letter, [result.strip(), *types]))
    return functions


def test_every_call_of_the_header_exists_with_its_parameters():
    assert len(declared()) == HEADER.count("\nMMAP_WRAP_API ") > 60
    assert declared() == _signatures.SIGNATURES


@pytest.mark.parametrize("name", _signatures.SIGNATURES)
def test_the_library_has_every_call(name):
    function = getattr(raw, name)
    assert len(function.argtypes) == len(_signatures.SIGNATURES[name]) - 1
    assert name in dir(raw)


def value(text):
    """The value of a macro: a number, a string, or the members of a struct."""
    if text.startswith("{"):
        return [(MACROS.get(one) and value(MACROS[one])) or int(one) for one in text.strip("{}").split(", ")]
    return text.strip('"') if '"' in text else int(text.strip("()").replace("INT64_MIN", str(LEAST)), 0)


def test_every_macro_of_the_header_has_its_value():
    assert len(MACROS) > 25
    values = {name: value(text) for name, text in MACROS.items()}
    assert {name: getattr(raw, name) for name in values} == values
    assert {name for name in vars(raw) if name.startswith("MMAP_WRAP_")} == set(values)


def members(name):
    """The members of a struct of the header; all are int64_t."""
    body = re.search(rf"^struct {name} {{$(.*?)^}};$", HEADER, re.MULTILINE | re.DOTALL)[1]
    return re.findall(r"^    int64_t (\w+);$", body, re.MULTILINE)


STRUCTS = {
    "mmap_wrap_open_options": raw.OpenOptions,
    "mmap_wrap_cachestat": raw.Cachestat,
    "mmap_wrap_info": raw.Info,
}


def test_the_structs_have_the_members_of_the_header():
    assert re.findall(r"^struct (\w+) {$", HEADER, re.MULTILINE) == list(STRUCTS)
    for name, structure in STRUCTS.items():
        assert [field for field, _ in structure._fields_] == members(name)
        assert ctypes.sizeof(structure) == 8 * len(members(name))


def test_the_native_module_declares_what_the_header_does():
    # The module transmutes addresses to these types: a wrong type would be undefined behaviour.
    letters = {"i64": "i", "f64": "d", "*const c_char": "t"}
    rows = re.findall(r'^pub type (\w+) = unsafe extern "C" fn\((.*)\) -> (.+);$', NATIVE, re.MULTILINE)
    assert len(rows) == len(declared())
    for name, types, result in rows:
        declaration = [result, *(one for one in types.split(", ") if one)]
        assert "".join(letters.get(one, one[0].replace("*", "p")) for one in declaration) == declared()[name], name
    for name, structure in STRUCTS.items():
        body = re.search(rf"^pub struct {structure.__name__} {{$(.*?)^}}$", NATIVE, re.MULTILINE | re.DOTALL)[1]
        assert re.findall(r"^    pub (\w+): i64,$", body, re.MULTILINE) == members(name)


def test_the_native_module_has_the_numbers_of_the_header():
    constants = dict(re.findall(r"^pub const (\w+): i64 = (.+);$", NATIVE, re.MULTILINE))
    numbers = {name: value(text) for name, text in MACROS.items() if isinstance(value(text), int)}
    assert len(constants) == len(numbers)
    assert {
        f"MMAP_WRAP_{name}": int(text.replace("i64::MIN", str(LEAST))) for name, text in constants.items()
    } == numbers


def test_a_call_is_bound_at_its_first_use():
    there = "print('mmap_wrap_wake' in vars(raw))"
    assert run_well(f"from mmap_wrap import raw; {there}; raw.mmap_wrap_wake; {there}") == "False\nTrue\n"


@pytest.mark.parametrize("name", ["mmap_wrap_no_such_call", "mmap_wrap_PROT_READ", "mmap", "", "\udc80"])
def test_an_unknown_call_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match=r"module 'mmap_wrap.raw' has no attribute"):
        getattr(raw, name)


def test_results_are_never_raised():
    assert raw.munmap_wrap(0) == raw.MMAP_WRAP_E_HANDLE
    assert raw.mmap_wrap_address(0) is None
    assert raw.mmap_path_wrap(b"/nowhere", raw.MMAP_WRAP_REST, 1, 2, 0) == -errno.ENOENT
    assert b"'/nowhere'" in raw.mmap_wrap_last_error_message()
    assert raw.mmap_wrap_last_error_system_code() == (3 if sys.platform == "win32" else errno.ENOENT)
    assert raw.mmap_wrap_strerror(raw.MMAP_WRAP_E_SEALED).endswith(b"(MMAP_WRAP_E_SEALED)")


def test_arguments_and_results_are_passed_unchanged():
    handle = raw.check(raw.mmap_unnamed_wrap(4096, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED))
    assert raw.mmap_wrap_put_float(handle, raw.MMAP_WRAP_F64, 8, 0.1) == 0
    assert raw.mmap_wrap_get_float(handle, raw.MMAP_WRAP_F64, 8) == 0.1
    assert raw.mmap_wrap_write(handle, 100, b"a\0b", 3) == 3
    text = ctypes.create_string_buffer(3)
    assert (raw.mmap_wrap_read(handle, 100, text, 3), text.raw) == (3, b"a\0b")
    before = ctypes.c_int64()
    assert raw.mmap_wrap_atomic_add(handle, 64, 16, -(2**63), None) == 0
    assert raw.mmap_wrap_atomic_exchange(handle, 64, 16, 5, ctypes.byref(before)) == 0
    assert before.value == -(2**63)
    handles = (ctypes.c_int64 * 1000)()
    assert handle in handles[: raw.check(raw.mmap_wrap_list(handles, 1000))]
    assert raw.munmap_wrap(handle) == 1


def test_check_returns_the_result_or_raises():
    assert raw.check(0) == 0
    assert raw.check(2**63 - 1) == 2**63 - 1
    with pytest.raises(ValueError, match="handle"):
        raw.check(raw.munmap_wrap(0))


def test_a_sealed_map_reports_that_it_is_sealed():
    # In its own process: the mapping stays until that ends.
    script = """
import mmap_wrap
from mmap_wrap import raw
m = mmap_wrap.mmap(-1, mmap_wrap.PAGESIZE)
code = raw.mseal_wrap(m._handle, 0, raw.MMAP_WRAP_REST)
if code == raw.MMAP_WRAP_E_UNSUPPORTED:
    print("mseal is not supported")
else:
    raw.check(code)
    for attempt in (m.close, lambda: m.protect(mmap_wrap.PROT_READ)):
        try:
            attempt()
        except mmap_wrap.SealedError as error:
            print(error.errno, error.strerror)
    m[0] = 7
    print(m[0], m.closed)
"""
    output = run_well(script)
    if output == "mseal is not supported\n":
        pytest.skip("a sealed map: this kernel has no mseal")
    sealed = "a part of the mapping is sealed: it cannot be changed until the process ends"
    assert output == f"{errno.EPERM} mmap.close: {sealed}\n{errno.EPERM} mmap.protect: {sealed}\n7 False\n"
