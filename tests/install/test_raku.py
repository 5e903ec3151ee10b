"""The Raku distribution as zef installs it: from the repository, and from the tarball that has the Rust sources."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
USES = "use Mmap::Wrap :constants; use Mmap::Native; say mmap(:anon, :length(PROT_READ)).elems, MAP_FAILED.defined"
DEEP = "MMAP_WRAP_DEEP" in os.environ
# MoarVM's optimizer takes longer than it saves while modules are compiled.
OPTIMIZER = {} if DEEP else {"MVM_SPESH_DISABLE": "1"}
pytestmark = pytest.mark.skipif(not shutil.which("zef"), reason="zef is not here")


def run(*command, folder=ROOT, **variables):
    """Runs a command that must succeed. Returns its output."""
    environment = {**os.environ, **OPTIMIZER, **{name: str(value) for name, value in variables.items()}}
    words = [str(word) for word in command]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    end = subprocess.run(words, cwd=folder, env=environment, **pipes)
    assert end.returncode == 0, f"{words}: exit status {end.returncode}\n{end.stdout}"
    return end.stdout


# The tarball has the same modules, and compiling them takes long.
@pytest.mark.skipif(not DEEP, reason="installing from the repository: only in `make test-deep`")
def test_zef_installs_it_from_the_repository(tmp_path):
    # Into a separate repository: the default ones of zef belong to the system, and may have another version.
    place = f"inst#{tmp_path}/modules"
    run("zef", "--/test", f"--install-to={place}", "--force-install", "install", "./bindings/raku")
    # From a folder without the modules.
    assert run("raku", f"-I{place}", "-e", USES, folder=tmp_path) == "1True\n"


@pytest.fixture
def tarball(tmp_path):
    """The unpacked tarball, and the environment of a new user."""
    archive = ROOT / run("scripts/raku-dist").splitlines()[-1]
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    # Only the folders of cargo and rustup are the usual ones: with the compiler and the downloaded crates.
    cargo = {"CARGO_HOME": ".cargo", "RUSTUP_HOME": ".rustup"}
    return folder, {"HOME": tmp_path, **{name: os.environ.get(name, Path.home() / at) for name, at in cargo.items()}}


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and ".precomp" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_zef_builds_and_installs_the_tarball_without_the_repository(tmp_path, tarball):
    folder, environment = tarball
    # The modules and tests are those of the repository, so that the results of its tests apply.
    for part in ("lib", "t"):
        assert contents(folder / part) == contents(ROOT / "bindings/raku" / part)
    # Forced, since zef does nothing if the same version is installed for all users. `make test-deep` runs all tests;
    # here only those of the distribution and of mapping files run, with the installed modules and library.
    tests = [] if DEEP else ["--/test"]
    zef = ["zef", "--verbose", *tests, "--force-install", "--install-to=home", "install", f"./{folder.name}"]
    print(run(*zef, folder=tmp_path, **environment))
    assert run("raku", "-e", USES, folder=tmp_path, **environment) == "1True\n"
    some = ("t/00-meta.rakutest", "t/01-open-files.rakutest")
    assert "All tests successful" in run("prove6", *some, folder=folder, **environment)
