"""The package itself: loading the library, constants, errors, import, and the examples."""

import doctest
import errno
import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import run, run_well

import mmap_wrap
from mmap_wrap import _constants, _errors, _ffi, _header, raw

README = Path(__file__).parent.parent / "README.md"


# The modules for arrays need numpy; test_array.py runs their examples. _windows can be imported on Windows only.
ELSEWHERE = {"__init__", "__main__", "_array", "_dask"} | (set() if sys.platform == "win32" else {"_windows"})
MODULES = sorted({path.stem for path in Path(mmap_wrap.__file__).parent.glob("*.py")} - ELSEWHERE)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_documentation_run(name):
    module = importlib.import_module(f"mmap_wrap.{name}")
    failed, _ = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert failed == 0


def test_the_examples_of_the_package_run(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # examples leave their files there
    failed, tried = doctest.testmod(mmap_wrap, optionflags=doctest.ELLIPSIS)
    assert (failed, tried > 0) == (0, True)


def test_every_public_method_has_an_example():
    public = [mmap_wrap, mmap_wrap.open, raw, raw.check, raw.Cachestat, raw.Info]
    public += [getattr(mmap_wrap, name) for name in mmap_wrap.__all__ if callable(getattr(mmap_wrap, name))]
    public += [getattr(mmap_wrap.mmap, name) for name in dir(mmap_wrap.mmap) if not name.startswith("_")]
    public += [mmap_wrap.mmap.closed]
    public.remove(OSError)
    assert [item for item in public if ">>>" not in item.__doc__] == []
    assert len(public) > 60


def test_the_examples_in_the_readme_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(README), module_relative=False)
    assert (failed, tried > 10) == (0, True)


def test_a_missing_library_is_an_error_with_a_remedy():
    child = run("import mmap_wrap", MMAP_WRAP_LIBRARY="/nowhere/libmmap_wrap.so")
    last = child.stderr.splitlines()[-1]
    assert last.startswith("ImportError: mmap_wrap cannot load its native library: /nowhere/libmmap_wrap.so")
    assert "Install the package again" in last
    assert "MMAP_WRAP_LIBRARY" in last


def test_a_library_of_another_machine_is_an_error_with_a_remedy():
    import _ctypes

    child = run("import mmap_wrap", MMAP_WRAP_LIBRARY=getattr(_ctypes, "__file__", None) or "libc.so.6")
    last = child.stderr.splitlines()[-1]
    assert last.startswith("ImportError: mmap_wrap cannot load its native library")
    assert "mmap_wrap_abi_version" in last


def test_the_environment_names_the_library_to_load(tmp_path):
    loaded = os.environ.get("MMAP_WRAP_LIBRARY") or _ffi.BUNDLED
    copy = tmp_path / "copy.so"
    copy.write_bytes(Path(loaded).read_bytes())
    child = run("import mmap_wrap; print('copy.so' in open('/proc/self/maps').read())", MMAP_WRAP_LIBRARY=str(copy))
    assert child.stdout == "True\n"


def test_a_library_with_another_abi_number_is_an_error_with_both_numbers():
    source = Path(_ffi.__file__).read_text()
    other = source.replace("MMAP_WRAP_ABI_VERSION, MMAP_WRAP_REST", "MMAP_WRAP_REST\n\nMMAP_WRAP_ABI_VERSION = 12345")
    assert other != source
    number = _header.MMAP_WRAP_ABI_VERSION
    with pytest.raises(ImportError, match=rf"ABI number 12345, but .*libmmap_wrap\S* has {number}:"):
        exec(
            compile(other, _ffi.__file__, "exec"),
            {"__file__": _ffi.__file__, "__package__": "mmap_wrap", "__name__": "x"},
        )


def test_the_codes_are_those_of_the_library():
    codes = {name: value for name, value in vars(_header).items() if name.startswith("MMAP_WRAP_E_")}
    assert len(codes) > 10
    for name, code in codes.items():
        assert f"({name})" in _ffi.mmap_wrap_strerror(code).decode()


