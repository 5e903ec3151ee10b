"""Every public item has a docstring that describes it, names its parameters and has an example that runs."""

import doctest
import inspect
import pickle
import pydoc
import re
import tempfile
from pathlib import Path

import pytest

import mmap_wrap
import mmap_wrap.typing
from mmap_wrap import raw

README = Path(__file__).parent.parent / "README.md"


def public():
    """Each public item by name: modules, functions, classes, and the members of `mmap`, including inherited ones."""
    items = {"mmap_wrap": mmap_wrap, "mmap_wrap.typing": mmap_wrap.typing, "mmap_wrap.raw": raw}
    # They are made at first use.
    assert raw.Cachestat
    assert raw.Info
    for module in (mmap_wrap, raw):
        for name, item in vars(module).items():
            if not name.startswith("_") and getattr(item, "__module__", "").startswith("mmap_wrap"):
                items[f"{module.__name__}.{name}"] = item
    for name in dir(mmap_wrap.mmap):
        if not name.startswith("_"):
            items[f"mmap_wrap.mmap.{name}"] = inspect.getattr_static(mmap_wrap.mmap, name)
    return items


ITEMS = public()


def test_public_items_are_found():
    assert {"mmap_wrap.open", "mmap_wrap.FaultError", "mmap_wrap.raw.check", "mmap_wrap.raw.Info"} <= set(ITEMS)
    assert {f"mmap_wrap.mmap.{name}" for name in ("find", "protect", "view", "closed")} <= set(ITEMS)
    assert not [name for name in ITEMS if name not in ("mmap_wrap", "mmap_wrap.mmap") and ITEMS[name].__doc__ is None]


def test_public_items_have_the_module_that_users_import():
    elsewhere = {
        name: item.__module__ for name, item in ITEMS.items() if inspect.isfunction(item) and name.count(".") == 1
    }
    assert set(elsewhere.values()) == {"mmap_wrap"}
    for name in elsewhere:
        assert pickle.loads(pickle.dumps(ITEMS[name])) is ITEMS[name]


@pytest.mark.parametrize("name", ITEMS)
def test_each_docstring_begins_with_one_line(name):
    first, *rest = inspect.getdoc(ITEMS[name]).splitlines()
    assert re.search(r"[.:]$", first)
    assert rest[0] == ""


@pytest.mark.parametrize("name", ITEMS)
def test_each_public_item_has_an_example_that_runs(name, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # examples leave their files there
    item = ITEMS[name]
    text = inspect.getdoc(item)
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert example.examples, "an example is missing"
    output = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=output.append)
    assert result.failed == 0, "".join(output)


# The parameters that docstrings call "the range", as documented in `_base`.
RANGE = {"offset", "size"}


@pytest.mark.parametrize("name", [name for name, item in ITEMS.items() if inspect.isfunction(item)])
def test_each_docstring_names_all_parameters(name):
    text = inspect.getdoc(ITEMS[name])
    parameters = set(inspect.signature(ITEMS[name]).parameters) - {"self"}
    named = {each for each in parameters if re.search(rf"`{each}\b", text)} | (RANGE if "the range" in text else set())
    assert sorted(parameters - named) == []


def test_help_shows_each_function_and_class():
    text = pydoc.plain(pydoc.render_doc(mmap_wrap))
    for name in mmap_wrap.__all__:
        assert re.search(rf"\b{name}\b", text)
    assert "open(path" in text


def test_the_readme_names_each_public_item():
    text = README.read_text()
    names = [name.rpartition(".")[2] for name in ITEMS if not name.startswith("mmap_wrap.raw.")]
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []
