=begin pod

=head1 NAME

Mmap::Wrap::Constants - the platform's own values, asked when they are used

=head1 SYNOPSIS

=begin code :lang<raku>
use Mmap::Wrap :constants;
say PROT_READ +| PROT_WRITE;
my $memory = mmap :anon, :length(4096), :flags(MAP_PRIVATE);
$memory.advise(MADV_RANDOM);
=end code

=head1 DESCRIPTION

C<use Mmap::Wrap :constants> exports a term for every name of the library's table that this platform has: the PROT_,
MAP_, MS_, MADV_, MREMAP_, MLOCK_, MCL_, MFD_, F_SEAL_, O_, PKEY_ and OVERCOMMIT_ names. Each is a plain C<Int>. A term
asks the library whenever it runs, so no value is frozen into precompiled code, also not into that of a module which
uses it; C<constant MINE = PROT_READ>, in your own code, would freeze one.

The price: a script (not a precompiled module) that asks for all of them takes a few tenths of a second longer to
compile.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;

unit module Mmap::Wrap::Constants;

#| The value of the constant of that name on this platform. X::Mmap::Unsupported where the platform lacks it,
#| X::Mmap::Argument where nobody knows it. Any thread may call it.
sub value-of(Str:D $name --> Int:D) is export {
    misused 'mmap_wrap_constant', "no constant is named {shown $name}" if $name.contains("\0");   # where NativeCall would end it
    my int64 $value = 0;
    answered mmap_wrap_constant($name, $value);
    $value
}

#| What stands behind an exported name. An object and not a closure: precompilation keeps it without its surroundings.
my class Term does Callable {
    has Str $.name is required;
    method CALL-ME(--> Int:D) { value-of($!name) }
}

sub table(--> Seq:D) {
    (^mmap_wrap_constant_count).map: { mmap_wrap_constant_name($_) => so mmap_wrap_constant_available($_) }
}

# One term for each name, made here, so that what two modules export under one name is one thing and does not clash.
my constant TERMS = Map.new(table.map({ .key => Term.new(:name(.key)) }));

#| The names that the library knows and this platform has.
sub names-here(--> Seq:D) is export { table.grep(*.value).map(*.key) }

#| Makes C<@names> known as terms in C<%exports>, the stash of an export tag.
sub export-terms(%exports, @names) is export {
    %exports{"&term:<$_>"} := TERMS{$_} for @names;
}
