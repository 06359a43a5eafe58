"""The processor of a checkpoint, with the limits on the size of frames that its model's own code has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoProcessor, Qwen2VLVideoProcessor

from apollobench.apollo.jsonfile import read_json
from apollobench.errors import InputError
from apollobench.models.chat.once import Once

NESTED, OWN = "processor_config.json", "video_preprocessor_config.json"


def load_processor(folder: Path) -> Any:
    """A `ProcessorMixin` whose video processor does equal work once.

    Raises `InputError` when there is none that can be read, or none that takes videos and writes chats.
    """
    try:
        processor = AutoProcessor.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError, AttributeError, TypeError) as error:
        raise InputError(
            f"{folder}: no processor can be read: {error}. The folder must hold the files of the processor "
            f"({NESTED} or preprocessor_config.json, the tokenizer and the chat template)"
        ) from error
    films = getattr(processor, "video_processor", None)
    if films is None:
        raise InputError(f"{folder}: its {type(processor).__name__} takes no videos; use a video language model")
    if not processor.chat_template:
        raise InputError(f"{folder}: no chat template; put the model's chat_template.jinja there")
    _limit(films, folder)
    processor.video_processor = Once(films)
    return processor


def _limit(films: Any, folder: Path) -> None:
    """Qwen-VL checkpoints are meant for frames of a limited size, which transformers leaves out as yet.

    Those with settings for images alone would have every frame as large as an image, 16 times a frame's limit.
    """
    if isinstance(films, Qwen2VLVideoProcessor) and not _knows_videos(folder):
        films.size = dict(Qwen2VLVideoProcessor.size)
    if getattr(films, "cap_pixels_per_frame", False) is None:
        films.cap_pixels_per_frame = True


def _knows_videos(folder: Path) -> bool:
    """Whether the checkpoint has settings for videos; without any, those for images are read."""
    return (folder / OWN).is_file() or ((folder / NESTED).is_file() and "video_processor" in read_json(folder / NESTED))
