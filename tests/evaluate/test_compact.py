"""Compaction: the store holds the same before, after, and wherever it is cut short."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from apollobench.cli import app
from apollobench.errors import InputError
from apollobench.evaluate import merge
from apollobench.evaluate.compact import compact
from apollobench.evaluate.place import place_of
from apollobench.evaluate.remote import Remote
from apollobench.evaluate.store import Store, Where, load_plans, load_responses, stream_responses, survey
from apollobench.types import Mode, Response, Status

from .test_store import PLAN, error, fill, response

LARGE = [response(f"{number:05}", item=f"world/{number}") for number in range(20_000)]


@pytest.fixture(params=["folder", "memory"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    if request.param == "folder":
        return tmp_path / "store"
    return f"memory://{tmp_path.name}/store"


def files(where: Where) -> list[str]:
    return place_of(where).names()


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A store of one snapshot of three groups of rows."""
    fill(tmp_path, LARGE)
    compact(tmp_path)
    return next(tmp_path.glob("*.parquet"))


few = st.sampled_from("ab")
stored = st.builds(
    lambda key, item, kind, text: (
        error(key + item, item=item, text=text)
        if kind == "error"
        else replace(error(key + item, item=item), status=Status.UNSUPPORTED)
        if kind == "unsupported"
        else response(key + item, item=item, text=text)
    ),
    few,
    few,
    st.sampled_from(["ok", "error", "unsupported"]),
    few | st.just("\ud83d"),
)


@settings(max_examples=60)
@given(st.lists(st.lists(stored, max_size=4), min_size=1, max_size=4), st.lists(stored, max_size=3), st.integers(1, 5))
def test_a_store_holds_the_same_before_and_after(
    tmp_path_factory: pytest.TempPathFactory, writers: list[list[Response]], later: list[Response], run: int
) -> None:
    directory = tmp_path_factory.mktemp("compact")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge, "RUN", run)
        fill(directory, *writers)
        held = load_responses(directory)
        assert list(stream_responses(directory)) == held
        compact(directory)
        assert load_responses(directory) == held == list(stream_responses(directory))
        plain = tmp_path_factory.mktemp("plain")
        fill(plain, *writers, later)
        fill(directory, later)
        expected = load_responses(plain)
        assert load_responses(directory) == expected == list(stream_responses(directory))
        compact(directory)
        assert load_responses(directory) == expected


def test_many_files_become_one_that_pandas_reads(where: Where) -> None:
    for key in "abc":
        with Store(where) as store:
            store.append([response(key)], {PLAN.fingerprint: PLAN})
    with Store(where) as store:
        store.append([response("d", item="world/2", text="\ud83d")])
    held = load_responses(where)
    done = compact(where)
    assert (done.files, done.responses, done.busy, done.damage) == (4, 4, 0, ())
    names = files(where)
    assert [Path(name).suffix for name in names if name != "store.json"] == [".parquet", ".footer", ".jsonl"]
    assert load_responses(where) == held
    assert load_plans(where) == {PLAN.fingerprint: PLAN}
    with place_of(where).open(names[0]) as file:
        assert pd.read_parquet(file)["key"].tolist() == ["a", "b", "c"]
    assert compact(where).files == 0
    with Store(where) as store:
        assert set(store.responses) == set("abcd")
        store.append([response("e")], {PLAN.fingerprint: PLAN})
    assert compact(where).responses == 5
    assert len(files(where)) == 4


def test_a_copy_elsewhere_leaves_the_store_as_it_is(tmp_path: Path) -> None:
    far = f"memory://{tmp_path.name}/far"
    with Store(far) as store:
        store.append([response("a")], {PLAN.fingerprint: PLAN})
    fill(tmp_path / "near", [response("b")])
    before = files(far)
    assert compact(far, tmp_path / "near").responses == 1
    assert files(far) == before
    assert [made.key for made in load_responses(tmp_path / "near")] == ["a", "b"]
    assert load_plans(tmp_path / "near") == {PLAN.fingerprint: PLAN}


def test_what_is_being_written_is_left_alone(tmp_path: Path) -> None:
    fill(tmp_path, [response("a")])
    writing = Store(tmp_path)
    writing.append([response("b")])
    fill(tmp_path, [response("c")])
    assert compact(tmp_path).busy == 2
    writing.append([response("d")])
    writing.close()
    assert [made.key for made in load_responses(tmp_path)] == ["a", "b", "c", "d"]
    assert compact(tmp_path).responses == 4


