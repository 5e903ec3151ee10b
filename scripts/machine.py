"""A virtual machine that runs the tests under a kernel of Debian's whose pages have another size than this processor's.

The kernel and a shell are packages, unpacked; they start with nothing but an archive of files, in which the tests are.
What the tests print comes over the serial line.
"""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import debian

ROOT = Path(__file__).resolve().parent.parent


class Machine(NamedTuple):
    """What an architecture needs."""

    architecture: str
    kernel: str
    image: str
    libraries: str
    loader: str
    emulator: tuple[str, ...]
    console: str


MACHINES = {
    "pages-16k": Machine(
        *("arm64", "arm64-16k", "vmlinuz", "/usr/aarch64-linux-gnu/lib", "lib/ld-linux-aarch64.so.1"),
        ("qemu-system-aarch64", "-M", "virt", "-cpu", "max,sve=off"),
        "ttyAMA0",
    ),
    "pages-64k": Machine(
        *("ppc64el", "powerpc64le-64k", "vmlinux", "/usr/powerpc64le-linux-gnu/lib", "lib64/ld64.so.2"),
        ("qemu-system-ppc64", "-M", "pseries", "-vga", "none"),
        "hvc0",
    ),
}

# Each test in a time of its own, and its status if it is not 0. What is in /tmp is memory.
INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
for place in proc:/proc sysfs:/sys devtmpfs:/dev; do mount -t "${place%:*}" none "${place#*:}"; done
mkdir -p /dev/shm
for place in /dev/shm /tmp; do mount -t tmpfs -o mode=1777 none "$place"; done
export PATH=/bin TMPDIR=/tmp HOME=/root LD_LIBRARY_PATH=/lib MMAP_WRAP_PATIENCE=20 RUST_TEST_NOCAPTURE=1
ip link set lo up
cd /root
grep -m 1 KernelPageSize /proc/self/smaps
for test in /tests/*; do
    echo "run $test"
    timeout 600 "$test" </dev/null 2>&1 || echo "status $? of $test"
done
echo "the machine is done"
poweroff -f
"""


def kernel(machine: Machine) -> Path:
    """A folder with the newest kernel that can be had, and a shell."""
    folder = debian.BUILD / f"kernel-{machine.kernel}"
    if folder.exists():
        return folder
    apt = debian.BUILD / f"apt-{machine.architecture}"
    debian.configure(apt, "trixie", architecture=machine.architecture)
    names = subprocess.run(
        ["apt-cache", "-c", apt / "apt.conf", "--names-only", "search", f"^linux-image-[0-9].*-{machine.kernel}$"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    for line in sorted(names.splitlines(), reverse=True):
        try:
            debian.unpack(apt, folder, line.split()[0], "busybox-static")
        except subprocess.CalledProcessError:
            # A mirror's list can name what the mirror has not yet, or no more.
            continue
        return folder
    raise LookupError(f"Debian has no kernel {machine.kernel}")


def archive(machine: Machine, shell: Path, folder: Path, tests: list[Path], library: Path) -> Path:
    """The archive that the kernel starts with."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("bin", "lib", "lib64", "proc", "sys", "dev", "tmp", "root", "tests"):
        (folder / name).mkdir(parents=True)
    shutil.copy(shell, folder / "bin/busybox")
    libraries = Path(machine.libraries)
    for name in ("libc.so.6", "libm.so.6", "libgcc_s.so.1"):
        shutil.copy(libraries / name, folder / "lib")
    shutil.copy(libraries / Path(machine.loader).name, folder / machine.loader)
    shutil.copy(library, folder / "lib" / next(library.parent.glob("libmmap_wrap.so.*")).name)
    # One of them copies the library, from where it is when CTest runs it.
    shutil.copy(library, folder)
    for test in tests:
        shutil.copy(test, folder / "tests" / test.name)
    # Some tests map files of the sources.
    shutil.copy(ROOT / "Cargo.toml", folder / "root")
    shutil.copytree(ROOT / "src", folder / "root/src")
    (folder / "init").write_text(INIT)
    (folder / "init").chmod(0o755)
    packed = folder.with_suffix(".cpio")
    with packed.open("wb") as file:
        subprocess.run("find . | cpio --quiet -o -H newc", shell=True, cwd=folder, stdout=file, check=True)
    shutil.rmtree(folder)
    return packed


def command(name: str, folder: Path, tests: list[Path], library: Path) -> list[str]:
    """What starts the machine, which ends by itself."""
    machine = MACHINES[name]
    if missing := [tool for tool in (machine.emulator[0], "cpio") if not shutil.which(tool)]:
        raise LookupError(f"it needs {' and '.join(missing)}")
    system = kernel(machine)
    image = next((system / "boot").glob(f"{machine.image}-*"))
    packed = archive(machine, system / "usr/bin/busybox", folder, tests, library)
    options = ["-accel", "tcg", "-smp", "2", "-m", "2G", "-nic", "none", "-nographic", "-no-reboot"]
    line = f"console={machine.console} quiet panic=-1"
    return [*machine.emulator, *options, "-kernel", str(image), "-initrd", str(packed), "-append", line]
