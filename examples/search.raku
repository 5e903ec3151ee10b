#| Searches a log of any size, and prints the lines that contain a word, each with its offset.
#|
#|     raku -Ibindings/raku examples/search.raku ERROR app.log
#|
#| Shows: searching for words and newlines, readahead with MADV_SEQUENTIAL, and a log that is truncated (rotated) while it is
#| searched: the lines before the new end are printed, and the error is reported. If the new end is inside a page, the rest of that
#| page reads as zeros.
#|
#| The exit status is 0 if lines were found, 1 if there are none, and 2 if the log could not be searched completely.

use Mmap::Wrap <PROT_READ MAP_PRIVATE MADV_SEQUENTIAL>;

#| Prints and counts the lines. X::Mmap::Fault if the log was truncated.
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
    say "$lines lines contain '$word'";
    note "search: $path was truncated while it was searched: $_" with $cut;
    exit $cut.defined ?? 2 !! $lines == 0 ?? 1 !! 0;
    CATCH { when X::Mmap | X::IO { note "search: {.message}"; exit 2 } }
}

multi MAIN(|) { note 'usage: search.raku WORD FILE'; exit 2 }
