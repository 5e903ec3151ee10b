=begin pod

=head1 NAME

Mmap::Wrap::Access - methods that read, write and search bytes

=head1 DESCRIPTION

Methods of L<Mmap::Wrap::Mapping>. Offsets and sizes are in bytes. A size or end of C<*>, the default, means the end of the mapping.

A range that extends beyond the mapping is X::Mmap::OutOfRange, and no memory is accessed. An access that faults is X::Mmap::Fault; its
C<.done> is the number of bytes transferred before. Changes that other threads or processes make to the same bytes at the same time
become visible in no defined order.

=end pod

use Mmap::Wrap::Raw;
use Mmap::Wrap::Checks;

unit role Mmap::Wrap::Access;

=begin pod

=head2 Reading and writing

=head3 method read

    method read($offset = 0, $size = *, :$type = blob8 --> Blob:D)

Returns a copy of C<$size> bytes as a Blob or Buf of the given type. The size must be a multiple of the size of its elements.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
say $data.read(0, 4), $data.read(250).decode('latin-1').chars;
say $data.read(0, 8, :type(buf32))[1];
=end code

=head3 method read-into

    method read-into(Buf:D $buffer, $offset = 0, $size = * --> Int:D)

Copies C<$size> bytes to the start of an existing Buf, and returns how many. With C<*> it copies as many as the Buf has room for and the
mapping has left. The length of the Buf does not change; a size larger than the Buf is X::Mmap::OutOfRange. For large reads in a
loop this is faster than C<read>, because allocating a Blob takes longer than copying to it.

=begin code :lang<raku>
use Mmap::Wrap;
my $data   = mmap 'data.bin';
my $buffer = buf8.allocate(100);
my $at     = 0;
while $data.read-into($buffer, $at) -> $count {
    say "$count bytes from offset $at, the first is $buffer[0]";
    $at += $count;
}
=end code

=head3 method write

    method write($offset, Blob:D $bytes --> Int:D)

Copies all bytes of the Blob to the mapping, and returns how many. For a Blob with wider elements this counts bytes, not elements.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
$memory.write(10, 'magic'.encode);
$memory.write(20, Blob[uint32].new(1, 2, 3));
=end code

=head3 method fill, method move

    method fill($byte, $offset = 0, $size = * --> Int:D)
    method move($to, $from, $size = * --> Int:D)

C<fill> sets bytes to a value from 0 to 255. C<move> copies bytes within the mapping; source and destination may overlap. Both
return the number of bytes.

=begin code :lang<raku>
use Mmap::Wrap;
my $memory = mmap :anon, :length(4096);
$memory.fill('a'.ord, 0, 3);
$memory.move(1, 0, 3);
say $memory.read(0, 5);                              # Blob[uint8]:0x<61 61 61 61 00>
=end code

=head3 method copy, method compare

    method copy($source, $to = 0, $from = 0, $size = * --> Int:D)
    method compare($other, $offset = 0, $other-offset = 0, $size = * --> Int:D)

C<copy> copies bytes of another mapping, from its offset C<$from> to offset C<$to> of this one, and returns how many. A size of C<*>
means the end of the source.

C<compare> compares bytes of two mappings, and returns how many are equal before the first difference. A size of C<*> means the end of
this mapping.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
my $copy = mmap :anon, :length($data.bytes);
$copy.copy($data);
say $copy.compare($data) == $copy.bytes;             # True
=end code

=head3 method Blob, method subbuf

    method Blob(--> blob8:D)
    method subbuf($from = 0, $size = * --> blob8:D)
    method subbuf(Range:D $bytes --> blob8:D)

C<Blob> returns a copy of all bytes. C<subbuf> returns a copy of a part, and takes the arguments of C<Blob.subbuf>; but a range that
extends beyond the mapping is X::Mmap::OutOfRange. The sub C<spurt> writes the bytes of a mapping as it does those of a Blob.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
spurt 'copy.bin', $data;
say $data.subbuf(*-3), $data.subbuf(2 .. 4), $data.subbuf(2 .. *).elems;
=end code

=head3 method write-to

    method write-to($out, $offset = 0, $size = * --> Int:D)

Writes C<$size> bytes to an IO::Handle, the C<.in> of a Proc, an IO::Socket or a Proc::Async, 1 MiB at a time. Returns the number of
bytes.

The C<write> methods of these classes accept only a Blob, which a mapping is not: C<$handle.write($mapping)> is an X::TypeCheck, and
C<$handle.write($mapping.Blob)> copies all bytes first.

=begin code :lang<raku>
use Mmap::Wrap;
my $data = mmap 'data.bin';
my $copy = open 'copy.bin', :w, :bin;
say $data.write-to($copy) == $data.bytes;            # True
$copy.close;
=end code

=head2 Searching

A needle is a Blob, or a Str, which is encoded as UTF-8.

