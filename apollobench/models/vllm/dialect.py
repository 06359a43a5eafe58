"""How vLLM is asked: the file and our frame plan, once for all questions on it, and the letters' own log-probabilities.

The server reads the planned frames itself, with the loader of `apollo.vllm.loader`, so no pixels travel and none are
lost to compression. A later question on the same frames names them by an id instead, for as long as the server has them
in its cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apollobench.errors import InputError
from apollobench.models.http.messages import Part
from apollobench.models.http.replies import read_reply
from apollobench.types import Answer, Mode, Request, digest
from apollobench.video.media import media_digest

LOADER = "apollobench"
LISTED = 20  # likely tokens that a server lists at most, unless it was told otherwise


@dataclass(frozen=True, slots=True)
class Vllm:
    """Satisfies `http.chat.Dialect`.

    letters: token id of each option letter as a reply begins with it, as far as they are tokens of their own; None to
    read those among the likeliest tokens. sees: whether the model takes videos; one that does not is asked the question
    alone in every mode.
    """

    max_new_tokens: int
    letters: tuple[int, ...] | None = None
    sees: bool = True

    def show(self, request: Request) -> Sequence[Part]:
        if request.mode is Mode.TEXT or not self.sees:
            return ()
        if request.plan is None:
            raise InputError(f"{request.item.id}: mode {request.mode} was asked without a frame plan")
        path = request.item.video.path
        known = digest([media_digest(path), request.plan.fingerprint])
        return [{"type": "video_url", "video_url": {"url": path.resolve().as_uri()}, "uuid": known}]

    def again(self, parts: Sequence[Part]) -> Sequence[Part]:
        return [{**part, "video_url": None} for part in parts] if parts else parts

    def extra(self, request: Request) -> Mapping[str, Any]:
        options = len(request.item.options)
        fields: dict[str, Any] = {"max_tokens": self.max_new_tokens, "temperature": 0, "logprobs": True}
        if self.letters is None:
            fields["top_logprobs"] = LISTED
        elif options > len(self.letters):
            raise InputError(
                f"{request.item.id}: {options} options, but the tokenizer has a token of its own for only the first "
                f"{len(self.letters)} letters"
            )
        else:
            fields |= {"top_logprobs": options, "logprob_token_ids": self.letters[:options]}
            fields["return_tokens_as_token_ids"] = True
        if request.plan is not None and request.mode is not Mode.TEXT and self.sees:
            plan = request.plan
            told = {"indices": plan.indices, "clips": plan.clips, "duration": plan.duration}
            fields["media_io_kwargs"] = {"video": {"video_backend": LOADER, "plan": told}}
        return fields

    def read(self, request: Request, reply: Mapping[str, Any]) -> Answer:
        answer = read_reply(request, reply)
        if answer.text is None:
            return answer
        if self.letters is not None:
            answer = replace(answer, option_logprobs=self._of_letters(request, reply))
        return replace(answer, text=str(answer.text).strip())

    def _of_letters(self, request: Request, reply: Mapping[str, Any]) -> tuple[float, ...] | None:
        """Log-probability of each letter's token; None when the server did not give them all."""
        assert self.letters is not None
        try:
            listed = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
            found = {entry["token"]: float(entry["logprob"]) for entry in listed}
            return tuple(found[f"token_id:{token}"] for token in self.letters[: len(request.item.options)])
        except (LookupError, TypeError, ValueError, OverflowError):
            return None
