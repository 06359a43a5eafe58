"""What counts when rows repeat, and what an imported response's key holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from apollobench.evaluate.prompt import PROMPT_VERSION
from apollobench.evaluate.records import parse_line, response_line
from apollobench.evaluate.store import response_key
from apollobench.imports.collect import SEVERAL, collect
from apollobench.imports.match import Matcher
from apollobench.models.base import Sketch
from apollobench.types import Item, Mode, Response, Sampling

from .conftest import Import


def one(path: Path, items: list[Item], text: str) -> Response:
    path.write_text(text)
    (made,), _ = collect([path], Matcher(items), form=None, model=None, mode=Mode.VIDEO)
    return made


def test_the_first_answer_counts_over_all_files(items: list[Item], tmp_path: Path) -> None:
    files = [tmp_path / "1.csv", tmp_path / "2.csv"]
    files[0].write_text("model,item,answer\nm,001-1,B\nm,001-1,C\n")
    files[1].write_text("model,item,answer\nm,001-1,A\nm,001-1,B\nm,001-2,A\n")
    made, tallies = collect(files, Matcher(items), form=None, model=None, mode=Mode.VIDEO)
    assert [response.choice for response in made] == [1, 0]
    assert [(t.matched, t.repeated, t.conflicting) for t in tallies] == [(1, 1, 1), (1, 2, 1)]


def test_rows_that_only_their_words_identify_must_be_alone(items: list[Item], run: Import, tmp_path: Path) -> None:
    """The second row is about another video of the data set, which is not in this pool."""
    pool = items[:4]
    line = (
        '{"question": "Which way does the ball move?", "options": ["Left to right", "Right to left"], "pred": "%s"}\n'
    )
    path = tmp_path / "m.jsonl"
    path.write_text(line % "A")
    assert run(path, pool=pool)[0].keys() == {"003-1"}
    path.write_text(line % "A" + line % "B" + line % "A")
    made, tally = run(path, pool=pool)
    assert not made
    assert tally.unmatched == {SEVERAL: [f"{path}, line {n}" for n in (1, 2, 3)]}
    assert (tally.matched, tally.models["m@json"], tally.modes[Mode.VIDEO]) == (0, 0, 0)


def test_keys_are_made_of_all_that_identifies_an_imported_answer(items: list[Item], tmp_path: Path) -> None:
    answer = "model,item,answer\nm,001-1,B\n"
    made = one(tmp_path / "a.csv", items, answer)
    assert one(tmp_path / "elsewhere.csv", items, answer) == made
    rekeyed = [replace(items[0], answer=2)]
    assert one(tmp_path / "a.csv", rekeyed, answer).key == made.key
    others = [
        one(tmp_path / "a.csv", [replace(items[0], question="What colour is it?")], answer),
        one(tmp_path / "a.csv", items, answer.replace("\nm,", "\nn,")),
        one(tmp_path / "a.csv", items, answer.replace("answer", "answer,mode").replace("B", "B,text")),
        one(tmp_path / "a.csv", items, answer + "\n"),
        one(tmp_path / "a.csv", items, answer.replace("answer", "correct").replace("B", "1")),
    ]
    keys = {made.key, *(other.key for other in others)}
    assert len(keys) == 6
    ours = Sketch("m@csv", "", {}, frozenset(Mode), Sampling("uniform", frames=8))
    assert response_key(items[0], Mode.VIDEO, None, None, ours, PROMPT_VERSION) not in keys


def test_a_score_is_about_the_key_of_its_time(items: list[Item], tmp_path: Path) -> None:
    score = "model,item,correct\nm,001-1,0\n"
    made = one(tmp_path / "a.csv", items, score)
    assert one(tmp_path / "a.csv", [replace(items[0], answer=2)], score).key != made.key


def test_a_wrong_answer_without_its_choice_can_be_stored(items: list[Item], tmp_path: Path) -> None:
    made = one(tmp_path / "a.csv", items, "model,item,correct\nm,001-1,0\n")
    assert parse_line(response_line(made)) == made
