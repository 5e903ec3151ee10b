#| A ring buffer in shared memory between two processes, which may be written in different languages.
#|
#|     raku -Ibindings/raku examples/ring.raku consume /numbers &
#|     raku -Ibindings/raku examples/ring.raku produce /numbers 100000
#|
#| Shows: POSIX shared memory by its name, atomic words, waiting for another process and waking it. examples/README.md has
#| the layout of the ring. Who comes first makes it; the consumer takes its name away. Each gives up when the other does
#| nothing for as many SECONDS, by default 60. One that was left behind is removed by `rm /dev/shm/numbers`.

use Mmap::Wrap :constants;
use Mmap::Wrap::Raw;

constant HEAD = 0;
constant TAIL = 64;
constant SLOTS-AT = 128;
constant SLOTS = 64;
constant SLOT = 64;
constant SIZE = SLOTS-AT + SLOTS * SLOT;

constant ETIMEDOUT = 110;
constant EINTR = 4;

sub checked(Int:D $result) {
    return $result if $result >= 0;
    note "ring: {mmap_wrap_last_error_message}";
    exit 1
}

sub native(Str:D $name) { $name.encode('utf8-c8') ~ buf8.new(0) }

#| FNV-1a: what both ends compare.
sub fnv(Int:D $so-far, Blob:D $text) {
    my int $sum = $so-far;
    $sum = ($sum +^ $_) * 16777619 +& 0xFFFFFFFF for $text.list;
    $sum
}

#| The ring of that name; seconds is how long to wait for the other end.
class Ring {
    has Int $.handle;
    has Int $.seconds;

    method named($name, $seconds) {
        # New shared memory is all zeros, which is an empty ring: it does not matter who makes it.
        my $options = Mmap::Wrap::Raw::OpenOptions.new(
            open_flags => O_RDWR +| O_CREAT, mode => 0o600, size => SIZE, prot => PROT_READ +| PROT_WRITE, flags => MAP_SHARED);
        my $handle = checked mmap_shm_wrap(native($name), $options, nativesizeof($options));
        Ring.new(:$handle, :$seconds)
    }

    #| The head or the tail.
    method load($word) {
        my int64 $value = 0;
        checked mmap_wrap_atomic_load($!handle, 32, $word, $value);
        $value +& 0xFFFFFFFF
    }

    #| Publishes a new head or tail: everything written before it is seen by who sees it.
    method store($word, $value) {
        checked mmap_wrap_atomic_store($!handle, 32, $word, $value +& 0xFFFFFFFF);
        checked mmap_wrap_wake($!handle, $word, 1);
    }

    #| Returns when the word is, or may be, another.
    method wait-while($word, $value) {
        my $result = mmap_wrap_wait($!handle, $word, $value, $!seconds * 1_000_000_000);
        if $result == -ETIMEDOUT {
            note "ring: nothing came from the other end for $!seconds seconds";
            exit 1;
        }
        checked $result unless $result == -EINTR;
    }

    #| Adds a message at the head, as soon as there is room.
    method put(Blob:D $text) {
        my $head = self.load(HEAD);
        my $tail;
        self.wait-while(TAIL, $tail) while ($head - ($tail = self.load(TAIL))) +& 0xFFFFFFFF == SLOTS;
        my $slot = buf8.allocate(SLOT);
        $slot.write-uint32(0, $text.bytes);
        $slot.subbuf-rw(4, $text.bytes) = $text;
        checked mmap_wrap_write($!handle, SLOTS-AT + $head % SLOTS * SLOT, $slot, SLOT);
        self.store(HEAD, $head + 1);
    }

    #| The message at the tail, as soon as there is one; an empty one ends the stream.
    method take {
        my $tail = self.load(TAIL);
        self.wait-while(HEAD, $tail) while self.load(HEAD) == $tail;
        my $slot = buf8.allocate(SLOT);
        checked mmap_wrap_read($!handle, SLOTS-AT + $tail % SLOTS * SLOT, $slot, SLOT);
        self.store(TAIL, $tail + 1);
        my $length = $slot.read-uint32(0);
        if $length > SLOT - 4 {
            note "ring: a message of $length bytes: this is no ring";
            exit 1;
        }
        $slot.subbuf(4, $length)
    }
}

multi MAIN('produce', $name, Int $count where * > 0, Int $seconds where * > 0 = 60) {
    my $ring = Ring.named($name, $seconds);
    my $checksum = 2166136261;
    for 1 .. $count {
        my $text = "message $_ from Raku".encode;
        $checksum = fnv($checksum, $text);
        $ring.put($text);
    }
    $ring.put(Blob.new);
    say "$count messages, checksum {$checksum.fmt('%08x')}";
}

multi MAIN('consume', $name, Int $seconds where * > 0 = 60) {
    my $ring = Ring.named($name, $seconds);
    my $checksum = 2166136261;
    my $count = 0;
    while $ring.take -> $text {
        $checksum = fnv($checksum, $text);
        $count++;
    }
    say "$count messages, checksum {$checksum.fmt('%08x')}";
    checked shm_unlink_wrap(native($name));
}

multi MAIN(|) {
    note "usage: ring.raku produce NAME COUNT [SECONDS]\n       ring.raku consume NAME [SECONDS]";
    exit 2;
}
