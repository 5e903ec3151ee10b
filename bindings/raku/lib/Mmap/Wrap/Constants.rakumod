=begin pod

=head1 NAME

Mmap::Wrap::Constants - the platform's own constants: PROT_, MAP_, MADV_ and others

=head1 SYNOPSIS

=begin code :lang<raku>
use Mmap::Wrap :constants;
say PROT_READ +| PROT_WRITE;
my $memory = mmap :anon, :length(4096), :flags(MAP_PRIVATE);
$memory.advise(MADV_RANDOM);
=end code

=head1 DESCRIPTION

C<use Mmap::Wrap :constants> exports a term for each of the PROT_, MAP_, MS_, MADV_, MREMAP_, MLOCK_, MCL_, MFD_, F_SEAL_, O_, PKEY_,
MPOL_, OVERCOMMIT_ and MMAP_WRAP_ constants that this platform has. Each value is an C<Int>.

A term asks the native library for its value each time it runs, so precompiled code does not contain the values of the machine it was
compiled on (unless your code stores it: C<constant MINE = PROT_READ>).

Each term extends Rakudo's grammar, so a script that imports all constants takes longer to compile; a precompiled module does not. In a
script, list the constants that it uses:

=begin code :lang<raku>
use Mmap::Wrap <PROT_READ PROT_WRITE>;
my $memory = mmap :anon, :length(4096), :prot(PROT_READ +| PROT_WRITE);
=end code

These are C<Int>s with the values at compile time, and precompiled code contains the values. C<use> throws C<X::Mmap::Unsupported> if
this platform lacks one of them.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;

unit module Mmap::Wrap::Constants;

#| The value of the constant with that name. Throws X::Mmap::Unsupported when this platform lacks the constant, and X::Mmap::Argument
#| when no platform has it. Thread-safe.
sub value-of(Str:D $name --> Int:D) is export {
    bad-argument 'value-of', "there is no constant {described $name}" if $name.contains("\0");   # NativeCall would end the name there
    my int64 $value = 0;
    checked $name, mmap_wrap_constant($name, $value);
    $value
}

#| The code behind an exported term. An object instead of a closure: precompilation stores it without its outer scopes.
my class Term does Callable {
    has Str $.name is required;
    method CALL-ME(--> Int:D) { value-of($!name) }
}

sub table(--> Seq:D) {
    (^mmap_wrap_constant_count).map: { mmap_wrap_constant_name($_) => so mmap_wrap_constant_available($_) }
}

# One object per name: two modules that export the same object under one name do not conflict.
my constant TERMS = Map.new(table.map({ .key => Term.new(:name(.key)) }));

#| The names of the constants that this platform has.
sub available-names(--> Seq:D) is export { table.grep(*.value).map(*.key) }

#| Adds terms for C<@names> to C<%exports>, the stash of an export tag.
sub export-terms(%exports, @names) is export {
    %exports{"&term:<$_>"} := TERMS{$_} for @names;
}
