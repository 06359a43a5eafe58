"""The store: what is kept, what counts, and what a damaged or foreign folder says."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollobench.errors import InputError
from apollobench.evaluate.records import parse_line, response_line
from apollobench.evaluate.store import Store, load_plans, load_responses, response_key, survey
from apollobench.types import FramePlan, Item, Mode, Response, Sampling, Status, Video

from .eyes import Eyes

PLAN = FramePlan(Sampling(kind="uniform", frames=2), (0, 5), (0.0, 0.5), ((0.0, 0.5),), 1.0, (48, 64))


def response(key: str = "k", **changes: object) -> Response:
    plain = Response(key, "world/1", "m", Mode.VIDEO, Status.OK, "B", 1, (-0.1, -2.5), PLAN.fingerprint)
    return replace(plain, **changes)  # type: ignore[arg-type]


def error(key: str = "k", **changes: object) -> Response:
    gone: dict[str, object] = {"status": Status.ERROR, "choice": None, "text": None, "option_logprobs": None}
    return response(key, **{**gone, "error": "no such file", **changes})


def fill(directory: Path, *writers: list[Response]) -> None:
    """Each list is written by a writer of its own, one after the other."""
    for responses in writers:
        with Store(directory) as store:
            store.append(responses)


texts = st.text(alphabet=st.characters(), max_size=30)
responses = st.builds(
    response,
    texts,
    item=texts,
    mode=st.sampled_from(list(Mode)),
    text=texts,
    choice=st.integers(0, 9),
    option_logprobs=st.none() | st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=5).map(tuple),
    error=st.none() | texts,
)


@given(responses)
def test_any_response_survives_its_line(made: Response) -> None:
    line = response_line(made)
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert parse_line(line) == made


def test_appended_is_there_for_the_next_reader_before_close(tmp_path: Path) -> None:
    store = Store(tmp_path, group=1000, seconds=1000)
    store.append([response("a"), response("b")], {PLAN.fingerprint: PLAN})
    assert [made.key for made in load_responses(tmp_path)] == ["a", "b"]
    assert load_plans(tmp_path) == {PLAN.fingerprint: PLAN}
    store.close()
    assert set(Store(tmp_path).responses) == {"a", "b"}


def test_opening_and_reading_leaves_no_response_file(tmp_path: Path) -> None:
    fill(tmp_path, [])
    assert [path.name for path in tmp_path.iterdir()] == ["store.json"]


def test_a_plan_is_written_once(tmp_path: Path) -> None:
    for key in "ab":
        with Store(tmp_path) as store:
            store.append([response(key)], {PLAN.fingerprint: PLAN})
            store.append([response(key + "2")], {PLAN.fingerprint: PLAN})
    written = "".join(path.read_text() for path in tmp_path.glob("*.jsonl"))
    assert written.count('"frames":{') == 1


@pytest.mark.parametrize(
    ("writers", "counts"),
    [
        ([[response(text="A", choice=0)], [response(text="B")]], [response(text="B")]),
        ([[error()], [response()]], [response()]),
        ([[response()], [error()]], [response()]),
        ([[error(error="first")], [error(error="second")]], [error(error="second")]),
        ([[error("no-plan", plan=None)], [response("with-plan")]], [response("with-plan")]),
        ([[response("with-plan")], [error("no-plan")]], [error("no-plan"), response("with-plan")]),
        (
            [[error("no-plan")], [response("other", item="world/2")]],
            [error("no-plan"), response("other", item="world/2")],
        ),
        ([[response("old")], [response("new")]], [response("new"), response("old")]),
    ],
    ids=[
        "the later answer counts",
        "an answer replaces an error",
        "an error does not replace an answer",
        "the later error counts",
        "an answer under another key ends an error",
        "an error after an answer under another key stays",
        "an answer to another item ends nothing",
        "answers under two keys are two answers",
    ],
)
def test_merge_rules(tmp_path: Path, writers: list[list[Response]], counts: list[Response]) -> None:
    fill(tmp_path, *writers)
    assert load_responses(tmp_path) == counts
    assert {**Store(tmp_path).responses} == {made.key: made for made in counts}


def test_merge_of_two_folders_is_that_of_one(tmp_path: Path) -> None:
    fill(tmp_path / "both", [response("a"), response("b")], [response("c")])
    fill(tmp_path / "one", [response("c")])
    fill(tmp_path / "two", [response("b"), response("a")])
    merged = load_responses(tmp_path / "both")
    assert len(merged) == 3
    assert load_responses([tmp_path / "one", tmp_path / "two"]) == merged


@settings(max_examples=60)
@given(cut=st.integers(0, 2000))
def test_a_file_cut_anywhere_keeps_every_whole_line(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    directory = tmp_path_factory.mktemp("torn")
    made = [response(str(number), text=f"Antwort: {number} é") for number in range(6)]
    fill(directory, made)
    (path,) = directory.glob("*.jsonl")
    data = path.read_bytes()[: cut % (path.stat().st_size + 1)]
    path.write_bytes(data)
    whole = data.count(b"\n")
    kept = load_responses(directory)
    # A cut that takes only the line's end leaves a line that can be read.
    assert kept == made[: len(kept)]
    assert whole <= len(kept) <= whole + 1
    fill(directory, made)
    assert load_responses(directory) == made


@pytest.mark.parametrize("damage", [b"{torn\n", b"\xff\xfe\n", b"[]\n", b'{"key":"x"}\n', b"\n"])
def test_damage_is_named_and_the_rest_is_kept(
    tmp_path: Path, damage: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, [response("a"), response("b"), response("c")])
    (path,) = tmp_path.glob("*.jsonl")
    first, _, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + damage + third)
    assert set(Store(tmp_path).responses) == {"a", "c"}
    assert f"warning: {path}: line 2: " in capsys.readouterr().err
    fill(tmp_path, [response("b")])
    assert [made.key for made in load_responses(tmp_path)] == ["a", "b", "c"]


@settings(max_examples=150)
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found_and_costs_its_own_line_only(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    directory = tmp_path_factory.mktemp("flipped")
    made = [response(str(number), text='She said: {"key":"x","crc":"00000000"}\n') for number in range(4)]
    fill(directory, made)
    (path,) = directory.glob("*.jsonl")
    data = bytearray(path.read_bytes())
    at %= len(data)
    end_of_line = data[at : at + 1] == b"\n"
    data[at] ^= 1 << bit
    path.write_bytes(data)
    found, damage = survey(directory)
    kept = list(found)
    assert [one for one in made if one in kept] == kept == load_responses(directory)
    assert len(kept) == (4 if end_of_line else 3)
    assert {one.file for one in damage} == {str(path)}


def test_a_file_cut_short_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path, [response("a"), response("b")])
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-30])
    assert [made.key for made in load_responses(tmp_path)] == ["a"]
    assert f"{path}: line 2: its end is missing" in capsys.readouterr().err


def test_a_line_that_another_writer_has_not_finished_is_no_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    store.append([response("a")])
    (path,) = tmp_path.glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"key":"half')
    assert [made.key for made in load_responses(tmp_path)] == ["a"]
    assert capsys.readouterr().err == ""
    store.close()
    load_responses(tmp_path)
    assert "its end is missing" in capsys.readouterr().err


def test_what_an_older_version_wrote_is_read_and_added_to(tmp_path: Path) -> None:
    old = [response("a"), error("b", item="world/2")]
    lines = [json.dumps(asdict(one)) for one in old]
    plan = json.dumps({"plan": PLAN.fingerprint, "frames": asdict(PLAN)})
    (tmp_path / "store.json").write_text('{"format": "apollobench responses", "version": 1}\n')
    (tmp_path / "responses-01700000000000000000-0123456789ab.jsonl").write_text("\n".join([plan, *lines, ""]))
    assert load_responses(tmp_path) == old
    fill(tmp_path, [response("b", item="world/2")])
    assert [made.status for made in load_responses(tmp_path)] == [Status.OK] * 2
    assert load_plans(tmp_path) == {PLAN.fingerprint: PLAN}
    assert '"version": 2' in (tmp_path / "store.json").read_text()


def test_later_is_later_though_the_clock_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, [error("no-plan", plan=None)])
    monkeypatch.setattr("time.time_ns", lambda: 10**15)
    fill(tmp_path, [response("with-plan", text="A", choice=0)], [response("with-plan")])
    assert load_responses(tmp_path) == [response("with-plan")]


def test_only_one_models_responses_may_be_wanted(tmp_path: Path) -> None:
    fill(tmp_path, [response("a"), response("b", model="other")])
    assert set(Store(tmp_path, model="other").responses) == {"b"}


def test_a_full_disk_is_said_and_what_was_appended_is_kept(tmp_path: Path, root: Path) -> None:
    """A limit on the size of files fails a write in its middle, as a full disk does."""
    script = """
