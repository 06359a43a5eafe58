"""Writes a model as one transformers folder: one config.json, a processor, and sharded weights at the root.

`AutoModelForImageTextToText` and `AutoProcessor` load it once `apollobench` is imported, vLLM serves it, and so does
everything else here: `load_apollo` reads it like a published checkpoint.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from huggingface_hub import save_torch_state_dict, split_torch_state_dict_into_shards
from torch import Tensor
from transformers import GenerationConfig, PreTrainedTokenizerBase

from apollobench.apollo.chat import Chat
from apollobench.apollo.checkpoint import exported_parts, is_exported, load_apollo
from apollobench.apollo.config import CONFIG
from apollobench.apollo.hf.config import HfApolloConfig
from apollobench.apollo.hf.layout import IMAGE, VIDEO, nest
from apollobench.apollo.hf.processor import ApolloProcessor
from apollobench.apollo.model import Apollo
from apollobench.apollo.tensors import EMBEDDING, HEAD
from apollobench.errors import InputError

TEMPLATE = Path(__file__).with_name("chat_template.jinja")
LANGUAGE = "language_model."
PROVENANCE = ("_name_or_path", "architectures", "torch_dtype", "transformers_version")


def export_apollo(
    directory: Path, output: Path, *, dtype: str | None = None, max_shard_size: str = "5GB"
) -> tuple[str, ...]:
    """Write the checkpoint in `directory` to `output`; config.json comes last, so it marks a complete folder.

    dtype: of the stored weights, the checkpoint's own by default. Returns the special tokens that were added, for which
    the embedding has new rows where its vocabulary had no room left. Raises `InputError` as `load_apollo` does, for a
    size that is none, and for an `output` that holds another kind of checkpoint.
    """
    _check(directory, output, max_shard_size)
    model, tokenizer = load_apollo(directory, dtype)
    lacking = [token for token in (VIDEO, IMAGE) if token not in tokenizer.get_vocab()]
    tokenizer.add_tokens(lacking, special_tokens=True)
    rows = max(0, len(tokenizer) - model.config.llm["vocab_size"])
    config = _config(model, tokenizer, rows)
    output.mkdir(parents=True, exist_ok=True)
    (output / CONFIG).unlink(missing_ok=True)
    save_torch_state_dict(_state(model, rows), output, max_shard_size=max_shard_size)
    _processor(config, tokenizer).save_pretrained(output)
    _generation(model, tokenizer).save_pretrained(output)
    config.save_pretrained(output)
    return tuple(lacking)


def _check(directory: Path, output: Path, max_shard_size: str) -> None:
    try:
        split_torch_state_dict_into_shards({}, max_shard_size=max_shard_size)
    except ValueError as error:
        raise InputError(f"max_shard_size {max_shard_size!r} is no size; expected one such as 5GB or 200MB") from error
    if output.resolve() == directory.resolve() or ((output / CONFIG).exists() and not is_exported(output)):
        raise InputError(f"{output} holds a checkpoint that was not exported there; export to another folder")


def _state(model: Apollo, rows: int) -> dict[str, Tensor]:
    """All tensors by their names in an exported folder, `rows` more of them in the vocabulary.

    A new row is the mean of the others, and so is its logit, which is therefore never the largest.
    """
    parts = exported_parts(model)
    state = {prefix + name: x.cpu() for prefix, module in parts.items() for name, x in module.state_dict().items()}
    if model.llm.config.tie_word_embeddings:
        del state[LANGUAGE + HEAD]
    for name in (LANGUAGE + EMBEDDING, LANGUAGE + HEAD):
        if rows and name in state:
            mean = state[name].float().mean(0, keepdim=True).to(state[name].dtype)
            state[name] = torch.cat([state[name], mean.expand(rows, -1)])
    return state


def _config(model: Apollo, tokenizer: PreTrainedTokenizerBase, rows: int) -> HfApolloConfig:
    """Without where and when the checkpoint was made."""
    dtype = str(model.dtype).removeprefix("torch.")
    llm = {name: value for name, value in model.config.llm.items() if name not in PROVENANCE}
    llm |= {"vocab_size": llm["vocab_size"] + rows, "dtype": dtype}
    nested = nest(replace(model.config, llm=llm, model_dtype=dtype))
    return HfApolloConfig(**nested, video_token_id=tokenizer.get_vocab()[VIDEO])


def _processor(config: HfApolloConfig, tokenizer: PreTrainedTokenizerBase) -> ApolloProcessor:
    tokenizer.chat_template = TEMPLATE.read_text(encoding="utf-8")
    for name in ("is_local", "local_files_only"):  # how it was read here, which transformers would store
        tokenizer.init_kwargs.pop(name, None)
    return ApolloProcessor(tokenizer, nest(config.apollo), chat_template=tokenizer.chat_template)


def _generation(model: Apollo, tokenizer: PreTrainedTokenizerBase) -> GenerationConfig:
    """Greedy, whatever the checkpoint suggests, until a turn ends."""
    stops = list(Chat(tokenizer, model.config.clip_duration, model.config.tokens_per_clip).stops)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else stops[0]
    return GenerationConfig(do_sample=False, repetition_penalty=1.0, eos_token_id=stops, pad_token_id=pad)
