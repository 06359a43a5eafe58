"""Tables of one's own and tasks of lmms-eval: options say which column is what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apollobench.errors import InputError
from apollobench.sources import load_items

from . import made

ROW = {"key": "x1", "ask": "What?", "a": "one", "b": "two", "right": "B", "clip": "v1", "kind": "count", "n": 3}
OPTIONS = {"id": "key", "question": "ask", "options": "a, b", "answer": "right", "answer_is": "letter", "video": "clip"}
TEMPLATE = """
dataset_path: someone/set
dataset_kwargs: {token: True, cache_dir: set/videos}
output_type: generate_until
doc_to_text: !function utils.doc_to_text
"""


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_columns_are_told_by_options(tmp_path: Path, kind: str) -> None:
    path = made.write(tmp_path / f"mine.{kind}", [ROW, {**ROW, "key": "x2", "ask": "Who?", "right": "A"}])
    told = {**OPTIONS, "native": "kind,n", "suffix": ".webm", "licence": "CC0-1.0", "name": "ours"}
    first, second = load_items(f"{kind}:{path}", told, tmp_path / "unused")
    assert (first.id, first.question, first.options, first.answer) == ("ours/x1", "What?", ("one", "two"), 1)
    assert (first.native, first.licence) == ({"kind": "count", "n": "3"}, "CC0-1.0")
    assert (first.video.id, first.video.path) == ("ours/v1", tmp_path / "v1.webm")
    assert second.video == first.video
    assert load_items(f"{kind}:{path}", OPTIONS, tmp_path)[0].id == "mine/x1"


@pytest.mark.parametrize(
    ("answer_is", "answer", "options"), [("place", 1, '["one", "two"]'), ("text", "two", ["one", "two"])]
)
def test_options_may_be_a_list_and_answers_a_place_or_text(
    tmp_path: Path, answer_is: str, answer: Any, options: Any
) -> None:
    row = {"question": "What?", "options": options, "answer": answer, "video": "v.mp4"}
    path = made.write(tmp_path / "mine.jsonl", [row])
    (item,) = load_items(f"jsonl:{path}", {"answer_is": answer_is}, tmp_path)
    assert (item.id, item.options, item.answer) == ("mine/mine:0", ("one", "two"), 1)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"answer_is": "number"}, "option answer_is: found 'number', expected letter, place, text"),
        ({"question": "asks"}, "no row has the columns of this source; found: key, ask, a, b, right, clip, kind, n"),
        ({"name": "a/b"}, "the name of a source has no slash"),
        ({"columns": "a"}, "has no option 'columns'; valid: id, question, options"),
        ({"options": "a"}, "a is 'one', expected a list in JSON"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    path = made.write(tmp_path / "mine.csv", [ROW])
    with pytest.raises(InputError) as caught:
        load_items(f"csv:{path}", {**OPTIONS, **change}, tmp_path)
    assert expected in str(caught.value)


def test_what_the_answer_is_has_to_be_said(tmp_path: Path) -> None:
    path = made.write(tmp_path / "mine.csv", [ROW])
    with pytest.raises(InputError, match="needs the option 'answer_is'"):
        load_items(f"csv:{path}", {}, tmp_path)
    with pytest.raises(InputError, match="no such file; a source of a table is written KIND:PATH"):
        load_items("csv:gone.csv", OPTIONS, tmp_path)


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A folder of tasks as lmms-eval has them; their code must never run."""
    folder = tmp_path / "tasks" / "set"
    folder.mkdir(parents=True)
    (folder / "_default_template_yaml").write_text(TEMPLATE)
    (folder / "utils.py").write_text("raise SystemExit('code of a task was run')")
    (folder / "mc.yaml").write_text(
        'include: _default_template_yaml\ntask: "set_mc"\ndataset_name: MC\ntest_split: test\n'
    )
    (folder / "long.yaml").write_text(
        "include: _default_template_yaml\ntask: set_mc_long\ntest_split: test\nprocess_docs: !function utils.long\n"
    )
    return tmp_path / "tasks"


def test_a_task_of_lmms_eval_is_read_by_its_yaml(tmp_path: Path, tasks: Path) -> None:
    made.write(tmp_path / "data" / "set_mc" / "MC" / "test-00000-of-00001.parquet", [ROW])
    (item,) = load_items("lmms:set_mc", {**OPTIONS, "tasks": str(tasks)}, tmp_path / "data")
    assert (item.id, item.answer) == ("set_mc/x1", 1)
    assert item.video.path == tmp_path / "data" / "set" / "videos" / "v1"


def test_a_task_that_cannot_be_read_says_why(tmp_path: Path, tasks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    told = {**OPTIONS, "tasks": str(tasks)}
    with pytest.raises(InputError, match=r"no YAML file in .*tasks says `task: set`"):
        load_items("lmms:set", told, tmp_path)
    with pytest.raises(InputError, match=r"utils.long picks its rows, and code of tasks is not run here"):
        load_items("lmms:set_mc_long", told, tmp_path)
    with pytest.raises(
        InputError, match=r"hf download someone/set --repo-type dataset --include '\*MC/test-\*.parquet'"
    ):
        load_items("lmms:set_mc", told, tmp_path)
