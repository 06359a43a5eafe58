"""A word-level tokenizer for the tiny family: a few hundred words, and one token for each phrase that never varies."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

PAD, START, END, UNKNOWN = "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|unknown|>"
ASK = "Answer with the option's letter from the given choices directly."
PHRASES = (
    f"{START}system\n\nYou are a helpful vision-language assistant.{END}\n{START}user\n",
    "You are provided the following series of",
    "2 second clips from a",
    "[H:MM:SS] video.\n",
    " seconds: ",
    f"\n{ASK}{END}\n{START}assistant\n",
    f"{END}\n{START}assistant\n",
    *(f"\n{letter}. " for letter in "ABCDE"),
)
WORD = r"\d+\.\d(?!\d)|\d|[A-Za-z]+|[^\sA-Za-z\d]"
COUNTS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)


def build_tokenizer(texts: Iterable[str], phrases: Iterable[str]) -> PreTrainedTokenizerFast:
    """A tokenizer that knows every word of `texts`, each of the phrases, and times from 0.0 to 30.0."""
    words = set(re.findall(WORD, " ".join((COUNTS, *texts)))) | set("0123456789ABCDE.,:-?'")
    times = [f"{tenth // 10}.{tenth % 10}" for tenth in range(301)]
    special = [PAD, START, END, UNKNOWN]
    vocabulary = {word: number for number, word in enumerate([*special, *sorted(words - set(times)), *times])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"\s+"), "removed"), pre_tokenizers.Split(Regex(WORD), "isolated")]
    )
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in special])
    tokenizer.add_tokens([AddedToken(phrase, normalized=False) for phrase in (*PHRASES, *phrases)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        padding_side="right",
        model_max_length=4096,
        clean_up_tokenization_spaces=False,
    )
