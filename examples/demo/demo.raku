#| The demo in Raku. demo.c prints the same lines.
#|
#|     demo.raku FILE NEEDLE COPY      FILE is only read; COPY is a writable copy of it

use Mmap::Wrap;

sub show($name, $value) { say "$name\t$value" }

#| The first fields of the file, as typed values in the machine's byte order.
sub show-header($file) {
    my @fields = ('first u8', 0, 'uint8'), ('first u16', 0, 'uint16'), ('first u32', 0, 'uint32'), ('first u64', 0, 'uint64');
    if $file.bytes >= 64 && $file.read(0, 4) eq Blob.new(0x7F, |'ELF'.encode) {
        @fields = ('ELF class (u8)', 4, 'uint8'), ('ELF type (u16)', 16, 'uint16'), ('ELF machine (u16)', 18, 'uint16'),
            ('ELF version (u32)', 20, 'uint32'), ('ELF section headers at (u64)', 40, 'uint64');
    }
    my $header = $file.read(0, $file.bytes min 64);
    for @fields -> ($name, $offset, $type) {
        show $name, $header."read-$type"($offset) if $offset + $type.substr(4) / 8 <= $header.bytes;
    }
}

#| The offsets of the first and the last needle, and the number of needles.
sub show-matches($file, $needle) {
    my $count = 0;
    my $at = $file.index($needle);
    show "first '$needle' at", $at if $at.defined;
    while $at.defined {
        $count++;
        $at = $file.index($needle, $at + $needle.encode.bytes);
    }
    show "'$needle' found", "$count times";
    show "last '$needle' at", $file.rindex($needle) if $count;
}

#| Changes the first bytes of the copy through a mapping.
sub edit($copy, $what, |how) {
    my $mapping will leave { .?close } = mmap $copy, |how;
    $mapping.write(0, "EDITED!\n".encode);
    $mapping.flush;
    show "$what: the mapping has", $mapping.read(0, 7).decode;
}

#| The first bytes of the file, as another process reads them.
sub show-as-others-see($what, $path) {
    my $seen = run('head', '-c', '8', $path, :out, :bin).out.slurp(:close);
    show $what, $seen eq "EDITED!\n".encode ?? 'EDITED!' !! 'as before';
}

sub MAIN($path, $needle, $copy) {
    # NativeCall sets each function up at its first call, which is not measured here.
    { .index($needle); .close } given mmap $path;

    my $start = now;
    my $file = mmap $path;
    my $mapped = now;
    show 'length', "{$file.bytes} bytes";
    show-header $file;

    my $before = now;
    show-matches $file, $needle;
    my $searched = now;

    my $reading = now;
    my $everything = $file.read;
    my $read-all = now;
    show 'sum of the first page', [+] $everything.head(4096);
    $file.close;
    show 'mapped still', $file.closed ?? 'no' !! 'yes';

    edit $copy, 'private copy', :private;
    show-as-others-see 'private copy: another process reads', $copy;
    edit $copy, 'shared copy', :rw;
    show-as-others-see 'shared copy: another process reads', $copy;

    show 'time to map', (($mapped - $start) * 1e6).fmt('%.1f');
    show 'time to search', (($searched - $before) * 1e6).fmt('%.1f');
    show 'time to read all', (($read-all - $reading) * 1e6).fmt('%.1f');
}
