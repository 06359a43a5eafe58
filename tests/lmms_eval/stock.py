"""The command of stock lmms-eval on our task pack, as a person would start it, with apollo-tiny as a plugin's class."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from apollobench.content import content_path

ENTRY_POINT = "[lmms_eval.models]\ntiny = tiny_apollo:MANIFESTS\n"
# On CPUs torchvision lets itself be imported only after apollobench was.
COMMAND = "import apollobench; from lmms_eval.cli.dispatch import main; main()"


@dataclass(frozen=True, slots=True)
class Command:
    """words: of the command line. environment: of the process, offline."""

    words: Sequence[str]
    environment: Mapping[str, str]


def stock_command(place: Path, benchmark: Path, task: str, logs: Path) -> Command:
    """Scores `benchmark` by `task` of the pack, and logs samples below `logs`; `place` holds what it needs on disk."""
    metadata = place / "plugin" / "tiny-1.0.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINT)
    words = ["--model", "tiny_apollo", "--model_args", "pretrained=apollo-tiny", "--force_simple", "--batch_size", "1"]
    words += [
        "--include_path",
        str(content_path("tasks")),
        "--tasks",
        task,
        "--log_samples",
        "--output_path",
        str(logs),
    ]
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HOME": str(place / "hub"),
        "PYTHONPATH": os.pathsep.join([str(metadata.parent), str(Path(__file__).parent), *sys.path]),
        "APOLLOBENCH_BENCHMARK": str(benchmark),
    }
    return Command([sys.executable, "-c", COMMAND, *words], environment)
