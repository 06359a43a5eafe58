"""What a cluster gains and what a kill costs: Ray on one and on two nodes of this machine, each with one CPU.

    python perf/engines.py [--videos 60] [--rounds 3]

Decoding: a tiny model is shown 4 frames of each video (H.264, 1280 x 720, 30 s, keyframes 250 apart), so that nearly
all time goes into decoding. One and two nodes take turns; a first, short run of each starts workers and loads models.
Kill: `apollobench eval` is killed (SIGKILL) when half is stored, and run again. Of the second run's time, what goes
into starting (as long as a run that finds its only question stored) and into the lost units (at the pace of an
undisturbed run) is told apart; the rest is what coming back costs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  # or workers starve where other programs run

import av
import numpy as np
from ray.cluster_utils import Cluster

from apollobench.benchmark import Entry, write_benchmark
from apollobench.evaluate.cluster.connection import connected
from apollobench.evaluate.cluster.options import ClusterOptions
from apollobench.evaluate.cluster.places import watched
from apollobench.evaluate.cluster.team import Team
from apollobench.evaluate.store import Store, load_responses
from apollobench.models.registry import load_model
from apollobench.report.tables import markdown_table
from apollobench.types import Item, Mode, Video

MODEL, FRAMES = "apollo-tiny-m-uniform", "4"
WARM = 4  # videos
NODE = {"num_cpus": 1, "object_store_memory": 256 * 2**20}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        items = make_items(place / "data" / "videos", given.videos)
        nodes(items, place, given.rounds)
        kill(items, place)
    print(f"load after: {os.getloadavg()[0]:.1f}")


def make_items(folder: Path, videos: int) -> list[Item]:
    """One question on each of so many copies of one file."""
    folder.mkdir(parents=True)
    film = folder / "000.mp4"
    write_film(film)
    items = []
    for number in range(videos):
        path = folder / f"{number:03d}.mp4"
        if path != film:
            shutil.copyfile(film, path)
        item = Item(f"perf/{number:03d}", "What is shown?", ("a", "b", "c"), 0, Video(path.stem, path), "Perception")
        items.append(item)
    return items


def write_film(path: Path) -> None:
    """Noise that moves, which is about as hard to decode as a film."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (180, 320, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=30, options={"g": "250", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(900):
            row, column = (3 * number) % 700, (2 * number) % 1200
            picture = texture[row : row + 720, column : column + 1280]
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        file.mux(stream.encode(None))


def nodes(items: list[Item], place: Path, rounds: int) -> None:
    """Prints the wall time of one and two nodes."""
    taken: dict[int, list[float]] = {1: [], 2: []}
    for number in range(rounds):
        for count in taken:
            started = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
            try:
                for _ in range(count - 1):
                    started.add_node(**NODE)
                taken[count].append(timed(items, place / f"store-{number}-{count}", started.address))
            finally:
                started.shutdown()
    rows = [[str(count), f"{median(times):.1f}", f"{len(items) / median(times):.2f}"] for count, times in taken.items()]
    print(markdown_table(["nodes", "seconds, median", "videos/s"], rows))
    ratios = [one / two for one, two in zip(taken[1], taken[2], strict=True)]
    print(f"gain of the second node: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}, {rounds} rounds)\n")


def timed(items: list[Item], folder: Path, address: str) -> float:
    """Seconds of a run over `items`, after one over a few others in which workers and replicas start."""
    warm = [replace(item, id=f"warm/{item.id}") for item in items[:WARM]]

    async def both(room: int) -> float:
        team = Team(MODEL, partial(load_model, MODEL, {"frames": FRAMES}), 0.0, lambda: room)
        async with watched(item.video.path for item in items) as places:
            with Store(folder) as store:
                await team.run(warm, [Mode.VIDEO], store, places, progress=False)
                while team.replicas.ready < room:
                    await asyncio.sleep(0.1)
                await team.run(warm, [Mode.FRAME], store, places, progress=False)
                start = time.perf_counter()
                await team.run(items, [Mode.VIDEO], store, places, progress=False)
                taken = time.perf_counter() - start
            await team.replicas.close()
        return taken

    with connected(ClusterOptions(address)) as room:
        return asyncio.run(both(room))


def kill(items: list[Item], place: Path) -> None:
    """Prints what a killed driver costs."""
    benchmark = place / "benchmark"
    write_benchmark(benchmark, [Entry(item) for item in items], [], {"name": "perf"}, "# perf\n")
    started = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    started.add_node(**NODE)
    try:
        command = [sys.executable, "-m", "apollobench", "eval", "--model", MODEL, "--model_args", f"frames={FRAMES}"]
        command += ["--benchmark", str(benchmark), "--mode", "video", "--engine", "ray", "--address", started.address]
        whole = seconds([*command, "--output_path", str(place / "whole")])
        starting = seconds([*command, "--output_path", str(place / "whole"), "--limit", "1"])
        everything = seconds([*command, "--output_path", str(place / "whole")])
        output = place / "killed"
        kept = killed_at([*command, "--output_path", str(output)], output / "responses", len(items) // 2)
        again = seconds([*command, "--output_path", str(output)])
    finally:
        started.shutdown()
    lost = len(items) - kept
    rest = again - starting - lost * (whole - starting) / len(items)
    rows = [
        ["undisturbed", f"{whole:.1f}"],
        ["one question, stored already: starting", f"{starting:.1f}"],
        [f"all {len(items)} stored already", f"{everything:.1f}"],
        [f"after a kill, {lost} videos left", f"{again:.1f}"],
        ["of it neither starting nor what was left", f"{rest:.1f}"],
    ]
    print(markdown_table(["eval on two nodes", "seconds"], rows))


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def killed_at(command: list[str], store: Path, count: int) -> int:
    """Kills the command once `count` answers are stored; how many were."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and stored(store) < count:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return stored(store)


def stored(store: Path) -> int:
    return len(load_responses(store)) if (store / "store.json").exists() else 0


if __name__ == "__main__":
    main()
