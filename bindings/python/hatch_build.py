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

# Builds without the interpreter's lock have no stable ABI before 3.15, and need a module of their own.
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

# All that cargo needs, below the repository; `crate` is its folder in a source distribution, where src is Python's.
CRATE = ["Cargo.toml", "Cargo.lock", "build.rs", "src", "include", "benches", "README.md"]

# A processor by the name that Linux has for it, where cargo has another.
MACHINES = {"armv7": "armv7l", "powerpc64le": "ppc64le", "riscv64gc": "riscv64"}


class CustomBuildHook(BuildHookInterface):
    """A wheel gets both inside; for an editable install they lie in src, where the package is."""

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
            # The licences are links here, which would lead nowhere there.
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
            # For all versions: whichever interpreter builds it is no matter.
            options, variables = [], {"PYO3_NO_PYTHON": "1"}
        return self.build(os.path.join(self.root, "native"), "_native", *options, variables=variables)

    def build(self, crate, name, *options, variables=None):
        """The path of the shared library of this name that cargo built."""
        # What cargo has to say about errors is in the same stream, ready to be shown.
        words = [*self.cargo(), "--release", "--locked", "--message-format=json", *options]
        environment = {**os.environ, **(variables or {})}
        # By its own name, and without the version of the C library, which only the option may have.
        environment.pop("CARGO_BUILD_TARGET", None)
        if "-musl" in self.target:
            # Else cargo builds no shared library.
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
        """The platform that was asked for, by cargo's name; nothing for this machine's."""
        return os.environ.get("CARGO_BUILD_TARGET", "")

    @property
    def for_windows(self):
        """Whether that platform is Windows."""
        return "-windows-" in (self.target or self.host())

    def library_name(self):
        """The file of the library, as the package looks for it."""
        return "mmap_wrap.dll" if self.for_windows else "libmmap_wrap.so"

    def module_name(self):
        """The file of the extension module, as the interpreter looks for it."""
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
        """The platform as Python names it: of the compiler's target, whichever Python builds."""
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
        """What the compiler compiles for where it is told nothing."""
        said = subprocess.run([os.environ.get("RUSTC", "rustc"), "-vV"], stdout=subprocess.PIPE, encoding="utf-8")
        found = re.search(r"^host: (\S+)$", said.stdout, re.MULTILINE)
        if not found:
            self.app.abort("rustc -vV does not say which platform it is for")
        return found[1]


def interpreter():
    """The interpreters that the wheel is for: every CPython from 3.11 on, or this version's free-threaded build."""
    version = "cp{}{}".format(*sys.version_info)
    return f"{version}-{version}t" if FREE_THREADED else "cp311-abi3"
