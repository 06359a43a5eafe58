"""One tiny random checkpoint, exported, and what is loaded from both folders; one real video file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from apollobench.apollo.chat import Chat
from apollobench.apollo.checkpoint import load_apollo, save_apollo
from apollobench.apollo.hf.export import export_apollo
from apollobench.apollo.hf.model import ApolloForConditionalGeneration
from apollobench.apollo.hf.processor import ApolloProcessor
from apollobench.apollo.model import Apollo
from apollobench.sources.synthetic.make import make_video

from ... import tiny


class Pair(NamedTuple):
    """The same model twice: of the published layout, and as transformers loads the exported folder."""

    apollo: Apollo
    chat: Chat
    model: ApolloForConditionalGeneration
    processor: ApolloProcessor


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a vocabulary that has no room for another token."""
    folder = tmp_path_factory.mktemp("hf") / "published"
    save_apollo(tiny.model(), tiny.tokenizer(), folder)
    return folder


@pytest.fixture(scope="session")
def exported(published: Path) -> Path:
    folder = published.with_name("exported")
    export_apollo(published, folder, max_shard_size="20KB")
    return folder


@pytest.fixture(scope="session")
def pair(published: Path, exported: Path) -> Pair:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    apollo, tokenizer = load_apollo(published)
    chat = Chat(tokenizer, apollo.config.clip_duration, apollo.config.tokens_per_clip)
    model, processor = AutoModelForImageTextToText.from_pretrained(exported), AutoProcessor.from_pretrained(exported)
    return Pair(apollo, chat, model, processor)


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    make_video(folder, 7)
    return next(folder.glob("*.mp4"))
