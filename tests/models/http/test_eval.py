"""`apollobench eval` against a server, in processes of its own: killed, resumed, estimated, and no key told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from apollobench.benchmark import Entry, write_benchmark

from ...evaluate import eyes
from . import oracle
from .oracle import MODEL, Handler, Oracle, status

KEY = "sk-0123456789abcdef"
PASSWORD = "correct-horse"
QUESTIONS = 6 * 3 * 3


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """6 videos with 3 questions each."""
    root = tmp_path_factory.mktemp("world")
    items = eyes.make_world(root / "data", 6)
    write_benchmark(root / "benchmark", [Entry(item) for item in items], [], {"name": "eyes"}, "# eyes\n")
    return root / "benchmark"


@pytest.fixture
def environment(root: Path) -> dict[str, str]:
    return {**os.environ, "OPENAI_API_KEY": KEY, "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(root)}


def words(url: str, benchmark: Path, out: Path, arguments: str = "", *more: str) -> list[str]:
    own = ",".join(filter(None, ["frames=6,tries=1,price_input=2,price_output=10", arguments]))
    command = [sys.executable, "-m", "apollobench", "eval", "--model", f"http:{MODEL}", "--base_url", url]
    return [*command, "--model_args", own, "--benchmark", str(benchmark), "--output_path", str(out), *more]


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def ours(out: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((out / "results.json").read_text())["apollobench"]
    return loaded


def everything(out: Path) -> str:
    return "".join(path.read_text() for path in out.rglob("*") if path.is_file())


def test_a_whole_evaluation_with_its_cost(
    server: Oracle, benchmark: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    done = run(words(server.url, benchmark, tmp_path), environment)
    assert done.returncode == 0, done.stderr
    told = ours(tmp_path)
    assert told["modes"]["video"]["overall"]["value"] == 1.0
    assert told["usage"] == {
        "responses": 54,
        "silent": 0,
        "prompt_tokens": 54 * 50 + 18 * 7 * 10,
        "cached_tokens": 0,
        "completion_tokens": 54,
        "finishes": {"stop": 54},
        "price": pytest.approx((3960 * 2 + 54 * 10) / 1e6),
    }
    assert "54 responses, 3,960 prompt tokens, 54 reply tokens, price 0.0085; replies ended by 54 stop" in done.stdout


def test_no_secret_is_told_anywhere(
    server: Oracle, benchmark: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    server.script = [oracle.echo_key, oracle.echo_key_as_reply] * 3
    noisy = [sys.executable, "-c", "import logging, apollobench.cli as c; logging.basicConfig(level=0); c.main()"]
    command = words(server.url, benchmark, tmp_path, "concurrency=2")
    done = run([*noisy, *command[3:]], environment)
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert "HTTP Request: POST" in done.stderr
    assert "bad key ***" in everything(tmp_path)
    assert KEY not in done.stdout + done.stderr + everything(tmp_path)

    signed = server.url.replace("//", f"//me:{PASSWORD}@")
    server.script = [oracle.echo_key, oracle.echo_key_as_reply] * 3
    done = run([*noisy, *words(signed, benchmark, tmp_path / "two", "concurrency=2")[3:]], environment)
    token = server.headers[-1]["Authorization"].removeprefix("Basic ")
    assert len(token) > 8
    told = done.stdout + done.stderr + everything(tmp_path / "two")
    assert f"//***@127.0.0.1:{server.server_port}/v1" in told
    assert PASSWORD not in told
    assert token not in told


def test_killed_half_way_and_resumed_sends_only_what_is_missing(
    server: Oracle, benchmark: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    command = words(server.url, benchmark, tmp_path, "concurrency=2")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(handler: Handler) -> None:
        process.kill()
        process.wait()

    server.script = [oracle.answer] * 30 + [kill]
    assert process.wait() == -signal.SIGKILL
    kept = everything(tmp_path / "responses").count('{"key":')
    assert 0 < kept <= 30
    while server.open:
        server.over.wait(0.01)
    server.script.clear()
    server.posts.clear()
    done = run(command, environment)
    assert done.returncode == 0, done.stderr
    assert f"{QUESTIONS - kept} asked now, {kept} stored before" in done.stdout
    assert len(server.posts) == QUESTIONS - kept
    assert ours(tmp_path)["modes"]["video"]["overall"]["value"] == 1.0


def test_an_interrupt_ends_a_run_that_waits_for_a_server_which_hangs(
    server: Oracle, benchmark: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    server.script = [oracle.answer] * 9
    server.forever = oracle.hang
    command = words(server.url, benchmark, tmp_path, "timeout=3600,concurrency=3")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(server.posts) < 12:
        assert process.poll() is None
        server.over.wait(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130
    assert "the same command goes on from here" in told
    assert json.loads((tmp_path / "usage.jsonl").read_text())["responses"] == 9


def test_usage_adds_up_over_runs(server: Oracle, benchmark: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    server.script = [oracle.answer] * 20
    server.forever = status(503)
    done = run(words(server.url, benchmark, tmp_path), environment)
    assert done.returncode == 2
    assert "34 questions ended with an error" in done.stderr
    server.forever = None
    done = run(words(server.url, benchmark, tmp_path), environment)
    assert done.returncode == 0
    assert ours(tmp_path)["usage"]["responses"] == QUESTIONS


def test_a_dry_run_sends_nothing_and_tells_what_is_missing(
    server: Oracle, benchmark: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    dry = run(words(server.url, benchmark, tmp_path, "tokens_per_frame=10", "--dry_run"), environment)
    assert dry.returncode == 0, dry.stderr
    assert "would be asked 54 questions about 6 videos" in dry.stdout
    assert (server.gets, server.posts, list(tmp_path.iterdir())) == (0, [], [])
    assert KEY not in dry.stdout + dry.stderr

    run(words(server.url, benchmark, tmp_path, "", "--mode", "text,frame"), environment)
    server.gets = 0
    server.posts.clear()
    dry = run(words(server.url, benchmark, tmp_path, "tokens_per_frame=10", "--dry_run"), environment)
    assert "would be asked 18 questions about 6 videos" in dry.stdout
    assert "holds 36 answers already" in dry.stdout
    changed = run(words(server.url, benchmark, tmp_path, "jpeg_quality=60", "--dry_run"), environment)
    assert "would be asked 54 questions" in changed.stdout
    assert (server.gets, server.posts) == (0, [])
