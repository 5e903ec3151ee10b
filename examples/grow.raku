#| Appends standard input to a file through a mapping that grows with the file.
#|
#|     raku -Ibindings/raku examples/grow.raku words.txt <more-words.txt
#|
#| Shows: a mapping that keeps its file open (KEEP), and is resized together with the file. The length doubles when the mapping is
#| full, so that few resizes are needed. At the end, also after an error, the file is truncated to the bytes that were written. If
#| the program is killed before that, the file ends with zeros.

use Mmap::Wrap <O_RDWR O_CREAT PROT_READ PROT_WRITE MAP_SHARED MREMAP_MAYMOVE>;
use Mmap::Wrap::Raw;
use NativeCall;

sub checked(Int:D $result) {
    die mmap_wrap_last_error_message if $result < 0;
    $result
}

#| A file to append to.
class Growing {
    has Int $.handle;
    has Int $.capacity;
    has Int $.used = $!capacity;
    has Int $.steps = 0;

    method from-file($path) {
        my $native = $path.encode('utf8-c8') ~ buf8.new(0);
        my $options = Mmap::Wrap::Raw::OpenOptions.new(
            open_flags => O_RDWR +| O_CREAT, mode => 0o644, prot => PROT_READ +| PROT_WRITE, flags => MAP_SHARED +| KEEP);
        my $handle = checked mmap_open_wrap($native, $options, nativesizeof($options));
        Growing.new(:$handle, :capacity(checked mmap_wrap_length($handle)))
    }

    #| Adds bytes at the end.
    method append(Blob:D $piece) {
        my $wanted = $!capacity || mmap_wrap_page_size;
        $wanted *= 2 while $!used + $piece.bytes > $wanted;
        if $wanted != $!capacity {
            self.resize($wanted);
            $!steps++;
        }
        $!used += checked mmap_wrap_write($!handle, $!used, $piece, $piece.bytes);
    }

    #| Sets the length of mapping and file.
    method resize($length) {
        checked mremap_wrap($!handle, $length, MREMAP_MAYMOVE, Pointer, WITH_FILE);
        $!capacity = $length;
    }

    #| Truncates the file to the bytes that were written, and unmaps it.
    method close {
        self.resize($!used) if 0 < $!used < $!capacity;
        checked munmap_wrap($!handle);
    }
}

#| Appends all input, and closes the mapping also after an error.
sub append-all($growing) {
    LEAVE $growing.close;
    while $*IN.read(4096) -> $piece { $growing.append($piece) }
}

multi MAIN($path) {
    my ($growing, $before);
    try {
        $growing = Growing.from-file($path);
        $before = $growing.used;
        append-all $growing;
    }
    # Not in a CATCH block, which would run, and exit, before LEAVE.
    with $! {
        note "grow: {.message}";
        exit 1;
    }
    say "$path: {$growing.used} bytes, {$growing.used - $before} of them new, grown {$growing.steps} times";
}

multi MAIN(|) { note 'usage: grow.raku FILE <INPUT'; exit 2 }
