=begin pod

=head1 NAME

Mmap::Wrap::Info - properties of a mapping, the list of all mappings, and the page size

=head1 DESCRIPTION

C<info> and C<dup-descriptor> are methods of L<Mmap::Wrap::Mapping>. The subs are exported by C<use Mmap::Wrap :functions>.

=end pod

use NativeCall;
use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;

unit role Mmap::Wrap::Info;

=begin pod

=head3 method info

    method info(--> Mmap::Wrap::Raw::Info:D)

The properties of the mapping: C<.length>, C<.mapped>, C<.address>, C<.page_size>, C<.protection>, C<.flags>, C<.offset>,
C<.keeps_file>, C<.sealed>, C<.acquired>, C<.surviving>, C<.lost>, C<.source>, C<.descriptor>. The C header describes them at struct
mmap_wrap_info.

=begin code :lang<raku>
use Mmap::Wrap;
my $info = mmap(:anon, :length(10)).info;
say "$info.length() bytes, $info.mapped() with whole pages";
=end code

=head3 method dup-descriptor

    method dup-descriptor(--> Int:D)

A new descriptor (on Windows a HANDLE) of the file that the mapping keeps open. The caller must close it. X::Mmap::Argument if the mapping keeps no file open.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap(:memfd, :length(4096)).dup-descriptor;
=end code

=head3 sub page-size

    page-size(--> Int:D)

The size of a page of memory in bytes.

=head3 sub live-mappings

    live-mappings(--> List:D)

The handles of all mappings of the process that are not unmapped, also those that other modules made with the library. For finding leaks.

=begin code :lang<raku>
use Mmap::Wrap :functions;
my $memory = mmap :anon, :length(page-size);
say $memory.handle ∈ live-mappings;                  # True
=end code

=end pod

method info(--> Mmap::Wrap::Raw::Info:D) { self.read-info('.info') }

#| C<info>, for methods whose name is at the beginning of the message instead.
method read-info($call --> Mmap::Wrap::Raw::Info:D) is implementation-detail {
    my $info = Mmap::Wrap::Raw::Info.new;
    checked $call, mmap_wrap_info(self.handle, $info, nativesizeof($info)), self;
    $info
}

method dup-descriptor(--> Int:D) { checked '.dup-descriptor', mmap_wrap_dup_fd(self.handle), self }

sub page-size(--> Int:D) is export(:functions) { mmap_wrap_page_size }

sub live-mappings(--> List:D) is export(:functions) {
    # Again while other threads map more than there is room for.
    loop {
        my $room = 16 + mmap_wrap_list(CArray[int64], 0);
        my $handles := CArray[int64].allocate($room);
        my $count = checked 'live-mappings', mmap_wrap_list($handles, $room);
        return $handles[^$count].List if $count <= $room;
    }
}
