"""Runs on a cluster in which things go wrong: the end is that of one process, and only the lost is repeated."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from apollobench.evaluate.ledger import RunCounts
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.types import Item, Status

from ..eyes import MODES
from . import noted
from .conftest import NODE, Cluster, Run
from .noted import Noted, questions

PER_VIDEO = 12
ROOM = 2  # units that a replica has at most: one in work, one on its way


def alone(items: list[Item], folder: Path, trouble: noted.Trouble = noted.none) -> RunCounts:
    """What one process makes of it."""
    with Store(folder / "alone") as store:
        return run(Noted(log=folder / "alone.log", trouble=trouble), items, MODES, store, progress=False)


def loader(folder: Path, trouble: noted.Trouble = noted.none) -> Callable[[], Noted]:
    return partial(Noted, log=folder / "log", trouble=trouble)


def lines(store: Path) -> int:
    return sum(path.read_bytes().count(b'{"key":') for path in store.glob("*.jsonl"))


def test_a_killed_replica_costs_what_it_had_in_hand(items: list[Item], tmp_path: Path, run_on: Run) -> None:
    ran = run_on(loader(tmp_path, noted.killed_once), items, MODES, tmp_path / "store")
    assert ran.counts.responses == alone(items, tmp_path).responses
    assert "005" in ran.lost
    assert len(ran.lost) <= ROOM
    assert ran.counts.asked == lines(tmp_path / "store") == PER_VIDEO * 12
    put = questions(tmp_path / "log")
    assert {(item.id, mode) for item in items for mode in MODES} == put.keys()
    twice = {item.split("/")[1][:3] for (item, _), times in put.items() if times > 1}
    assert {"005"} <= twice <= set(ran.lost)


def test_a_video_that_kills_every_replica_is_an_error_and_ends_nothing(
    items: list[Item], tmp_path: Path, run_on: Run
) -> None:
    some = [item for item in items if item.video.id in ("004", "005", "006", "007")]
    ran = run_on(loader(tmp_path, noted.killed_always), some, MODES, tmp_path / "store")
    for made in ran.counts.responses:
        assert (made.status is Status.ERROR) == made.item.startswith("eyes/005")
    wrong = next(made for made in ran.counts.responses if made.status is Status.ERROR)
    assert "the worker was lost 4 times: ActorDiedError" in (wrong.error or "")
    mended = run_on(loader(tmp_path), some, MODES, tmp_path / "store")
    assert (mended.counts.asked, mended.counts.stored, mended.lost) == (PER_VIDEO, 3 * PER_VIDEO, ())
    assert mended.counts.responses == alone(some, tmp_path).responses


def test_a_killed_decoder_costs_its_video(items: list[Item], tmp_path: Path, run_on: Run) -> None:
    killed: list[int] = []
    killer = threading.Thread(target=kill_a_decoder, args=(killed,))
    killer.start()
    ran = run_on(loader(tmp_path), items, MODES, tmp_path / "store")
    killer.join()
    assert len(killed) == 1
    assert len(ran.lost) == 1
    assert ran.counts.responses == alone(items, tmp_path).responses
    assert set(questions(tmp_path / "log").values()) == {1}


def kill_a_decoder(killed: list[int]) -> None:
    """Kills the first process that is seen to lay out a video."""
    until = time.monotonic() + 120
    while time.monotonic() < until and not killed:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                title = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if title.startswith(b"ray::lay_out"):
                os.kill(int(process.name), signal.SIGKILL)
                killed.append(int(process.name))
                return
        time.sleep(0.002)


def test_what_a_model_raises_is_an_error_as_on_one_machine(items: list[Item], tmp_path: Path, run_on: Run) -> None:
    ran = run_on(loader(tmp_path, noted.raises), items, MODES, tmp_path / "store", batch_size=24)
    expected = alone(items, tmp_path, noted.raises)
    assert ran.counts.responses == expected.responses
    assert ran.counts.statuses[Status.ERROR] == PER_VIDEO * 12 // 3
    assert ran.lost == ()


def test_a_straggler_holds_up_only_what_it_has_in_hand(items: list[Item], tmp_path: Path, run_on: Run) -> None:
    ran = run_on(loader(tmp_path, noted.straggles), items, MODES, tmp_path / "store")
    assert ran.counts.responses == alone(items, tmp_path).responses
    assert ran.lost == ()
    assert set(questions(tmp_path / "log").values()) == {1}
    by_process = [line.split()[2] for line in (tmp_path / "log").read_text().splitlines()]
    assert by_process.count(by_process[0]) <= ROOM * PER_VIDEO


def test_a_replica_gets_the_gpus_it_declares(items: list[Item], tmp_path: Path, run_on: Run) -> None:
    ran = run_on(loader(tmp_path, noted.tells_gpus), items[:6], MODES, tmp_path / "store", gpus=1.0)
    assert ran.counts.responses == alone(items[:6], tmp_path).responses
    assert (tmp_path / "gpus").read_text() == "0"


def test_a_node_killed_in_the_middle(cluster: Cluster, items: list[Item], tmp_path: Path, run_on: Run) -> None:
    log = tmp_path / "log"
    node = cluster.list_all_nodes()[-1]

    def kill() -> None:
        while len(questions(log)) < PER_VIDEO * 3:
            time.sleep(0.005)
        cluster.remove_node(node, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        ran = run_on(loader(tmp_path, noted.takes_time), items, MODES, tmp_path / "store")
    finally:
        killer.join()
        cluster.add_node(**NODE)
    assert ran.counts.responses == alone(items, tmp_path).responses
    asked = questions(log)
    assert 1 <= len(set(ran.lost)) < 12, "what was on its way, and what was begun before the death was noticed"
    assert {item.split("/")[1][:3] for (item, _), times in asked.items() if times > 1} <= set(ran.lost)
    assert max(asked.values()) <= 2
    assert lines(tmp_path / "store") == PER_VIDEO * 12
