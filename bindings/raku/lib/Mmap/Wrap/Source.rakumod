=begin pod

=head1 NAME

Mmap::Wrap::Source - the files and handles that routines accept

=head1 DESCRIPTION

Internal. As in L<Mmap::Wrap::Checks>, C<$call> is what the user called.

On Windows, the native library takes HANDLEs. The descriptor of an IO::Handle is a number of the C library inside MoarVM, which nothing
outside can convert, so the file is opened again by its path. The path still names the same file: Windows neither renames nor deletes a
file that MoarVM has open.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;
use Mmap::Wrap::Exceptions;

unit module Mmap::Wrap::Source;

#| Whether a routine gets a C<'path'> or an open C<'handle'>; an exception for anything else.
proto source-kind($call, Mu $) is export { * }
multi source-kind($call, IO::Handle:D $) { $*DISTRO.is-win ?? 'path' !! 'handle' }
multi source-kind($call, IO::Path:D $)   { 'path' }
multi source-kind($call, Str:D $)        { 'path' }
multi source-kind($call, Int:D $)        { 'handle' }   # a file descriptor; on Windows a HANDLE
multi source-kind($call, Allomorph:D $)  { 'path' }     # a name such as 2024 from the command line
multi source-kind($call, IO::CatHandle:D $) {
    bad-argument $call, 'an IO::CatHandle has several files; pass each of its .handles'
}
multi source-kind($call, IO::Pipe:D $) {
    bad-argument $call, 'a pipe cannot be mapped; read it with .slurp(:bin)'
}
multi source-kind($call, Failure:D $failure) {
    $failure.so;   # marks it as handled; otherwise it would warn when it is collected
    bad-argument $call, "the file is a Failure: $failure.exception.message()"
}
multi source-kind($call, Bool:D $source) { not-a-file $call, $source }
multi source-kind($call, Mu $source) { not-a-file $call, $source }

my sub not-a-file($call, Mu $source) {
    bad-argument $call, "the file must be a path, an IO::Handle or a file descriptor, not {described $source}"
}

proto path-of($call, $) is export { * }
multi path-of($call, $source --> IO::Path:D) {
    bad-argument $call, 'the path is empty' if $source eq '';
    $source.IO
}
multi path-of($call, IO::Handle:D $file --> IO::Path:D) {
    write-buffer $call, $file;
    IO::Path.ACCEPTS($file.path) ?? $file.path
        !! lacking-on-windows $call, "map {$file.path // 'an IO::Handle'}, which has no path"
}

proto descriptor-of($call, Mu) is export { * }
multi descriptor-of($call, Int:D $descriptor --> Int:D) {
    0 <= $descriptor < 2 ** 31 ?? $descriptor
        !! out-of-range $call, "a file descriptor must be between 0 and {2 ** 31 - 1}, not $descriptor"
}
multi descriptor-of($call, IO::Handle:D $file --> Int:D) {
    write-buffer $call, $file;
    lacking-on-windows $call, 'convert the descriptor of an IO::Handle' if $*DISTRO.is-win;
    $file.native-descriptor
}

my sub write-buffer($call, IO::Handle:D $file) {
    bad-argument $call, "the handle of {$file.path // 'a file'} is closed" unless $file.opened;
    # Unlike flush, it does not wait until the data is on the disk.
    $file.tell;
}

my sub lacking-on-windows($call, $what) {
    X::Mmap::Unsupported.new(:code(E_UNSUPPORTED), :name<MMAP_WRAP_E_UNSUPPORTED>, :message("$call: cannot $what, on Windows")).throw
}
