#| A ring buffer in shared memory between two processes, which may be written in different languages.
#|
#|     raku -Ibindings/raku examples/ring.raku consume /numbers &
#|     raku -Ibindings/raku examples/ring.raku produce /numbers 100000
#|
#| Shows: POSIX shared memory, atomic operations, waiting for another process and waking it. examples/README.md describes
#| the layout. The first process creates the ring buffer; the consumer removes its name. A process fails if the other does nothing
#| for SECONDS, default 60. `rm /dev/shm/numbers` removes a ring buffer that remains after a failure.

use Mmap::Wrap <O_RDWR O_CREAT PROT_READ PROT_WRITE MAP_SHARED>;
use Mmap::Wrap::Raw;
use NativeCall;

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

#| The name as bytes that end with NUL.
sub c-string(Str:D $name) { $name.encode('utf8-c8') ~ buf8.new(0) }

#| FNV-1a, the checksum that both processes print.
sub fnv(Int:D $so-far, Blob:D $text) {
    my int $sum = $so-far;
    $sum = ($sum +^ $_) * 16777619 +& 0xFFFFFFFF for $text.list;
    $sum
}

#| A ring buffer by its name. $.seconds is how long to wait for the other process.
class Ring {
    has Int $.handle;
    has Int $.seconds;

    method named($name, $seconds) {
        # New shared memory contains zeros, which are an empty ring buffer, so either process may create it.
        my $options = Mmap::Wrap::Raw::OpenOptions.new(
            open_flags => O_RDWR +| O_CREAT, mode => 0o600, size => SIZE, prot => PROT_READ +| PROT_WRITE, flags => MAP_SHARED);
        my $handle = checked mmap_shm_wrap(c-string($name), $options, nativesizeof($options));
        Ring.new(:$handle, :$seconds)
    }

    #| Reads the head or the tail.
    method load($word) {
        my int64 $value = 0;
        checked mmap_wrap_atomic_load($!handle, 32, $word, $value);
        $value +& 0xFFFFFFFF
    }

    #| Stores a new head or tail. A process that loads it also sees everything that was written before.
    method store($word, $value) {
        checked mmap_wrap_atomic_store($!handle, 32, $word, $value +& 0xFFFFFFFF);
        checked mmap_wrap_wake($!handle, $word, 1);
    }

    #| Waits while the word has that value; may return earlier.
    method wait-while($word, $value) {
        my $result = mmap_wrap_wait($!handle, $word, $value, $!seconds * 1_000_000_000);
        if $result == -ETIMEDOUT {
            note "ring: the other process did nothing for $!seconds seconds";
            exit 1;
        }
        checked $result unless $result == -EINTR;
    }

    #| Waits for a free slot, and adds a message at the head.
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

    #| Waits for a message, and removes it from the tail. An empty message ends the stream.
    method take {
        my $tail = self.load(TAIL);
        self.wait-while(HEAD, $tail) while self.load(HEAD) == $tail;
        my $slot = buf8.allocate(SLOT);
        checked mmap_wrap_read($!handle, SLOTS-AT + $tail % SLOTS * SLOT, $slot, SLOT);
        self.store(TAIL, $tail + 1);
        my $length = $slot.read-uint32(0);
        if $length > SLOT - 4 {
            note "ring: a message of $length bytes: not a ring buffer";
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
    checked shm_unlink_wrap(c-string($name));
}

multi MAIN(|) {
    note "usage: ring.raku produce NAME COUNT [SECONDS]\n       ring.raku consume NAME [SECONDS]";
    exit 2;
}
