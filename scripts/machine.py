"""A virtual machine of another processor, whose kernel has larger pages, and the programs that it runs.

The kernel is from a package of Debian. The only file system is an initramfs, with the programs, the C library of the
cross compiler, and the files of this repository under the same paths as here.
"""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import debian

ROOT = Path(__file__).resolve().parent.parent
# The machine prints this when it has run all programs.
END = "all programs have run"
# It prints this before the name and the status of a program that failed.
FAILED = "failed: "
INIT = f"""\
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/shm; mount -t tmpfs shm /dev/shm
chmod 1777 /tmp /dev/shm
# No carriage returns.
stty -onlcr
uname -srm
grep -m 1 KernelPageSize /proc/self/smaps
run() {{
    echo "== $*"
    folder=$1; shift
    mkdir -p "$folder"; cd "$folder"
    "$@" </dev/null || echo "{FAILED}${{1##*/}}: status $?"
}}
. /programs
echo "{END}"
poweroff -f
"""


class Machine(NamedTuple):
    """A processor and its kernel."""

    architecture: str
    kernel: str
    part: str
    qemu: str
    console: str


MACHINES = {
    "pages-16k": Machine(
        *("arm64", r"linux-image-[\d.]+\S*-arm64-16k-unsigned", "machine-aarch64"),
        qemu="qemu-system-aarch64 -machine virt -cpu neoverse-n1",
        console="ttyAMA0",
    ),
    "pages-64k": Machine(
        *("ppc64el", r"linux-image-[\d.]+\S*-powerpc64le-64k", "machine-powerpc64le"),
        qemu="qemu-system-ppc64 -machine pseries -cpu power9 -vga none",
        console="hvc0",
    ),
}


def unpacked(machine: Machine) -> Path:
    """A folder with the newest available kernel of the machine, and busybox for its processor."""
    folder = debian.BUILD / f"kernel-{machine.architecture}"
    if folder.exists():
        return folder
    apt = debian.BUILD / f"apt-{machine.architecture}"
    if not (apt / "apt.conf").exists():
        debian.configure(apt, "trixie", architecture=machine.architecture)
    names = subprocess.run(
        ["apt-cache", "-c", apt / "apt.conf", "pkgnames", "linux-image-"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.split()
    kernels = [name for name in names if re.fullmatch(machine.kernel, name)]
    numbers = {name: [int(number) for number in re.findall(r"\d+", name)] for name in kernels}
    for kernel in sorted(kernels, key=lambda name: numbers[name], reverse=True):
        try:
            debian.unpack(apt, folder, kernel, "busybox-static")
        except subprocess.CalledProcessError:
            # A mirror can list a kernel before it has the package.
            continue
        return folder
    raise LookupError(f"Debian has no kernel {machine.kernel} for {machine.architecture}")


def archive(machine: Machine, cross: str, programs: list[list[str]], libraries: list[Path], folder: Path) -> Path:
    """Creates the initramfs. A program is given as its working folder, its path and its arguments."""
    tree = folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("bin", "proc", "sys", "dev", "tmp", "lib"):
        (tree / name).mkdir(parents=True)
    shutil.copy(next(unpacked(machine).glob("**/bin/busybox")), tree / "bin/busybox")
    (tree / "lib64").symlink_to("lib")
    for library in (Path("/usr") / cross / "lib").glob("l*.so.*"):
        if re.match(r"ld|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+)\.", library.name):
            shutil.copy(library, tree / "lib")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    for file in [*files, *libraries, *(Path(program[1]) for program in programs)]:
        place = tree / file.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    (tree / "init").write_text(INIT)
    (tree / "init").chmod(0o755)
    (tree / "programs").write_text("".join(f"run {shlex.join(program)}\n" for program in programs))
    packed = folder / "files.cpio"
    with packed.open("wb") as out:
        subprocess.run(
            "find . -print0 | cpio --null --create --quiet --format=newc", shell=True, cwd=tree, stdout=out, check=True
        )
    return packed


def command(machine: Machine, files: Path, environment: dict[str, str]) -> list[object]:
    """The command that starts the machine with its console on standard output."""
    kernel = next(unpacked(machine).glob("boot/vmlinu*"))
    # The kernel passes unknown parameters to init as environment variables.
    words = [f"console={machine.console}", "quiet", *(f"{name}={value}" for name, value in environment.items())]
    start = f"{machine.qemu} -accel tcg,thread=multi -smp 2 -m 3072 -nographic -no-reboot -nic none"
    return [*start.split(), "-kernel", kernel, "-initrd", files, "-append", " ".join(words)]