import resource, signal, sys
from pathlib import Path
from apollobench.errors import InputError
from tests.evaluate.test_store import Store, response
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store(Path(sys.argv[1]))
store.append([response("a")])
size = sum(path.stat().st_size for path in Path(sys.argv[1]).glob("*.jsonl"))
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
try:
    store.append([response("b")])
except InputError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.append([response("c")])
store.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], cwd=root, capture_output=True, text=True, check=True
    )
    assert "cannot store responses there: File too large; free space" in done.stdout
    assert [made.key for made in load_responses(tmp_path)] == ["a", "c"]
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("status", "fine", "fine"),
        ("mode", "audio", "audio"),
        ("choice", None, "choice is None in a response with status ok"),
        ("choice", -1, "choice is -1"),
        ("choice", True, "choice is True"),
        ("text", 5, "text is 5"),
        ("key", None, "key is None"),
        ("option_logprobs", ["x"], "option_logprobs"),
        ("rank", 3, "unknown \\['rank'\\]"),
    ],
)
def test_a_line_of_wrong_content_says_what_is_wrong(field: str, value: object, message: str) -> None:
    raw = json.loads(response_line(response())) | {field: value}
    del raw["crc"]
    with pytest.raises(ValueError, match=message):
        parse_line(json.dumps(raw).encode())


