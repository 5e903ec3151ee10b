"""The tests of the Python package: a session for each installed CPython from 3.11 on.

scripts/environments creates the virtual environments. After that nothing is downloaded, and only the package itself is
installed:

    build/venvs/tools/bin/nox -R -t newest -- -k readline            some tests with one interpreter, or -t python3.12
    build/venvs/tools/bin/nox -l                                     lists the sessions
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
PACKAGE, WHEELS = ROOT / "bindings/python", ROOT / "build/wheels"
PYTEST = ["python", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]
nox.options.envdir = "build/venvs"
nox.options.default_venv_backend = "uv"


def interpreters():
    """Finds a CPython of each minor version from 3.11 on in PATH, pyenv or build/pythons: its version and its path."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    if shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        folders += sorted(Path(root).glob("versions/*/bin"))
    folders += sorted(ROOT.glob("build/pythons/*/usr/bin"))
    found = {}
    question = (
        "import sys; version = '.'.join(map(str, sys.version_info[:3]))"
        "; print(version, sys.implementation.name, sys.prefix == sys.base_prefix)"
    )
    for program in (path for folder in folders for path in sorted(folder.glob("python3*"))):
        if not re.fullmatch(r"python3(\.\d+)?", program.name) or not os.access(program, os.X_OK):
            continue
        result = subprocess.run([program, "-c", question], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        plain = re.fullmatch(r"(3\.(\d+)\S*) cpython True", result.stdout.strip())
        if result.returncode == 0 and plain and int(plain[2]) >= 11:
            found.setdefault(int(plain[2]), (plain[1], str(program)))
    return dict(version for _, version in sorted(found.items()))


FOUND = interpreters()
# The oldest and the newest Python of the machine are tested with joblib and Dask, too. For the newer versions from
# scripts/pythons, these packages may not be released yet.
OWN = [version for version, program in FOUND.items() if not Path(program).is_relative_to(ROOT / "build")]
# Tests that depend on the version of Python: its own test suite, its exceptions and messages, buffers, threads, pickles
# and packages. The others run with the oldest and the newest version only.
DEPENDS_ON_VERSION = [
    *("standard", "standard_differential", "standard_errors", "standard_suite", "typing", "views", "reference"),
    *("mapping_threads", "pieces", "hostile", "invalid_arguments", "package", "documentation"),
]


@nox.session(python=False)
def wheel(session):
    """Builds the package for all interpreters, unless scripts/test, which runs them in parallel, has built it."""
    if os.environ.get("MMAP_WRAP_WHEEL") == "built":
        return
    shutil.rmtree(WHEELS, ignore_errors=True)
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", WHEELS]
    # The build tools, such as hatchling, are those of the environment that runs nox.
    session.run(sys.executable, "-m", "pip", "wheel", *options, PACKAGE, external=True)


# Reports tests that are skipped.
LOOK_FOR_NUMPY = """
import importlib.util, sys
if importlib.util.find_spec("numpy") is None: print(f"skipped: there is no numpy for Python {sys.version.split()[0]}")
"""


def test_with(version, program):
    """Defines the session that tests the package with one interpreter."""
    ends = list(FOUND)[:1] + list(FOUND)[-1:]
    has_cluster = version in OWN[:1] + OWN[-1:]

    tags = ["python" + ".".join(version.split(".")[:2]), *(["newest"] if version == list(FOUND)[-1] else [])]

    @nox.session(name=f"python-{version}", python=program, requires=["wheel"], tags=tags)
    def tests(session):
        """All tests in the oldest and the newest version; in the others, those that depend on the version."""
        session.install("pytest", "hypothesis")
        # From wheels only: where there is no wheel of numpy, the tests run without it.
        packages = ["numpy", *(["joblib", "dask[array]", "distributed"] if has_cluster else [])]
        session.install("--only-binary", ":all:", *packages, success_codes=[0, 1])
        session.run("python", "-c", LOOK_FOR_NUMPY)
        options = ["--quiet", "--no-index", "--no-deps", "--reinstall", "--find-links", WHEELS]
        session.run("uv", "pip", "install", *options, "mmap-wrap", external=True)
        names = [] if version in ends or session.posargs else DEPENDS_ON_VERSION
        chosen = [PACKAGE / f"tests/test_{name}.py" for name in names] or [PACKAGE / "tests"]
        session.run(*PYTEST, *chosen, *session.posargs)


for version, program in FOUND.items():
    test_with(version, program)