@pytest.mark.parametrize(
    ("code", "kind", "number"),
    [
        (-errno.ENOENT, FileNotFoundError, errno.ENOENT),
        (-4095, OSError, 4095),
        (raw.MMAP_WRAP_E_HANDLE, ValueError, None),
        (raw.MMAP_WRAP_E_UNMAPPED, ValueError, None),
        (raw.MMAP_WRAP_E_RANGE, ValueError, None),
        (raw.MMAP_WRAP_E_ALIGNMENT, mmap_wrap.ArgumentError, errno.EINVAL),
        (raw.MMAP_WRAP_E_ARGUMENT, mmap_wrap.ArgumentError, errno.EINVAL),
        (raw.MMAP_WRAP_E_FAULT, mmap_wrap.FaultError, errno.EFAULT),
        (raw.MMAP_WRAP_E_SEALED, mmap_wrap.SealedError, errno.EPERM),
        (raw.MMAP_WRAP_E_BUSY, BufferError, None),
        (raw.MMAP_WRAP_E_UNSUPPORTED, OSError, errno.ENOTSUP),
        (-4105, RuntimeError, None),
        (-9999, RuntimeError, None),
    ],
)
def test_each_code_becomes_its_exception(code, kind, number):
    with pytest.raises(kind) as caught:
        _errors.checked(code, "mmap.method")
    assert type(caught.value) is kind
    assert getattr(caught.value, "errno", None) == number
    assert _errors.checked(0, "mmap.method") == 0


def test_constants_come_from_the_library_when_first_used():
    script = "import mmap_wrap as m; print('MADV_RANDOM' in vars(m), m.MADV_RANDOM, 'MADV_RANDOM' in vars(m))"
    assert run_well(script) == "False 1 True\n"
    from mmap_wrap import PROT_READ, PROT_WRITE

    assert (PROT_READ, PROT_WRITE, type(PROT_READ)) == (1, 2, int)


def test_a_constant_of_another_platform_is_missing_and_the_error_explains_it():
    every = {_ffi.mmap_wrap_constant_name(i).decode() for i in range(_ffi.mmap_wrap_constant_count())}
    missing = every - set(_constants.available())
    assert missing
    assert missing.isdisjoint(dir(mmap_wrap))
    for name in missing:
        with pytest.raises(AttributeError, match=f"this platform lacks the constant {name}"):
            getattr(mmap_wrap, name)
        assert not hasattr(mmap_wrap, name)


@pytest.mark.parametrize(
    "name", ["PROT_REED", "PROT_READ\0x", "PROT_READ ", "prot_read", "", "\udc80", "__path_to__", "é"]
)
def test_an_unknown_name_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match="has no attribute"):
        getattr(mmap_wrap, name)


def test_dir_lists_the_module_and_every_available_constant():
    listed = dir(mmap_wrap)
    assert {"mmap", "map_path", "PROT_READ", "MAP_ANONYMOUS", "MADV_DONTNEED", "MS_SYNC", "PAGESIZE"} <= set(listed)
    assert listed == sorted(set(listed))
    for name in listed:
        getattr(mmap_wrap, name)


def test_import_stays_light():
    script = "import sys; before = set(sys.modules); import mmap_wrap; print(*sorted(set(sys.modules) - before))"
    loaded = set(subprocess.check_output([sys.executable, "-Sc", script], text=True, env=without_site()).split())
    assert "mmap_wrap._native" in loaded
    assert loaded.isdisjoint(
        {"ctypes", "typing", "enum", "re", "dataclasses", "pathlib", "inspect", "mmap", "contextlib"}
    )


def without_site():
    # -S excludes the imports of site from the count, and with them the path of the package.
    return {**os.environ, "PYTHONPATH": str(Path(mmap_wrap.__file__).parent.parent)}


def test_the_version_is_that_of_the_library():
    from importlib.metadata import version

    assert mmap_wrap.__version__ == version("mmap-wrap") == _ffi.mmap_wrap_version().decode()
