"""Stores in a bucket of a real S3 server, which checks keys, over a wire that tests can cut."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from fsspec.registry import _registry
from typer.testing import CliRunner, Result

from apollobench.apollo.checkpoint import save_apollo
from apollobench.benchmark import DROPPED, ITEMS, Entry, read_entries, write_benchmark
from apollobench.cli import app
from apollobench.errors import InputError
from apollobench.evaluate.compact import compact
from apollobench.evaluate.place import place_of
from apollobench.evaluate.store import Store, load_plans, load_responses, survey
from apollobench.recipe import load_recipe
from apollobench.types import Mode

from .. import tiny
from ..models.http import oracle
from ..models.http.oracle import MODEL, Handler, Oracle
from . import eyes
from .bucket import BUCKET, Bucket, Wire, running
from .test_store import PLAN, error, response

VIDEOS, PER_VIDEO = 5, 3 * 3
QUESTIONS = VIDEOS * PER_VIDEO
LINES, ANY_CHANGE = r"PUT .*\.jsonl", "PUT|POST|DELETE"
PLANS = {PLAN.fingerprint: PLAN}

RECIPE = {
    "sources": [{"name": "synthetic", "options": {"videos": 1, "seed": 1_000_000}}],
    "panel": ["apollo-7b"],
    "held_out": [],
    "filter.min_votes": 1,
    "select.size": 8,
    "validation.random_subsets": 5,
    "validation.bootstrap": 20,
}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    for package in ("s3fs", "moto", "flask_cors"):
        pytest.importorskip(package)
    with running(tmp_path_factory.mktemp("server") / "log.txt") as found:
        yield found


@pytest.fixture
def wire(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """How this process and those that it starts reach the bucket."""
    laid = Wire(bucket.port)
    for name, value in bucket.environment(laid.url).items():
        monkeypatch.setenv(name, value)
    forget_clients()
    yield laid
    laid.cut()


@pytest.fixture
def folder(wire: Wire, tmp_path: Path) -> str:
    return tmp_path.name


@pytest.fixture
def where(folder: str) -> str:
    return f"s3://{BUCKET}/{folder}"


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    items = eyes.make_world(root / "data", VIDEOS)
    write_benchmark(root / "benchmark", [Entry(item) for item in items], [], {"name": "eyes"}, "# eyes\n")
    return root / "benchmark"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Oracle]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with oracle.oracle() as started:
        yield started


def forget_clients() -> None:
    """New ones read the environment again."""
    from s3fs import S3FileSystem

    S3FileSystem.clear_instance_cache()


def fill(where: str, *writers: list[object]) -> None:
    for responses in writers:
        with Store(where) as store:
            store.append(responses, PLANS)  # type: ignore[arg-type]


def keys(where: str) -> list[str]:
    return [made.key for made in load_responses(where)]


def do(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def eval_words(server: Oracle, benchmark: Path, out: Path, where: object, *more: str) -> list[str]:
    words = [
        "eval",
        "--model",
        f"http:{MODEL}",
        "--base_url",
        server.url,
        "--model_args",
        "frames=6,tries=1,concurrency=1",
    ]
    return [*words, "--benchmark", str(benchmark), "--output_path", str(out), "--responses", str(where), *more]


def late_answer(handler: Handler) -> None:
    """So late that what was answered until then is put, once the video's last question is answered."""
    time.sleep(2.1)
    oracle.answer(handler)


def slowly(server: Oracle, videos: int) -> None:
    server.script = [*[oracle.answer] * (PER_VIDEO - 1), late_answer] * videos


def test_lines_wait_for_their_group_and_are_then_there_for_everybody(where: str, folder: str, bucket: Bucket) -> None:
    store = Store(where, group=3, seconds=1000)
    store.append([response("a")], PLANS)
    assert keys(where) == []
    store.append([response("b")])
    store.append([response("c")])
    assert keys(where) == ["a", "b"]
    store.close()
    assert keys(where) == ["a", "b", "c"]
    assert load_plans(where) == PLANS
    assert set(Store(where).responses) == {"a", "b", "c"}
    first, second, marker = bucket.names(folder)
    assert (first[-13:], second[-13:], marker) == ("-000000.jsonl", "-000001.jsonl", "store.json")


