"""Annotations, tasks, subtitles and conversations."""

from __future__ import annotations

import json
from pathlib import Path

from apollobench.errors import InputError

from .register import lines, target, use


def _own_tables(folder: Path) -> None:
    from ...sources.made import write

    rows = [
        {
            "id": str(n),
            "question": f"Is lake {n} wet?",
            "options": ["yes", "no", "half"],
            "answer": n % 3,
            "video": f"lake{n}",
        }
        for n in range(5)
    ]
    for suffix in ("jsonl", "json", "parquet"):
        write(folder / f"mine.{suffix}", rows)
    write(folder / "mine.csv", [{**row, "options": json.dumps(row["options"])} for row in rows])


@target("own tables", _own_tables)
def _tables(folder: Path, out: Path) -> None:
    from apollobench.sources import load_items

    errors = []
    for path in sorted(folder.iterdir()):
        kind = "csv" if path.suffix == ".csv" else "jsonl"
        try:
            items = load_items(f"{kind}:{path}", {"id": "id", "answer_is": "place", "native": "video"}, out)
            use(items)
        except InputError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _published(folder: Path) -> None:
    from ...sources import made

    for name, suffix in PUBLISHED.items():
        made.write(folder / f"{name}.{suffix}", [getattr(made, name.upper())])


PUBLISHED = {
    "videomme": "parquet",
    "mlvu": "json",
    "longvideobench": "json",
    "tempcompass": "parquet",
    "nextqa": "csv",
    "egoschema": "parquet",
}


@target("published annotations", _published)
def _annotations(folder: Path, out: Path) -> None:
    from apollobench.sources import load_items

    errors = []
    for name, suffix in PUBLISHED.items():
        try:
            use(load_items(name, {"data": str(folder / f"{name}.{suffix}")}, out))
        except InputError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _lmms_task(folder: Path) -> None:
    from ...sources.made import write

    (folder / "base.yaml").write_text(
        "dataset_path: someone/clips\ndataset_kwargs:\n  cache_dir: clips\n  token: false\n"
    )
    (folder / "clips.yaml").write_text(
        "include: base.yaml\ntask: clips\ntest_split: test\ndoc_to_text: !function utils.ask\n"
    )
    row = {"id": "1", "question": "Wet?", "options": ["yes", "no"], "answer": "A", "video": "lake"}
    write(folder / "data" / "test-00000.parquet", [row])


@target("lmms-eval task", _lmms_task)
def _task(folder: Path, out: Path) -> None:
    from apollobench.sources import load_items

    options = {"tasks": str(folder), "data": str(folder / "data"), "id": "id", "answer_is": "letter"}
    use(load_items("lmms:clips", options, out))


def _subtitles(folder: Path) -> None:
    (folder / "a.srt").write_text(
        "1\n00:00:01,000 --> 00:00:02,000\nHello <i>there</i>\n\n2\n00:01:01,500 --> 00:02:00\nOn\n"
    )
    (folder / "b.json").write_text(
        json.dumps(
            [{"start": "00:00:01.000", "end": "00:00:02.5", "line": "Hi"}, {"timestamp": [1.5, 2.0], "text": "On"}]
        )
    )


@target("subtitles", _subtitles)
def _cues(folder: Path, out: Path) -> None:
    from apollobench.sources.reading.subtitles import context, read_cues, read_srt

    context(list(read_srt(folder / "a.srt")), (0.0, float("inf")))
    context(list(read_cues(folder / "b.json")), (0.0, 30.0))


def _conversations(folder: Path) -> None:
    turns = [{"from": "human", "value": "<video>\nWhat is it?"}, {"from": "gpt", "value": "A car."}]
    rows = [{"id": n, "video": f"v{n}.mp4", "conversations": turns} for n in range(4)]
    (folder / "talk.json").write_text(json.dumps(rows))
    (folder / "talk.jsonl").write_text(lines(rows))


@target("conversations", _conversations)
def _talk(folder: Path, out: Path) -> None:
    from apollobench.training.recipe import DataFile
    from apollobench.training.records import open_records

    for path in sorted(folder.iterdir()):
        records = open_records(DataFile(name="talk", file=str(path), root=str(folder), kind="video"))
        [records[number] for number in range(len(records))]
