"""Where a video is decoded: where it lies, and among those nodes where there is least to do."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from apollobench.evaluate.cluster.connection import Node
from apollobench.evaluate.cluster.places import best_node

FILM = Path("/videos/film.mp4")
NODES = {name: Node(name, cpus, 0.0) for name, cpus in {"small": 2.0, "large": 8.0, "other": 64.0}.items()}
HELD = {"small": {FILM}, "large": {FILM}, "other": set[Path]()}


def test_a_video_goes_where_it_lies_by_what_the_cpus_have_to_do() -> None:
    busy = Counter[str]()
    for _ in range(10):
        busy[best_node(FILM, NODES, HELD, busy)] += 1
    assert busy == {"small": 2, "large": 8}


def test_a_video_that_lies_nowhere_goes_anywhere() -> None:
    assert best_node(Path("/elsewhere.mp4"), NODES, HELD, Counter(small=1, large=1)) == "other"


def test_a_node_that_failed_is_taken_only_when_no_other_holds_the_file() -> None:
    assert best_node(FILM, NODES, HELD, Counter(large=7), shunned={"small"}) == "large"
    assert best_node(FILM, NODES, {**HELD, "large": set()}, Counter(), shunned={"small"}) == "small"
