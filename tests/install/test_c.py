"""The library as a packager and as a user install it for C and C++: programs built with it, the manual, uninstalling.

Also the check of the binary interface, scripts/abi.

The variables CC, CXX and CFLAGS are used.
"""

import filecmp
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The variables of an outer make must not affect the tests.
OUTER = ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PREFIX", "DESTDIR", "LIBDIR", "INCLUDEDIR", "MANDIR", "LD_LIBRARY_PATH"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in OUTER}
CC, CXX = os.environ.get("CC", "cc"), os.environ.get("CXX", "c++")
CFLAGS = ["-O1", *shlex.split(os.environ.get("CFLAGS", ""))]
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
WORDS = "examples/words.c"
HEADER = ROOT / "include/mmap_wrap.h"
VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
ABI = re.search(r"(?m)^#define MMAP_WRAP_ABI_VERSION (\d+)", HEADER.read_text())[1]
PREFIX = "/opt/mmap-wrap-of-the-tests"


def start(*command, folder=ROOT, **variables):
    """Runs a command. Returns the finished process."""
    words = [str(word) for word in command]
    environment = {**ENVIRONMENT, **{name: str(value) for name, value in variables.items()}}
    return subprocess.run(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def run(*command, folder=ROOT, **variables):
    """Runs a command that must succeed. Returns its output."""
    end = start(*command, folder=folder, **variables)
    assert end.returncode == 0, f"{shlex.join(end.args)}: exit status {end.returncode}\n{end.stdout}{end.stderr}"
    return end.stdout


def fails(text, *command):
    """Runs a command that must fail, and print this text."""
    end = start(*command)
    assert end.returncode != 0, f"{shlex.join(end.args)} succeeded"
    assert text in end.stdout + end.stderr, f"{shlex.join(end.args)} printed\n{end.stdout}{end.stderr}"


def finds_two(work, *program, **variables):
    """Checks that a program, examples/words.c, finds the word."""
    (work / "text").write_bytes(b"one two\nthree two\n")
    assert run(*program, "text", "two", folder=work, **variables) == "text: 18 bytes, 'two' at 4 14\n"


def needs_library(program):
    return bool(re.search(r"NEEDED.*libmmap_wrap\.so", run("readelf", "-d", program)))


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def texts_with(pattern, folder):
    """The text files below a folder that match this pattern."""
    found = []
    for name in files(folder):
        content = (folder / name).read_bytes()
        if b"\0" not in content and re.search(pattern.encode(), content):
            found.append(name)
    return found


def make(target, **variables):
    return run("make", "-s", target, *(f"{name}={value}" for name, value in variables.items()))


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("install")


@pytest.fixture(scope="session")
def stage(work):
    """As a packager installs it: below DESTDIR, for another prefix, next to files of other packages."""
    stage = work / "stage"
    for name in ("lib/pkgconfig/other.pc", "share/man/man3/other.3"):
        (stage / PREFIX[1:] / name).parent.mkdir(parents=True)
        (stage / PREFIX[1:] / name).write_text("neighbour\n")
    make("install", DESTDIR=stage, PREFIX=PREFIX)
    return stage


@pytest.fixture(scope="session")
def staged(stage):
    """The prefix below the stage."""
    return stage / PREFIX[1:]


@pytest.fixture(scope="session")
def own(work, stage):
    """As a user installs it: below a prefix, with LIBDIR and INCLUDEDIR."""
    places = {"PREFIX": work / "own", "LIBDIR": work / "own/lib/some-machine"}
    places["INCLUDEDIR"] = work / "own/include/mmap-wrap"
    make("install", **places)
    return places


# == What is installed ==


def test_each_file_is_installed_below_destdir_and_nothing_outside(staged):
    expected = {
        *("include/mmap_wrap.h", "include/mmap_wrap_constants.h", "include/mmap_wrap.hpp"),
        *(f"lib/libmmap_wrap.so.{VERSION}", "lib/libmmap_wrap.a"),
        *("lib/pkgconfig/mmap_wrap.pc", "lib/cmake/mmap_wrap/mmap_wrapConfig.cmake"),
        *("lib/cmake/mmap_wrap/mmap_wrapConfigVersion.cmake", "share/man/man3/mmap_wrap.3"),
    }
    assert expected <= set(files(staged))
    assert not Path(PREFIX).exists()


def test_the_links_lead_to_the_version_and_the_soname_has_the_number_of_the_interface(staged):
    assert os.readlink(staged / f"lib/libmmap_wrap.so.{ABI}") == f"libmmap_wrap.so.{VERSION}"
    assert os.readlink(staged / "lib/libmmap_wrap.so") == f"libmmap_wrap.so.{ABI}"
    assert f"[libmmap_wrap.so.{ABI}]" in run("readelf", "-d", staged / "lib/libmmap_wrap.so")


def test_no_installed_text_names_destdir_or_the_build_or_has_a_placeholder(stage, staged):
    assert texts_with(f"{re.escape(str(stage))}|{re.escape(str(ROOT))}", staged) == []
    assert texts_with("@[A-Z_]+@", staged / "lib") == []


def test_installing_twice_has_the_same_result(stage):
    before = files(stage)
    make("install", DESTDIR=stage, PREFIX=PREFIX)
    assert files(stage) == before


def test_a_relative_prefix_fails():
    fails("'some/where' is relative", "make", "-s", "install", "PREFIX=some/where")


# == Programs in C ==


def test_the_command_of_the_readme_links_without_installing(work, stage):
    built = work / "built"
    built.mkdir()
    for name in ("include", "examples"):
        (built / name).symlink_to(ROOT / name)
    (built / "target").symlink_to(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    lines = [line for line in (ROOT / "README.md").read_text().splitlines() if " -L target/release " in line]
    assert len(lines) == 1
    run("sh", "-euc", lines[0], folder=built)
    finds_two(work, built / "words")


@pytest.fixture(scope="session")
def pkg_config(stage, staged, own):
    """pkg-config for either tree, and the folder of its libraries."""

    def of(name):
        libraries, sysroot = (staged / "lib", stage) if name == "staged" else (own["LIBDIR"], "")
        places = {"PKG_CONFIG_LIBDIR": libraries / "pkgconfig", "PKG_CONFIG_SYSROOT_DIR": sysroot}
        return libraries, lambda *options: run("pkg-config", *options, "mmap_wrap", **places).split()

    return of


TREES = pytest.mark.parametrize("tree", ["staged", "own"])


@TREES
def test_pkg_config_has_the_options_for_a_shared_program(work, pkg_config, tree):
    libraries, ask = pkg_config(tree)
    assert ask("--modversion") == [VERSION]
    run(CC, *CFLAGS, WORDS, "-o", work / f"{tree}-shared", *ask("--cflags", "--libs"))
    assert needs_library(work / f"{tree}-shared")
    finds_two(work, work / f"{tree}-shared", LD_LIBRARY_PATH=libraries)


@TREES
def test_pkg_config_has_the_options_for_a_static_program(work, pkg_config, tree):
    _, ask = pkg_config(tree)
    (work / "nothing.c").write_text("int main(void) { return 0; }\n")
    if start(CC, "-static", work / "nothing.c", "-o", work / "nothing").returncode != 0:
        pytest.skip("a fully static program: there is no static C library here")
    run(CC, *CFLAGS, "-static", WORDS, "-o", work / f"{tree}-static", *ask("--static", "--cflags", "--libs"))
    assert not needs_library(work / f"{tree}-static")
    finds_two(work, work / f"{tree}-static")


@TREES
def test_the_libraries_that_rustc_lists_for_the_archive_are_sufficient(work, pkg_config, tree):
    libraries, ask = pkg_config(tree)
    private = [word for word in ask("--static", "--libs-only-l") if word != "-lmmap_wrap"]
    program = work / f"{tree}-archive"
    run(CC, *CFLAGS, WORDS, *ask("--cflags"), "-o", program, libraries / "libmmap_wrap.a", *private)
    finds_two(work, program)


def cmake(build, *options, wanted=VERSION):
    """The command that configures a program with the installed package."""
    return ["cmake", "-S", "tests/install", "-B", build, f"-DWANTED={wanted}", f"-DCMAKE_C_COMPILER={CC}", *options]


def test_cmake_finds_the_package_and_builds_with_the_shared_and_the_static_library(work, staged):
    run(*cmake(work / "cmake", f"-DCMAKE_PREFIX_PATH={staged}"))
    cache = (work / "cmake/CMakeCache.txt").read_text()
    assert f"mmap_wrap_DIR:PATH={staged}/lib/cmake/mmap_wrap\n" in cache
    run("cmake", "--build", work / "cmake")
    assert needs_library(work / "cmake/shared")
    assert not needs_library(work / "cmake/static")
    for program in ("shared", "static"):
        finds_two(work, work / "cmake" / program)


@pytest.mark.parametrize("wanted", [f"{VERSION.partition('.')[0]}.999", str(int(VERSION.partition(".")[0]) + 1)])
def test_cmake_accepts_no_later_version_and_no_other_major_version(work, staged, wanted):
    fails("accepted", *cmake(work / f"cmake-{wanted}", f"-DCMAKE_PREFIX_PATH={staged}", wanted=wanted))


def test_the_installed_tree_can_be_moved(work, own):
    moved = work / "moved"
    # Nothing remains in the original place.
    own["PREFIX"].rename(moved)
    try:
        run(*cmake(work / "moved-cmake", f"-Dmmap_wrap_DIR={moved}/lib/some-machine/cmake/mmap_wrap"))
        run("cmake", "--build", work / "moved-cmake")
        finds_two(work, work / "moved-cmake/shared")
    finally:
        moved.rename(own["PREFIX"])


# == The examples in the header ==

# What an example may use: a mapping of a file, and the names that its text explains. Each runs in a child of its own.
EXAMPLES = """#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <mmap_wrap.h>
#include <mmap_wrap_constants.h>

static mmap_wrap_handle h, h1, h2, backup;
static int fd;
static char buffer[16];
static int64_t size = sizeof buffer, ready;
static struct sigaction mine;

static int child(void (*example)(void), int64_t first_word) {
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        mine.sa_handler = SIG_DFL;
        fd = open("mapped", O_RDWR | O_CREAT, 0600);
        h1 = h2 = mmap_wrap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        backup = mmap_wrap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        h = mmap_create_wrap("mapped", 65536, 0600);
        if (fd < 0 || h1 < 0 || backup < 0 || h < 0 || mmap_wrap_atomic_store(h, 32, 0, first_word) < 0) exit(9);
        example();
        exit(0);
    }
    return waitpid(pid, &status, 0) == pid ? status : -1;
}
"""


def test_the_examples_in_the_header_run(work, staged):
    text = (ROOT / "include/mmap_wrap.h").read_text()
    blocks = [re.sub(r"(?m)^ \*     ", "", block) for block in re.findall(r"(?m)^ \*\n((?: \*     .*\n)+)", text)]
    assert len(blocks) > 80
    source, calls = EXAMPLES, ""
    for number, block in enumerate(blocks):
        source += f"static void example_{number}(void) {{\n{block}}}\n"
        # One that waits until a word is 1 finds that.
        calls += f"    failed = child(example_{number}, {int('mmap_wrap_wait' in block)});\n"
        calls += f'    if (failed) return printf("example_{number}: %d\\n", failed), 1;\n'
    (work / "examples.c").write_text(f"{source}int main(void) {{\n    int failed;\n{calls}    return 0;\n}}\n")
    unused = ["-Wno-unused-variable", "-Wno-unused-but-set-variable"]
    linked = [f"-I{staged}/include", f"-L{staged}/lib", f"-Wl,-rpath,{staged}/lib", "-lmmap_wrap"]
    run(CC, "-std=c99", "-Wall", "-Werror", *unused, *CFLAGS, work / "examples.c", "-o", work / "examples", *linked)
    folder = work / "examples-scratch"
    folder.mkdir()
    (folder / "words.txt").write_text("one two three\n")
    said = run(work / "examples", folder=folder)
    assert said.startswith("mmap-wrap ")
    assert "mappings live" in said


# == C++ ==

COMPILERS = pytest.mark.parametrize("compiler", list(dict.fromkeys([CXX, "clang++"])))
STANDARDS = pytest.mark.parametrize("standard", ["c++17", "c++20"])


@COMPILERS
@STANDARDS
def test_mapping_cpp_passes(work, staged, compiler, standard):
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    lib, name = staged / "lib", f"mapping-{Path(compiler).name}-{standard}"
    run(CC, *CFLAGS, "-Iinclude", "-c", "tests/c/check.c", "-o", work / "check.o")
    source = [
        "tests/install/mapping.cpp",
        work / "check.o",
        f"-L{lib}",
        f"-Wl,-rpath,{lib}",
        "-lmmap_wrap",
        "-lpthread",
    ]
    run(compiler, f"-std={standard}", *STRICT, *CFLAGS, f"-I{staged}/include", "-o", work / name, *source)
    (work / f"{name}-scratch").mkdir()
    output = run(work / name, folder=work / f"{name}-scratch")
    print("\n".join(line for line in output.splitlines() if line.startswith("skipped")))
    assert int(re.search(r"(?m)^tally (\d+) 0 \d+$", output)[1]) > 100, output


@COMPILERS
@STANDARDS
def test_the_examples_in_the_header_for_cpp_compile(work, staged, compiler, standard):
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    # The indented lines of the comments; each block becomes a function.
    text = (ROOT / "include/mmap_wrap.hpp").read_text()
    blocks = re.findall(r"((?:^ *\*     .*\n)+)", text, re.MULTILINE)
    assert len(blocks) >= 10
    source = "#include <mmap_wrap.hpp>\n#include <iostream>\n#include <sys/mman.h>\n"
    for number, block in enumerate(blocks):
        code = re.sub(r"(?m)^ *\*     ", "", block)
        source += f"void example_{number}(mmapwrap::mapping &words, unsigned char *buffer, int fd) {{ {{\n{code}"
        source += "} (void)words; (void)buffer; (void)fd; }\n"
    (work / "examples.cpp").write_text(source)
    options = [f"-std={standard}", *CFLAGS, f"-I{staged}/include", "-c", "-o", work / "examples.o"]
    run(compiler, *options, work / "examples.cpp")


# == The manual ==


def names_of_functions():
    return run("scripts/manual", "--names").split()


def test_the_manual_page_is_current_else_run_make_header_and_commit_it():
    assert run("scripts/manual") == (ROOT / "man/mmap_wrap.3").read_text()


def test_every_function_has_a_page(staged):
    names = names_of_functions()
    assert len(names) >= 20
    assert [name for name in names if not (staged / f"share/man/man3/{name}.3").is_file()] == []


def test_man_shows_the_page_without_warnings(staged):
    if not shutil.which("man") or not re.match(r"man \d", start("man", "--version").stdout):
        pytest.skip("man-db is not installed")
    places = {"MANPATH": staged / "share/man", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    assert start("man", "--warnings", "-l", "man/mmap_wrap.3", **places).stderr == ""
    for question in (["mmap_wrap"], ["3", "mmap_wrap"], ["3", "mmap_wrap_find"], ["munmap_wrap"]):
        assert re.search(r"(?m)^ *mmap_wrap - memory mapping", run("man", *question, **places)), question


def test_mandoc_finds_nothing_wrong_with_the_page():
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    output = start("mandoc", "-T", "lint", "-W", "warning", "man/mmap_wrap.3").stdout
    # It has no date, so that the file is reproducible.
    assert [line for line in output.splitlines() if "missing date" not in line] == []


# == The binary interface, and the differences that scripts/abi must find ==


def test_the_binary_interface_is_the_one_in_the_list(staged):
    output = run("scripts/abi", staged / "lib/libmmap_wrap.so")
    assert re.search(r"(?m)^[1-9]\d* passed, 0 failed$", output), output


class Altered:
    """A changed copy of the header, a copy of the list, and scripts/abi for them and the library."""

    def __init__(self, folder, library):
        self.header, self.list, self.library = folder / "altered.h", folder / "abi.list", library
        shutil.copy(ROOT / "tests/abi.list", self.list)
        self.header.write_text(HEADER.read_text())
        # scripts/abi reads the header of constants in the same folder.
        shutil.copy(HEADER.with_name("mmap_wrap_constants.h"), folder)

    def change(self, pattern, replacement=""):
        text = self.header.read_text()
        changed = re.sub(pattern, replacement, text, flags=re.MULTILINE)
        assert changed != text, f"the header has no {pattern}"
        self.header.write_text(changed)

    def check_fails(self, text):
        fails(text, "scripts/abi", self.library, self.header, self.list)

    def add_fails(self, text):
        fails(text, "scripts/abi", "--add", self.header, self.list)
        assert filecmp.cmp(ROOT / "tests/abi.list", self.list, shallow=False), "the list was written"

    def add(self):
        """Runs `scripts/abi --add`. Returns the lines that it added."""
        before = set((ROOT / "tests/abi.list").read_text().splitlines())
        run("scripts/abi", "--add", self.header, self.list)
        return [line for line in self.list.read_text().splitlines() if line not in before]


@pytest.fixture
def altered(tmp_path, staged):
    return Altered(tmp_path, staged / "lib/libmmap_wrap.so")


def declaration_of(name):
    return rf"^MMAP_WRAP_API [^;]*\b{name}\([^;]*;"


SWAPPED = [
    r"msync_wrap\(mmap_wrap_handle h, int64_t flags, int64_t offset, int64_t size\)",
    "msync_wrap(mmap_wrap_handle h, int64_t flags, int64_t size, int64_t offset)",
]


def test_a_lost_function_is_reported_and_not_removed_from_the_list(altered):
    altered.change(declaration_of("mmap_wrap_find") + r"\n")
    altered.check_fails("mmap_wrap_find is lost from the header")
    altered.add_fails("mmap_wrap_find is lost")


def test_a_changed_prototype_is_reported_and_not_written_to_the_list(altered):
    altered.change(*SWAPPED)
    altered.check_fails("msync_wrap is changed")
    altered.add_fails("msync_wrap is changed")


def test_a_changed_value_is_reported(altered):
    altered.change(r"^#define MMAP_WRAP_E_BUSY .*", "#define MMAP_WRAP_E_BUSY (-5000)")
    altered.check_fails("MMAP_WRAP_E_BUSY is changed")


NEW = r"""\g<0>
typedef struct mmap_wrap_pair {
    /** First; } ends nothing. */
    int64_t a;
    int64_t b;
} mmap_wrap_pair;
struct mmap_wrap_pair *mmap_wrap_brand_new(void);"""


def test_a_new_function_is_reported_added_and_must_be_exported(altered):
    altered.change(declaration_of("munmap_wrap"), NEW)
    altered.check_fails("mmap_wrap_brand_new is new and not in the list yet: run `make abi`")
    assert sorted(altered.add()) == [
        "mmap_wrap_brand_new: struct mmap_wrap_pair *mmap_wrap_brand_new(void);",
        "mmap_wrap_pair: typedef struct mmap_wrap_pair { int64_t a; int64_t b; } mmap_wrap_pair;",
    ]
    altered.check_fails("mmap_wrap_brand_new is listed, but the library does not export it")


def test_a_new_member_is_reported_and_added_to_its_struct(altered):
    altered.change(r"^    int64_t descriptor;$", r"\g<0>\n    int64_t more;")
    altered.check_fails("struct mmap_wrap_info has members that are not in the list")
    (line,) = altered.add()
    assert re.fullmatch(r"struct mmap_wrap_info: .*int64_t descriptor; int64_t more; };", line)


def test_a_lost_member_is_reported_and_not_removed_from_the_list(altered):
    altered.change(r"^    int64_t sealed;\n")
    altered.check_fails("struct mmap_wrap_info is changed")
    altered.add_fails("struct mmap_wrap_info is changed")


def test_an_export_that_is_neither_listed_nor_declared_is_reported(altered):
    altered.change(declaration_of("mmap_wrap_page_size") + r"\n")
    kept = [line for line in altered.list.read_text().splitlines(True) if not line.startswith("mmap_wrap_page_size: ")]
    altered.list.write_text("".join(kept))
    altered.check_fails("mmap_wrap_page_size is exported, but the header does not")


def test_with_a_new_number_of_the_interface_the_list_is_written_anew(altered):
    altered.change(*SWAPPED)
    altered.change(r"^#define MMAP_WRAP_ABI_VERSION .*", f"#define MMAP_WRAP_ABI_VERSION {int(ABI) + 1}")
    altered.check_fails("another number of the interface")
    lines = altered.add()
    assert any(re.fullmatch(r"msync_wrap: .*int64_t size, int64_t offset\);", line) for line in lines), lines


# == Uninstalling ==


def test_make_uninstall_removes_the_installed_files_and_no_others(tmp_path, stage):
    # In a separate folder, since other tests use the installed files of theirs.
    before = ["lib/pkgconfig/other.pc", "share/man/man3/other.3"]
    for name in before:
        (tmp_path / PREFIX[1:] / name).parent.mkdir(parents=True)
        (tmp_path / PREFIX[1:] / name).write_text("neighbour\n")
    make("install", DESTDIR=tmp_path, PREFIX=PREFIX)
    make("uninstall", DESTDIR=tmp_path, PREFIX=PREFIX)
    assert files(tmp_path / PREFIX[1:]) == before
    # The directory of the CMake package is removed, too.
    assert list(tmp_path.rglob("*mmap_wrap*")) == []
    # Uninstalling twice is not an error.
    make("uninstall", DESTDIR=tmp_path, PREFIX=PREFIX)


def test_make_uninstall_uses_libdir_and_includedir(tmp_path):
    places = {"PREFIX": tmp_path, "LIBDIR": tmp_path / "lib/some-machine", "INCLUDEDIR": tmp_path / "include/mine"}
    make("install", **places)
    assert "include/mine/mmap_wrap.h" in files(tmp_path)
    make("uninstall", **places)
    assert files(tmp_path) == []
