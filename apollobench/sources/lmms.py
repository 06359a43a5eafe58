"""A multiple-choice task of lmms-eval, `lmms:TASK`: its YAML says where the data lies, options name the columns.

The YAML is read, none of the task's code is: a task that picks its rows by code is refused.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from apollobench.errors import InputError
from apollobench.sources.base import Options, Source, option_text
from apollobench.sources.reading.mapped import OPTIONS, read_files
from apollobench.sources.reading.places import Split, find_annotations, media_folder
from apollobench.types import Item


class Loader(yaml.SafeLoader):
    """Takes `!function NAME` for the name."""


Loader.add_constructor("!function", lambda _, node: str(node.value))


def read(options: Options, root: Path) -> list[Item]:
    """The items of a task. Raises InputError when the task is unknown, when code decides, and as any table does."""
    task = option_text("lmms", options, "task")
    config = read_task(task, _folder(options))
    if "process_docs" in config:
        raise InputError(
            f"lmms:{task}: {config['process_docs']} picks its rows, and code of tasks is not run here; "
            "write the rows that it picks into a file, and read that as jsonl:PATH"
        )
    split = _split(task, config)
    data = option_text(f"lmms:{task}", options, "data") if "data" in options else None
    home = f"https://huggingface.co/datasets/{config['dataset_path']}"
    files = find_annotations(task, split, data, root, home)
    return read_files(files, {"name": task, **options}, media_folder(split.videos, root))


def read_task(task: str, folder: Path) -> dict[str, Any]:
    """The YAML of a task with what it includes. Raises InputError naming the folder that has no such task."""
    line = re.compile(rf"""^task:\s*["']?{re.escape(task)}["']?\s*$""", re.MULTILINE)
    for path in sorted(folder.rglob("*.yaml")):
        if line.search(path.read_text(encoding="utf-8")):
            return _with_includes(path)
    raise InputError(f"lmms:{task}: no YAML file in {folder} says `task: {task}`")


def _with_includes(path: Path) -> dict[str, Any]:
    try:
        config = yaml.load(path.read_text(encoding="utf-8"), Loader)
        include = config.pop("include", None)
        return {**(_with_includes(path.parent / include) if include else {}), **config}
    except (OSError, yaml.YAMLError, AttributeError, TypeError) as error:
        raise InputError(f"{path}: not the YAML of a task ({error})") from error


def _folder(options: Options) -> Path:
    if "tasks" in options:
        return Path(option_text("lmms", options, "tasks")).expanduser()
    spec = find_spec("lmms_eval")
    if spec is None or spec.origin is None:
        raise InputError("lmms: lmms-eval is not installed here; name the folder of its tasks in the option tasks")
    return Path(spec.origin).parent / "tasks"


def _split(task: str, config: dict[str, Any]) -> Split:
    part = config.get("test_split") or config.get("validation_split")
    if not isinstance(config.get("dataset_path"), str) or not isinstance(part, str):
        raise InputError(f"lmms:{task}: its YAML names no dataset_path, or no test_split")
    told = config.get("dataset_kwargs") or {}
    name = config.get("dataset_name")
    files = (f"{name}/{part}-*.parquet",) if name else (f"{part}-*.parquet",)
    return Split(
        files=(files, (f"{part}-*.parquet",)),
        videos=str(told.get("cache_dir", task)),
        hub=(config["dataset_path"],),
        revision=told.get("revision"),
    )


SOURCE = Source(
    "lmms", "a task of lmms-eval; options name its columns", ("tasks", "data", *OPTIONS), read, argument="task"
)