def test_what_cannot_be_stored_faithfully_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path) as store, pytest.raises(ValueError, match="not JSON compliant"):
        store.append([response(option_logprobs=(math.nan,))])


def test_a_damaged_plan_is_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store(tmp_path) as store:
        store.append([], {"0" * 32: PLAN, PLAN.fingerprint: PLAN})
    assert set(load_plans(tmp_path)) == {PLAN.fingerprint}
    assert "plan 00000000000000000000000000000000 does not match its fingerprint" in capsys.readouterr().err


def test_a_foreign_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.txt.*not a response store"):
        Store(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(InputError, match="not a response store"):
        load_responses(tmp_path)


def test_other_things_than_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot store responses there"):
        Store(tmp_path / "file")
    with pytest.raises(InputError, match="not a response store"):
        load_responses(tmp_path / "nowhere")


def test_a_marker_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text('{"format": "x"}')
    with pytest.raises(InputError, match="another version"):
        Store(tmp_path)


@pytest.mark.parametrize("text", ["{", "", None])
def test_a_damaged_or_lost_marker_is_written_again(
    tmp_path: Path, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, [response()])
    marker = tmp_path / "store.json"
    whole = marker.read_text()
    marker.unlink() if text is None else marker.write_text(text)
    assert set(Store(tmp_path).responses) == {"k"}
    assert ("store.json: not the marker of a store" in capsys.readouterr().err) == (text is not None)
    assert marker.read_text() == whole


def test_key_covers_what_decides_an_answer_and_nothing_else() -> None:
    item = Item("world/1", "Which?", ("a", "b"), 0, Video("v", Path("/v.mp4")))
    model = Eyes()
    key = response_key(item, Mode.VIDEO, "plan", "media", model, "1")
    other_model, other_weights = Eyes(name="other"), Eyes(revision="2")
    other_settings = Eyes(settings={"decoding": "sampled"})
    changed = [
        response_key(replace(item, question="Who?"), Mode.VIDEO, "plan", "media", model, "1"),
        response_key(replace(item, options=("b", "a")), Mode.VIDEO, "plan", "media", model, "1"),
        response_key(item, Mode.FRAME, "plan", "media", model, "1"),
        response_key(item, Mode.VIDEO, "another plan", "media", model, "1"),
        response_key(item, Mode.VIDEO, "plan", "another file", model, "1"),
        response_key(item, Mode.VIDEO, "plan", "media", model, "2"),
        *(
            response_key(item, Mode.VIDEO, "plan", "media", m, "1")
            for m in (other_model, other_weights, other_settings)
        ),
    ]
    assert len({key, *changed}) == 1 + len(changed)
    moved = replace(item, answer=1, category="OCR", video=Video("v", Path("/elsewhere/v.mp4")))
    assert response_key(moved, Mode.VIDEO, "plan", "media", model, "1") == key


def test_group_and_close_force_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = __import__("os").fsync
    monkeypatch.setattr("os.fsync", lambda file: (synced.append(file), real(file)))
    with Store(tmp_path, group=4, seconds=1000) as store:
        for number in range(10):
            store.append([response(str(number))])
    # Twice for the marker of the store and its folder, once for the folder that got a new file, twice for full groups
    # of four, once for the rest at close.
    assert len(synced) == 6
