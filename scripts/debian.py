"""Unpacks packages of other Debian suites into a folder. The system's package lists and packages are not changed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / "build/debian"

# Read after the system's configuration, which may set a proxy. The hooks of that for apt update are cleared.
CONFIGURATION = """\
APT::Architecture "{1}"; #clear APT::Architectures; APT::Architectures {{ "{1}"; }};
Dir::State "{0}"; Dir::State::lists "{0}/lists"; Dir::State::status "{0}/status";
Dir::Cache "{0}"; Dir::Cache::archives "{0}/archives";
Dir::Etc::sourcelist "{0}/debian.sources"; Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
#clear APT::Update;
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false"; Acquire::Languages "none"; Acquire::http::Timeout "30";
APT::Sandbox::User ""; APT::Install-Recommends "false"; Debug::NoLocking "true";
"""


def run(*command: object, cwd: Path | None = None) -> None:
    """Runs a command that must succeed; its output is written to standard error."""
    subprocess.run([str(word) for word in command], stdout=sys.stderr, check=True, cwd=cwd)


def mirror() -> str:
    """The Debian mirror in the APT sources of this system. Raises LookupError if there is none."""
    for tool in ("apt-get", "dpkg"):
        if not shutil.which(tool):
            raise LookupError(f"this system has no {tool}")
    folder = Path("/etc/apt")
    files = [folder / "sources.list", *sorted(folder.glob("sources.list.d/*"))]
    text = "\n".join(file.read_text() for file in files if file.is_file())
    addresses: list[str] = re.findall(r"(?m)^(?:URIs:|deb(?:\s+\[[^]]*\])?)\s+(\S+)", text)
    for address in addresses:
        if re.search(r"/debian/?$", address):
            return address
    raise LookupError("the system's APT sources name no mirror of Debian")


def own_architecture() -> str:
    """Debian's name of the processor of this machine."""
    return subprocess.run(
        ["dpkg", "--print-architecture"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()


def configure(apt: Path, *suites: str, architecture: str = "") -> None:
    """Creates a separate APT configuration, with no installed packages, and downloads its package lists."""
    address = mirror()
    keys = next(Path("/usr/share/keyrings").glob("debian-archive-keyring.*"), None)
    if not keys:
        raise LookupError("the system has no keys of Debian's archive (package debian-archive-keyring)")
    source = f"Types: deb\nURIs: {address}\nSuites: {' '.join(suites)}\nComponents: main\nSigned-By: {keys}\n"
    for part in ("lists/partial", "archives/partial"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    (apt / "status").write_text("")
    (apt / "debian.sources").write_text(source)
    (apt / "apt.conf").write_text(CONFIGURATION.format(apt, architecture or own_architecture()))
    run("apt-get", "-qq", "-c", apt / "apt.conf", "update")


def versions(apt: Path, package: str) -> list[str]:
    """The versions of a package in the suites, newest first."""
    text = subprocess.run(["apt-cache", "-c", apt / "apt.conf", "madison", package], stdout=subprocess.PIPE, text=True)
    return [line.split("|")[1].strip() for line in text.stdout.splitlines()]


def unpack(apt: Path, folder: Path, *packages: str) -> None:
    """Unpacks only these packages, named as for apt (NAME, NAME=VERSION, NAME:ARCHITECTURE)."""
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    add(apt, new, *packages)
    # As the last step, so that the folder is complete if it exists.
    new.rename(folder)


def add(apt: Path, folder: Path, *packages: str) -> None:
    """Unpacks only these packages into the folder, in addition to what it contains."""
    debs = folder / "debs"
    debs.mkdir(parents=True)
    run("apt-get", "-qq", "-c", apt / "apt.conf", "download", *packages, cwd=debs)
    for deb in debs.glob("*.deb"):
        run("dpkg", "-x", deb, folder)
    shutil.rmtree(debs)


def unpack_with_needs(apt: Path, folder: Path, *packages: str) -> Path:
    """Unpacks these packages and their dependencies, including the C library, into a new folder next to this one.

    The caller renames it when it is complete.
    """
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for deb in (apt / "archives").glob("*.deb"):
        deb.unlink()
    run("apt-get", "-qq", "-c", apt / "apt.conf", "install", "--download-only", "--yes", *packages)
    for deb in (apt / "archives").glob("*.deb"):
        run("dpkg", "-x", deb, new)
    return new


def newer() -> Path:
    """A separate APT configuration with the suites that have newer packages than many systems."""
    folder = BUILD / "apt"
    if not (folder / "apt.conf").exists():
        configure(folder, "trixie", "trixie-backports")
    return folder


def unpacked(name: str, package: str, start: str = "") -> Path:
    """A folder of build/debian with a package of these suites: the newest version that begins with start."""
    folder = BUILD / name
    if not folder.exists():
        found = [version for version in versions(newer(), package) if version.startswith(start)]
        if not found:
            raise LookupError(f"Debian's suites have no {package} {start}".rstrip())
        unpack(newer(), folder, f"{package}={found[0]}")
    return folder


def rust_library() -> Path:
    """The source of the standard library of this compiler version, from which cargo builds it for other targets."""
    output = subprocess.run(["rustc", "-vV"], stdout=subprocess.PIPE, text=True, check=True).stdout
    version = re.search(r"(?m)^release: (\S+)$", output)
    if not version:
        raise LookupError("rustc does not print its version")
    folder = unpacked(f"rust-src-{version[1]}", "rust-src", f"{version[1]}+")
    return next(folder.glob("usr/src/rustc-*/library"))
