"""The table of what lmms-eval's classes can be shown, and how modes follow from it."""

from __future__ import annotations

import pytest

from apollobench.models.lmms.handling import NOTHING, find_handling
from apollobench.types import Mode

ALL = frozenset(Mode)


def test_a_class_that_is_not_listed_follows_the_rule_of_its_kind() -> None:
    chat, simple = find_handling("chat", "qwen2_5_vl"), find_handling("simple", "qwen2_5_vl")
    assert (chat.modes, chat.form(Mode.FRAME), chat.form(Mode.VIDEO)) == (ALL, "image", "frames")
    assert (simple.modes, simple.form(Mode.FRAME), simple.form(Mode.SHUFFLED)) == (ALL, "image", "file")
    assert chat.form(Mode.TEXT) == "none"


@pytest.mark.parametrize(
    "name",
    ["llava_vid", "video_llava", "minicpm_v", "llava_hf", "plm", "videollama3", "vila", "videochat_flash"],
)
def test_classes_that_break_without_a_visual_are_not_asked_in_text_mode(name: str) -> None:
    assert Mode.TEXT not in find_handling("simple", name).modes


@pytest.mark.parametrize("name", ["llava_vid", "video_llava", "vila", "videochat_flash"])
def test_classes_that_reject_an_image_get_the_center_frame_as_a_file(name: str) -> None:
    assert find_handling("simple", name).form(Mode.FRAME) == "file"


def test_an_argument_of_the_class_can_change_what_it_takes() -> None:
    assert find_handling("simple", "internvl3").modes == ALL
    assert find_handling("simple", "internvl3", "video").modes == ALL - {Mode.TEXT}
    assert find_handling("simple", "internvl3", "image") == find_handling("simple", "internvl3")


def test_some_take_one_image_only_and_some_answer_nothing() -> None:
    assert find_handling("simple", "cogvlm2").modes == {Mode.FRAME}
    assert find_handling("simple", "whisper") == NOTHING
    assert not NOTHING.modes
