"""Finding rows: every filter against what it says, on drawn answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.errors import InputError
from apollobench.types import Mode
from apollobench.viewer.index import LONGEST, SHOWS, SORTS, Query, Row, find, shortened, votes

MODES = (Mode.TEXT, Mode.VIDEO)
CELLS = "ABC?!-.x"


@st.composite
def listed(draw: st.DrawFn) -> list[Row]:
    models = draw(st.integers(1, 4))
    cells = st.tuples(*[st.text(CELLS, min_size=models, max_size=models)] * len(MODES))
    return [
        Row(
            n,
            f"i{n}",
            f"Question {n}?",
            draw(st.sampled_from("XY")),
            draw(st.booleans()),
            draw(st.sampled_from("ABC")),
            some,
        )
        for n, some in enumerate(draw(st.lists(cells, min_size=1, max_size=8)))
    ]


@given(listed(), st.sampled_from([None, *MODES]))
def test_filters_say_what_they_mean(rows: list[Row], mode: Mode | None) -> None:
    places = [place for place, known in enumerate(MODES) if mode in (None, known)]

    def some(row: Row, wanted: str) -> bool:
        return any(cell in wanted for place in places for cell in row.cells[place])

    found = {show: [row.number for row in find(rows, MODES, Query(show=show, mode=mode))] for show in SHOWS}
    assert found["all"] == [row.number for row in rows]
    assert found["wrong"] == [row.number for row in rows if some(row, "ABCx".replace(row.key, ""))]
    assert found["unparsed"] == [row.number for row in rows if some(row, "?")]
    assert found["error"] == [row.number for row in rows if some(row, "!")]
    differing = [
        row.number
        for row in rows
        if any(
            one != other
            for place in places
            for one in row.cells[place]
            for other in row.cells[place]
            if one not in "-." and other not in "-."
        )
    ]
    assert found["disagree"] == differing


@given(listed(), st.sampled_from(list(SORTS)))
def test_sorting_loses_nothing_and_keeps_ties_in_order(rows: list[Row], sort: str) -> None:
    found = find(rows, MODES, Query(sort=sort))
    assert sorted(row.number for row in found) == [row.number for row in rows]
    keys = [(SORTS[sort][1](*votes(row.key, "".join(row.cells))), row.number) for row in found]
    assert keys == sorted(keys)


@given(listed())
def test_two_models_count_alone(rows: list[Row]) -> None:
    only = Query(show="disagree", models=(0,))
    assert find(rows, MODES, only) == []
    for row in find(rows, MODES, Query(show="wrong", models=(0,))):
        assert any(cells[0] in "ABCx" and cells[0] != row.key for cells in row.cells)


def test_hardest_first_leaves_what_nobody_answered_to_the_end() -> None:
    rows = [Row(n, f"i{n}", "Q", "", True, "A", (cells,)) for n, cells in enumerate(["AA", "!.", "AB", "BB"])]
    assert [row.number for row in find(rows, MODES[:1], Query(sort="hardest"))] == [3, 2, 0, 1]
    assert [row.number for row in find(rows, MODES[:1], Query(sort="split"))] == [2, 0, 3, 1]


def test_text_category_and_part() -> None:
    rows = [
        Row(0, "a/1", "Where is the cat?", "OCR", True, "A", ("A",)),
        Row(1, "a/2", "Where is the dog?", "Spatial", False, "A", ("A",)),
    ]
    asked = [Query(text="CAT"), Query(text="a/2"), Query(category="OCR"), Query(left_out=True), Query(left_out=False)]
    assert [[row.number for row in find(rows, MODES[:1], query)] for query in asked] == [[0], [1], [0], [1], [0]]


def test_unknown_words_are_refused_with_those_that_are_known() -> None:
    with pytest.raises(InputError, match="show=worst: valid are all, wrong"):
        find([], MODES, Query(show="worst"))


def test_long_questions_are_cut_in_the_list() -> None:
    assert len(shortened("x" * 1000)) == LONGEST
    assert shortened("short") == "short"
