"""The OpenAI dialect, and what vLLM and SGLang add to it for video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apollobench.models.http.messages import (
    Part,
    file_data_url,
    frames_of,
    image_part,
    jpeg_video_times,
    jpeg_video_url,
    jpegs,
    video_part,
)
from apollobench.models.http.options import Options
from apollobench.models.http.replies import read_reply
from apollobench.types import Answer, Mode, Request


@dataclass(frozen=True, slots=True)
class OpenAI:
    """Satisfies `chat.Dialect`."""

    options: Options

    def show(self, request: Request) -> Sequence[Part]:
        if request.mode is Mode.TEXT:
            return ()
        media = self.options.media
        if media == "video_file" and request.mode is Mode.VIDEO:
            return [video_part(request.item.video.path.as_uri())]
        if media == "video_url" and request.mode is Mode.VIDEO:
            return [video_part(file_data_url(request.item.video.path))]
        pictures = jpegs(frames_of(request), self.options.jpeg_quality, self.options.max_side)
        if media == "video_jpeg":
            return [video_part(jpeg_video_url(pictures))]
        return [image_part(picture, self.options.detail) for picture in pictures]

    def again(self, parts: Sequence[Part]) -> Sequence[Part]:
        return parts

    def extra(self, request: Request) -> Mapping[str, Any]:
        options = self.options
        fields: dict[str, Any] = {"max_tokens": options.max_new_tokens, "temperature": 0}
        if options.logprobs:
            fields |= {"logprobs": True, "top_logprobs": options.logprobs}
        told = self._about_video(request)
        if told:
            fields["media_io_kwargs"] = {"video": told}
        return {name: value for name, value in (fields | dict(options.body)).items() if value is not None}

    def read(self, request: Request, reply: Mapping[str, Any]) -> Answer:
        return read_reply(request, reply)

    def _about_video(self, request: Request) -> dict[str, Any]:
        """How the server is to read the video part: what was sampled here, or how to sample it there."""
        if self.options.media == "video_jpeg" and request.plan is not None:
            return jpeg_video_times(request.plan)
        if self.options.media in ("video_url", "video_file") and request.mode is Mode.VIDEO:
            sampling = self.options.sampling
            return {"num_frames": sampling.frames} | ({"fps": sampling.fps} if sampling.fps else {})
        return {}