def test_writers_at_one_time_and_a_reader_that_has_listed_before(where: str, folder: str, bucket: Bucket) -> None:
    """What another machine puts or removes is seen, though the client keeps listings."""
    with Store(where) as one, Store(where) as two:
        one.append([response("a")])
        two.append([response("b")])
    assert keys(where) == ["a", "b"]
    fill(f"{where}/elsewhere", [response("c")])
    (name,) = [name for name in bucket.names(f"{folder}/elsewhere") if name.endswith(".jsonl")]
    bucket.write(f"{folder}/{name}", bucket.read(f"{folder}/elsewhere/{name}"))
    assert keys(where) == ["a", "b", "c"]
    bucket.remove(f"{folder}/{name}")
    assert keys(where) == ["a", "b"]


def test_many_groups_are_read_several_at_a_time_and_in_order(where: str, wire: Wire) -> None:
    with Store(where, group=1) as store:
        for number in range(25):
            store.append([error(f"{number:02}")])
        store.append([response("last", item="world/1")])
    lock, under_way = threading.Lock(), [0]

    def slow(request: str) -> None:
        if request.endswith(".jsonl"):
            with lock:
                under_way.append(under_way[-1] + 1)
            time.sleep(0.05)
            with lock:
                under_way.append(under_way[-1] - 1)

    wire.watch = slow
    assert keys(where) == ["last"]
    assert len(under_way) == 1 + 2 * 26
    assert 1 < max(under_way) <= 10


def test_many_files_become_one_that_pandas_reads(where: str, folder: str, bucket: Bucket, tmp_path: Path) -> None:
    fill(where, [response("a")], [error("b", item="world/2")], [response("c", item="world/2")])
    held = load_responses(where)
    done = do("store", "compact", where)
    assert (done.exit_code, done.stdout) == (0, f"{where}: 2 responses of 3 files in one\n")
    names = bucket.names(folder)
    assert [name.rpartition(".")[2] for name in names] == ["parquet", "footer", "jsonl", "json"]
    assert pd.read_parquet(io.BytesIO(bucket.read(f"{folder}/{names[0]}")))["key"].tolist() == ["a", "c"]
    assert load_responses(where) == held
    assert load_plans(where) == PLANS
    fill(where, [response("d")])
    assert compact(where).responses == 3
    assert do("store", "compact", where, "--output_path", tmp_path / "near").exit_code == 0
    assert load_responses(tmp_path / "near") == load_responses(where)
    assert len(bucket.names(folder)) == 4


def test_a_reader_whose_files_a_compaction_replaces_begins_again(
    where: str, folder: str, wire: Wire, bucket: Bucket
) -> None:
    fill(where, [response("a")], [response("b")])
    for name in bucket.names(folder):
        bucket.write(f"{folder}/copy/{name}", bucket.read(f"{folder}/{name}"))
    compact(f"{where}/copy")

    def replace() -> None:
        """What another machine's compaction does, as the first line is about to be read."""
        before = set(bucket.names(folder))
        for name in bucket.names(f"{folder}/copy"):
            bucket.write(f"{folder}/{name}", bucket.read(f"{folder}/copy/{name}"))
        for name in before - {"store.json"}:
            bucket.remove(f"{folder}/{name}")

    wire.at(r"GET .*\.jsonl", 0, replace)
    assert keys(where) == ["a", "b"]
    assert not any(name.endswith("-000000.jsonl") for name in bucket.names(folder))


@pytest.mark.parametrize("step", [0, 1, 2, 3, 5, 7])
def test_a_compaction_that_is_cut_off_at_any_change_loses_nothing(where: str, wire: Wire, step: int) -> None:
    """Three puts and five removals; the wire is cut as one of them is on its way."""
    fill(where, [response("a"), error("b", item="world/2")], [response("c", item="world/2")])
    compact(where)
    fill(where, [response("d", item="world/3")], [response("e", item="world/4")])
    held = load_responses(where)
    wire.at(ANY_CHANGE, step, wire.cut)
    with pytest.raises(InputError, match=f"{where}: cannot be compacted: .*(connect|closed).*; nothing is lost"):
        compact(where)
    wire.connect()
    for _ in range(2):
        assert load_responses(where) == held
        assert load_plans(where) == PLANS
        assert compact(where).damage == ()
    assert len(place_of(where).names()) == 4