=head3 method index, method rindex, method contains

    method index($needle, $start = 0, $end = *)
    method rindex($needle, $start = 0, $end = *)
    method contains($needle, $start = 0, $end = * --> Bool:D)

C<index> returns the offset of the first needle that lies completely between C<$start> and C<$end>, C<rindex> that of the last one;
C<Nil> if there is none. An empty needle is found at C<$start>, and by C<rindex> at C<$end>. An end before the start is
X::Mmap::OutOfRange.

=begin code :lang<raku>
use Mmap::Wrap;
my $words = mmap 'words.txt';
my $first = $words.index("\n");
say $words.index("\n", $first + 1) // 'one line only';
say $words.rindex("\n", 0, $first) // 'no line before';
=end code

=head3 method indices

    method indices($needle, $start = 0, $end = *, :$overlap --> Seq:D)

A lazy Seq of the offsets of all needles. Needles that overlap the previous one are included only with C<:overlap>.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap('words.txt').indices('o').head(2);          # (0 6)
=end code

=head3 method count

    method count($needle, $start = 0, $end = * --> Int:D)

The number of needles that do not overlap.

=begin code :lang<raku>
use Mmap::Wrap;
say mmap('words.txt').count("\n"), ' lines';
=end code

=end pod

method read(Mu $offset = 0, Mu $size = *, Mu :$type = blob8 --> Blob:D) { self.copy-out('.read', $offset, $size, $type) }

#| C<read>, for methods whose name is at the beginning of the message instead.
method copy-out($call, Mu $offset, Mu $size, Mu $type = blob8 --> Blob:D) is implementation-detail {
    my int $handle = self.handle;
    my int $from = integer $call, 'offset', $offset;
    my int $wanted = size-or-rest $call, $size;
    # Nothing larger than the mapping is allocated; the library checks the range.
    $wanted = checked $call, mmap_wrap_check($handle, $from, $wanted), self
        unless 0 <= $wanted <= mmap_wrap_length($handle);
    my $bytes := allocated($call, $type, $wanted);
    my int $done = mmap_wrap_read($handle, $from, $bytes, $wanted);
    checked $call, $done, self if $done < 0;
    $bytes
}

method read-into(Mu $buffer, Mu $offset = 0, Mu $size = * --> Int:D) {
    bad-argument '.read-into', "the buffer must be a Buf, not {described $buffer}" unless Buf.ACCEPTS($buffer) && $buffer.defined;
    my int $handle = self.handle;
    my int $from = integer '.read-into', 'offset', $offset;
    my int $room = $buffer.bytes;
    my int $wanted = size-or-rest '.read-into', $size;
    $wanted = $room min checked '.read-into', mmap_wrap_check($handle, $from, $wanted), self if $wanted == REST;
    out-of-range '.read-into', "size $wanted does not fit the buffer of $room bytes" if $wanted > $room;
    checked '.read-into', mmap_wrap_read($handle, $from, $buffer, $wanted), self
}

# A Blob of that type and size in bytes.
sub allocated($call, Mu $type, Int:D $size --> Blob:D) {
    return blob8.allocate($size) if $type<> =:= blob8;
    bad-argument $call, "the type must be a Blob or a Buf, not {described $type}" unless Blob.ACCEPTS($type);
    my $width = $type.allocate(1).bytes;
    bad-argument $call, "size $size is not a multiple of $width, the size of an element of {$type.^name}" unless $size %% $width;
    $type.allocate($size div $width)
}

proto method write(|) { * }
multi method write(Mu $offset, Blob:D $bytes --> Int:D) { self.copy-in('.write', $offset, $bytes) }
multi method write(Mu $) { bad-argument '.write', 'two arguments are needed: an offset and a Blob' }
multi method write(Mu $offset, Mu $bytes) { bad-argument '.write', "the bytes must be a Blob, not {described $bytes}; .encode makes one of a Str" }

#| C<write>, for methods whose name is at the beginning of the message instead.
method copy-in($call, Mu $offset, Blob:D $bytes --> Int:D) is implementation-detail {
    checked $call, mmap_wrap_write(self.handle, integer($call, 'offset', $offset), $bytes, $bytes.bytes), self
}

method fill(Mu $byte, Mu $offset = 0, Mu $size = * --> Int:D) {
    checked '.fill', mmap_wrap_fill(self.handle, integer('.fill', 'offset', $offset), integer('.fill', 'byte', $byte),
        size-or-rest('.fill', $size)), self
}

method move(Mu $to, Mu $from, Mu $size = * --> Int:D) {
    checked '.move', mmap_wrap_move(self.handle, integer('.move', 'offset', $to), |range('.move', $from, $size)), self
}

method copy(Mu $source, Mu $to = 0, Mu $from = 0, Mu $size = * --> Int:D) {
    checked '.copy', mmap_wrap_copy(self.handle, integer('.copy', 'offset', $to), handle-of('.copy', $source),
        |range('.copy', $from, $size)), self
}

