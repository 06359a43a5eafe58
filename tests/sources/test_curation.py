"""A curation of published annotations and a table of one's own: real models, real videos, and one that is missing."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from apollobench.benchmark import DROPPED, ITEMS
from apollobench.content import content_path
from apollobench.curate.pipeline import curate, load_pool
from apollobench.recipe import load_recipe
from apollobench.sources.synthetic.make import make_world, read_world

from . import made


def test_a_missing_video_is_a_status_of_its_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("APOLLOBENCH_DATA", raising=False)
    make_world(tmp_path / "world", 3, 1_000_000, workers=1, progress=False)
    rows = [asdict(item) | {"clip": item.video.path.name, **item.native} for item in read_world(tmp_path / "world")]
    named = [{key: row[key] for key in ("question", "options", "answer", "clip", "label")} for row in rows]
    table = made.write(tmp_path / "mine.jsonl", named)
    made.write(tmp_path / "data" / "nextqa" / "val.csv", [made.NEXTQA, {**made.NEXTQA, "qid": 7}])

    recipe = yaml.safe_load(content_path("curation", "synthetic.yaml").read_text())
    told = {"name": "synthetic", "answer_is": "place", "video": "clip", "videos": str(tmp_path / "world" / "videos")}
    recipe["sources"] = [
        {"name": f"jsonl:{table}", "options": {**told, "native": "label"}},
        {"name": "nextqa", "options": {"split": "val", "skip_malformed": True}},
    ]
    recipe |= {"panel": ["apollo-tiny-s", "apollo-tiny"], "held_out": []}
    recipe["filter"]["min_votes"] = 2
    recipe["select"]["size"] = 5
    recipe["lint"]["max_missing"] = 1.0
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(recipe))

    file = load_recipe(tmp_path / "mine.yaml")
    items = load_pool(file.recipe, tmp_path / "data")
    assert "row 1: repeats val.csv row 0" in capsys.readouterr().err
    assert len(items) == len(rows) + 1
    benchmark, _ = curate(file, items, tmp_path / "out", workers=1)
    stored = {row["id"]: row for name in (ITEMS, DROPPED) for row in pq.read_table(tmp_path / "out" / name).to_pylist()}
    assert set(stored) == {item.id for item in items}
    missing = stored["nextqa/4010069381_6"]
    assert (missing["category"], missing["category_from"]) == ("Perception", "native:type=CH")
    assert (missing["text_votes"], missing["frame_votes"], missing["video_votes"]) == (2, 0, 0)
    assert missing["rule"] == "filter:paper"
    assert all(item.source == "synthetic" and item.video.path.is_file() for item in benchmark.items)
