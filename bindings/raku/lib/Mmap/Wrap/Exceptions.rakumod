=begin pod

=head1 NAME

Mmap::Wrap::Exceptions - what a mapping can throw

=head1 DESCRIPTION

Every failure is an exception that does C<X::Mmap>. C<use Mmap::Wrap> brings them all.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
try $memory.read(4000, 200);
given $! {
    when X::Mmap::OutOfRange { say .message }   # mmap_wrap_read: size 200 from offset 4000 extends beyond …
    when X::Mmap             { .rethrow }
}
try mmap 'no such file';
say "$!.call(): $!.name() ($!.errno()) for $!.path.basename()";    # mmap_path: ENOENT (2) for no such file
=end code

=head2 The role X::Mmap

=item C<.message>: the call, what was tried with its numbers, and what to do.
=item C<.call>: the call that failed, as the message begins with it: C<mmap>, C<mprotect>, C<mmap_wrap_read> …
=item C<.code>: what the native library answered: -errno, or one of its own codes below -4095.
=item C<.errno>: the system's error number; undefined for a code of the library's own.
=item C<.name>: that code's name: C<ENOENT>, C<MMAP_WRAP_E_UNMAPPED> …
=item C<.path>: the path that the mapping was made from; undefined where there was none, and where an argument was refused
before the library was asked.

=head2 The classes

=item C<X::Mmap::Closed>: the mapping is closed.
=item C<X::Mmap::OutOfRange>: offset and size, an index, or a number lie outside of what there is. Nothing was touched.
=item C<X::Mmap::Alignment>: an address, offset or end is not on a page border, or a word's, where it must be.
=item C<X::Mmap::Fault>: the access faulted: its file was cut short, its disk is full or broken, its
protection forbids it. C<.done> says how many bytes were done before.
=item C<X::Mmap::Busy>: the mapping's address is held (C<acquire>), or other threads do not leave it.
=item C<X::Mmap::Sealed>: a part of the mapping is sealed; it stays as it is until the process ends.
=item C<X::Mmap::Argument>: an argument has a value, or a type, that it cannot have.
=item C<X::Mmap::Encoding>: the bytes are no text in the encoding asked for.
=item C<X::Mmap::AsStr>: a mapping is used as text; as of a Blob, it is an C<X::Buf::AsStr>, too.
=item C<X::Mmap::OwnerDied>: the holder of a mutex ended without unlocking it; see L<Mmap::Wrap::Mutex>.
=item C<X::Mmap::Unsupported>: this platform or kernel lacks what was asked for.
=item C<X::Mmap::System>: the system refused for another reason; C<.errno> has its number.
=item C<X::Mmap::Library>: the native library is missing, or has another binary interface.
=item C<X::Mmap::Internal>: a defect of the native library. Please report it with the message.

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

class X::Mmap::System      does X::Mmap { }
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
