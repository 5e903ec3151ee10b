"""The tests of the Python package, a session for each CPython from 3.11 on that is here.

scripts/environments makes the virtual environments. After that, nothing is fetched or installed but the package itself:

    build/venvs/tools/bin/nox -R -t newest -- -k readline            some tests with one interpreter, or -t python3.12
    build/venvs/tools/bin/nox -l                                     which sessions there are
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
    """A CPython of each minor version from 3.11 on, of PATH, pyenv or scripts/pythons: its version, and a program."""
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
        said = subprocess.run([program, "-c", question], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        plain = re.fullmatch(r"(3\.(\d+)\S*) cpython True", said.stdout.strip())
        if said.returncode == 0 and plain and int(plain[2]) >= 11:
            found.setdefault(int(plain[2]), (plain[1], str(program)))
    return dict(version for _, version in sorted(found.items()))


FOUND = interpreters()
# The machine's own oldest and newest Python have other packages of their time beside this one. For a newer Python, as
# scripts/pythons has it, there are none for a while.
OWN = [version for version, program in FOUND.items() if not Path(program).is_relative_to(ROOT / "build")]
# What depends on the version of Python: its own test suite, its exceptions and messages, buffers, threads, pickles and
# packages. The rest runs with the oldest and the newest version.
DEPENDS_ON_VERSION = [
    *("standard", "standard_differential", "standard_errors", "standard_suite", "typing", "views", "reference"),
    *("mapping_threads", "pieces", "hostile", "invalid_arguments", "package", "documentation"),
]


@nox.session(python=False)
def wheel(session):
    """Builds the package, for all interpreters; scripts/test has done that before it runs them beside each other."""
    if os.environ.get("MMAP_WRAP_WHEEL") == "built":
        return
    shutil.rmtree(WHEELS, ignore_errors=True)
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", WHEELS]
    # The build's own tools, as hatchling, are those of the environment that runs nox.
    session.run(sys.executable, "-m", "pip", "wheel", *options, PACKAGE, external=True)


# Says aloud what is not tested.
LOOK_FOR_NUMPY = """
import importlib.util, sys
if importlib.util.find_spec("numpy") is None: print(f"skipped: there is no numpy for Python {sys.version.split()[0]}")
"""


def test_with(version, program):
    """Makes the session that tests the package with one interpreter."""
    ends = list(FOUND)[:1] + list(FOUND)[-1:]
    has_cluster = version in OWN[:1] + OWN[-1:]

    tags = ["python" + ".".join(version.split(".")[:2]), *(["newest"] if version == list(FOUND)[-1] else [])]

    @nox.session(name=f"python-{version}", python=program, requires=["wheel"], tags=tags)
    def tests(session):
        """All of the package's tests in the oldest and the newest version; between, those that depend on it."""
        session.install("pytest", "hypothesis")
        # To compile numpy is not this project's matter.
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