@pytest.mark.parametrize("step", range(12))
def test_killed_at_any_step_it_loses_nothing(tmp_path: Path, root: Path, step: int) -> None:
    """The process kills itself at its n-th step on the disk: a file given its name, synced or removed."""
    script = """
import os, signal, sys
from pathlib import Path
from apollobench.evaluate.compact import compact
left = int(sys.argv[2])
def counted(real):
    def call(*given, **named):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return real(*given, **named)
    return call
Path.replace, Path.unlink, os.fsync = counted(Path.replace), counted(Path.unlink), counted(os.fsync)
compact(Path(sys.argv[1]))
"""
    with Store(tmp_path) as store:
        store.append([response("a"), error("b", item="world/2")], {PLAN.fingerprint: PLAN})
    fill(tmp_path, [response("c", item="world/2")])
    held = load_responses(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(step)], env={**os.environ, "PYTHONPATH": str(root)}
    )
    assert done.returncode in (0, -signal.SIGKILL)
    assert load_responses(tmp_path) == held
    assert load_plans(tmp_path) == {PLAN.fingerprint: PLAN}
    compact(tmp_path)
    assert load_responses(tmp_path) == held
    assert sorted(Path(name).suffix for name in files(tmp_path) if name[0] != ".") == [
        ".footer", ".json", ".jsonl", ".parquet",
    ]  # fmt: skip


@pytest.mark.parametrize("place", [0.001, 0.2, 0.5, 0.9, 0.999, 0.9999])
def test_a_flipped_bit_costs_its_own_rows_only(large: Path, place: float) -> None:
    data = bytearray(large.read_bytes())
    data[int(len(data) * place)] ^= 16
    large.write_bytes(data)
    found, damage = survey(large.parent)
    kept = {one.key: one for one in found}
    assert len(kept) in (len(LARGE), len(LARGE) - 8192, 16384)
    assert (len(kept) < len(LARGE)) == bool(damage)
    assert all(str(large) == one.file and "checksum" in one.what for one in damage)
    fill(large.parent, [one for one in LARGE if one.key not in kept])
    assert load_responses(large.parent) == sorted(LARGE, key=lambda one: one.item)


def test_a_snapshot_cut_short_keeps_its_whole_groups(large: Path) -> None:
    large.write_bytes(large.read_bytes()[: large.stat().st_size // 2])
    assert len(load_responses(large.parent)) == 8192
    large.with_name(f"{large.name}.footer").unlink()
    found, damage = survey(large.parent)
    assert list(found) == []
    assert "its footer is damaged" in damage[0].what


def test_only_a_store_is_compacted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a response store"):
        compact(tmp_path / "nothing")


def test_an_address_that_nothing_serves_is_said() -> None:
    with pytest.raises(InputError, match="nosuch://secret/x: cannot be reached: Protocol not known"):
        load_responses("nosuch://secret/x")


def test_a_store_behind_fsspec_that_can_rename(tmp_path: Path) -> None:
    """fsspec's own view of a folder stands for those that are no object stores, such as SFTP."""
    place = Remote(fsspec.filesystem("local"), str(tmp_path / "s"), "far")
    place.make()
    place.publish("a", b"content")
    (tmp_path / "draft").write_bytes(b"moved")
    place.take(tmp_path / "draft", "b")
    assert place.names() == ["a", "b"]
    assert place.open("b").read() == b"moved"
    place.remove("a")
    place.remove("a")
    assert place.names() == ["b"]


def test_lines_wait_until_a_group_is_full_or_the_store_is_closed(tmp_path: Path) -> None:
    where = f"memory://{tmp_path.name}/groups"
    store = Store(where, group=2, seconds=1000)
    for key in "abc":
        store.append([response(key)])
    assert [made.key for made in load_responses(where)] == ["a", "b"]
    store.close()
    assert [made.key for made in load_responses(where)] == ["a", "b", "c"]
    assert len(files(where)) == 3


def test_commands(tmp_path: Path) -> None:
    fill(tmp_path, [response("a")], [response("b", mode=Mode.TEXT)])
    done = CliRunner().invoke(app, ["store", "compact", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path}: 2 responses of 2 files in one\n")
    done = CliRunner().invoke(app, ["store", "check", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path}: 2 ok\n")
    snapshot = next(tmp_path.glob("*.parquet"))
    snapshot.write_bytes(snapshot.read_bytes()[:9])
    done = CliRunner().invoke(app, ["store", "check", str(tmp_path)])
    assert done.exit_code == 1
    assert f"damaged: {snapshot}: group 0, 2 rows: its checksum does not match" in done.stdout
