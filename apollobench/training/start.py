"""What a training starts from: a whole checkpoint, or towers and a language model with a fresh connector between them.

Everything is float32 here, whatever it was stored in: it is to be trained.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerBase
from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding

from apollobench.apollo.checkpoint import load_apollo, read_tokenizer
from apollobench.apollo.config import CONFIG, LLM, ApolloConfig, ConnectorConfig, VisionConfig, config_files
from apollobench.apollo.connector import build_connector
from apollobench.apollo.integration import SEPARATORS
from apollobench.apollo.jsonfile import expect, read_json
from apollobench.apollo.model import Apollo
from apollobench.apollo.tensors import EMBEDDING, HEAD, match, read_tensors
from apollobench.apollo.towers.base import Tower, TowerConfig, kind_of
from apollobench.apollo.towers.hybrid import build_tower
from apollobench.apollo.towers.vit import ViTConfig, ViTTower
from apollobench.errors import InputError
from apollobench.hub import HUB_ID, fetch
from apollobench.models.roster import BUILTIN, SHIPPED
from apollobench.training.origins import FromCheckpoint, FromParts, TowerStart


def begin(start: FromCheckpoint | FromParts) -> tuple[Apollo, PreTrainedTokenizerBase]:
    """The model and its tokenizer before the first step. Raises `InputError` naming what is missing or does not fit."""
    if isinstance(start, FromCheckpoint):
        return load_apollo(_find(start.folder), dtype="float32")
    torch.manual_seed(start.seed)
    folder = _find(start.llm)
    raw = read_json(folder / CONFIG)
    expect(folder / CONFIG, raw, "model_type", "qwen2")
    tokenizer = read_tokenizer(folder, int(raw["vocab_size"]))
    if "separators" in start.integration:
        tokenizer.add_special_tokens({"additional_special_tokens": list(SEPARATORS)})
    model = hollow(_config(start, {**raw, "vocab_size": max(int(raw["vocab_size"]), len(tokenizer))}))
    _fill_vision(model, start)
    llm = match(model.llm, _with_rows(read_tensors(folder), len(tokenizer)), folder)
    model.llm.load_state_dict({name: x.float() for name, x in llm.items()}, assign=True)
    assert model.config.connector is not None
    model.connector = build_connector(model.config.connector)
    return _tied(model), tokenizer


def hollow(config: ApolloConfig) -> Apollo:
    """A model whose weights have no values yet and take no memory; what is not a weight is there."""
    with torch.device("meta"):
        model = Apollo(config)
    model.llm.model.rotary_emb = Qwen2RotaryEmbedding(config=model.llm.config)
    return model


def allocated(model: Apollo) -> Apollo:
    """A hollow model with memory for its weights, which hold anything."""
    kept = [(m, name, b) for m in model.modules() for name, b in m.named_buffers(recurse=False) if not b.is_meta]
    model.to_empty(device="cpu")
    for module, name, buffer in kept:
        setattr(module, name, buffer)
    return _tied(model)


def write_outline(model: Apollo, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """The configs and the tokenizer of the published layout, without weights."""
    tokenizer.save_pretrained(str(folder / LLM))
    for relative, content in config_files(model.config).items():
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _tied(model: Apollo) -> Apollo:
    if model.llm.config.tie_word_embeddings:
        model.llm.lm_head.weight = model.llm.model.embed_tokens.weight
    return model


def _find(name: str) -> Path:
    """The folder that is meant: the user's, `builtin:FOLDER` within the shipped weights, or a hub repository's."""
    if HUB_ID.fullmatch(name) and not Path(name).exists():
        return fetch(name)
    folder = SHIPPED / name.removeprefix(BUILTIN) if name.startswith(BUILTIN) else Path(name).expanduser()
    if not (folder / CONFIG).is_file():
        raise InputError(f"{folder}: no {CONFIG} there; it must be a folder of weights, or the id of a hub repository")
    return folder


def _config(start: FromParts, llm: dict[str, Any]) -> ApolloConfig:
    towers = tuple((tower.name, _tower_config(tower)) for tower in start.towers)
    vision = VisionConfig(towers, start.select_layer, start.clip_frames)
    return ApolloConfig(
        llm=llm,
        vision=vision,
        connector=ConnectorConfig(vision.channels, int(llm["hidden_size"]), **start.connector.model_dump()),
        clip_duration=start.clip_seconds,
        encode_batch_size=start.encode_batch_size,
        max_length=start.max_length,
        model_dtype=start.model_dtype,
        sampling=start.sampling.sampling(start.clip_frames),
        integration=start.integration,
    )


def _tower_config(tower: TowerStart) -> TowerConfig:
    kind = kind_of(tower.name).config
    if tower.weights is None:
        return kind.read(tower.config or {}, Path(f"the recipe's tower {tower.name}"))
    if issubclass(kind, ViTConfig):
        return kind.read(_library(AutoConfig, _find(tower.weights)).to_dict(), Path(tower.weights))
    path = _find(tower.weights) / CONFIG
    raw = read_json(path)
    return kind.read(raw.get("vision_config", raw), path)


def _fill_vision(model: Apollo, start: FromParts) -> None:
    """Give the towers their weights, or fresh ones."""
    assert model.config.vision is not None
    assert model.vision is not None
    for number, ((name, config), tower) in enumerate(zip(model.config.vision.towers, start.towers, strict=True)):
        module = build_tower(name, config, start.select_layer)
        if tower.weights is not None:
            state = match(module, _tower_tensors(module, tower.weights), Path(tower.weights))
            module.load_state_dict({name: x.float() for name, x in state.items()})
        model.vision.towers[number] = module


def _tower_tensors(module: Tower, weights: str) -> dict[str, Tensor]:
    """Pretrained tensors by the tower's own names; of a model with a text side, the visual ones."""
    if not isinstance(module, ViTTower):
        found = read_tensors(_find(weights))
        visual = {name: x for name, x in found.items() if name.startswith("vision_model.")}
        return visual or found
    library, report = _library(AutoModel, _find(weights), dtype="float32", output_loading_info=True)
    name, inner = next((n, m) for n, m in library.named_modules() if type(m) is type(module.vit))
    lacking = sorted(key for key in report["missing_keys"] if key.startswith(name))
    if lacking:
        raise InputError(f"{weights}: lacks {', '.join(lacking[:8])}; is it of kind {module.config.model_type}?")
    return {f"vit.{key}": x for key, x in inner.state_dict().items()}


def _library(reader: Any, folder: Path, **options: Any) -> Any:
    try:
        return reader.from_pretrained(folder, trust_remote_code=False, **options)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: transformers cannot read it: {error}") from error


def _with_rows(tensors: dict[str, Tensor], rows: int) -> dict[str, Tensor]:
    """Rows for new tokens, where the vocabulary has too few: the mean of the others."""
    for name in (EMBEDDING, HEAD):
        if name in tensors and len(tensors[name]) < rows:
            own = tensors[name]
            mean = own.float().mean(0, keepdim=True).to(own.dtype)
            tensors[name] = torch.cat([own, mean.expand(rows - len(own), -1)])
    return tensors
