"""A folder for TMPDIR, and a check for what a run leaves behind: files, mounts, processes."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

# pytest keeps the folders of its last runs, dask the folder that its workers share.
KEPT = ("pytest-of-", "dask-scratch-space")
PATIENCE = 10


def new_folder() -> Path:
    """Creates a folder that all users can write, since tests change the user; its name is short because of sockets."""
    folder = Path(tempfile.mkdtemp(prefix="t-"))
    folder.chmod(0o1777)
    return folder


def mounts(folder: Path) -> list[str]:
    """The mount points below the folder."""
    places = (line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines())
    return [place for place in places if place.startswith(f"{folder}/")]


def processes(folder: Path) -> list[int]:
    """The processes, other than this one, that have the folder as TMPDIR."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended, or is another user's
        if b"TMPDIR=" + os.fsencode(folder) in variables and process.name != str(os.getpid()):
            found.append(int(process.name))
    return found


def remove(folder: Path) -> list[str]:
    """Removes the folder; returns what was left in it, mounted below it, or running."""
    until = time.monotonic() + PATIENCE
    while processes(folder) and time.monotonic() < until:
        time.sleep(0.1)  # processes that are being terminated may need a moment
    left = []
    for process in processes(folder):
        command = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        left.append(f"process {process}: {command}")
    for place in mounts(folder):
        left.append(f"mount {place}")
        subprocess.run(["umount", "-l", place])
    left += [str(path) for path in folder.iterdir() if not path.name.startswith(KEPT)]
    shutil.rmtree(folder, ignore_errors=True)
    return left
