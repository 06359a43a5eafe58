"""Tensors of a checkpoint: read from its safetensors files, and matched with a module by name and shape, strictly.

What the computation never uses may be present; anything else that is missing, left over or of the wrong shape is an
error, and so is a value that is not finite.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from apollobench.apollo.jsonfile import read_json
from apollobench.apollo.towers.base import Tower
from apollobench.errors import InputError

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder: `model.safetensors`, or the shards that `model.safetensors.index.json` names.

    Raises `InputError` naming the file that is missing or damaged, or the tensor in it that holds NaN or infinity.
    """
    index = folder / INDEX
    names = sorted(set(read_json(index).get("weight_map", {}).values())) if index.exists() else [WEIGHTS]
    tensors: dict[str, Tensor] = {}
    for name in names:
        path = folder / name
        if not path.is_file():
            told = f"; {index} lists it, so fetch it again" if index.exists() else ""
            raise InputError(f"{path}: missing weights; only safetensors files are read{told}")
        try:
            found = load_file(path)
        except SafetensorError as error:
            raise InputError(f"{path}: damaged or not a safetensors file: {error}") from error
        if (broken := first_not_finite(found)) is not None:
            raise InputError(f"{path}: tensor {broken} holds NaN or infinity; fetch the file again")
        tensors |= found
    return tensors


def file_of(folder: Path, name: str) -> Path:
    """The file of `folder` that a tensor is stored in."""
    index = folder / INDEX
    return folder / (read_json(index)["weight_map"].get(name, WEIGHTS) if index.exists() else WEIGHTS)


def first_not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """The name of the first floating-point tensor with a value that is NaN or infinite; tensors on meta have none."""
    floating = ((name, x) for name, x in tensors.items() if x.is_floating_point() and not x.is_meta and x.numel())
    return next((name for name, x in floating if not torch.isfinite(torch.stack(x.aminmax())).all()), None)


def match(module: nn.Module, found: Mapping[str, Tensor], where: Path, prefix: str = "") -> dict[str, Tensor]:
    """The tensors that `module` needs, under its own names.

    found: by their names in the file, without `prefix`. Raises `InputError` that tells `where` and lists every tensor
    that is missing, unexpected or of the wrong shape.
    """
    if isinstance(module, Tower):
        found = {module.renamed(name): x for name, x in found.items()}
    if getattr(getattr(module, "config", None), "tie_word_embeddings", False):
        found = _with_tied_head(found, where)
    wanted = module.state_dict()
    missing = sorted(wanted.keys() - found.keys())
    unexpected = sorted(name for name in found.keys() - wanted.keys() if not _is_unused(module, name))
    shapes = [
        f"{name} is {list(found[name].shape)}, expected {list(wanted[name].shape)}"
        for name in sorted(wanted.keys() & found.keys())
        if found[name].shape != wanted[name].shape
    ]
    problems = [
        f"{what}: {_some([prefix + name for name in names])}"
        for what, names in (("missing", missing), ("unexpected", unexpected), ("wrong shape", shapes))
        if names
    ]
    if problems:
        raise InputError(f"{where}: the weights do not fit its config.json; " + "; ".join(problems))
    return {name: found[name] for name in wanted}


def _with_tied_head(found: Mapping[str, Tensor], where: Path) -> dict[str, Tensor]:
    embedding, head = found.get(EMBEDDING), found.get(HEAD)
    if embedding is None:
        return dict(found)
    if head is not None and head is not embedding and not torch.equal(embedding, head):
        warnings.warn(f"{where}: {HEAD} differs from the tied {EMBEDDING}, which is used", stacklevel=2)
    return {**found, HEAD: embedding}


def _is_unused(module: nn.Module, name: str) -> bool:
    """Whether a tensor belongs to a known part of the published file that the selected layer never reaches."""
    if not isinstance(module, Tower):
        return False
    layer = re.match(rf"{re.escape(module.layer_names)}(\d+)\.", name)
    if layer:
        return module.layers_run <= int(layer[1]) < module.depth_total
    return name.startswith(module.unused_tensors)


def _some(names: list[str], limit: int = 8) -> str:
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")
