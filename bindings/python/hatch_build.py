"""Builds the native library with cargo and puts it beside the module; puts the crate into source distributions."""

import json
import os
import shutil
import subprocess
import sysconfig

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARY = "libmmap_wrap.so"

# All that cargo needs, below the repository; `crate` is its folder in a source distribution, where src is Python's.
CRATE = ["Cargo.toml", "Cargo.lock", "build.rs", "src", "include", "benches", "README.md"]


class CustomBuildHook(BuildHookInterface):
    """A wheel gets the library inside; for an editable install it lies in src, where the module is."""

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
        library = self.build_library(crate)
        if version == "editable":
            shutil.copy(library, os.path.join(self.root, "src", "mmap_wrap", LIBRARY))
        else:
            build_data["force_include"][library] = f"mmap_wrap/{LIBRARY}"
        build_data["pure_python"] = False
        # The library is loaded by ctypes: any Python 3 will do, on this platform only.
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"

    def build_library(self, crate):
        """The path of the library that cargo built."""
        cargo = shutil.which("cargo")
        if cargo is None:
            self.app.abort(
                "mmap-wrap needs Rust to build its native library: cargo is not in PATH; see https://rustup.rs"
            )
        command = ["rustc", "--release", "--locked", "--lib", "--crate-type", "cdylib", "--message-format=json"]
        # What cargo has to say about errors is in the same stream, ready to be shown.
        build = subprocess.run([cargo, *command], cwd=crate, stdout=subprocess.PIPE, encoding="utf-8")
        messages = [json.loads(line) for line in build.stdout.splitlines() if line.startswith("{")]
        if build.returncode != 0:
            for message in messages:
                self.app.display_error((message.get("message") or {}).get("rendered") or "")
            self.app.abort(f"cargo could not build mmap-wrap's native library in {crate}: its messages are above")
        for message in messages:
            if message["reason"] == "compiler-artifact" and message["target"]["name"] == "mmap_wrap":
                for file in message["filenames"]:
                    if file.endswith((".so", ".dylib", ".dll")):
                        return file
        self.app.abort(f"cargo built no shared library in {crate}")
