"""The Auto loaders know Apollo whichever is imported first, and no code of a folder is run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LOAD = """
from pathlib import Path
import sys
import {first}
from transformers import AutoConfig, AutoModelForImageTextToText
import apollobench
from transformers import AutoProcessor  # imports torchvision, which may be of another build than torch
print(type(AutoConfig.from_pretrained({folder!r})).__name__)
print(type(AutoProcessor.from_pretrained({folder!r})).__name__)
print(type(AutoModelForImageTextToText.from_pretrained({folder!r})).__name__)
"""
CODE = """
from pathlib import Path
Path({marker!r}).touch()
from transformers import PretrainedConfig as Config, PreTrainedModel as Model, ProcessorMixin as Processor
"""
NAMES = ["HfApolloConfig", "ApolloProcessor", "ApolloForConditionalGeneration"]


@pytest.mark.parametrize(
    "first", ["apollobench", "transformers", "apollobench.apollo.hf.config", "apollobench.apollo.hf.processor"]
)
def test_either_may_be_imported_first_and_no_code_is_run(exported: Path, tmp_path: Path, first: str) -> None:
    folder, marker = Path(shutil.copytree(exported, tmp_path / "copy")), tmp_path / "ran"
    (folder / "evil.py").write_text(CODE.format(marker=str(marker)))
    for name in ("config.json", "processor_config.json", "tokenizer_config.json"):
        path = folder / name
        remote = {"AutoConfig": "evil.Config", "AutoModelForImageTextToText": "evil.Model", "AutoProcessor": "evil.X"}
        path.write_text(json.dumps({**json.loads(path.read_text()), "auto_map": remote}))
    code = LOAD.format(first=first, folder=str(folder))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == NAMES, done.stderr
    assert not marker.exists()


def test_importing_apollobench_loads_nothing_heavy() -> None:
    code = "import sys, apollobench; print(*{'torch', 'transformers', 'numpy', 'av', 'typer'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
