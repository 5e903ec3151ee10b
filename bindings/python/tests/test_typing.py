"""The types in the stubs are those of the package; scripts/typed checks programs against them."""

import ast
import inspect
import mmap as standard
import typing
from pathlib import Path

import pytest

import mmap_wrap
import mmap_wrap.typing
from mmap_wrap import _elements, _ffi, _open, raw
from mmap_wrap._signatures import SIGNATURES

PACKAGE = Path(mmap_wrap.__file__).parent


def stub(name):
    return ast.parse((PACKAGE / name).read_text())


def test_the_constants_of_the_stub_are_those_of_the_library():
    table = [_ffi.mmap_wrap_constant_name(i).decode() for i in range(_ffi.mmap_wrap_constant_count())]
    names = stub("_names.pyi")
    annotated = [line.target.id for line in names.body if isinstance(line, ast.AnnAssign)]
    exported = [ast.literal_eval(line.value) for line in names.body if isinstance(line, ast.Assign)]
    assert len(annotated) > 100
    assert sorted(annotated) == sorted(exported[0]) == sorted(table)


def test_the_calls_of_the_stub_are_the_bound_calls():
    calls = {line.name: line for line in stub("_calls.pyi").body if isinstance(line, ast.FunctionDef)}
    letters = {"int": "i", "float": "d", "bytes": "t", "_Address": "p", "bytes | None": "t", "int | None": "p"}
    letters["bytes | Any"] = "t"
    found = {}
    for name, call in calls.items():
        assert not call.args.args, f"{name}: ctypes takes no names"
        kinds = [call.returns, *(taken.annotation for taken in call.args.posonlyargs)]
        found[name] = "".join(letters[written(kind)] for kind in kinds)
    assert found == SIGNATURES


def written(annotation):
    """An annotation of a stub as text: a name, or two with a bar between."""
    if isinstance(annotation, ast.BinOp):
        return f"{written(annotation.left)} | {written(annotation.right)}"
    return "None" if isinstance(annotation, ast.Constant) else annotation.id


def test_the_class_of_the_stub_has_the_members_of_the_class():
    found = next(line for line in stub("_native.pyi").body if isinstance(line, ast.ClassDef))
    # Including those that depend on the platform, in an `if`.
    names = {node.name for node in ast.walk(found) if isinstance(node, ast.FunctionDef)}
    names |= {node.target.id for node in ast.walk(found) if isinstance(node, ast.AnnAssign)}
    native = vars(mmap_wrap.mmap)
    # The buffer methods exist from 3.12 on.
    assert names - native.keys() <= {"__buffer__", "__release_buffer__"}
    made = {name for name, item in native.items() if inspect.isroutine(item) or inspect.isdatadescriptor(item)}
    assert made - {"__repr__", "__weakref__"} <= names


def test_the_members_of_a_struct_in_the_stub_are_its_members():
    found = {line.name: line.body for line in stub("_calls.pyi").body if isinstance(line, ast.ClassDef)}
    assert list(found) == ["OpenOptions", "Cachestat", "Info"]
    for name, body in found.items():
        assert [member.target.id for member in body] == [member for member, _ in getattr(raw, name)._fields_]


def test_every_kind_in_the_types_is_valid():
    found = typing.get_args(mmap_wrap.typing.Kind)
    bare = {kind.lstrip("<>=") for kind in _elements._KINDS}
    assert sorted(found) == sorted(order + kind for order in ("", *_elements._ORDERS) for kind in bare)
    m = mmap_wrap.anonymous(8)
    for kind in found:
        m.put(kind, 0, 1)
        assert m.get(kind, 0) == 1
        is_integer = kind in typing.get_args(mmap_wrap.typing.IntegerKind)
        assert type(m.get(kind, 0)) is (int if is_integer else float)


def test_every_mode_in_the_types_is_valid():
    found = typing.get_args(mmap_wrap.typing.Mode)
    assert set(found) >= set(_open._MODES)
    for mode in found:
        assert _open._parsed_mode("mmap_wrap.open", mode) in _open._MODES.values()


PUBLIC = [name for name in dir(standard.mmap) if not name.startswith("_")]


@pytest.mark.parametrize("name", PUBLIC)
def test_all_methods_of_the_standard_library_exist(name):
    theirs, ours = getattr(standard.mmap, name), getattr(mmap_wrap.mmap, name)
    assert callable(theirs) == callable(ours)


def parameters(function):
    """The parameters of a function, without self; None if it has no signature."""
    try:
        return list(inspect.signature(function).parameters.values())[1:]
    except (TypeError, ValueError):
        return None


WITH_SIGNATURE = [name for name in PUBLIC if parameters(getattr(standard.mmap, name)) is not None]


def test_parameters_are_those_of_the_standard_library():
    for name in WITH_SIGNATURE:
        theirs, ours = parameters(getattr(standard.mmap, name)), parameters(getattr(mmap_wrap.mmap, name))
        for their, our in zip(theirs, ours):
            assert (name, our.kind, is_required(our)) == (name, their.kind, is_required(their))
            assert our.name == their.name or our.kind is our.POSITIONAL_ONLY
        assert len(ours) >= len(theirs)
        assert not any(is_required(our) for our in ours[len(theirs) :])


def is_required(parameter):
    return parameter.default is parameter.empty


def test_every_method_of_the_standard_library_has_a_signature():
    if silent := sorted(set(PUBLIC) - set(WITH_SIGNATURE) - {"closed"}):
        pytest.skip(f"skipped: this Python's mmap has no signatures for {', '.join(silent)}")


def test_the_constructors_parameters_are_those_of_the_standard_library():
    # The standard library's constructor has no signature: each parameter is passed by its name.
    names = ["fileno", "length", "flags", "prot", "access", "offset"]
    assert list(inspect.signature(mmap_wrap.mmap).parameters)[: len(names)] == names
    values = [-1, 4096, standard.MAP_SHARED, standard.PROT_READ | standard.PROT_WRITE, standard.ACCESS_DEFAULT, 0]
    for module in (standard, mmap_wrap):
        module.mmap(**dict(zip(names, values))).close()


def test_import_star_imports_the_names_of_the_standard_library():
    theirs, ours = {}, {}
    exec("from mmap import *", theirs)
    exec("from mmap_wrap import *", ours)
    assert set(theirs) - set(ours) == set()
    for name, value in theirs.items():
        if name.isupper():
            assert ours[name] == value
    assert "open" not in ours
