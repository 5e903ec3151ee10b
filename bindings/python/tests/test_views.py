"""A view keeps its memory mapped, and the map open, until every object made from it is deallocated."""

import gc
import struct
from fractions import Fraction

import pytest
from conftest import is_mapped, message_of

import mmap_wrap as mmap


def test_a_view_is_not_a_copy():
    m = mmap.mmap(-1, 8192)
    view = m.view("u1", 4096, 10)
    assert (view.format, view.itemsize, view.ndim, len(view), view.readonly) == ("B", 1, 1, 10, False)
    view[3] = 7
    assert m[4099] == 7
    m[4096:4106] = b"0123456789"
    assert view.tobytes() == b"0123456789"
    assert len(m.view()) == 8192
    assert len(m.view("u1", 8000)) == 192


def test_a_view_of_a_map_for_reading_is_read_only(text_file):
    m = mmap.map_path(text_file, prot=mmap.PROT_READ)
    view = m.view()
    assert view.readonly
    with pytest.raises(TypeError):
        view[0] = 1


def test_views_after_protect_with_prot_write_are_writable(text_file):
    m = mmap.map_path(text_file, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    m.protect(mmap.PROT_READ | mmap.PROT_WRITE)
    m[0] = 1
    m.view()[1] = 2
    assert m[:2] == b"\1\2"


def keep_view(view):
    return view


def keep_slice(view):
    return view[10:20]


def keep_cast(view):
    return view.cast("I")


def keep_slice_of_cast_of_slice(view):
    return view[8:16].cast("H")[1:]


def keep_iterator(view):
    return iter(view[:3])


def keep_numpy_array(view):
    numpy = pytest.importorskip("numpy", reason="numpy is not installed: arrays over a view are not tried")
    array = numpy.frombuffer(view, dtype="u4")[5:]
    view.release()
    return array


def keep_view_of_numpy_array(view):
    numpy = pytest.importorskip("numpy", reason="numpy is not installed: arrays over a view are not tried")
    return memoryview(numpy.asarray(view)[::3])


@pytest.mark.parametrize(
    "keep",
    [
        keep_view,
        keep_slice,
        keep_cast,
        keep_slice_of_cast_of_slice,
        keep_iterator,
        keep_numpy_array,
        keep_view_of_numpy_array,
    ],
)
def test_objects_made_from_a_view_keep_the_map_open(keep):
    m = mmap.mmap(-1, 4096)
    kept = keep(m.view())
    with pytest.raises(BufferError, match=r"mmap\.close: the mapping has 1 acquired address; release it first"):
        m.close()
    assert not m.closed
    m[0] = 1
    del kept
    m.close()
    assert m.closed


def test_a_map_can_be_closed_after_its_view_is_released():
    m = mmap.mmap(-1, 4096)
    with m.view() as view, m.view():
        view[0] = 1
        with pytest.raises(BufferError, match="2 acquired addresses"):
            m.close()
    m.close()


def test_leaving_a_with_block_while_a_view_exists_is_an_error_and_keeps_the_map():
    m = mmap.mmap(-1, 4096)
    with pytest.raises(BufferError), m:
        view = m.view()
    view[0] = 1
    assert m[0] == 1


def test_a_view_outlives_its_map_object_and_then_unmaps(text_file):
    view = mmap.map_path(text_file, prot=mmap.PROT_READ).view()
    part = view[4:7]
    del view
    gc.collect()
    assert is_mapped(text_file)
    assert part.tobytes() == b"two"
    del part
    assert not is_mapped(text_file)


def test_a_finalizer_in_a_cycle_can_still_use_the_view(text_file, collected_when_asked):
    seen = []

    class Cache:
        def __init__(self):
            self.itself = self
            self.map = mmap.map_path(text_file)
            self.view = self.map.view()

        def __del__(self):
            # Other finalizers of this cycle may have run before.
            gc.collect()
            seen.append((self.view[:3].tobytes(), self.map[4:7]))

    class Before:
        """An object of the same cycle, with its own view."""

        def __init__(self, cache):
            self.cache = cache
            self.view = cache.map.view()
            cache.before = self

    Before(Cache())
    assert is_mapped(text_file)
    gc.collect()
    assert seen == [(b"one", b"two")]
    assert not is_mapped(text_file)


def test_a_view_that_fails_keeps_nothing():
    m = mmap.mmap(-1, 4096)
    with pytest.raises(ValueError, match="extends beyond 4096 byte mapping"):
        m.view("u1", 4000, 97)
    m.close()
    with pytest.raises(ValueError, match="mmap closed or invalid"):
        m.view()


def test_many_views_are_counted_one_by_one():
    m = mmap.mmap(-1, 4096)
    views = [m.view() for _ in range(1000)]
    while views:
        with pytest.raises(BufferError, match=r"^cannot close exported pointers exist") as caught:
            m.close()
        assert f"mmap.close: the mapping has {len(views)} acquired address" in message_of(caught.value)
        views.pop()
    m.close()


def test_memoryview_of_a_map_counts_like_a_view():
    m = mmap.mmap(-1, 4096)
    view = memoryview(m)
    struct.pack_into("I", m, 4, 0x01020304)
    assert view[4:8].cast("I")[0] == 0x01020304
    assert bytes(m) == view.tobytes() == m[:]
    with pytest.raises(BufferError, match="1 acquired address"):
        m.close()
    view.release()
    m.close()
    with pytest.raises(ValueError, match="mmap closed or invalid"):
        memoryview(m)


def test_a_read_only_map_exports_no_writable_buffer(text_file):
    m = mmap.map_path(text_file, prot=mmap.PROT_READ)
    with pytest.raises((BufferError, TypeError)):
        struct.pack_into("B", m, 0, 1)
    m.close()


def test_numpy_writes_through_a_view():
    numpy = pytest.importorskip("numpy", reason="numpy is not installed: arrays over a view are not tried")
    m = mmap.mmap(-1, 4096)
    array = numpy.frombuffer(m.view(), dtype="<u4")
    array[:] = numpy.arange(1024)
    assert struct.unpack("<1024I", m[:]) == tuple(range(1024))


@pytest.mark.parametrize("kind", ["", "<", "<<u4", "<>u4", "u3", "B", "u4 ", "U4"])
def test_an_unknown_kind_is_an_error_with_the_known_kinds(kind):
    m = mmap.mmap(-1, 8)
    assert m.get("<u4", 0) == m.get(">u4", 0) == 0
    for call in (m.view, lambda kind: m.get(kind, 0), lambda kind: m.put(kind, 0, 0)):
        with pytest.raises(
            mmap.ArgumentError, match=r"not a kind of number: use one of i1, u1, i2,.* f8, optionally after < or >"
        ):
            call(kind)


def test_a_float_that_does_not_fit_is_an_overflow_error():
    m = mmap.mmap(-1, 8)
    for kind, value in (("f4", 1e300), (">f4", -3.5e38), ("f8", 10**400), ("u1", 256), ("i8", 1 << 63)):
        with pytest.raises(OverflowError):
            m.put(kind, 0, value)
    assert m[:] == bytes(8)
    infinite = float("inf")
    for kind, value in (("f4", infinite), ("f4", -infinite), ("f4", 3.4028235e38), ("f8", 1e300)):
        m.put(kind, 0, value)
        assert m.get(kind, 0) == pytest.approx(value)


def test_a_float_element_takes_float_or_index_but_no_string():
    class Half:
        def __float__(self):
            return 0.5

    class Two:
        def __index__(self):
            return 2

    m = mmap.mmap(-1, 8)
    for kind in ("f4", "<f8"):
        for value, held in ((Half(), 0.5), (Two(), 2), (True, 1), (Fraction(1, 4), 0.25)):
            m.put(kind, 0, value)
            assert m.get(kind, 0) == held
        for wrong in ("1.5", b"1.5", bytearray(b"1"), None, 1j, [1.5]):
            with pytest.raises(TypeError):
                m.put(kind, 0, wrong)


def test_a_number_that_does_not_fit_a_word_is_an_error():
    m = mmap.anonymous(8)
    changes = (m.atomic_store, m.atomic_add, m.atomic_exchange)
    changes += (lambda at, value, bits: m.atomic_compare_exchange(at, value, 0, bits),)
    changes += (lambda at, value, bits: m.atomic_compare_exchange(at, 0, value, bits),)
    for change in changes:
        for value in (1 << 32, -(1 << 31) - 1):
            with pytest.raises(mmap.ArgumentError, match=f"{value} does not fit a word of 32 bits"):
                change(0, value, 32)
        for value in (1 << 63, -(1 << 63) - 1):
            with pytest.raises(OverflowError, match=f"{value} does not fit 64 bits"):
                change(0, value, 64)
        with pytest.raises(TypeError):
            change(0, 1.5, 64)
        with pytest.raises(mmap.ArgumentError, match="a word of 16 bits"):
            change(0, 1 << 16, 16)
    assert m[:] == bytes(8)
    for bits, least, greatest in ((32, -(1 << 31), (1 << 32) - 1), (64, -(1 << 63), (1 << 63) - 1)):
        m.atomic_store(0, least, bits)
        assert m.atomic_load(0, bits) == least
        assert m.atomic_exchange(0, greatest, bits) == least
        assert m.atomic_compare_exchange(0, greatest, 0, bits)[0]
