"""What a source is: a name, the options it takes, and a function from options and a data folder to items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from apollobench.errors import InputError
from apollobench.types import Item

Value = int | float | bool | str
Options = Mapping[str, Value]
Read = Callable[[Options, Path], list[Item]]


class NotAtHandError(InputError):
    """A source whose annotations are not on this machine and cannot be had from the hub."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a benchmark is, as it was published. seconds: mean length of its videos."""

    items: int
    videos: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Supply:
    """Files that items need, where readers look for them, and where they come from.

    files: paths below `folder`, which stands under a data root as `layout` says. hub: ids of data sets, today's first.
    names: patterns of what holds the files there, archives or the files themselves. each: whether every one exists.
    """

    what: str
    folder: Path
    layout: str
    files: tuple[str, ...]
    hub: tuple[str, ...]
    revision: str | None
    names: tuple[str, ...]
    each: bool


# The supplies of a source's items: of those with the given ids, or of all.
Supplies = Callable[[Options, Path, Set[str] | None], list[Supply]]


@dataclass(frozen=True, slots=True)
class Source:
    """`read(options, root)` yields the items; `root` is the folder in which the source's data lies or is made.

    argument: the option that follows the name and a colon, for a source that needs one (`csv:PATH`). sizes: by split,
    the default first, where they are known before anything is read. supplies: what could be fetched for it; None for a
    source whose files are not on the hub.
    """

    name: str
    about: str
    options: tuple[str, ...]
    read: Read
    argument: str = ""
    sizes: Mapping[str, Size] = field(default_factory=dict)
    supplies: Supplies | None = None

    def size(self, options: Options) -> Size | None:
        """The published size of the split that `options` name."""
        return self.sizes.get(str(options.get("split", next(iter(self.sizes), ""))))

    @property
    def form(self) -> str:
        """How the source is written in a recipe: `nextqa`, `csv:PATH`."""
        return f"{self.name}:{self.argument.upper()}" if self.argument else self.name


def option_text(source: str, options: Options, name: str, default: str | None = None) -> str:
    """An option that is text. Raises InputError when it is not, or is neither given nor has a default."""
    value = options.get(name, default)
    if value is None:
        raise InputError(f"source {source} needs the option {name!r}")
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"source {source}, option {name}: expected text, found {value!r}")
    return value


def option_flag(source: str, options: Options, name: str) -> bool:
    """An option that is true or false; false when it is not given. Raises InputError for anything else."""
    value = options.get(name, False)
    if not isinstance(value, bool):
        raise InputError(f"source {source}, option {name}: expected true or false, found {value!r}")
    return value
