"""What a vision tower is, and the registry of their kinds: a new kind is one file in this folder, found by itself.

A tower turns the clips of a video into features of patches. Its kind is told by how its folder's name in a checkpoint
begins (`siglip-so400m-patch14-384` is of kind `siglip`).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from torch import Tensor, nn

from apollobench.apollo.look import Look
from apollobench.errors import InputError


class TowerConfig(Protocol):
    """Sizes of one tower. `read` and `stored` convert from and to the config.json in its folder."""

    @property
    def width(self) -> int:
        """Channels of a feature."""

    @property
    def depth_total(self) -> int:
        """Layers of the whole encoder; a tower runs only those up to the selected one."""

    @property
    def pixels(self) -> int:
        """Edge of the square frames it takes."""

    @property
    def side(self) -> int:
        """Patches along one edge of a frame."""

    def steps(self, clip_frames: int) -> int:
        """Feature frames of a clip. Raises `InputError` if it cannot take clips of so many frames."""

    @classmethod
    def read(cls, raw: Mapping[str, Any], path: Path) -> Self: ...

    def stored(self) -> dict[str, Any]: ...


class Tower(nn.Module):
    """Clips (as its kind's `Look` makes them) -> features `[N, steps, side, side, width]` after a selected layer.

    No closing norm is applied. `layer_names`: how the tensors of layer N are named, up to its number. `unused_tensors`:
    beginnings of the names of other tensors in the published files that no feature needs.
    """

    layer_names: ClassVar[str]
    unused_tensors: ClassVar[tuple[str, ...]] = ()
    layers_run: int
    depth_total: int

    def renamed(self, name: str) -> str:
        """A tensor's name here, for its name in a file."""
        return name

    def forward(self, clips: Tensor) -> Tensor:
        raise NotImplementedError


Builder = Callable[[Any, int], Tower]


@dataclass(frozen=True, slots=True)
class TowerKind:
    """config: class of its sizes. build(config, select_layer): a fresh tower that ends there (-1 is the last layer)."""

    config: type[TowerConfig]
    build: Builder
    look: Look


_KINDS: dict[str, TowerKind] = {}


def tower_kind(prefix: str, config: type[TowerConfig], look: Look) -> Callable[[type[Tower]], type[Tower]]:
    """Registers the decorated class as the kind whose names begin with `prefix`."""

    def register(build: type[Tower]) -> type[Tower]:
        _KINDS[prefix] = TowerKind(config, build, look)
        return build

    return register


@cache
def tower_kinds() -> Mapping[str, TowerKind]:
    """Every kind by its prefix."""
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{__package__}.{module.name}")
    return _KINDS


def kind_of(name: str) -> TowerKind:
    """The kind of the tower `name`. Raises `InputError` listing the kinds."""
    kinds = tower_kinds()
    found = max((prefix for prefix in kinds if name.startswith(prefix)), key=len, default=None)
    if found is None:
        raise InputError(
            f"vision tower {name!r} is unknown; its name must begin with one of {', '.join(sorted(kinds))}"
        )
    return kinds[found]
