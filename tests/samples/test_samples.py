"""Every sample of the README and of docs/: C, C++, Python, Raku, and sessions at a terminal.

Each fenced block of code is a separate program, which runs in a folder with the files words.txt and data.bin. A session
(console) must print exactly its text, where "…" matches anything. The tests need the library and the Python package's
module (`scripts/python-module`). MMAP_WRAP_LIBRARY is the path of another library.
"""

import fcntl
import os
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = Path(os.environ.get("MMAP_WRAP_LIBRARY") or ROOT / "target/release/libmmap_wrap.so")
ENVIRONMENT = {
    **os.environ,
    "MMAP_WRAP_LIBRARY": str(LIBRARY),
    "PYTHONPATH": f"{ROOT}/bindings/python/src",
    "RAKULIB": f"{ROOT}/bindings/raku",
    # python3 in a session is this interpreter, which can load the module.
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}
# A session can fail because the kernel changed the page cache; it is unlikely in each try.
TRIES = 5
PATIENCE = 300


def samples():
    """The language and code of each sample, named by its page and line."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    # The pages in docs/raku are generated from the modules, whose own tests run their examples.
    for page in (page for page in pages if page.parent.name != "raku"):
        text = page.read_text()
        for sample in re.finditer(r"^```(c|cpp|python|raku|console)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text[: sample.start()].count("\n") + 1
            yield pytest.param(sample[1], sample[2], id=f"{page.relative_to(ROOT)}:{line}")


@pytest.fixture
def folder():
    # Not in TMPDIR, which may be a tmpfs, whose files cannot be evicted from the page cache.
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sample-", dir=ROOT / "build") as name:
        folder = Path(name)
        soname = re.search(r"SONAME.*\[(.*)\]", subprocess.check_output(["readelf", "-d", LIBRARY], text=True))[1]
        (folder / soname).symlink_to(LIBRARY)
        (folder / "words.txt").write_text("one two three\n" * 100)
        (folder / "data.bin").write_bytes(bytes(range(256)) * 64)
        yield folder


def compiled(language, code, folder):
    """Compiles C or C++. Returns the path of the program."""
    source, program = folder / f"sample.{language}", folder / "sample"
    source.write_text(code)
    compiler = [os.environ.get("CC", "cc")] if language == "c" else [os.environ.get("CXX", "c++"), "-std=c++17"]
    compiler += ["-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include"]
    subprocess.run([*compiler, "-o", program, source, LIBRARY, f"-Wl,-rpath,{folder}"], check=True)
    return program


def printed_in_session(code, folder):
    """Runs the commands of a session on a terminal of 100 columns. Returns each command with its output."""
    script = 'mmap-wrap() { python3 -m mmap_wrap "$@"; }\n'
    for line in re.findall(r"(?m)^\$ (.*)$", code):
        script += f"echo {shlex.quote('$ ' + line)}\n{line}\n"
    terminal, its_end = os.openpty()
    fcntl.ioctl(its_end, termios.TIOCSWINSZ, struct.pack("4H", 25, 100, 0, 0))
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "utf-8"}
    ends = {"stdin": subprocess.DEVNULL, "stdout": its_end, "stderr": its_end}
    shell = subprocess.Popen(["bash", "-c", script], cwd=folder, env=environment, **ends)
    os.close(its_end)
    output = b""
    try:
        while piece := os.read(terminal, 4096):
            output += piece
    except OSError:
        pass  # the other end was closed
    os.close(terminal)
    shell.wait()
    return output.replace(b"\r\n", b"\n").decode(errors="replace")


@pytest.mark.parametrize(("language", "code"), list(samples()))
def test_sample(folder, language, code):
    if language == "console":
        kind = subprocess.check_output(["stat", "-f", "-c", "%T", folder], text=True).strip()
        if " evict " in code and kind in ("tmpfs", "ramfs"):
            pytest.skip("files on tmpfs cannot leave memory")
        expected = re.escape(code).replace("\\\n…", r"(\n.*)*").replace("…", ".*")
        for _ in range(TRIES):
            printed = printed_in_session(code, folder)
            if re.fullmatch(expected, printed):
                return
        assert printed == code
    if language in ("c", "cpp"):
        command = [compiled(language, code, folder)]
    else:
        command = [sys.executable, "-c", code] if language == "python" else ["raku", "-e", code]
    end = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE)
    assert end.returncode == 0, end.stdout + end.stderr
