#| Builds the native library with cargo and puts it where the installed modules find it: resources/libraries/.
unit class Build;

#| What zef calls, with the distribution's directory. True when the library is in place.
method build($dist, *% --> Bool:D) {
    # A distribution that was packed has the crate inside, in a checkout it is above. Today's zef builds a local distribution
    # where it lies. Where one is copied elsewhere first, the shell's own PWD still tells where zef was called.
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
    # Copied beside and renamed: a program that has the old library mapped keeps it whole.
    my $new = $libraries.add("$name.new");
    so $built.copy($new) && $new.rename($libraries.add($name))
}

#| The nearest directory from C<$start> upwards that holds the crate mmap-wrap.
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
    failed 'cargo is missing or does not start; install Rust (https://rustup.rs), or put the directory of cargo into PATH'
}

sub not-built(IO::Path:D $crate, Str:D $version, Int:D $status) {
    my $needed = $crate.add('Cargo.toml').slurp.match(/^^ 'rust-version = "' <( <-["]>+ )> '"'/);
    my $advice = do with $version.match(/ \d+ ['.' \d+]+ /) {
        "; Rust $needed or newer is needed, and this is $version: https://rustup.rs has a newer one" if Version.new($_) < Version.new($needed)
    }
    failed "cargo did not build the library (exit status $status); its own messages are above{$advice // ''}"
}

# As cargo tells it; undefined where it does not start.
sub cargo-version(--> Str) {
    my $said = try run('cargo', '--version', :out).out.slurp(:close).trim;
    $said || Str
}

sub failed($problem --> Bool:D) {
    note "Mmap::Wrap: $problem";
    False
}
