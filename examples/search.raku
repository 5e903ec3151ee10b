#| Searches a log, however large, and prints the lines that hold a word, each with the offset at which it begins.
#|
#|     raku -Ibindings/raku examples/search.raku ERROR app.log
#|
#| Shows: a search from newline to newline, read-ahead by MADV_SEQUENTIAL, and a log that is cut short (rotated) while it
#| is searched: the lines before are printed, the loss is told. Where the cut lies inside a page, the rest of that page
#| reads as zeros.
#|
#| Ends with 0 where lines were found, with 1 where there are none, with 2 where not all of the log could be searched.

use Mmap::Wrap :constants;

#| Prints and counts the lines; X::Mmap::Fault where the log ends before its time.
sub print-lines($word, $log, $lines is rw) {
    my $start = 0;
    my $length = $log.bytes;
    while $start < $length {
        my $at = $log.index($word, $start) // last;
        $start = .succ with $log.rindex("\n", $start, $at);
        my $end = $log.index("\n", $at) // $length;
        $*OUT.write: "$start: ".encode ~ $log.read($start, $end - $start) ~ "\n".encode;
        $lines++;
        $start = $end + 1;
    }
}

multi MAIN($word where *.chars, $path) {
    my $lines = 0;
    my $log will leave { .?close } = mmap $path, :prot(PROT_READ), :flags(MAP_PRIVATE);
    $log.advise(MADV_SEQUENTIAL);
    my $cut;
    {
        print-lines $word.encode('utf8-c8'), $log, $lines;
        CATCH { when X::Mmap::Fault { $cut = .message } }
    }
    say "$lines lines hold '$word'";
    note "search: $path was cut short while it was searched; no more is there: $_" with $cut;
    exit $cut.defined ?? 2 !! $lines == 0 ?? 1 !! 0;
    CATCH { when X::Mmap | X::IO { note "search: {.message}"; exit 2 } }
}

multi MAIN(|) { note 'usage: search.raku WORD FILE'; exit 2 }
