"""numpy arrays that share the memory of a map: they keep it mapped, and end where it ends."""

import threading

import pytest

import mmap_wrap
from mmap_wrap import _ffi

numpy = pytest.importorskip("numpy", reason="skipped: numpy is not installed, arrays of maps are not tried")


@pytest.fixture
def memory():
    return mmap_wrap.anonymous(4096)


@pytest.mark.parametrize("make", [lambda m: m.array("u4"), lambda m: m.array("u4", 8, (2, 3))[1:]], ids=["all", "part"])
def test_an_array_keeps_the_mapping(memory, make):
    array = make(memory)
    with pytest.raises(BufferError, match="1 acquired address"):
        memory.close()
    array[0] = 7
    del array
    memory.close()


def test_an_array_is_not_a_copy(memory):
    memory.array(">u2", 2, (2, 3))[1, 2] = 258
    assert memory[2 + 5 * 2 : 2 + 6 * 2] == b"\x01\x02"
    memory[0] = 9
    assert memory.array("u1")[0] == 9


def test_as_many_elements_as_fit_are_the_default(memory):
    assert memory.array("f8").shape == (512,)
    assert memory.array("f8", 4089).shape == (0,)
    assert memory.array("u1", 4096).shape == (0,)
    assert memory.array("V0").shape == (0,)
    assert memory.array("(2,2)u4").shape == (256, 2, 2)


def test_a_shape_is_a_length_or_an_iterable_of_lengths(memory):
    for shape in ((2, 3), [2, 3], range(2, 4), iter((2, 3)), numpy.array([2, 3]), {2: "rows", 3: "columns"}):
        assert memory.array("u4", 0, shape).shape == (2, 3)
    for shape in (5, numpy.int64(5), numpy.array(5), numpy.array([5])):
        assert memory.array("u4", 0, shape).shape == (5,)
    assert memory.array("u4", 0, ()).shape == ()
    for wrong in (1.5, "23", numpy.array([1.5]), [None], [[1]], object()):
        with pytest.raises(TypeError):
            memory.array("u4", 0, wrong)
    memory.close()


def test_one_length_may_be_minus_one(memory):
    for shape, there in (
        (-1, (1024,)),
        ((-1,), (1024,)),
        ((4, -1), (4, 256)),
        ((-1, 3), (341, 3)),
        ((-1, 2000), (0, 2000)),
    ):
        assert memory.array("u4", 0, shape).shape == there
    assert memory.array("u4", 4090, (-1,)).shape == (1,)
    assert memory.array("u4", 0, (0, -1)).shape == (0, 0)
    memory.close()


@pytest.mark.parametrize(
    ("offset", "shape"), [(4096, 1), (4090, (1, 2)), (0, (1 << 61,)), (-4, (1,)), (-4, None), (0, -2), (0, (-1, -1))]
)
def test_elements_outside_the_map_are_a_value_error(memory, offset, shape):
    with pytest.raises((ValueError, OverflowError)):
        memory.array("u4", offset, shape)
    memory.close()


def test_a_dtype_of_objects_is_a_value_error(memory):
    for kind in ("O", [("a", "u4"), ("b", "O")]):
        with pytest.raises(mmap_wrap.ArgumentError, match="pointers to objects"):
            memory.array(kind, 0, 2)


def test_an_array_of_a_map_for_reading_cannot_be_written():
    array = mmap_wrap.map_path(mmap_wrap.__file__, prot=mmap_wrap.PROT_READ).array("u1")
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_an_array_of_a_closed_map_is_an_error(memory):
    memory.close()
    with pytest.raises(ValueError, match="mmap closed or invalid"):
        memory.array("u1")


def test_an_array_is_valid_while_another_thread_resizes(monkeypatch):
    m, errors, really_check = mmap_wrap.memfd(8192), [], _ffi.mmap_wrap_check

    def check(*arguments):
        size = really_check(*arguments)
        resizing = threading.Thread(target=resize)
        resizing.start()
        resizing.join()
        return size

    def resize():
        try:
            m.resize(4096)
        except BufferError as error:
            errors.append(error)

    # Another thread runs after the size is determined, and before the array is made.
    monkeypatch.setattr(_ffi, "mmap_wrap_check", check)
    array = m.array("u1")
    assert (array.size, len(m), bool(errors)) == (8192, 8192, True)
    del array
    m.resize(4096)
