=begin pod

=head1 NAME

Mmap::Wrap::Enums - protections and advice by readable names

=head1 SYNOPSIS

=begin code :lang<raku>
use Mmap::Wrap :protections, :advice;
my $memory = mmap :anon, :length(4096), :prot(Read +| Write);
$memory.protect(Read);
$memory.advise(Sequential);
say Read.value, ' is ', +Read;                       # PROT_READ is 1
=end code

=head1 DESCRIPTION

C<use Mmap::Wrap :protections> brings C<NoAccess>, C<Read>, C<Write> and C<Execute>; C<+|> joins several (C<|> would make
a Junction, which is refused). C<use Mmap::Wrap :advice> brings a name for every MADV_ value. C<:enums> brings both.

The value of each is the platform's own name for it, and its number is asked from the native library whenever it is used;
so nothing is frozen into precompiled code. (But C<constant MINE = +Read> would freeze one, and so would C<Protection::Read +|
Protection::Write>: Raku itself computes that while it compiles, as it does not with the short names.) One that this platform
lacks throws X::Mmap::Unsupported when it is used.

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

#| What may be done with pages.
enum Protection is export (
    NoAccess => 'PROT_NONE', Read => 'PROT_READ', Write => 'PROT_WRITE', Execute => 'PROT_EXEC',
);

#| How pages will be used, or what is to become of them.
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

# Mixed into each value: an enum of text has methods of these names of its own.
BEGIN { $_ does FromLibrary for |Protection.^enum_value_list, |Advice.^enum_value_list }

#| What stands behind an exported name: a call, since Raku computes with values that it knows while it compiles. An object and
#| not a closure: precompilation keeps it without its surroundings.
my class Term does Callable {
    has Mu $.value is required;
    method CALL-ME { $!value }
}
my constant TERMS = Map.new: (|Protection.^enum_value_list, |Advice.^enum_value_list).map({ .key => Term.new(:value($_)) });

#| Makes the names of an enum known as terms in C<%exports>, the stash of an export tag. Its type is bound there by whoever
#| exports it: from a parameter it would come as a container, and be the type of nothing.
sub export-names(%exports, Mu $enum) is export {
    %exports{"&term:<{.key}>"} := TERMS{.key} for $enum.^enum_value_list;
}
