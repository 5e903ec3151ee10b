#| Appends standard input to a file through a mapping that outgrows it.
#|
#|     raku -Ibindings/raku examples/grow.raku words.txt <more-words.txt
#|
#| Shows: a mapping that keeps its file open (KEEP) is resized together with it. Its length doubles whenever it is full,
#| so that N bytes cost few resizes, and at the end the file is cut to what was written, also after a failure. Killed
#| before that, it ends in zeros.

use Mmap::Wrap :constants;
use Mmap::Wrap::Raw;
use NativeCall;

sub checked(Int:D $result) {
    die mmap_wrap_last_error_message if $result < 0;
    $result
}

#| The bytes of a file, to be appended to.
class Growing {
    has Int $.handle;
    has Int $.room;
    has Int $.used = $!room;
    has Int $.steps = 0;

    method of-file($path) {
        my $native = $path.encode('utf8-c8') ~ buf8.new(0);
        my $options = Mmap::Wrap::Raw::OpenOptions.new(
            open_flags => O_RDWR +| O_CREAT, mode => 0o644, prot => PROT_READ +| PROT_WRITE, flags => MAP_SHARED +| KEEP);
        my $handle = checked mmap_open_wrap($native, $options, nativesizeof($options));
        Growing.new(:$handle, :room(checked mmap_wrap_length($handle)))
    }

    #| Adds bytes at the end.
    method append(Blob:D $piece) {
        my $wanted = $!room || mmap_wrap_page_size;
        $wanted *= 2 while $!used + $piece.bytes > $wanted;
        if $wanted != $!room {
            self.resize($wanted);
            $!steps++;
        }
        $!used += checked mmap_wrap_write($!handle, $!used, $piece, $piece.bytes);
    }

    #| Gives mapping and file that length.
    method resize($length) {
        checked mremap_wrap($!handle, $length, MREMAP_MAYMOVE, Pointer, 1);
        $!room = $length;
    }

    #| Cuts the file to what was written, and unmaps it.
    method close {
        self.resize($!used) if 0 < $!used < $!room;
        checked munmap_wrap($!handle);
    }
}

#| Appends all there is, and closes in any case.
sub append-all($growing) {
    LEAVE $growing.close;
    while $*IN.read(4096) -> $piece { $growing.append($piece) }
}

multi MAIN($path) {
    my ($growing, $before);
    try {
        $growing = Growing.of-file($path);
        $before = $growing.used;
        append-all $growing;
    }
    # Here and not in a CATCH, which would run, and exit, before LEAVE does.
    with $! {
        note "grow: {.message}";
        exit 1;
    }
    say "$path: {$growing.used} bytes, {$growing.used - $before} of them new, grown {$growing.steps} times";
}

multi MAIN(|) { note 'usage: grow.raku FILE <INPUT'; exit 2 }
