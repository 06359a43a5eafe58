"""Prompts as text and as tokens."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from apollobench.apollo.chat import PLACEHOLDER, Chat, clip_label, header
from apollobench.apollo.model import VISUAL
from apollobench.errors import InputError
from apollobench.types import FramePlan, Sampling

from .. import tiny

PLAN = FramePlan(Sampling(kind="clips"), tuple(range(8)), tuple(range(8)), ((0, 1.5), (2.04, 3.46)), 4.0)


@pytest.fixture(scope="module")
def chat() -> Chat:
    return Chat(tiny.tokenizer(), 2, 3)


def test_without_a_video_only_the_question_is_asked(chat: Chat) -> None:
    assert chat.text("Why?") == (
        "<|im_start|>system\n\nYou are a helpful vision-language assistant.<|im_end|>\n"
        "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert chat.tokenizer.decode(chat.prompt("Why?")) == chat.text("Why?")


def test_clips_stand_between_header_and_question(chat: Chat) -> None:
    message = chat.text("Why?", PLAN).split("user\n")[1].split("<|im_end|>")[0]
    assert message == (
        "You are provided the following series of two, 2 second clips from a 0:00:04 [H:MM:SS] video.\n"
        f"0.0-1.5 seconds: {PLACEHOLDER * 3},\n2.0-3.5 seconds: {PLACEHOLDER * 3}\n\nWhy?"
    )


def test_tokens_are_the_text_with_places_for_vectors(chat: Chat) -> None:
    ids = chat.prompt("Why?", PLAN)
    assert ids == chat.head(PLAN) + chat.tail("Why?", seen=True)
    assert ids.count(VISUAL) == 6
    assert chat.head(PLAN)[-3:] == [VISUAL] * 3
    written = chat.tokenizer.decode([token for token in ids if token != VISUAL])
    assert written == chat.text("Why?", PLAN).replace(PLACEHOLDER, "")


@pytest.mark.parametrize(("count", "words"), [(1, "one"), (84, "eighty-four"), (151, "one hundred and fifty-one")])
def test_numbers_of_clips_are_words(count: int, words: str) -> None:
    assert f"series of {words}, 2 second clips from a 0:30:00 [H:MM:SS]" in header(count, 2.0, 1800)


def test_clip_lengths_are_written_shortly() -> None:
    assert "one, 1.5 second clips" in header(1, 1.5, 3)
    assert clip_label(0, 1.449) == "0.0-1.4 seconds: "


def test_a_question_cannot_smuggle_in_a_video(chat: Chat) -> None:
    with pytest.raises(InputError, match=r"the question contains <\|video_token\|>"):
        chat.prompt(f"{PLACEHOLDER} why?", PLAN)


def test_replies_begin_with_a_letter_and_end_with_the_turn(chat: Chat) -> None:
    assert [chat.tokenizer.decode([chat.reply_token(letter)]) for letter in "ABJ"] == ["A", "B", "J"]
    assert [chat.tokenizer.decode([stop]) for stop in chat.stops] == ["<|im_end|>", "<|endoftext|>"]


def test_tokenizers_without_letters_or_turns_are_refused() -> None:
    words = Tokenizer(models.WordLevel({"[UNK]": 0, "assistant": 1}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    chat = Chat(PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]"), 2, 1)
    with pytest.raises(InputError, match="option letter 'A'"):
        chat.reply_token("A")
    with pytest.raises(InputError, match=r"does not know <\|im_end\|>"):
        chat.stops  # noqa: B018
