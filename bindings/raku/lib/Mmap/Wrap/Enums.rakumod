=begin pod

=head1 NAME

Mmap::Wrap::Enums - enums for memory protection and advice

=head1 SYNOPSIS

=begin code :lang<raku>
use Mmap::Wrap :protections, :advice;
my $memory = mmap :anon, :length(4096), :prot(Read +| Write);
$memory.protect(Read);
$memory.advise(Sequential);
say Read.value, ' is ', +Read;                       # PROT_READ is 1
=end code

=head1 DESCRIPTION

C<use Mmap::Wrap :protections> imports the enum C<Protection>: C<NoAccess>, C<Read>, C<Write> and C<Execute>. C<use Mmap::Wrap :advice>
imports the enum C<Advice>, with a name for every MADV_ constant of every platform. C<:enums> imports both. Join values with C<+|>; C<|>
makes a Junction, which is an X::Mmap::Argument.

The value of each is the name of the platform's constant. Used as a number, it asks the native library for the number; a constant that
this platform lacks is X::Mmap::Unsupported then.

Raku evaluates C<Protection::Read +| Protection::Write> and C<constant MINE = +Read> at compile time, and precompiled code then contains
the number. With the short names (C<Read +| Write>) it does not.

=end pod

use Mmap::Wrap::Checks;
use Mmap::Wrap::Constants;

unit module Mmap::Wrap::Enums;

my role FromLibrary does PlatformNumber {
    method Int(--> Int:D) { value-of(self.value) }
    method Numeric(--> Int:D) { self.Int }
    method Real(--> Int:D) { self.Int }
    method Bridge { self.Int.Bridge }
    method raku(--> Str:D) { self.key }   # the name that is imported
}

#| The accesses that pages allow.
enum Protection is export (
    NoAccess => 'PROT_NONE', Read => 'PROT_READ', Write => 'PROT_WRITE', Execute => 'PROT_EXEC',
);

#| How the program will use pages, or what the kernel does with them.
enum Advice is export (
    Normal => 'MADV_NORMAL', Random => 'MADV_RANDOM', Sequential => 'MADV_SEQUENTIAL', WillNeed => 'MADV_WILLNEED',
    DontNeed => 'MADV_DONTNEED', DontNeedLocked => 'MADV_DONTNEED_LOCKED', Free => 'MADV_FREE', Remove => 'MADV_REMOVE',
    Cold => 'MADV_COLD', PageOut => 'MADV_PAGEOUT', PopulateRead => 'MADV_POPULATE_READ', PopulateWrite => 'MADV_POPULATE_WRITE',
    DontFork => 'MADV_DONTFORK', DoFork => 'MADV_DOFORK', WipeOnFork => 'MADV_WIPEONFORK', KeepOnFork => 'MADV_KEEPONFORK',
    DontDump => 'MADV_DONTDUMP', DoDump => 'MADV_DODUMP', Mergeable => 'MADV_MERGEABLE', Unmergeable => 'MADV_UNMERGEABLE',
    HugePage => 'MADV_HUGEPAGE', NoHugePage => 'MADV_NOHUGEPAGE', Collapse => 'MADV_COLLAPSE',
    GuardInstall => 'MADV_GUARD_INSTALL', GuardRemove => 'MADV_GUARD_REMOVE',
    HwPoison => 'MADV_HWPOISON', SoftOffline => 'MADV_SOFT_OFFLINE',
    NoSync => 'MADV_NOSYNC', AutoSync => 'MADV_AUTOSYNC', NoCore => 'MADV_NOCORE', Core => 'MADV_CORE', Protect => 'MADV_PROTECT',
    ZeroWiredPages => 'MADV_ZERO_WIRED_PAGES', FreeReusable => 'MADV_FREE_REUSABLE', FreeReuse => 'MADV_FREE_REUSE',
);

# Mixed into each value: an enum with Str values has its own methods of these names.
BEGIN { $_ does FromLibrary for |Protection.^enum_value_list, |Advice.^enum_value_list }

#| The code behind an exported name. Code, because Raku evaluates expressions of known values at compile time; an object instead of
#| a closure, because precompilation stores it without its outer scopes.
my class Term does Callable {
    has Mu $.value is required;
    method CALL-ME { $!value }
}
my constant TERMS = Map.new: (|Protection.^enum_value_list, |Advice.^enum_value_list).map({ .key => Term.new(:value($_)) });

#| Adds the names of an enum as terms to C<%exports>, the stash of an export tag. The exporting module binds the enum's type there
#| itself: a parameter would bind it in a container, and no value would be of that type.
sub export-names(%exports, Mu $enum) is export {
    %exports{"&term:<{.key}>"} := TERMS{.key} for $enum.^enum_value_list;
}
