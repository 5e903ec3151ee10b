#| Stands for the module of that name in the tests: one export, which shows by its answer that it was called.
unit module NativeHelpers::Blob;

our sub blob-from-pointer($, :$elems, :$type) is export { 'theirs' }
