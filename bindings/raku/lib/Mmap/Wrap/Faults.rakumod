=begin pod

=head1 NAME

Mmap::Wrap::Faults - lost pages, and the signal handlers that repair faults

=head1 DESCRIPTION

The methods of L<Mmap::Wrap::Mapping> throw X::Mmap::Fault when an access faults. This page is about accesses through C<address>, for
example by native code. If such an access hits a page that the file no longer has, the library replaces the page with zeros. The next use of
the mapping, including C<close>, throws X::Mmap::Fault once. If the garbage collector closes the mapping before that, the loss is printed to
standard error.

C<survive> and C<lost> are methods of the mapping. The subs are exported by C<use Mmap::Wrap :functions>.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;

unit role Mmap::Wrap::Faults;

=begin pod

=head3 method survive, method lost

    method survive($survive = True --> Nil)
    method lost(--> Bool:D)

C<survive> sets whether lost pages are replaced with zeros, or an access to one ends the program with SIGBUS, which is the default of the
system. C<mmap> turns it on for files. C<lost> is True if a page was lost and no exception has reported it yet.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
$data.survive(False);
say $data.lost;                                      # False
=end code

=head3 sub trust-handlers

    trust-handlers(Bool:D $trust = True --> Nil)

Promises that no code in this process will install handlers for SIGBUS or SIGSEGV, or block these signals. Accesses then do not verify the
library's own handlers. Without this promise, they verify them at most once in 12 to 33 microseconds. See docs/safety.md
of the repository.

=head3 sub verify-handlers

    verify-handlers(--> Bool:D)

Verifies now whether the library's handlers for SIGBUS and SIGSEGV are installed and not blocked in this thread. Call it after other code
has installed a handler. If it returns False, accesses use system calls, which are slower.

=begin code :lang<raku>
use Mmap::Wrap :functions;
trust-handlers;
say mmap(:anon, :length(4))[0];                      # 0
trust-handlers(False);
say verify-handlers;                                 # True
=end code

=end pod

method survive(Bool:D $survive = True --> Nil) { checked '.survive', mmap_wrap_survive(self.handle, +$survive), self }
method lost(--> Bool:D) { so self.read-info('.lost').lost }

sub trust-handlers(Bool:D $trust = True --> Nil) is export(:functions) { checked 'trust-handlers', mmap_wrap_trust_handlers(+$trust) }
sub verify-handlers(--> Bool:D) is export(:functions) { ?checked 'verify-handlers', mmap_wrap_verify_handlers }
