=begin pod

=head1 NAME

Mmap::Wrap::Exceptions - the exceptions of Mmap::Wrap

=head1 DESCRIPTION

Every exception that this distribution throws does the role C<X::Mmap>. C<use Mmap::Wrap> imports all of them.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
try $memory.read(4000, 200);
given $! {
    when X::Mmap::OutOfRange { say .message }   # .read: size 200 from offset 4000 extends beyond …
    when X::Mmap             { .rethrow }
}
try mmap 'no such file';
say "$!.call(): $!.name() ($!.errno()) for $!.path.basename()";    # mmap: ENOENT (2) for no such file
=end code

=head2 The role X::Mmap

=item C<.message>: the call, the values that it failed with, and, where there is one, a remedy.
=item C<.call>: the routine that the program called, at the start of the message: C<mmap>, C<.protect>, C<[]> for an element.
=item C<.code>: the error code of the native library: -errno, or one of the library's own codes below -4095.
=item C<.errno>: the error number of the system; undefined for one of the library's own codes.
=item C<.name>: the name of the code: C<ENOENT>, C<MMAP_WRAP_E_UNMAPPED> …
=item C<.path>: the path of the mapped file; undefined when there is none, and for arguments that were found invalid before the
native library was called.

=head2 The classes

=item C<X::Mmap::Closed>: the mapping is closed.
=item C<X::Mmap::OutOfRange>: a range or an index extends beyond the mapping, or a value does not fit its type. No memory was accessed.
=item C<X::Mmap::Alignment>: an offset or an end is not a multiple of the page size, or of the width of an atomic word.
=item C<X::Mmap::Fault>: the access faulted: the file was truncated, the disk is full or has an error, or the page's protection does
not allow the access. C<.done> is the number of bytes transferred before the fault.
=item C<X::Mmap::Busy>: the address of the mapping is acquired (C<acquire>), or other threads are still using the mapping.
=item C<X::Mmap::Sealed>: a part of the mapping is sealed and cannot change until the process ends.
=item C<X::Mmap::Argument>: an argument has an invalid value or type.
=item C<X::Mmap::Encoding>: the bytes are not valid in the given encoding.
=item C<X::Mmap::AsStr>: a mapping was used as a Str. Like the exception of a Blob, it is also an C<X::Buf::AsStr>.
=item C<X::Mmap::OwnerDied>: the owner of a mutex ended without unlocking it; see L<Mmap::Wrap::Mutex>.
=item C<X::Mmap::Unsupported>: this platform or kernel lacks the feature.
=item C<X::Mmap::System>: a system call failed for another reason; C<.errno> has the error number, and
C<.system-code> the system's own code for it: on Windows that of GetLastError, elsewhere the same number. It is undefined when the
system did not return the error.
=item C<X::Mmap::Library>: the native library is missing, or has another ABI version.
=item C<X::Mmap::Internal>: a bug in the native library. Please report it with the message.

=end pod

# At file scope, or they would be called Mmap::Wrap::X::….
role X::Mmap is Exception {
    has Str $.message is required;
    has Int $.code = 0;
    has Str $.name;
    has $.path;

    method call(--> Str:D) { $!message.split(':')[0] }
    method errno(--> Int) { -4096 < $!code < 0 ?? -$!code !! Int }
}

class X::Mmap::System      does X::Mmap { has Int $.system-code }
class X::Mmap::Closed      does X::Mmap { }
class X::Mmap::OutOfRange  does X::Mmap { }
class X::Mmap::Alignment   does X::Mmap { }
class X::Mmap::Fault       does X::Mmap { has Int $.done }
class X::Mmap::Busy        does X::Mmap { }
class X::Mmap::Sealed      does X::Mmap { }
class X::Mmap::Argument    does X::Mmap { }
class X::Mmap::Encoding    does X::Mmap { }
class X::Mmap::AsStr       is X::Buf::AsStr does X::Mmap { }
class X::Mmap::OwnerDied   does X::Mmap { }
class X::Mmap::Unsupported does X::Mmap { }
class X::Mmap::Library     does X::Mmap { }
class X::Mmap::Internal    does X::Mmap { }
