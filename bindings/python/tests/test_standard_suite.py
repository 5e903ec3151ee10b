"""CPython's own tests of `mmap`, each interpreter with those of its version, run on this package instead."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest
from conftest import run

README = Path(__file__).parent.parent / "README.md"

# The tests that fail on Windows, and why; README.md lists the same. Not every version has each test.
ON_WINDOWS = {
    "MmapTests.test_sizeof": "an object of a map with a name is no larger",
    "MmapTests.test_no_trackfd_parameter_on_windows": "`trackfd`, which the standard library has there from 3.15 on",
}
DIFFERENCES = ON_WINDOWS if sys.platform == "win32" else {}

SCRIPT = """\
import json, os, sys, types, unittest
os.chdir(sys.argv[1])
{module}
sys.modules["mmap"] = module
from test import test_mmap
assert test_mmap.mmap is module

def name(test):
    # A subtest has the name of its test; an error in setUpClass has its own.
    return getattr(test, "test_case", test).id().replace("test.test_mmap.", "")

class Result(unittest.TestResult):
    names = []
    def startTest(self, test):
        super().startTest(test)
        self.names.append(name(test))

result = Result()
unittest.defaultTestLoader.loadTestsFromModule(test_mmap).run(result)
json.dump(
    dict(
        ran=result.names,
        failed=[(name(test), text) for test, text in result.failures + result.errors],
        skipped=[(name(test), reason) for test, reason in result.skipped],
    ),
    sys.stdout,
)
"""
STANDARD = "import mmap as module"
OURS = "import mmap_wrap as module; module.install()"
BROKEN = """\
import mmap
module = types.ModuleType("mmap")
vars(module).update(vars(mmap))
class module_mmap(mmap.mmap):
    def rfind(self, *arguments):
        return super().find(*arguments)
module.mmap = module_mmap
"""


def suite(folder, module):
    """Runs the suite with that module; returns the tests that ran, those that failed, and those that were skipped."""
    if importlib.util.find_spec("test") is None or importlib.util.find_spec("test.test_mmap") is None:
        pytest.skip("this Python comes without its tests (test.test_mmap): CPython's own suite is not run")
    child = run(SCRIPT.format(module=module), folder)
    assert child.returncode == 0, f"exit status {child.returncode}\n{child.stderr}"
    result = json.loads(child.stdout)
    skipped = dict(result["skipped"])
    return set(result["ran"]) - skipped.keys(), dict(result["failed"]), skipped


@pytest.fixture(scope="module")
def standard(tmp_path_factory):
    """The result of the suite with the standard library's module."""
    return suite(tmp_path_factory.mktemp("standard"), STANDARD)


def test_the_standard_library_passes_its_own_suite(standard):
    ran, failed, _ = standard
    assert not failed, "\n".join(failed.values())
    # Python 3.11 has 36 for Linux, later versions have more. The large files are sparse, and need no space.
    assert len(ran) > 30
    # File systems of Windows fill holes, so the suite skips large files there.
    if sys.platform != "win32":
        assert {"LargeMmapTests.test_large_offset", "LargeMmapTests.test_around_4GB"} <= ran


def test_a_broken_map_fails_the_suite(tmp_path):
    _, failed, _ = suite(tmp_path, BROKEN)
    # test_repr fails because the repr of a subclass has another name.
    expected = {"MmapTests.test_rfind", "MmapTests.test_repr"}
    # On Windows other tests fail, too, because they cannot remove a file that a failed test has left mapped.
    assert expected <= set(failed) if sys.platform == "win32" else set(failed) == expected


def test_the_suite_passes_except_for_the_known_differences(standard, tmp_path, capsys):
    ran, failed, skipped = suite(tmp_path, OURS)
    with capsys.disabled():
        for reason in sorted(set(skipped.values())):
            tests = [test.split(".")[1] for test in sorted(skipped) if skipped[test] == reason]
            print(f"\nskipped by CPython's suite: {reason}: {', '.join(tests)}")

    unexpected = {test: text for test, text in failed.items() if test not in DIFFERENCES}
    assert not unexpected, f"{len(unexpected)} tests failed of {len(ran)}\n" + "\n".join(unexpected.values())
    # The suite skips tests of methods that a class lacks: the same tests must run as with the standard library's, whose
    # class has fewer methods on Windows.
    assert ran >= standard[0] if sys.platform == "win32" else ran == standard[0]
    # A test that no longer fails must be removed from the list.
    assert failed.keys() == DIFFERENCES.keys() & ran


def test_the_readme_lists_the_known_differences():
    section = README.read_text().split("\n### CPython's own tests\n")[1].split("\n#")[0]
    listed = dict(re.findall(r"(?m)^\| `(\w+\.\w+)` \| (.+) \|$", section))
    assert listed == ON_WINDOWS
    assert "On other systems it passes them all" in section
