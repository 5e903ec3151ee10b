#| What the tests see from outside of the module: files, this process's mappings and descriptors, other processes.
unit module Witness;

constant DISTRIBUTION is export = $?FILE.IO.parent(3);

#| Where the Rust sources are: in the distribution where it was packed, above it in a checkout. Undefined elsewhere.
sub crate(--> IO::Path) is export {
    <crate ../..>.map({ DISTRIBUTION.add($_) }).first(*.add('Cargo.toml').f) // IO::Path
}

my $room = $*TMPDIR.add("mmap-wrap-$*PID-{(^2 ** 32).pick}");
my @files;
END { .unlink for @files; $room.rmdir if @files }

#| A file of that content, gone when the test ends.
sub file-of($content, $name = "file-{+@files}" --> IO::Path:D) is export {
    $room.mkdir;
    my $file = $room.add($name);
    $content ~~ Blob ?? $file.spurt($content, :bin) !! $file.spurt($content);
    @files.push: $file;
    $file
}

sub lines-of-maps { '/proc/self/maps'.IO.slurp(:enc<utf8-c8>).lines }

#| How many mappings this process has of that file.
sub mappings-of(IO::Path:D $file --> Int:D) is export { +lines-of-maps.grep(*.ends-with(" $file.resolve()")) }

#| How many anonymous shared mappings this process has: Linux shows them as a deleted /dev/zero.
sub shared-memories(--> Int:D) is export { +lines-of-maps.grep(*.ends-with(' /dev/zero (deleted)')) }

#| How many descriptors this process has open.
sub descriptors(--> Int:D) is export { +dir('/proc/self/fd') }

#| Runs Raku code in a process of its own, under a limit as C<ulimit> takes it, in an environment changed by name; answers what it printed, and the
#| messages of its death where it died.
sub child($code, :$limit = '', :@include, :$cwd = $*CWD, *%environment --> Str:D) is export {
    my @raku = $*EXECUTABLE.absolute, |(|@include, DISTRIBUTION).map({ "-I$_" }), '-e', $code;
    my $process = run '/bin/sh', '-c', ("ulimit $limit && " if $limit) ~ 'exec "$@"', 'sh', |@raku, :out, :merge, :$cwd,
        :env(%(|%*ENV, |%environment));
    my $said = $process.out.slurp(:close);
    $process.exitcode || $process.signal ?? "$said\ndied: exit status $process.exitcode(), signal $process.signal()" !! $said.chomp
}

#| Whether this system shows a process its own mappings; says aloud what cannot be tested where it does not.
sub proc-is-there(--> Bool:D) is export {
    my $there = '/proc/self/maps'.IO.e;
    note '# skipped: what is mapped and open, for want of /proc/self' unless $there;
    $there
}