method compare(Mu $other, Mu $offset = 0, Mu $other-offset = 0, Mu $size = * --> Int:D) {
    checked '.compare', mmap_wrap_compare(self.handle, integer('.compare', 'offset', $offset), handle-of('.compare', $other),
        |range('.compare', $other-offset, $size)), self
}

sub handle-of($call, Mu $mapping --> Int:D) {
    Mmap::Wrap::Access.ACCEPTS($mapping) && $mapping.defined ?? $mapping.handle
        !! bad-argument $call, "the other mapping must be a mapping, not {described $mapping}"
}

method Blob(--> Blob:D) { self.copy-out('.Blob', 0, *) }

proto method subbuf(|) { * }
multi method subbuf(Range:D $bytes --> Blob:D) {
    my $from = $bytes.min + $bytes.excludes-min;
    self.copy-out('.subbuf', $from, $bytes.max == Inf ?? * !! 0 max $bytes.max - $bytes.excludes-max - $from + 1)
}
multi method subbuf(WhateverCode:D $from, Mu $size = * --> Blob:D) { self.subbuf($from(self.bytes), $size) }
multi method subbuf(Int:D $from, WhateverCode:D $size --> Blob:D) {
    self.copy-out('.subbuf', $from, 0 max $size(self.bytes) - $from + 1)   # the code returns the last index, as in Blob.subbuf
}
multi method subbuf(Mu $from = 0, Mu $size = * --> Blob:D) { self.copy-out('.subbuf', $from, $size) }

method write-to(Mu $out, Mu $offset = 0, Mu $size = * --> Int:D) {
    bad-argument '.write-to', "the destination must be an IO::Handle, an IO::Socket or a Proc::Async, not {described $out}"
        unless $out.defined && $out.^can('write') && !Mmap::Wrap::Access.ACCEPTS($out);
    my ($from, $wanted) = range '.write-to', $offset, $size;
    my $end = $from + checked '.write-to', mmap_wrap_check(self.handle, $from, $wanted), self;
    loop (my $at = $from; $at < $end; $at += 2 ** 20) {
        my $written = $out.write(self.copy-out('.write-to', $at, 2 ** 20 min $end - $at));
        await $written if Awaitable.ACCEPTS($written);
    }
    $end - $from
}

method index(Mu $needle, Mu $start = 0, Mu $end = *) { self!first('.index', $needle, $start, $end) }
method rindex(Mu $needle, Mu $start = 0, Mu $end = *) {
    offset-or-nil '.rindex', self!search('.rindex', &mmap_wrap_rfind, $needle, $start, $end), self
}
method contains(Mu $needle, Mu $start = 0, Mu $end = * --> Bool:D) { self!first('.contains', $needle, $start, $end).defined }

method count(Mu $needle, Mu $start = 0, Mu $end = * --> Int:D) {
    checked '.count', self!search('.count', &mmap_wrap_count, $needle, $start, $end), self
}

method !first($call, Mu $needle, Mu $start, Mu $end) {
    offset-or-nil $call, self!search($call, &mmap_wrap_find, $needle, $start, $end), self
}

sub offset-or-nil($call, Int:D $result, $mapping) { $result == E_NOT_FOUND ?? Nil !! checked $call, $result, $mapping }

method !search($call, &search, Mu $needle, Mu $start, Mu $end) {
    my $bytes := needle-bytes($call, $needle);
    search(self.handle, $bytes, $bytes.bytes, integer($call, 'start', $start), size-or-rest($call, $end, 'end'))
}

proto needle-bytes($call, Mu $) { * }
multi needle-bytes($call, Blob:D $needle) { $needle }
multi needle-bytes($call, Str:D $needle) { $needle.encode }
multi needle-bytes($call, Mu $needle) { bad-argument $call, "the needle must be a Blob or a Str, not {described $needle}" }

my class Indices does Iterator {
    has &.next;
    has $.start;
    has $.end;
    has $.step;

    method pull-one {
        my $at = $!start > $!end ?? Nil !! &!next($!start, $!end);
        return IterationEnd without $at;
        $!start = $at + $!step;
        $at
    }
}

method indices(Mu $needle, Mu $start = 0, Mu $end = *, Bool :$overlap --> Seq:D) {
    my $bytes := needle-bytes('.indices', $needle);
    # The end of the mapping as it is now, also if the mapping grows before the Seq ends.
    my $until = $end ~~ Whatever:D ?? self.bytes !! integer '.indices', 'end', $end;
    my &next = -> $from, $to { self!first('.indices', $bytes, $from, $to) };
    next($start, $until);   # an invalid argument is an error now, not when the first offset is taken
    Seq.new: Indices.new: :&next, :$start, :end($until), :step($overlap ?? 1 !! $bytes.bytes max 1)
}
