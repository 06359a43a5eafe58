"""A multiple-choice task of lmms-eval, `lmms:TASK`: its YAML says where the data lies, options name the columns.

The YAML is read, none of the task's code is: a task that picks its rows by code is refused.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from apollobench.errors import InputError
from apollobench.schema import check
from apollobench.sources.base import Options, Source, option_text
from apollobench.sources.reading.mapped import OPTIONS, read_files
from apollobench.sources.reading.places import Split, find_annotations, media_folder
from apollobench.types import Item
from apollobench.yamlfile import Loader, load_yaml, read_text


class DatasetArguments(BaseModel):
    cache_dir: str | None = None
    revision: str | None = None


class Task(BaseModel):
    """What is read of a task. Other keys say how lmms-eval asks and scores."""

    dataset_path: Annotated[str, Field(min_length=1)]
    dataset_name: str | None = None
    test_split: str | None = None
    validation_split: str | None = None
    dataset_kwargs: DatasetArguments | None = None
    process_docs: Any = None


class TaskLoader(Loader):
    """Takes `!function NAME` for the name."""


TaskLoader.add_constructor("!function", lambda _, node: str(node.value))


def read(options: Options, root: Path) -> list[Item]:
    """The items of a task. Raises InputError when the task is unknown, when code decides, and as any table does."""
    task = option_text("lmms", options, "task")
    config = read_task(task, _folder(options))
    if config.process_docs is not None:
        raise InputError(
            f"lmms:{task}: {config.process_docs} picks its rows, and code of tasks is not run here; "
            "write the rows that it picks into a file, and read that as jsonl:PATH"
        )
    split = _split(task, config)
    data = option_text(f"lmms:{task}", options, "data") if "data" in options else None
    home = f"https://huggingface.co/datasets/{config.dataset_path}"
    files = find_annotations(task, split, data, root, home)
    return read_files(files, {"name": task, **options}, media_folder(split.videos, root))


def read_task(task: str, folder: Path) -> Task:
    """The YAML of a task with what it includes. Raises InputError naming the folder that has no such task."""
    line = re.compile(rf"""^task:\s*["']?{re.escape(task)}["']?\s*$""", re.MULTILINE)
    for path in sorted(folder.rglob("*.yaml")):
        if line.search(path.read_text(encoding="utf-8", errors="replace")):
            return check(_with_includes(path, folder.resolve()), str(path), Task)
    raise InputError(f"lmms:{task}: no YAML file in {folder} says `task: {task}`")


def _with_includes(path: Path, folder: Path, by: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The keys of a file below `folder` and of those that it includes. by: the files that lead here."""
    if path.resolve() in by or not path.resolve().is_relative_to(folder):
        raise InputError(
            f"{by[-1]}: includes {path}, which {'leads back to it' if path.resolve() in by else 'is no task'}"
        )
    config = load_yaml(read_text(path), str(path), TaskLoader)
    include = config.pop("include", None) if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(include, str | None):
        raise InputError(f"{path}: not the YAML of a task; expected keys and values, and in include the name of a file")
    included = _with_includes(path.parent / include, folder, (*by, path.resolve())) if include else {}
    return {**included, **config}


def _folder(options: Options) -> Path:
    if "tasks" in options:
        return Path(option_text("lmms", options, "tasks")).expanduser()
    spec = find_spec("lmms_eval")
    if spec is None or spec.origin is None:
        raise InputError("lmms: lmms-eval is not installed here; name the folder of its tasks in the option tasks")
    return Path(spec.origin).parent / "tasks"


def _split(task: str, config: Task) -> Split:
    part = config.test_split or config.validation_split
    if not part:
        raise InputError(f"lmms:{task}: its YAML names no test_split")
    told = config.dataset_kwargs or DatasetArguments()
    files = (f"{config.dataset_name}/{part}-*.parquet",) if config.dataset_name else (f"{part}-*.parquet",)
    return Split(
        files=(files, (f"{part}-*.parquet",)),
        videos=told.cache_dir or task,
        hub=(config.dataset_path,),
        revision=told.revision,
    )


SOURCE = Source(
    "lmms", "a task of lmms-eval; options name its columns", ("tasks", "data", *OPTIONS), read, argument="task"
)
