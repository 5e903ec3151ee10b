=begin pod

=head1 NAME

Mmap::Wrap - memory mapping: files and memory as arrays, with every access checked

=head1 SYNOPSIS

=begin code :lang<raku>
use Mmap::Wrap;

my $data = mmap 'data.bin';                          # read-only, the whole file
say $data.elems, ' bytes, the last is ', $data[*-1];
say $data.index('needle') // 'no needle';
$data.close;

{
    my $counters will leave { .?close } = mmap 'data.bin', :rw, :of(uint32);
    $counters[0] = 7;                                # in the file, and in every shared mapping of it
    $counters[1]++;
    $counters[2, 3] = 20, 30;
    $counters.flush;
}

.say for mmap('words.txt').lines.head(2);            # lazy, for files of any size
=end code

=head1 DESCRIPTION

C<mmap> (see L<Mmap::Wrap::Open>) maps a file, or memory without a file, and returns a L<Mmap::Wrap::Mapping>: an array of native numbers
that is stored in the file or memory.

The native library checks each access. Invalid arguments, ranges beyond the mapping, use of a closed mapping, and accesses that fault
throw exceptions that do the role C<X::Mmap> (see L<Mmap::Wrap::Exceptions>); none of them ends the program.

Offsets and sizes are in bytes, indices in elements. A size of C<*>, the default, means: up to the end of the mapping.

All routines are thread-safe, and one thread may close a mapping while others use it. If threads change the same bytes at the same time,
the result is undefined; for integers that threads or processes share, use L<Mmap::Wrap::Atomics>.

The documentation by topic:

=item L<Mmap::Wrap::Open>: C<mmap>
=item L<Mmap::Wrap::Mapping>: C<$mapping[$index]>, the address, closing
=item L<Mmap::Wrap::Access>: reading, writing and searching bytes
=item L<Mmap::Wrap::Text>: text and lines
=item L<Mmap::Wrap::Elements>: elements, iteration, numbers at any offset
=item L<Mmap::Wrap::Atomics>: atomic operations, waiting and waking; L<Mmap::Wrap::Mutex>
=item L<Mmap::Wrap::Protect>: protection, advice, writing back
=item L<Mmap::Wrap::Residency>: locking pages, which pages are in memory
=item L<Mmap::Wrap::Hardening>: guard regions, seals, names
=item L<Mmap::Wrap::Resize>: resizing, splitting, moving
=item L<Mmap::Wrap::Faults>: lost pages, signal handlers
=item L<Mmap::Wrap::PageCache>: the page cache
=item L<Mmap::Wrap::HugePages>: huge pages and NUMA
=item L<Mmap::Wrap::Info>: properties of a mapping, all mappings, the page size
=item L<Mmap::Wrap::Exceptions>, L<Mmap::Wrap::Enums>, L<Mmap::Wrap::Constants>, L<Mmap::Wrap::ElementKind>

L<Mmap::Wrap::Raw> has the functions of the native library. L<Mmap::Native> is a drop-in replacement for the module of that name.

=head2 With Mmap::Native

Both modules export C<mmap> as a multi, and a program may use both. A call with six arguments, the first of which is a C<Pointer>, is the one
of L<Mmap::Native>.

=head1 EXPORTS

C<use Mmap::Wrap> exports C<mmap>, candidates of C<spurt> that take a mapping, and the exceptions. These tags export more:

=item C<:functions>: C<shm-unlink>, C<page-size>, C<huge-page-size>, C<live-mappings>, C<readahead>, C<evict>, C<cachestat>,
C<trust-handlers>, C<verify-handlers>. They can also be called by their full names, as C<Mmap::Wrap::page-size>.
=item C<:protections>, C<:advice>, or C<:enums> for both: L<Mmap::Wrap::Enums>
=item C<:constants>: the platform's constants, see L<Mmap::Wrap::Constants>

A list of names exports these constants: C<< use Mmap::Wrap <PROT_READ MAP_SHARED> >>.

=end pod

use Mmap::Wrap::Constants;
use Mmap::Wrap::Enums;
use Mmap::Wrap::Exceptions;
use Mmap::Wrap::Mapping;
use Mmap::Wrap::Open :DEFAULT, :functions;
use Mmap::Wrap::Info :functions;
use Mmap::Wrap::PageCache :functions;
use Mmap::Wrap::HugePages :functions;
use Mmap::Wrap::Faults :functions;

# The constants that the importer lists.
sub EXPORT(*@names) { Map.new: @names.map({ $_ => value-of $_ }) }

unit module Mmap::Wrap;

#| Writes the bytes of a mapping, as for a Blob. Calls with other arguments go to the spurt of the core.
multi spurt(IO::Handle:D $file, Mapping:D $mapping, *%how) is export(:MANDATORY) { spurt $file, $mapping.Blob, |%how }
multi spurt(IO() $path, Mapping:D $mapping, *%how) is export(:MANDATORY) { spurt $path, $mapping.Blob, |%how }
BEGIN EXPORT::MANDATORY::<&mmap> := &mmap;

my package EXPORT::functions { }
BEGIN for &shm-unlink, &page-size, &huge-page-size, &live-mappings, &readahead, &evict, &cachestat, &trust-handlers, &verify-handlers {
    EXPORT::functions::{"&{.name}"} := $_;
    Mmap::Wrap::{"&{.name}"} := $_;
}

my package EXPORT::constants { }
BEGIN export-terms EXPORT::constants::, available-names;

my package EXPORT::protections { }
my package EXPORT::advice { }
my package EXPORT::enums { }
BEGIN {
    for EXPORT::protections::, EXPORT::enums:: { .BIND-KEY('Protection', Protection); export-names $_, Protection }
    for EXPORT::advice::, EXPORT::enums::      { .BIND-KEY('Advice', Advice); export-names $_, Advice }
}
