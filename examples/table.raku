#| A table of 64 accounts in a file, which stays consistent if the program or the machine stops at any time.
#|
#|     raku -Ibindings/raku examples/table.raku accounts put 0 1000000   # creates the file if it does not exist
#|     raku -Ibindings/raku examples/table.raku accounts transfer 500    # prints each version when it is stored
#|     raku -Ibindings/raku examples/table.raku accounts show
#|
#| Shows: numbers in big-endian byte order on every machine, and atomic updates with msync. The file has two copies of the
#| accounts. An update writes the older copy and syncs it, then writes and syncs the header of that copy, with the next version and
#| a checksum. The current copy is the one with the highest version whose checksum is correct. examples/README.md describes the
#| layout. One process at a time may change a table; others may show it at the same time.

use Mmap::Wrap <O_RDONLY O_RDWR O_CREAT PROT_READ PROT_WRITE MAP_SHARED MAP_PRIVATE MAP_ANONYMOUS MS_SYNC>;
use Mmap::Wrap::Raw;
use NativeCall;

constant HEADER = 512;
constant SIDES-AT = 4096;
constant SIDE = 4096;
constant SIZE = SIDES-AT + 2 * SIDE;
constant ACCOUNTS = 64;
constant ACCOUNT = 16;
constant USED = ACCOUNTS * ACCOUNT;

# An account has a balance and the number of its changes, a header has a version and a checksum.
constant BALANCE = I64 +| BIG_ENDIAN;
constant CHANGES = U32 +| BIG_ENDIAN;
constant VERSION = I64 +| BIG_ENDIAN;
constant CHECKSUM = U32 +| BIG_ENDIAN;

sub give-up($message) {
    note "table: $message";
    exit 1
}

sub checked(Int:D $result) {
    give-up mmap_wrap_last_error_message if $result < 0;
    $result
}

sub number($handle, $kind, $offset) {
    my $value = mmap_wrap_get_int($handle, $kind, $offset);
    checked mmap_wrap_last_error_code if $value == NO_INT;
    $value
}

sub open-table($path, $writable) {
    my $native = $path.encode('utf8-c8') ~ buf8.new(0);
    my $mode = $writable ?? O_RDWR +| O_CREAT !! O_RDONLY;
    my $prot = $writable ?? PROT_READ +| PROT_WRITE !! PROT_READ;
    my %options = open_flags => $mode, mode => 0o644, :$prot, flags => MAP_SHARED;
    my $options = Mmap::Wrap::Raw::OpenOptions.new(|%options);
    my $handle = checked mmap_open_wrap($native, $options, nativesizeof($options));
    my $length = checked mmap_wrap_length($handle);
    if $writable && $length == 0 {
        # A new file. All its blocks are allocated, so that a full disk is an error here and not during an update.
        checked munmap_wrap($handle);
        my $sized = Mmap::Wrap::Raw::OpenOptions.new(|%options, size => SIZE, allocate => 1);
        return checked mmap_open_wrap($native, $sized, nativesizeof($sized));
    }
    give-up "$path is $length bytes long, a table {SIZE}" if $length != SIZE;
    $handle
}

#| The table in a file, and a copy of the current accounts in memory.
class Table {
    has Int $.table;
    has Int $.accounts;
    has Int $.version is rw;

    method from-file($path, :$writable) {
        my $table = open-table $path, $writable;
        my $accounts = checked mmap_wrap(Pointer, USED, PROT_READ +| PROT_WRITE, MAP_PRIVATE +| MAP_ANONYMOUS, -1, 0);
        given Table.new(:$table, :$accounts) { .version = .load; $_ }
    }

    #| FNV-1a of the version, in big-endian byte order, and of the accounts.
    method checksum($version) {
        my $bytes = buf8.allocate(USED);
        checked mmap_wrap_read($!accounts, 0, $bytes, USED);
        my $start = buf8.new;
        $start.write-int64(0, $version, BigEndian);
        my int $sum = 2166136261;
        $sum = ($sum +^ $_) * 16777619 +& 0xFFFFFFFF for |$start, |$bytes;
        $sum
    }

    #| Reads a copy from the file. Returns its version, or Nil if its checksum is wrong. The first copy of a new file is version 0.
    method load-side($side) {
        my $version = number $!table, VERSION, $side * HEADER;
        my $stored = number $!table, CHECKSUM, $side * HEADER + 8;
        checked mmap_wrap_copy($!accounts, 0, $!table, SIDES-AT + $side * SIDE, USED);
        return $side == 0 ?? 0 !! Nil if $version == $stored == 0;
        $version > 0 && $version % 2 == $side && self.checksum($version) == $stored ?? $version !! Nil
    }

    #| Reads the current accounts. Returns their version.
    method load {
        # One copy is always complete, but a writer may change it while it is read: then read again.
        for ^1000 {
            my $newer = +(number($!table, VERSION, HEADER) > number($!table, VERSION, 0));
            for $newer, 1 - $newer -> $side {
                return $_ with self.load-side($side);
            }
        }
        give-up 'no copy is complete: not a table, or the disk failed';
    }

    #| Writes the accounts as the next version. When this returns, they are stored.
    method commit {
        $!version++;
        my $side = $!version % 2;
        checked mmap_wrap_copy($!table, SIDES-AT + $side * SIDE, $!accounts, 0, USED);
        checked msync_wrap($!table, MS_SYNC, SIDES-AT + $side * SIDE, USED);
        checked mmap_wrap_put_int($!table, VERSION, $side * HEADER, $!version);
        checked mmap_wrap_put_int($!table, CHECKSUM, $side * HEADER + 8, self.checksum($!version));
        checked msync_wrap($!table, MS_SYNC, $side * HEADER, 12);
        say $!version;
        $*OUT.flush;
    }

    method balance($index) { number $!accounts, BALANCE, $index * ACCOUNT }
    method changes($index) { number $!accounts, CHANGES, $index * ACCOUNT + 8 }

    #| Changes an account in memory.
    method set($index, $balance) {
        checked mmap_wrap_put_int($!accounts, BALANCE, $index * ACCOUNT, $balance);
        checked mmap_wrap_put_int($!accounts, CHANGES, $index * ACCOUNT + 8, (self.changes($index) + 1) +& 0xFFFFFFFF);
    }

    #| Moves an amount from one account to another; the total stays the same.
    method transfer {
        my ($from, $to, $amount) = $!version % ACCOUNTS, ($!version * 7 + 1) % ACCOUNTS, $!version % 100;
        self.set($from, self.balance($from) - $amount);
        self.set($to, self.balance($to) + $amount);
        self.commit;
    }

    #| Prints the accounts that have changes.
    method show {
        say "version $!version";
        for ^ACCOUNTS {
            say "$_: {self.balance($_)}, changed {self.changes($_)} times" if self.changes($_);
        }
        say "total {(^ACCOUNTS).map({ self.balance($_) }).sum}";
    }
}

multi MAIN($file, 'show') { Table.from-file($file).show }

multi MAIN($file, 'put', Int $account where 0 <= * < ACCOUNTS, Int $balance where -2 ** 31 <= * < 2 ** 31) {
    given Table.from-file($file, :writable) {
        .set($account, $balance);
        .commit;
    }
}

multi MAIN($file, 'transfer', Int $times where 0 < * < 2 ** 31) {
    given Table.from-file($file, :writable) -> $table {
        $table.transfer for ^$times;
    }
}

multi MAIN(|) {
    note "usage: table.raku FILE show\n       table.raku FILE put ACCOUNT BALANCE\n       table.raku FILE transfer TIMES";
    exit 2;
}
