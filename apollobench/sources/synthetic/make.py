"""Makes a world on disk: H.264 files, `items.jsonl`, and `world.json` written last as the mark of completion."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import av
from pydantic import TypeAdapter
from tqdm import tqdm

from apollobench.atomic import replace_file
from apollobench.errors import InputError
from apollobench.jsonfile import lines, load, load_object
from apollobench.sources.synthetic.questions import ask
from apollobench.sources.synthetic.render import SIZE, render
from apollobench.sources.synthetic.world import Scene, draw_scene
from apollobench.types import Item, Video

WORLD_VERSION = 1
ITEM = TypeAdapter(Item)
SPLITS = {"train": range(1_000_000), "pool": range(1_000_000, 2_000_000), "heldout": range(2_000_000, 3_000_000)}


def make_world(out: Path, videos: int, seed: int, *, workers: int | None = None, progress: bool = True) -> None:
    """Render `videos` videos whose scenes have the seeds `seed`, `seed` + 1, ... into `out`, and write their items.

    A finished world of the same seed and size is left alone; an unfinished one is completed.
    Raises InputError where `out` holds another world, or where the seeds would cross from one split into another.
    """
    split = split_of(seed)
    if videos < 1 or split_of(seed + videos - 1) != split:
        raise InputError(f"{videos} videos from seed {seed}: need at least 1, all within one split of {SPLITS}")
    about = {"version": WORLD_VERSION, "seed": seed, "videos": videos, "split": split}
    mark = out / "world.json"
    if mark.exists():
        found = load(mark, "the mark of a synthetic world")
        if isinstance(found, dict) and {key: found.get(key) for key in about} == about:
            return
        raise InputError(f"{out} already holds another synthetic world ({found}); choose an empty directory")
    (out / "videos").mkdir(parents=True, exist_ok=True)
    seeds = range(seed, seed + videos)
    with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        made = pool.map(make_video, [out / "videos"] * videos, seeds, chunksize=8)
        lists = list(tqdm(made, total=videos, desc="render", unit="video", disable=not progress, mininterval=1))
    written = [json.dumps(item, ensure_ascii=False) for items in lists for item in items]
    replace_file(out / "items.jsonl", "\n".join(written) + "\n")
    replace_file(mark, json.dumps({**about, "items": len(written)}, indent=2) + "\n")


def split_of(seed: int) -> str:
    """The split whose seed range holds `seed`. Raises InputError outside all of them."""
    for name, seeds in SPLITS.items():
        if seed in seeds:
            return name
    raise InputError(f"seed {seed} lies in no split; train, pool and held-out seeds are {SPLITS}")


def make_video(folder: Path, seed: int) -> list[dict[str, Any]]:
    """Render one scene to `folder` (unless it is there) and return its items as plain data."""
    scene = draw_scene(seed)
    path = folder / f"{seed:07d}.mp4"
    if not path.exists():
        encode(scene, path)
    return [_to_json(item) for item in ask(scene, Video(path.stem, path))]


def encode(scene: Scene, path: Path) -> None:
    """Write the scene as H.264 in MP4 (yuv420p, keyframe every 48 frames), complete or not at all."""
    part = path.with_suffix(".part")
    with av.open(str(part), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=scene.rate)
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "16", "g": "48", "threads": "1", "bf": "0"}
        for picture in render(scene):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    part.replace(path)


def read_world(root: Path) -> list[Item]:
    """The items of a finished world. Raises InputError naming the directory or the line that is not as it should be."""
    if not (root / "world.json").exists():
        raise InputError(
            f"{root} is not a finished synthetic world (no world.json); make one with "
            f"`apollobench sources synthetic --make {root} --videos 200 --seed 1000000`"
        )
    items = []
    for number, line in lines(root / "items.jsonl"):
        try:
            items.append(_from_json(load_object(line), root))
        except (ValueError, KeyError, TypeError) as error:
            told = " ".join(str(error).split())
            raise InputError(f"{root / 'items.jsonl'} line {number}: {told}; make the world again") from error
    return items


def _to_json(item: Item) -> dict[str, Any]:
    row = asdict(item)
    row["video"] = item.video.path.name
    return row


def _from_json(row: dict[str, Any], root: Path) -> Item:
    path = root / "videos" / row["video"]
    return ITEM.validate_python({**row, "video": Video(path.stem, path.resolve())})
