"""Reading and writing Apollo checkpoints in the published folder layout: one config and one weight set per component.

    config.json
    llm/            Qwen2 weights and tokenizer
    mm_connector/   projection and resampler
    vision_tower/   config.json with the order of towers, then one folder per tower

Tensors are matched by name and shape. What the computation never uses may be present; anything else that is missing,
left over or of the wrong shape is an error.
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding

from apollobench.apollo.config import CONFIG, CONNECTOR, LLM, VISION, config_files, parse_dtype, read_config
from apollobench.apollo.jsonfile import read_json
from apollobench.apollo.model import Apollo
from apollobench.apollo.towers.base import Tower
from apollobench.errors import InputError

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"


def load_apollo(
    directory: Path, dtype: str | None = None, device: str = "cpu"
) -> tuple[Apollo, PreTrainedTokenizerBase]:
    """The model (in eval mode) and its tokenizer. dtype: such as "bfloat16"; the config's `model_dtype` by default.

    Raises `InputError` naming the file and the tensors that are missing, unexpected or of the wrong shape.
    """
    config = read_config(directory)
    torch_dtype = getattr(torch, parse_dtype(dtype or config.model_dtype))
    with torch.device("meta"):
        model = Apollo(config)
    for folder, module in components(model, directory):
        state = {name: x.to(device, torch_dtype) for name, x in _usable(module, read_tensors(folder), folder).items()}
        module.load_state_dict(state, assign=True)
    if model.llm.config.tie_word_embeddings:
        model.llm.lm_head.weight = model.llm.model.embed_tokens.weight
    model.llm.model.rotary_emb = Qwen2RotaryEmbedding(config=model.llm.config).to(device)
    return model.eval(), load_tokenizer(directory)


def load_tokenizer(directory: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in `llm/`. Raises `InputError` when it cannot be read or is larger than the model's vocabulary.

    One that is stored whole (`tokenizer.json` alone) is read as it is: going by the model's type would make a Qwen2
    tokenizer of it, which splits text in its own way.
    """
    folder = directory / LLM
    # Without vocabulary files an empty tokenizer would be made up silently.
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise InputError(f"{folder}: no tokenizer; expected tokenizer.json, or vocab.json and merges.txt")
    try:
        reader = AutoTokenizer if (folder / "vocab.json").is_file() else PreTrainedTokenizerFast
        tokenizer = reader.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder}: no readable tokenizer: {error}") from error
    known, room = len(tokenizer), int(read_json(folder / CONFIG)["vocab_size"])
    if known > room:
        raise InputError(f"{folder}: the tokenizer has {known} tokens, but vocab_size in config.json is {room}")
    return tokenizer


def save_apollo(model: Apollo, tokenizer: PreTrainedTokenizerBase, directory: Path, dtype: str | None = None) -> None:
    """Write the published layout; the root config.json comes last, so its presence marks a complete folder.

    dtype: of the stored tensors, the model's own by default. Unused tensors of a loaded checkpoint are not written.
    """
    torch_dtype = getattr(torch, parse_dtype(dtype)) if dtype else model.dtype
    (directory / CONFIG).unlink(missing_ok=True)
    for folder, module in components(model, directory):
        folder.mkdir(parents=True, exist_ok=True)
        state = {name: x.detach().to("cpu", torch_dtype).contiguous() for name, x in module.state_dict().items()}
        if module is model.llm and model.llm.config.tie_word_embeddings:
            del state[HEAD]
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save_pretrained(str(directory / LLM))
    for relative, content in config_files(model.config).items():
        path = directory / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def revision(directory: Path) -> str:
    """A digest of the bytes and relative names of all configs, tokenizer files and weights of a checkpoint folder."""
    total = hashlib.sha256()
    for path in sorted(p for p in directory.rglob("*") if p.suffix in {".json", ".txt", ".safetensors"}):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.relative_to(directory).as_posix()} {content}\n".encode())
    return total.hexdigest()[:32]


def components(model: Apollo, directory: Path) -> list[tuple[Path, nn.Module]]:
    """Each part of the model with the folder that holds its weights."""
    parts: list[tuple[Path, nn.Module]] = [(directory / LLM, model.llm)]
    if model.connector is not None:
        parts.append((directory / CONNECTOR, model.connector))
    if model.vision is not None:
        names = model.vision.names
        parts += [(directory / VISION / n, tower) for n, tower in zip(names, model.vision.towers, strict=True)]
    return parts


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a component: `model.safetensors`, or the shards that `model.safetensors.index.json` names."""
    index = folder / "model.safetensors.index.json"
    names = sorted(set(read_json(index).get("weight_map", {}).values())) if index.exists() else ["model.safetensors"]
    tensors: dict[str, Tensor] = {}
    for name in names:
        path = folder / name
        if not path.is_file():
            raise InputError(f"{path}: missing weights; only safetensors files are read")
        try:
            tensors |= load_file(path)
        except SafetensorError as error:
            raise InputError(f"{path}: damaged or not a safetensors file: {error}") from error
    return tensors


def _usable(module: nn.Module, found: dict[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """The tensors the module needs, under its own names; checked by name and shape."""
    if isinstance(module, Tower):
        found = {module.renamed(name): x for name, x in found.items()}
    if getattr(getattr(module, "config", None), "tie_word_embeddings", False):
        found = _with_tied_head(found, folder)
    wanted = module.state_dict()
    missing = sorted(wanted.keys() - found.keys())
    unexpected = sorted(name for name in found.keys() - wanted.keys() if not _is_unused(module, name))
    shapes = [
        f"{name} is {list(found[name].shape)}, expected {list(wanted[name].shape)}"
        for name in sorted(wanted.keys() & found.keys())
        if found[name].shape != wanted[name].shape
    ]
    problems = [
        f"{what}: {_some(names)}"
        for what, names in (("missing", missing), ("unexpected", unexpected), ("wrong shape", shapes))
        if names
    ]
    if problems:
        raise InputError(f"{folder}: the weights do not fit its config.json; " + "; ".join(problems))
    return {name: found[name] for name in wanted}


def _with_tied_head(found: dict[str, Tensor], folder: Path) -> dict[str, Tensor]:
    embedding, head = found.get(EMBEDDING), found.get(HEAD)
    if embedding is None:
        return found
    if head is not None and not torch.equal(embedding, head):
        warnings.warn(f"{folder}: {HEAD} differs from the tied {EMBEDDING}, which is used", stacklevel=2)
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
