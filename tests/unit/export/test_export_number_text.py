import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plastinate.stages.export import number_text
from plastinate.stages.export.number_text import number_rows

LINE = ("v ", " ", " ", "\n")


@given(st.lists(st.tuples(*[st.floats(width=32, allow_nan=False, allow_infinity=False)] * 3), min_size=1))
def test_floats_read_back_to_the_same_float(rows):
    values = np.array(rows, dtype=np.float32)
    text = b"".join(number_rows(values, LINE)).decode()
    read = np.array([line.split()[1:] for line in text.splitlines()]).astype(np.float32)
    assert np.array_equal(read.view(np.uint32), values.view(np.uint32))


def test_blocks_join_without_a_seam(monkeypatch):
    monkeypatch.setattr(number_text, "ROWS_AT_ONCE", 4)
    values = np.arange(33, dtype=np.uint32).reshape(11, 3)
    text = b"".join(number_rows(values, ("f ", " ", " ", "\n"), added=4_294_967_295)).decode()
    expected = values.astype(np.int64) + 4_294_967_295
    assert text == "".join(f"f {a} {b} {c}\n" for a, b, c in expected)


def test_no_rows_give_no_text():
    assert list(number_rows(np.zeros((0, 3), dtype=np.float32), LINE)) == []


def test_pieces_must_fit_the_columns():
    with pytest.raises(ValueError, match="one text more"):
        next(number_rows(np.zeros((1, 2), dtype=np.float32), LINE))
