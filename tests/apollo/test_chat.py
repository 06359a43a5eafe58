"""Prompts as text and as tokens."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from apollobench.apollo.chat import CLOSING, OPENING, PLACEHOLDER, Chat, Turn
from apollobench.apollo.integration import SEPARATORS, clip_label, clock, header
from apollobench.apollo.model import IGNORE, VISUAL
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


def test_a_conversation_of_one_question_is_its_prompt(chat: Chat) -> None:
    ids, labels = chat.conversation([("user", "Why?")], [PLAN])
    assert ids == chat.prompt("Why?", PLAN)
    assert set(labels) == {IGNORE}
    assert chat.conversation([("user", "<video>\nWhy?")], [PLAN])[0] == ids
    assert chat.conversation([("user", "Why?")], [])[0] == chat.prompt("Why?")


def test_only_what_the_assistant_says_is_learned(chat: Chat) -> None:
    turns: list[Turn] = [("user", "Why?"), ("assistant", "So."), ("user", "And?"), ("assistant", "No.")]
    ids, labels = chat.conversation(turns, [PLAN])
    assert [label for label in labels if label != IGNORE] == chat.tokenizer("So.<|im_end|>No.<|im_end|>").input_ids
    assert all(label in (IGNORE, token) for token, label in zip(ids, labels, strict=True))
    asked = chat.prompt("Why?", PLAN)
    assert ids[: len(asked)] == asked
    written = chat.tokenizer.decode([token for token in ids if token != VISUAL])
    assert written.endswith(
        "Why?<|im_end|>\n<|im_start|>assistant\nSo.<|im_end|>\n<|im_start|>user\nAnd?<|im_end|>\n"
        "<|im_start|>assistant\nNo.<|im_end|>"
    )


def test_videos_and_images_stand_where_they_are_marked(chat: Chat) -> None:
    (ids, _), places = chat.conversation([("user", "One <image> or two: <video>\n?")], [None, PLAN]), [VISUAL] * 3
    before, first, second = (chat.tokenizer(text).input_ids for text in (
        f"{OPENING}One\n\n",
        "\n\nor two:\n\nYou are provided the following series of two, 2 second clips from a 0:00:04 [H:MM:SS] video.\n"
        "0.0-1.5 seconds: ",
        ",\n2.0-3.5 seconds: ",
    ))  # fmt: skip
    assert ids == [*before, *places, *first, *places, *second, *places, *chat.tail("?", seen=True)]


@pytest.mark.parametrize(
    ("turns", "shown", "message"),
    [
        ([("user", "<video> Why?")], [], "marks 1 videos or images, but 0 are given"),
        ([("user", "<video> Why?")], [None, None], "1 of 2 videos or images have no <video>"),
        ([("assistant", "So.")], [], "turns must alternate"),
        ([("user", "A"), ("user", "B")], [], "turns must alternate"),
        ([("user", PLACEHOLDER)], [], "which stands for a video"),
    ],
)
def test_conversations_that_do_not_fit_are_refused(
    chat: Chat, turns: list[Turn], shown: list[None], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        chat.conversation(turns, shown)


X = PLACEHOLDER * 3


@pytest.mark.parametrize(
    ("integration", "shown"),
    [
        ("plain", X + X),
        ("separators", f"<vid_start>{X}<vid_end><vid_start>{X}<vid_end>"),
        ("timestamps", f"clip from 00:00-00:02: {X}\nclip from 00:02-00:03: {X}"),
        (
            "timestamps+separators",
            f"clip from 00:00-00:02: <vid_start>{X}<vid_end>\nclip from 00:02-00:03: <vid_start>{X}<vid_end>",
        ),
    ],
)
def test_forms_of_the_paper(integration: str, shown: str) -> None:
    tokenizer = tiny.tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": list(SEPARATORS)}, replace_extra_special_tokens=False)
    chat = Chat(tokenizer, 2, 3, integration)
    assert chat.text("Why?", PLAN) == f"{OPENING}{shown}\n\nWhy?{CLOSING}"
    assert chat.conversation([("user", "Why?")], [PLAN])[0] == chat.prompt("Why?", PLAN)
    image = chat.conversation([("user", "Why?")], [None])[0]
    assert image.count(VISUAL) == 3
    assert len([token for token in image if token >= len(tiny.tokenizer())]) == 2 * ("separators" in integration)


def test_clip_times_are_minutes_and_seconds() -> None:
    assert [clock(seconds) for seconds in (0.25, 59.6, 3725)] == ["00:00", "01:00", "62:05"]


def test_separators_must_be_tokens() -> None:
    with pytest.raises(InputError, match="needs <vid_start> and <vid_end> as special tokens"):
        Chat(tiny.tokenizer(), 2, 3, "timestamps+separators")


def test_tokenizers_without_letters_or_turns_are_refused() -> None:
    words = Tokenizer(models.WordLevel({"[UNK]": 0, "assistant": 1}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    chat = Chat(PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]"), 2, 1)
    with pytest.raises(InputError, match="option letter 'A'"):
        chat.reply_token("A")
    with pytest.raises(InputError, match=r"does not know <\|im_end\|>"):
        chat.stops  # noqa: B018
