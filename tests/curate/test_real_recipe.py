"""The full recipe on real annotations of which a few videos are at hand, with the models that come with the package."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from apollobench.benchmark import load_benchmark
from apollobench.content import content_path
from apollobench.evaluate.store import load_responses
from apollobench.models.roster import find_panel
from apollobench.types import Status

CLIPS = ("dog.mp4", "coffee.mp4", "blocks.mp4")


@pytest.fixture(scope="module")
def data(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The annotations of NExT-QA and MLVU; real clips in the places of three videos of NExT-QA, none of MLVU's."""
    root = tmp_path_factory.mktemp("data")
    for source in ("nextqa", "mlvu"):
        shutil.copytree(shared / "data" / "annotations" / source, root / source, copy_function=shutil.copyfile)
    with next(root.rglob("val.csv")).open(encoding="utf-8") as file:
        videos = Counter(row["video"] for row in csv.DictReader(file))
    (root / "nextqa" / "NExTVideo").mkdir()
    for (video, _), clip in zip(videos.most_common(), CLIPS, strict=False):
        (root / "nextqa" / "NExTVideo" / f"{video}.mp4").symlink_to(shared / "data" / "videos" / clip)
    return root


def test_the_full_recipe_on_what_is_at_hand(data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    text = content_path("curation", "apollobench.yaml").read_text(encoding="utf-8")
    recipe.write_text(text.replace("nextqa, options: {split: test", "nextqa, options: {split: val"))
    command = [sys.executable, "-m", "apollobench", "curate", "--recipe", str(recipe), "--panel", "tiny", "--at_hand"]
    command += ["--size", "15", "--data_root", str(data), "--output_path", str(tmp_path / "out")]
    told = subprocess.run([*command, "--dry_run"], capture_output=True, text=True, check=True).stdout
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "videomme: left out, its annotations are not at hand" in done.stderr
    assert "mlvu: left out 2,153 of 2,153 questions" in done.stderr
    benchmark = load_benchmark(tmp_path / "out")
    assert {item.source for item in benchmark.items} == {"nextqa"}
    assert all(item.video.path.is_file() for item in benchmark.items)
    assert benchmark.manifest["recipe"]["overrides"]["panel"] == list(find_panel("tiny").panel)
    responses = load_responses(tmp_path / "out" / "responses")
    assert f" {len(responses):,} requests" in told
    assert {response.status for response in responses} <= {Status.OK, Status.UNPARSED}
