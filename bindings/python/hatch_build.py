"""Builds the native library and the native module with cargo; puts the library's crate into source distributions.

CARGO_BUILD_TARGET names the platform to build for, as cargo does; by default it is this machine's. For another Linux,
or an older C library (x86_64-unknown-linux-gnu.2.17), cargo-zigbuild must be in PATH; for Windows
(x86_64-pc-windows-gnu) mingw-w64's linker.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Free-threaded builds before 3.15 have no stable ABI, and need their own module.
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

# The files of the repository that cargo needs. In a source distribution they are in `crate`, because src is Python's.
CRATE = ["Cargo.toml", "Cargo.lock", "build.rs", "src", "include", "benches", "README.md"]

# The kernel's names of processors for which cargo has another name.
MACHINES = {"armv7": "armv7l", "powerpc64le": "ppc64le", "riscv64gc": "riscv64"}


class CustomBuildHook(BuildHookInterface):
    """Puts both into the wheel; for an editable install, into the package in src."""

    def initialize(self, version, build_data):
        """Called by hatchling before it packs anything."""
        unpacked = os.path.join(self.root, "crate")
        crate = unpacked if os.path.isdir(unpacked) else os.path.dirname(os.path.dirname(self.root))
        if not os.path.exists(os.path.join(crate, "Cargo.toml")):
            self.app.abort(
                "mmap-wrap is built from its repository or from its source distribution:"
                f" there is no Cargo.toml in {crate}"
            )
        if self.target_name == "sdist":
            included = {**build_data["force_include"], **{os.path.join(crate, name): f"crate/{name}" for name in CRATE}}
            # The licences are symbolic links here, which would be broken there.
            build_data["force_include"] = {os.path.realpath(source): name for source, name in included.items()}
            return
        package = os.path.join(self.root, "src", "mmap_wrap")
        files = (self.build_library(crate), self.library_name()), (self.build_module(), self.module_name())
        for built, name in files:
            if version == "editable":
                shutil.copy(built, os.path.join(package, name))
            else:
                build_data["force_include"][built] = f"mmap_wrap/{name}"
        build_data["pure_python"] = False
        build_data["tag"] = f"{interpreter()}-{self.platform()}"

    def build_library(self, crate):
        """The path of the library that cargo built."""
        return self.build(crate, "mmap_wrap", "--lib", "--crate-type", "cdylib")

    def build_module(self):
        """The path of the extension module that cargo built."""
        if FREE_THREADED:
            options, variables = ["--no-default-features"], {"PYO3_PYTHON": sys.executable}
        else:
            # For all versions: the module does not depend on the interpreter that builds it.
            options, variables = [], {"PYO3_NO_PYTHON": "1"}
        return self.build(os.path.join(self.root, "native"), "_native", *options, variables=variables)

    def build(self, crate, name, *options, variables=None):
        """The path of the shared library of this name that cargo built."""
        # The messages of errors are in the same stream, as rendered text.
        words = [*self.cargo(), "--release", "--locked", "--message-format=json", *options]
        environment = {**os.environ, **(variables or {})}
        # The target is passed by --target: the variable must not have the version of the C library in it.
        environment.pop("CARGO_BUILD_TARGET", None)
        if "-musl" in self.target:
            # Otherwise cargo builds no shared library.
            flags = environment.get("RUSTFLAGS", "")
            environment["RUSTFLAGS"] = f"{flags} -C target-feature=-crt-static".strip()
        build = subprocess.run(words, cwd=crate, env=environment, stdout=subprocess.PIPE, encoding="utf-8")
        messages = [json.loads(line) for line in build.stdout.splitlines() if line.startswith("{")]
        if build.returncode != 0:
            for message in messages:
                self.app.display_error((message.get("message") or {}).get("rendered") or "")
            self.app.abort(f"cargo could not build mmap-wrap's native library in {crate}: its messages are above")
        for message in messages:
            if message["reason"] == "compiler-artifact" and message["target"]["name"] == name:
                for file in message["filenames"]:
                    if file.endswith((".so", ".dll")):
                        return file
        self.app.abort(f"cargo built no shared library in {crate}")

    @property
    def target(self):
        """Cargo's name of the requested platform; empty for this machine's."""
        return os.environ.get("CARGO_BUILD_TARGET", "")

    @property
    def for_windows(self):
        """Whether that platform is Windows."""
        return "-windows-" in (self.target or self.host())

    def library_name(self):
        """The file name of the library in the package."""
        return "mmap_wrap.dll" if self.for_windows else "libmmap_wrap.so"

    def module_name(self):
        """The file name of the extension module in the package."""
        if FREE_THREADED:
            return f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"
        return "_native.pyd" if self.for_windows else "_native.abi3.so"

    def cargo(self):
        """The command that compiles for that platform."""
        program = "cargo-zigbuild" if self.target and not self.for_windows else "cargo"
        path = shutil.which(program)
        if path is None:
            advice = "pip install cargo-zigbuild" if program != "cargo" else "see https://rustup.rs"
            self.app.abort(f"mmap-wrap is built with {program}, which is not in PATH: {advice}")
        return [path, "rustc", *(["--target", self.target] if self.target else [])]

    def platform(self):
        """Python's name of the target platform, whichever Python runs the build."""
        target = self.target or self.host()
        if re.match("x86_64-pc-windows-", target):
            return "win_amd64"
        found = re.fullmatch(r"(\w+)-\w+-linux-(gnu|musl)\w*(?:\.(\d+)\.(\d+))?", target)
        if not found:
            self.app.abort(f"mmap-wrap's wheels are for Linux with glibc or musl, and Windows x86-64, not for {target}")
        machine = MACHINES.get(found[1], found[1])
        if found[2] == "musl":
            return f"musllinux_1_2_{machine}"
        if not found[3]:
            return f"linux_{machine}"
        return f"manylinux_{found[3]}_{found[4]}_{machine}"

    def host(self):
        """The compiler's default target."""
        said = subprocess.run([os.environ.get("RUSTC", "rustc"), "-vV"], stdout=subprocess.PIPE, encoding="utf-8")
        found = re.search(r"^host: (\S+)$", said.stdout, re.MULTILINE)
        if not found:
            self.app.abort("rustc -vV does not say which platform it is for")
        return found[1]


def interpreter():
    """The interpreters that the wheel is for: every CPython from 3.11 on, or this version's free-threaded build."""
    version = "cp{}{}".format(*sys.version_info)
    return f"{version}-{version}t" if FREE_THREADED else "cp311-abi3"
