"""A small real data set of every kind, and recipes that train a tiny model on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from apollobench.apollo.checkpoint import save_apollo
from apollobench.evaluate.prompt import build_prompt
from apollobench.sources.synthetic.make import make_video
from apollobench.training.recipe import TrainingFile, load_training
from apollobench.types import LETTERS, Item, Video

from .. import tiny

VIDEOS = 8
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220), "white": (240, 240, 240)}
PARTS = ("vision", "connector", "llm")


def make_corpus(folder: Path) -> None:
    """videos.jsonl, images.json, pairs.jsonl and text.json, their media, and `model`, a tiny random checkpoint."""
    (folder / "videos").mkdir(parents=True)
    films = []
    for seed in range(VIDEOS):
        item = next(item for item in map(as_item, make_video(folder / "videos", seed)) if item.native)
        films.append(
            conversation(item.id, f"<video>\n{build_prompt(item)}", LETTERS[item.answer], video=f"{seed:07d}.mp4")
        )
    for name, colour in COLOURS.items():
        Image.new("RGB", (40, 24), colour).save(folder / f"{name}.png")
    pictures = [conversation(name, "<image>\nWhich colour?", name, image=f"{name}.png") for name in COLOURS]
    pairs = [
        conversation(f"{a}-{b}", "<image><image>\nWhich colours?", f"{a}, {b}", image=[f"{a}.png", f"{b}.png"])
        for a, b in (("red", "blue"), ("green", "white"), ("blue", "green"))
    ]
    sums = [conversation(str(n), f"What is {n} and {n}?", str(2 * n)) for n in range(6)]
    write_lines(folder / "videos.jsonl", films)
    (folder / "images.json").write_text(json.dumps(pictures, indent=1))
    write_lines(folder / "pairs.jsonl", pairs)
    (folder / "text.json").write_text(json.dumps(sums))
    save_apollo(tiny.model(), tiny.tokenizer(), folder / "model")


def as_item(row: dict[str, Any]) -> Item:
    return Item(
        row["id"], row["question"], tuple(row["options"]), row["answer"], Video("", Path()), native=row["native"]
    )


def conversation(name: str, asked: str, answer: str, **media: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": asked}, {"from": "gpt", "value": answer}]
    return {"id": name, **media, "conversations": turns}


def write_lines(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")


def stage(name: str, rates: tuple[float, float, float], steps: int, batch: int = 4, **mixture: float) -> dict[str, Any]:
    """rates: of vision, connector and llm. mixture: shares of the kinds."""
    shares = dict.fromkeys(("text", "image", "multi_image", "video"), 0.0) | mixture
    files = {"text": "sums", "image": "pictures", "multi_image": "pairs", "video": "films"}
    return {
        "name": name,
        "rates": dict(zip(PARTS, rates, strict=True)),
        "data": [files[kind] for kind, share in shares.items() if share],
        "mixture": shares,
        "sampling": {"kind": "clips", "clip_seconds": 2, "max_clips": 2},
        "batch": batch,
        "steps": steps,
    }


def content(
    corpus: Path, stages: list[dict[str, Any]], run: Mapping[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """A recipe as its YAML file holds it. run: keys of its `run` to replace; changes: other keys to replace."""
    files = {"sums": ("text.json", "text"), "pictures": ("images.json", "image")}
    files |= {"pairs": ("pairs.jsonl", "multi_image"), "films": ("videos.jsonl", "video")}
    used = {name for each in stages for name in each["data"]}
    return {
        "name": "tiny",
        "seed": 7,
        "precision": "float32",
        "max_failed": 0.0,
        "start": {"method": "checkpoint", "folder": str(corpus / "model")},
        "data": [
            {
                "name": name,
                "file": str(corpus / file),
                "root": str(corpus / "videos" if kind == "video" else corpus),
                "kind": kind,
            }
            for name, (file, kind) in files.items()
            if name in used
        ],
        "stages": stages,
        "optimizer": {"betas": [0.9, 0.99], "weight_decay": 0.0, "warmup_ratio": 0.03, "max_grad_norm": 1.0},
        "run": {
            "micro_batch": 2,
            "workers": 0,
            "checkpoint_every": 2,
            "gradient_checkpointing": False,
            "tensorboard": False,
        }
        | dict(run or {}),
        **changes,
    }


def recipe(path: Path, data: Mapping[str, Any]) -> TrainingFile:
    """Write the recipe to `path`, as JSON, which is YAML too, and read it."""
    path.write_text(json.dumps(data, indent=1))
    return load_training(str(path))


def log(folder: Path) -> list[dict[str, Any]]:
    """The records of a run, without how long they took."""
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in record.items() if key != "seconds"} for record in records]


def kill_after(recipe: Path, output: Path, records: int) -> None:
    """Train in a process of its own, as on the command line, and kill it when it has logged this many steps."""
    words = ["train", "--recipe", str(recipe), "--output_path", str(output)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "apollobench", *words]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while not (output / "log.jsonl").exists() or len(log(output)) < records:
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
