"""The modules of the package import each other in one direction, without a cycle, also for type checkers."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import mmap_wrap

PACKAGE = Path(mmap_wrap.__file__).parent


def name_of(path):
    """The name of the module in a file, such as `_command_line.main`; "" is the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
# The native module has no Python source, and stubs are for type checkers only.
NAMES = {*MODULES, "_native", *map(name_of, PACKAGE.rglob("*.pyi"))}


def statements(nodes):
    """The imports among these nodes and in their bodies, including functions, and those for type checkers."""
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        else:
            yield from statements(ast.iter_child_nodes(node))


def imported(module, node):
    """The modules of the package that a statement imports."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        base = ["mmap_wrap", *module.split(".")] if module else ["mmap_wrap"]
        is_package = MODULES[module].name == "__init__.py"
        base = base[: len(base) + is_package - node.level] if node.level else []
        start = ".".join([*base, *filter(None, [node.module])])
        # A name that is not a module is a name in one.
        names = [
            f"{start}.{alias.name}" if f"{start}.{alias.name}".removeprefix("mmap_wrap.") in NAMES else start
            for alias in node.names
        ]
    return {name.removeprefix("mmap_wrap").removeprefix(".") for name in names if name.partition(".")[0] == "mmap_wrap"}


def imports(module, path):
    tree = ast.parse(path.read_text())
    return set().union(*(imported(module, node) for node in statements([tree]))) - {module}


def test_there_is_no_import_cycle():
    graph = {module: imports(module, path) for module, path in MODULES.items()}
    assert set().union(*graph.values()) <= NAMES
    assert len(graph) > 25
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' imports '.join(reversed(error.args[1]))}")
    assert order.index("_base") < order.index("_mapping") < order.index("") < order.index("_command_line.main")


def test_an_import_cycle_would_be_found():
    node = ast.parse("def later():\n    from ._mapping import mmap\nfrom . import _ffi\nimport os").body
    found = set().union(*(imported("_base", each) for each in statements(node)))
    assert found == {"_mapping", "_ffi"}
    with pytest.raises(CycleError):
        list(TopologicalSorter({"_mapping": {"_base"}, "_base": found}).static_order())


def test_the_package_does_not_import_the_command_line():
    users = {
        module for module, path in MODULES.items() if any("_command_line" in name for name in imports(module, path))
    }
    assert {name for name in users if not name.startswith("_command_line")} == {"__main__"}
