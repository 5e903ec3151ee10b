#| For the tests: temporary files, the mappings and descriptors of this process, other processes.
unit module Observe;

constant DISTRIBUTION is export = $?FILE.IO.parent(3);

#| Ends a test that needs POSIX, as skipped. To be called in a BEGIN: the test may use names that Windows lacks.
sub skip-on-windows is export {
    return unless $*DISTRO.is-win;
    say '1..0 # SKIP needs POSIX; t/30-windows.rakutest tests what Windows has';
    exit;
}

#| The directory of the crate: in a packed distribution it is inside, in a checkout above it. Undefined where it is missing.
sub crate(--> IO::Path) is export {
    <crate ../..>.map({ DISTRIBUTION.add($_) }).first(*.add('Cargo.toml').f) // IO::Path
}

my $folder = $*TMPDIR.add("mmap-wrap-$*PID-{(^2 ** 32).pick}");
my @files;
END { .unlink for @files; $folder.rmdir if @files }

#| A file with that content. It is removed when the test ends.
sub file-of($content, $name = "file-{+@files}" --> IO::Path:D) is export {
    $folder.mkdir;
    my $file = $folder.add($name);
    $content ~~ Blob ?? $file.spurt($content, :bin) !! $file.spurt($content);
    @files.push: $file;
    $file
}

#| The lines of /proc/self/maps. Not by IO::Path.slurp, which reads a file of unknown size only in part.
sub lines-of-maps is export { '/proc/self/maps'.IO.lines(:enc<utf8-c8>) }

#| The number of mappings of that file in this process.
sub mappings-of(IO::Path:D $file --> Int:D) is export { +lines-of-maps.grep(*.ends-with(" $file.resolve()")) }

#| The number of anonymous shared mappings in this process, which Linux shows as a deleted /dev/zero.
sub shared-memories(--> Int:D) is export { +lines-of-maps.grep(*.ends-with(' /dev/zero (deleted)')) }

#| The number of open descriptors of this process.
sub descriptors(--> Int:D) is export { +dir('/proc/self/fd') }

#| Runs Raku code in a separate process, with a limit for C<ulimit> and changed environment variables. Returns its output, and its exit status if it
#| failed.
sub child($code, :$limit = '', :@include, :$cwd = $*CWD, *%environment --> Str:D) is export {
    my @raku = $*EXECUTABLE.absolute, |(|@include, DISTRIBUTION).map({ "-I$_" }), '-e', $code;
    my @shell = $limit ?? ('/bin/sh', '-c', "ulimit $limit && exec \"\$@\"", 'sh') !! ();
    my $process = run |@shell, |@raku, :out, :merge, :$cwd, :env(%(|%*ENV, |%environment));
    my $said = $process.out.slurp(:close);
    $process.exitcode || $process.signal ?? "$said\ndied: exit status $process.exitcode(), signal $process.signal()" !! $said.chomp
}

#| True if this system has /proc/self/maps. Prints what is skipped if it has not.
sub have-proc(--> Bool:D) is export {
    my $there = '/proc/self/maps'.IO.e;
    note '# skipped: checks of mappings and descriptors, which need /proc/self' unless $there;
    $there
}
