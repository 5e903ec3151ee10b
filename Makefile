# make setup    installs what tests and linters need, after listing it
# make test     everything: Rust, C, Python (each 3.11+ found, and Debian's 3.14 and 3.15), Raku; prints a summary, and
#               installs nothing; on a new machine: make setup test
# make test-deep  longer races, loom, sanitizers, and mutants that the tests must catch
# make matrix   every platform, emulated, or checked where it cannot be run; TARGETS="i686 s390x" runs these alone
# make fuzz     fuzz tests under AddressSanitizer, from a new seed, for SECONDS=300 by default
# make demo     searches a file in C, Python and Raku side by side; FILE=any file, NEEDLE=text to search
# make install  the library, headers, pkg-config and CMake files and the manual page for C and C++; PREFIX, DESTDIR,
#               LIBDIR, INCLUDEDIR, MANDIR; make uninstall with the same values removes it
# make library  builds what make install installs
# make header   renews include/mmap_wrap.h from the sources, and man/mmap_wrap.3 and the Python package's stubs from it
# make docs     renders the documentation of the Raku modules to docs/raku/
# make site     builds the documentation site, build/site/index.html
# make abi      adds what is new in the header to tests/abi.list
# make wheels   the Python package's wheels for Linux, glibc 2.17 and musl, and Windows, each tested as far as this machine can
# make bench    the library compared with the bare system calls, and with other modules of Python and Raku: tables of
#               medians and ratios
# make lint     formatting and the linters of Rust and Python
# make clean    removes everything that was built

FILE   ?=
NEEDLE ?= mmap
SECONDS ?= 300

setup:
	@scripts/setup --list c install python raku
	@scripts/environments --list
	scripts/setup c install python raku
	scripts/environments

test:
	scripts/test

test-deep:
	scripts/test-deep

matrix:
	scripts/matrix $(TARGETS)

fuzz:
	scripts/fuzz $(SECONDS)

demo:
	scripts/setup c raku
	cargo rustc --release --locked --lib --crate-type cdylib --quiet
	scripts/python-module
	examples/demo/run target/release "$(if $(FILE),$(FILE),target/release/libmmap_wrap.so)" "$(NEEDLE)"

header:
	MMAP_WRAP_RENEW_HEADER=1 cargo test --quiet --test header the_committed_headers_are_current
	scripts/manual >man/mmap_wrap.3
	scripts/stubs

docs:
	scripts/manual-raku

site:
	scripts/site

abi:
	scripts/abi --add

library:
	scripts/install build

install: library
	scripts/install install

uninstall:
	scripts/install uninstall

wheels:
	scripts/wheels

bench:
	cargo rustc --release --locked --lib --crate-type cdylib --quiet
	cargo bench --locked --quiet --bench abi
	scripts/setup python
	python3 -m venv build/venvs/bench
	build/venvs/bench/bin/python -m pip --disable-pip-version-check --quiet install --force-reinstall ./bindings/python numpy pandas maxminddb mmdb_writer prometheus_client pure-cdb
	build/venvs/bench/bin/python benches/python.py
	scripts/setup raku
	MMAP_WRAP_LIBRARY="$(CURDIR)/target/release/libmmap_wrap.so" raku -Ibindings/raku benches/raku

lint:
	scripts/lint

clean:
	cargo clean
	rm -rf build bindings/python/dist bindings/python/native/target bindings/python/src/mmap_wrap/*.so bindings/raku/resources/libraries

.PHONY: setup test test-deep matrix fuzz demo header docs site abi library install uninstall wheels bench lint clean
