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
=end code

=end pod

#| What all failures of a mapping have in common.
role X::Mmap is Exception {
    #| The message in full: the call, what was tried with its numbers, and what to do.
    has Str $.message is required;
    #| The code that the native library answered: -errno, or one of its own below -4095.
    has Int $.code = 0;
    #| The path that the mapping was made from; undefined where there was none.
    has $.path;

    #| The call that failed, as the message begins with it: C<mmap>, C<mprotect>, C<mmap_wrap_read> …
    method call(--> Str:D) { $!message.split(':')[0] }

    #| The system's error number; undefined for a code of the library's own.
    method errno(--> Int) { -4096 < $!code < 0 ?? -$!code !! Int }
}

#| The system refused; C<.errno> has its number.
class X::Mmap::System does X::Mmap { }

#| The mapping is closed.
class X::Mmap::Closed does X::Mmap { }

#| Offset and size, an index, or a number lie outside of what there is. Nothing was touched.
class X::Mmap::OutOfRange does X::Mmap { }

#| An address, offset or end is not on a page border where it must be.
class X::Mmap::Alignment does X::Mmap { }

#| The memory refused the access: its file was cut short, its disk is full or broken, its protection forbids it. The
#| message tells the offset, the bytes done, and the cause where it could be found out.
class X::Mmap::Fault does X::Mmap { }

#| The mapping's address was acquired through the raw layer, and not released yet.
class X::Mmap::Busy does X::Mmap { }

#| A part of the mapping is sealed (mseal, through the raw layer): it can be neither unmapped, moved, resized nor protected
#| otherwise, and stays good to use until the process ends.
class X::Mmap::Sealed does X::Mmap { }

#| An argument has a value that it cannot have.
class X::Mmap::Argument does X::Mmap { }

#| This platform or kernel lacks what was asked for.
class X::Mmap::Unsupported does X::Mmap { }

#| The native library is missing, or has another binary interface.
class X::Mmap::Library does X::Mmap { }

#| A defect of the native library. Please report it with the message.
class X::Mmap::Internal does X::Mmap { }
