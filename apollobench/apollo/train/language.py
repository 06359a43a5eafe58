"""Pre-training of the language model on the world in words: captions stand where visual vectors will stand later.

In the full-size model this is what Qwen2.5's own pre-training provides: it can read, find, order, and answer by letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from apollobench.apollo.config import ApolloConfig
from apollobench.apollo.model import Apollo
from apollobench.apollo.train.bank import Bank
from apollobench.apollo.train.corpus import caption
from apollobench.apollo.train.family import TOKENS_PER_CLIP, Size, llm_config
from apollobench.apollo.train.fit import fit, reply_loss
from apollobench.apollo.train.lessons import DESCRIBE, Branch, choose, in_words, pack
from apollobench.apollo.train.tokenizer import build_tokenizer
from apollobench.sources.synthetic.questions import ask
from apollobench.sources.synthetic.world import draw_scene
from apollobench.types import Mode, Video

STEPS: Mapping[Size, int] = {"s": 3000, "m": 3000, "l": 3000}
BATCH, TEXT_SHARE, LEARNING_RATE = 8, 0.12, 2e-3
LIMITS = {
    Mode.VIDEO: {"nothing": 2, "frame": 2, "set": 3, "video": 5, "open": 6, "describe": 1},
    Mode.TEXT: {"nothing": 3, "frame": 1, "set": 1, "video": 1},
}


def world_tokenizer() -> PreTrainedTokenizerFast:
    """The family's tokenizer: every word of the first 400 training scenes, which use the whole vocabulary."""
    texts = [DESCRIBE]
    for seed in range(400):
        scene = draw_scene(seed)
        texts.append(caption(scene, [quarter / 4 for quarter in range(int(scene.duration * 4))], opening=True))
        items = ask(scene, Video("", Path()), everything=True)
        texts += [words for item in items for words in (item.question, *item.options)]
    return build_tokenizer(texts)


def pretrain_language(size: Size, bank: Bank, vocabulary: int) -> dict[str, Tensor]:
    """The state of a language model of one size after pre-training on the bank's lessons in words."""
    torch.manual_seed(0)
    model = Apollo(ApolloConfig(llm=llm_config(size, vocabulary)))
    rng = np.random.default_rng(1)

    def loss(_: int) -> tuple[Tensor, Tensor]:
        heads: list[tuple[int, ...]] = []
        branches: list[list[Branch]] = []
        for _row in range(BATCH):
            mode = Mode.TEXT if rng.random() < TEXT_SHARE else Mode.VIDEO
            pool = bank.lessons[mode]
            lesson = pool[int(rng.integers(len(pool)))]
            heads.append(in_words(lesson, TOKENS_PER_CLIP))
            branches.append(choose(lesson, rng, LIMITS[mode]))
        return reply_loss(model, pack(heads, branches, pad=0), None)

    fit(f"language-{size}", list(model.parameters()), loss, steps=STEPS[size], lr=LEARNING_RATE)
    return model.llm.state_dict()
