"""Targets by name, and what several of them plant."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.types import Item, Video

from ..campaign import Target

TARGETS: dict[str, Target] = {}
Feed = Callable[[Path, Path], object]


def target(
    name: str,
    plant: Callable[[Path], object],
    victims: Iterable[str] = ("*",),
    mend: Callable[[Path], object] | None = None,
) -> Callable[[Feed], Feed]:
    """Registers what the decorated function reads: it is given the folder of the files, and one that it may write."""

    def register(feed: Feed) -> Feed:
        TARGETS[name] = Target(name, plant, feed, tuple(victims), mend)
        return feed

    return register


@cache
def _commands() -> Any:
    from typer.main import get_command

    from apollobench.cli import app

    return get_command(app)


def command(*given: object) -> None:
    """A command as a user runs it, in this process. Code 2 is bad input, which the caller sees as `InputError`."""
    code = _commands().main([str(part) for part in given], prog_name="apollobench", standalone_mode=False)
    if code == 2:
        raise InputError("exit code 2")


def copied(*parts: str) -> Callable[[Path], object]:
    return lambda folder: shutil.copyfile(content_path(*parts), folder / parts[-1])


def text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


ITEMS = tuple(
    Item(
        f"videomme/{n:03}-1",
        f"What colour is car {n}?",
        ("Red", "Blue", f"Green {n}"),
        n % 3,
        Video(f"videomme/v{n % 3}", Path(f"/nowhere/v{n % 3}.mp4")),
        "OCR",
    )
    for n in range(6)
)
NATIVE = [item.id.partition("/")[2] for item in ITEMS]


def lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def set_hash(document: Path, way: tuple[str, ...], of: Path) -> None:
    """Puts a file's hash where a document has it, if it is still a document with such a place."""
    try:
        tree = json.loads(document.read_bytes())
        home = tree
        for step in way[:-1]:
            home = home[step]
        home[way[-1]] = hashlib.sha256(of.read_bytes()).hexdigest()
        document.write_text(json.dumps(tree))
    except (ValueError, LookupError, TypeError, RecursionError):
        return


def use(items: Iterable[Item]) -> None:
    """What every run does with items before it asks a model."""
    from apollobench.evaluate.prompt import build_prompt

    for item in items:
        build_prompt(item), item.fingerprint, item.video.path.is_file()
