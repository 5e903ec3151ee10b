"""Builds the native library and the native module with cargo; puts the library's crate into source distributions."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARY = "libmmap_wrap.so"

# Builds without the interpreter's lock have no stable ABI before 3.15, and need a module of their own.
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

# All that cargo needs, below the repository; `crate` is its folder in a source distribution, where src is Python's.
CRATE = ["Cargo.toml", "Cargo.lock", "build.rs", "src", "include", "benches", "README.md"]


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
        for built, name in ((self.build_library(crate), LIBRARY), (self.build_module(), module_name())):
            if version == "editable":
                shutil.copy(built, os.path.join(package, name))
            else:
                build_data["force_include"][built] = f"mmap_wrap/{name}"
        build_data["pure_python"] = False
        build_data["tag"] = tag()

    def build_library(self, crate):
        """The path of the library that cargo built."""
        return self.build(crate, "mmap_wrap", "rustc", "--lib", "--crate-type", "cdylib")

    def build_module(self):
        """The path of the extension module that cargo built."""
        if FREE_THREADED:
            options, variables = ["--no-default-features"], {"PYO3_PYTHON": sys.executable}
        else:
            # For all versions: whichever interpreter builds it is no matter.
            options, variables = [], {"PYO3_NO_PYTHON": "1"}
        return self.build(os.path.join(self.root, "native"), "_native", "build", *options, variables=variables)

    def build(self, crate, name, command, *options, variables=None):
        """The path of the shared library of this name that a command of cargo built."""
        cargo = shutil.which("cargo")
        if cargo is None:
            self.app.abort(
                "mmap-wrap needs Rust to build its native library: cargo is not in PATH; see https://rustup.rs"
            )
        # What cargo has to say about errors is in the same stream, ready to be shown.
        words = [cargo, command, "--release", "--locked", "--message-format=json", *options]
        environment = {**os.environ, **(variables or {})}
        build = subprocess.run(words, cwd=crate, env=environment, stdout=subprocess.PIPE, encoding="utf-8")
        messages = [json.loads(line) for line in build.stdout.splitlines() if line.startswith("{")]
        if build.returncode != 0:
            for message in messages:
                self.app.display_error((message.get("message") or {}).get("rendered") or "")
            self.app.abort(f"cargo could not build mmap-wrap's native library in {crate}: its messages are above")
        for message in messages:
            if message["reason"] == "compiler-artifact" and message["target"]["name"] == name:
                for file in message["filenames"]:
                    if file.endswith((".so", ".dylib", ".dll")):
                        return file
        self.app.abort(f"cargo built no shared library in {crate}")


def module_name():
    """The file of the extension module, as the interpreter looks for it."""
    return f"_native{sysconfig.get_config_var('EXT_SUFFIX')}" if FREE_THREADED else "_native.abi3.so"


def tag():
    """What the wheel is for: this platform, and every CPython from 3.11 on, or this version's free-threaded build."""
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    version = "cp{}{}".format(*sys.version_info)
    return f"{version}-{version}t-{platform}" if FREE_THREADED else f"cp311-abi3-{platform}"