def test_a_damaged_object_is_found_and_named_and_only_that_asked_again(
    where: str, folder: str, bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(where, [response(key, item=f"world/{key}") for key in "abc"])
    name = bucket.names(folder)[0]
    lines = bucket.read(f"{folder}/{name}")
    bucket.write(f"{folder}/{name}", lines.replace(b'"key":"b"', b'"key":"B"'))
    done = do("store", "check", where)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (1, f"{where}: 2 ok")
    assert f"damaged: {where}/{name}: line 3: " in done.stdout
    assert set(Store(where).responses) == {"a", "c"}
    fill(where, [response("b", item="world/b")])
    bucket.write(f"{folder}/{name}", lines)
    compact(where)
    (name,) = [name for name in bucket.names(folder) if name.endswith(".parquet")]
    snapshot = bytearray(bucket.read(f"{folder}/{name}"))
    snapshot[40] ^= 1
    bucket.write(f"{folder}/{name}", bytes(snapshot))
    found, damage = survey(where)
    assert list(found) == []
    assert [(one.file, one.what) for one in damage] == [
        (f"{where}/{name}", "group 0, 3 rows: its checksum does not match")
    ]


def test_a_writer_outlives_its_server(where: str, folder: str, wire: Wire, bucket: Bucket) -> None:
    store = Store(where, group=1)
    store.append([response("a")])
    wire.cut()
    with pytest.raises(InputError, match=rf"{where}: cannot store responses there: .*(connect|closed)"):
        store.append([response("b")])
    assert bucket.responses(folder) == 1
    with pytest.raises(OSError, match=r"(connect|closed).*: 's3://answers/"):
        load_responses(where)
    wire.connect()
    store.append([response("c")])
    store.close()
    assert keys(where) == ["a", "b", "c"]


def test_killed_while_it_puts_lines_and_again(
    where: str, folder: str, wire: Wire, bucket: Bucket, server: Oracle, benchmark: Path, tmp_path: Path, root: Path
) -> None:
    """Killed as its second group of lines is on the wire: the first is kept, and nothing of it is asked again."""
    slowly(server, VIDEOS)
    words = eval_words(server, benchmark, tmp_path / "out", where)
    process = subprocess.Popen(
        [sys.executable, "-m", "apollobench", *words],
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def kill() -> bool:
        process.kill()
        process.wait()
        return True

    wire.at(LINES, 1, kill)
    assert process.wait() == -signal.SIGKILL
    kept = bucket.responses(folder)
    assert kept == len(load_responses(where)) == PER_VIDEO
    while server.open:
        server.over.wait(0.01)
    server.script.clear()
    server.posts.clear()
    done = do(*words)
    assert done.exit_code == 0, done.output
    assert f"{QUESTIONS - kept} asked now, {kept} stored before" in done.stdout
    assert len(server.posts) == QUESTIONS - kept
    assert len(load_responses(where)) == bucket.responses(folder) == QUESTIONS


def test_a_server_that_is_gone_in_the_middle_ends_the_run_and_what_was_acknowledged_is_kept(
    where: str, folder: str, wire: Wire, bucket: Bucket, server: Oracle, benchmark: Path, tmp_path: Path
) -> None:
    slowly(server, 2)
    words = eval_words(server, benchmark, tmp_path / "out", where)
    wire.at(LINES, 1, wire.cut)
    done = do(*words)
    assert done.exit_code == 2, done.output
    assert f"error: {where}: cannot store responses there: " in done.stderr
    assert "connect" in done.stderr.lower()
    wire.connect()
    kept = bucket.responses(folder)
    assert kept == PER_VIDEO
    done = do(*words)
    assert done.exit_code == 0, done.output
    assert f"{QUESTIONS - kept} asked now, {kept} stored before" in done.stdout


def test_two_shards_at_once_make_what_one_makes(
    where: str, folder: str, bucket: Bucket, server: Oracle, benchmark: Path, tmp_path: Path, root: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    both = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "apollobench"),
                *eval_words(server, benchmark, tmp_path / shard[0], where, "--shard", shard),
            ],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for shard in ("0/2", "1/2")
    ]
    told = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert len(server.posts) == bucket.responses(folder) == QUESTIONS
    done = do(*eval_words(server, benchmark, tmp_path / "all", where))
    assert f"0 asked now, {QUESTIONS} stored before" in done.stdout
    alone = do(*eval_words(server, benchmark, tmp_path / "alone", tmp_path / "store"))
    assert alone.exit_code == 0, alone.output
    assert load_responses(where) == load_responses(tmp_path / "store")
    results = [json.loads((tmp_path / name / "results.json").read_text()) for name in ("all", "alone")]
    assert results[0]["results"] == results[1]["results"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "Unable to locate credentials"),
        ({"AWS_ACCESS_KEY_ID": "AKIANOBODY"}, "Key Id you provided does not exist"),
        ({"AWS_SECRET_ACCESS_KEY": "not-the-secret"}, "signature we calculated does not match"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "Could not connect to the endpoint"),
    ],
    ids=["no keys", "an unknown key", "a wrong secret", "no server"],
)
def test_what_keeps_it_from_the_bucket_is_said(
    where: str, changes: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    for command in ("check", "compact"):
        done = do("store", command, where)
        assert done.exit_code == 2, done.output
        assert done.stderr.startswith(f"error: {where}: ")
        assert message in done.stderr
    with pytest.raises(InputError, match=f"{where}: cannot store responses there: .*{message}"):
        Store(where)


def test_a_bucket_that_is_not_there_is_said_and_not_made(
    wire: Wire, bucket: Bucket, server: Oracle, benchmark: Path, tmp_path: Path
) -> None:
    done = do(*eval_words(server, benchmark, tmp_path, "s3://answer/mine"))
    assert done.exit_code == 2
    assert "error: s3://answer/mine: cannot store responses there: The specified bucket does not exist" in done.stderr
    assert server.posts == []
    done = do("store", "check", "s3://answer/mine")
    assert done.exit_code == 2
    assert "s3://answer/mine: not a response store" in done.stderr
    assert [one["Name"] for one in bucket.client.list_buckets()["Buckets"]] == [BUCKET]


def test_no_key_is_told_anywhere(
    where: str, folder: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even in the debug logs of the client, which has the token of a passing session in every request."""
    caplog.set_level(logging.DEBUG)
    fill(where, [response("a")])
    compact(where)
    done = do("store", "check", where)
    assert "1 ok" in done.stdout
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token-that-has-expired")
    forget_clients()
    refused = do("store", "check", where)
    assert "The provided token is malformed" in refused.stderr
    told = caplog.text + done.output + refused.output
    told += "".join(str(bucket.read(f"{folder}/{name}")) for name in bucket.names(folder))
    assert "x-amz-security-token:***" in told
    assert bucket.keys["AWS_SECRET_ACCESS_KEY"] not in told
    assert "a-token-that-has-expired" not in told


@pytest.mark.parametrize("address", ["s3://AKIAME:sec/ret@answers/x", "s3://AKIAME:secret/x", "s3a://me@answers/x"])
def test_an_address_with_keys_is_refused_and_not_repeated(address: str) -> None:
    done = do("store", "check", address)
    assert done.exit_code == 2
    assert "an address of S3 holds no keys" in done.stderr
    assert "AKIAME" not in done.output
    assert "ret" not in done.output


def test_without_s3fs_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(_registry, "s3", raising=False)
    done = do("store", "check", "s3://answers/x")
    assert done.exit_code == 2
    assert "error: s3://answers/x: cannot be reached: " in done.stderr
    assert "pip install 'apollobench[s3]'" in done.stderr


def test_a_curation_answers_into_the_bucket(where: str, bucket: Bucket, folder: str, tmp_path: Path) -> None:
    changed = load_recipe("synthetic", RECIPE).recipe.model_dump(mode="json")
    (tmp_path / "small.yaml").write_text(json.dumps(changed))
    save_apollo(tiny.model(), tiny.tokenizer(), tmp_path / "weights")
    words = ["curate", "--recipe", tmp_path / "small.yaml", "--data_root", tmp_path / "data", "--workers", 1]
    words += ["--model_args", f"pretrained={tmp_path / 'weights'}", "--output_path", tmp_path / "out"]
    done = do(*words, "--responses", where)
    assert done.exit_code == 0, done.output
    decided = [entry.item.id for name in (ITEMS, DROPPED) for entry in read_entries(tmp_path / "out" / name, tmp_path)]
    asked = sorted(product(decided, (Mode.TEXT, Mode.FRAME, Mode.VIDEO)))
    assert sorted((made.item, made.mode) for made in load_responses(where)) == asked
    assert bucket.responses(folder) == len(asked)
    assert not (tmp_path / "out" / "responses").exists()
