#| Builds the native library with cargo, and copies it to resources/libraries/, where the modules find it.
unit class Build;

#| zef calls this with the directory of the distribution. Returns True if the library was built.
method build($dist, *% --> Bool:D) {
    # The crate is inside a packed distribution, and above the distribution in a checkout. If zef copies the distribution before it
    # builds, PWD is still the directory where zef was called.
    my $crate = ($dist, %*ENV<PWD> // $*CWD).map({ self.crate-above(.IO.add('crate')) }).first(*.defined);
    return missing-crate($dist) without $crate;
    my $version = cargo-version() // return missing-cargo();

    my $target = $crate.add('target');
    my $cargo = run 'cargo', 'rustc', '--release', '--locked', '--lib', '--crate-type', 'cdylib',
        '--manifest-path', $crate.add('Cargo.toml'), '--target-dir', $target;
    return not-built($crate, $version, $cargo.exitcode) unless $cargo;

    my $name = $*VM.platform-library-name('mmap_wrap'.IO).Str;
    my $built = $target.add('release').add($name);
    return failed("cargo succeeded, but '$built' is missing; is another target set in cargo's configuration?") unless $built.f;
    my $libraries = $dist.IO.add('resources').add('libraries');
    $libraries.mkdir;
    # Copied and renamed: programs that have loaded the old library keep its file. Windows does not replace a file that is loaded.
    my ($new, $old) = $libraries.add("$name.new"), $libraries.add($name);
    my $placed = $built.copy($new) && $new.rename($old) or do {
        $new.unlink;
        return failed("the new library could not be placed in '$old' ({$placed.exception.message}); if programs have loaded the old one, "
            ~ 'end them and build again. The old library is unchanged');
    };
    True
}

#| The crate's directory: the nearest one from C<$start> upwards. Undefined if there is none.
method crate-above(IO::Path:D $start --> IO::Path) {
    my $directory = $start.resolve;
    repeat {
        my $manifest = $directory.add('Cargo.toml');
        return $directory if $manifest.f && $manifest.lines.first(/^ name \s* '=' \s* '"mmap-wrap"' /);
        $directory = $directory.parent;
    } until $directory eq $directory.parent;
    IO::Path
}

sub missing-crate($dist) {
    failed "the crate mmap-wrap is neither in nor above '$dist', nor above '{%*ENV<PWD> // $*CWD}'; run zef inside the "
        ~ 'repository, as in: zef install ./bindings/raku, or install a distribution that has the crate inside'
}

sub missing-cargo {
    failed 'cargo is missing or does not start; install Rust (https://rustup.rs), or add the directory of cargo to PATH'
}

sub not-built(IO::Path:D $crate, Str:D $version, Int:D $status) {
    my $needed = $crate.add('Cargo.toml').slurp.match(/^^ 'rust-version = "' <( <-["]>+ )> '"'/);
    my $advice = do with $version.match(/ \d+ ['.' \d+]+ /) {
        "; Rust $needed or newer is needed, and this is $version: install a newer one from https://rustup.rs" if Version.new($_) < Version.new($needed)
    }
    failed "cargo did not build the library (exit status $status); its own messages are above{$advice // ''}"
}

# The output of cargo --version; undefined if cargo does not start.
sub cargo-version(--> Str) {
    my $said = try run('cargo', '--version', :out).out.slurp(:close).trim;
    $said || Str
}

sub failed($problem --> Bool:D) {
    note "Mmap::Wrap: $problem";
    False
}
