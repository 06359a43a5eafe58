"""Reading and writing Apollo checkpoints, in the published folder layout or as `apollobench export` writes them.

The published layout has one config and one weight set per component; an exported folder has one of each at its root.

    config.json
    llm/            Qwen2 weights and tokenizer
    mm_connector/   projection and resampler
    vision_tower/   config.json with the order of towers, then one folder per tower

Only configs, tokenizer files and safetensors are read: code that lies in a folder is never run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding

from apollobench.apollo.config import (
    CONFIG,
    CONNECTOR,
    LLM,
    VISION,
    ApolloConfig,
    LlmSizes,
    config_files,
    parse_dtype,
    read_config,
)
from apollobench.apollo.hf.layout import MODEL_TYPE, unnest
from apollobench.apollo.jsonfile import from_mapping, read_json
from apollobench.apollo.model import Apollo
from apollobench.apollo.tensors import HEAD, WEIGHTS, match, read_tensors
from apollobench.errors import InputError
from apollobench.fingerprint import folder_digest


def load_apollo(
    directory: Path, dtype: str | None = None, device: str | torch.device = "cpu"
) -> tuple[Apollo, PreTrainedTokenizerBase]:
    """The model (in eval mode) and its tokenizer. dtype: such as "bfloat16"; the checkpoint's own by default.

    Raises `InputError` naming the file and the tensors that are missing, unexpected, of the wrong shape or not finite,
    and for a folder that holds something else.
    """
    exported = is_exported(directory)
    config = load_config(directory)
    torch_dtype = getattr(torch, parse_dtype(dtype or config.model_dtype))
    with torch.device("meta"):
        model = Apollo(config)
    for module, state in _exported_states(model, directory) if exported else _published_states(model, directory):
        module.load_state_dict({name: x.to(device, torch_dtype) for name, x in state.items()}, assign=True)
    if model.llm.config.tie_word_embeddings:
        model.llm.lm_head.weight = model.llm.model.embed_tokens.weight
    model.llm.model.rotary_emb = Qwen2RotaryEmbedding(config=model.llm.config).to(device)
    return model.eval(), read_tokenizer(directory if exported else directory / LLM, model.llm.config.vocab_size)


def load_config(directory: Path) -> ApolloConfig:
    """The configuration of a checkpoint in either layout. Raises `InputError` as `load_apollo` does."""
    return unnest(read_json(directory / CONFIG), directory) if is_exported(directory) else read_config(directory)


def is_exported(directory: Path) -> bool:
    """Whether the folder is an exported one, else in the published layout. Raises `InputError` when it is neither."""
    advice = "name the folder of an Apollo checkpoint: with llm/, mm_connector/ and vision_tower/, or an exported one"
    if not (directory / CONFIG).is_file():
        found = ", ".join(sorted(path.name for path in directory.glob("*"))[:8]) or "nothing"
        raise InputError(f"{directory}: no {CONFIG}, found {found}; {advice}")
    raw = read_json(directory / CONFIG)
    exported = raw.get("model_type") == MODEL_TYPE and "text_config" in raw
    if not exported and not (directory / LLM / CONFIG).is_file():
        what = f"model_type {raw.get('model_type')!r}, architectures {raw.get('architectures')!r}"
        raise InputError(f"{directory}: {CONFIG} is of {what}, and there is no {LLM}/{CONFIG}; {advice}")
    return exported


def holds_apollo(directory: Path) -> bool:
    """Whether the folder is an Apollo checkpoint, in either layout."""
    try:
        is_exported(directory)
    except InputError:
        return False
    return True


def load_tokenizer(directory: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in `llm/` of the published layout. Raises `InputError` as `read_tokenizer` does."""
    path = directory / LLM / CONFIG
    return read_tokenizer(directory / LLM, from_mapping(LlmSizes, read_json(path), path, {"vocab_size"}).vocab_size)


def read_tokenizer(folder: Path, room: int) -> PreTrainedTokenizerBase:
    """The tokenizer in `folder`. Raises `InputError` when it cannot be read or has more tokens than there is room for.

    One that is stored whole (`tokenizer.json` alone) is read as it is: going by the model's type would make a Qwen2
    tokenizer of it, which splits text in its own way.
    """
    # Without vocabulary files an empty tokenizer would be made up silently.
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise InputError(f"{folder}: no tokenizer; expected tokenizer.json, or vocab.json and merges.txt")
    try:
        reader = AutoTokenizer if (folder / "vocab.json").is_file() else PreTrainedTokenizerFast
        tokenizer = reader.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # the library raises whatever its parsers do
        raise InputError(f"{folder}: no readable tokenizer: {error}") from error
    if len(tokenizer) > room:
        raise InputError(
            f"{folder}: the tokenizer has {len(tokenizer)} tokens, but vocab_size in config.json is {room}"
        )
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
        save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    tokenizer.save_pretrained(str(directory / LLM))
    for relative, content in config_files(model.config).items():
        path = directory / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def revision(directory: Path) -> str:
    """A digest of the bytes and relative names of all configs, tokenizer files and weights of a checkpoint folder."""
    return folder_digest(directory, {".json", ".txt", ".safetensors"})


def components(model: Apollo, directory: Path) -> list[tuple[Path, nn.Module]]:
    """Each part of the model with the folder that holds its weights."""
    parts: list[tuple[Path, nn.Module]] = [(directory / LLM, model.llm)]
    if model.connector is not None:
        parts.append((directory / CONNECTOR, model.connector))
    if model.vision is not None:
        names = model.vision.names
        parts += [(directory / VISION / n, tower) for n, tower in zip(names, model.vision.towers, strict=True)]
    return parts


def exported_parts(model: Apollo) -> dict[str, nn.Module]:
    """Each part of the model by what its tensors' names begin with in an exported folder."""
    parts: dict[str, nn.Module] = {"language_model.": model.llm}
    if model.connector is not None:
        parts["connector."] = model.connector
    if model.vision is not None:
        parts |= {f"vision.towers.{number}.": tower for number, tower in enumerate(model.vision.towers)}
    return parts


def _published_states(model: Apollo, directory: Path) -> Iterator[tuple[nn.Module, dict[str, Tensor]]]:
    for folder, module in components(model, directory):
        yield module, match(module, read_tensors(folder), folder)


def _exported_states(model: Apollo, directory: Path) -> Iterator[tuple[nn.Module, dict[str, Tensor]]]:
    tensors = read_tensors(directory)
    for prefix, module in exported_parts(model).items():
        own = [name for name in tensors if name.startswith(prefix)]
        yield module, match(module, {name.removeprefix(prefix): tensors.pop(name) for name in own}, directory, prefix)
    if tensors:
        raise InputError(f"{directory}: unexpected tensors that belong to no part of the model: {sorted(tensors)[:8]}")
