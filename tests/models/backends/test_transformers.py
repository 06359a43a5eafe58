"""The backend as commands see it: what is missing is told before anything heavy is loaded, and hub weights are had."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.models.registry import check_model, readiness
from apollobench.models.roster import find_entry

from ..chat import families
from ..hub_server import REPOSITORY, hub

IDENTITY = "model = load_model({name!r}, {{'frames': '2'}}); print(model.revision, model.settings['video_processor'])"


def ran(statement: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    code = f"from apollobench.models.registry import check_model, load_model, readiness; {statement}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, check=False)


def test_the_roster_tells_what_cannot_run() -> None:
    assert readiness("qwen2-vl-7b", find_entry("qwen2-vl-7b")) == "no: weights not at hand"
    with pytest.raises(InputError, match="hf download Qwen/Qwen2-VL-7B-Instruct") as told:
        check_model("qwen2-vl-7b")
    assert "The folder must hold config.json, the weights as safetensors, and the files of the processor" in str(
        told.value
    )


def test_without_torchvision_the_command_says_how_to_get_it(root: Path, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith("torchvision"):
            (packages / path.name).symlink_to(path)
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; from apollobench.models.roster import find_entry; "
        "from apollobench.models.registry import check_model, readiness; "
        "print(readiness('qwen2-vl-2b', find_entry('qwen2-vl-2b'))); "
        "print(bool({'torch', 'transformers'} & set(sys.modules))); check_model('qwen2-vl-2b')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(root), str(packages)], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["no: torchvision is not installed", "False"], done.stderr
    assert "pip install 'apollobench[transformers]'" in done.stderr


def test_a_model_of_the_hub_is_that_of_its_folder(tmp_path: Path) -> None:
    folder = families.write(families.internvl, tmp_path / "folder")
    with hub(folder) as server:
        place = {"HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": server.url, "NO_PROXY": "127.0.0.1"}
        place |= {"HF_HUB_DISABLE_XET": "1"}
        fetched = ran(IDENTITY.format(name=f"transformers:{REPOSITORY}"), place)
    local = ran(IDENTITY.format(name=f"transformers:{folder}"), {"HF_HUB_OFFLINE": "1"})
    assert fetched.stdout == local.stdout, fetched.stderr
    assert len(fetched.stdout.split()) == 2
