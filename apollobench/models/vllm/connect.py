"""From a model's name and arguments to a model behind vLLM: on a server started for it, or on one that runs."""

from __future__ import annotations

import contextlib
import re
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from apollobench.errors import InputError
from apollobench.models.base import Rates, Sketch
from apollobench.models.http.address import Address, find_address
from apollobench.models.http.backoff import Backoff
from apollobench.models.http.chat import ServedModel
from apollobench.models.http.connect import told_revision
from apollobench.models.http.server import Server as Connection
from apollobench.models.roster import RosterEntry
from apollobench.models.vllm.dialect import Vllm
from apollobench.models.vllm.folder import Served, is_apollo, served
from apollobench.models.vllm.launch import launch
from apollobench.models.vllm.options import Options
from apollobench.models.vllm.server import KEY, Server, api_key
from apollobench.models.weights import find_weights, weights_revision
from apollobench.types import LETTERS, Answer, Mode, Request

if TYPE_CHECKING:
    from apollobench.apollo.chat import Chat

TRIES_AT_HOME = 3  # of a server on this machine that nobody else asks
DIGEST = re.compile(r"[0-9a-f]{32}")


@dataclass
class VllmModel(ServedModel):
    """process: the server, where it was started for this model and ends with it."""

    process: Server | None = field(default=None, repr=False)

    def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """As `ServedModel.answer`; once its server has ended, every error says that, and nothing waits for it."""
        if ended := self._ended():
            return [Answer(None, error=ended) for _ in requests]
        answers = super().answer(requests)
        ended = self._ended()
        return [replace(answer, error=ended) if ended and answer.error else answer for answer in answers]

    def close(self) -> None:
        super().close()
        if ended := self._ended():
            print(f"{self.name}: {ended}", file=sys.stderr, flush=True)
        if self.process is not None:
            self.process.stop()

    def _ended(self) -> str | None:
        try:
            if self.process is not None:
                self.process.check_alive()
        except InputError as error:
            return str(error)
        return None


def connect(name: str, entry: RosterEntry, options: Options) -> VllmModel:
    """The model behind the server at `base_url`, or behind one that is started now and ends with the model.

    Raises `InputError` when vLLM, the weights or the server cannot be had, with the end of the log of one that failed.
    """
    if options.base_url is not None:
        return _at(name, entry, options, options.base_url)
    process, what = launch(
        name, entry, options.server, key=secrets.token_urlsafe(24), media_root=Path(Path.cwd().anchor)
    )
    with_key = Address(process.base_url, f"Bearer {process.key}", (process.key or "",))
    process.start()
    print(f"{name}: starting vLLM, which takes a while; its log: {process.log}", file=sys.stderr, flush=True)
    try:
        process.wait_until_ready()
        if what.sampling is None:  # now that vLLM has downloaded what was not at hand
            what = replace(what, revision=weights_revision(what.model, options.server.get("revision")))
        return _model(name, entry, options, what, with_key, process)
    except BaseException:
        process.stop()
        raise


def sketch(name: str, entry: RosterEntry, options: Options) -> Sketch:
    """What can be told of the model without a server. Raises `InputError` for weights that are not at hand."""
    pretrained, revision = options.server.get("pretrained"), options.server.get("revision")
    rates = Rates(completion_tokens=(1.0, float(options.max_new_tokens)), at_once=options.concurrency)
    if not is_apollo(entry, pretrained):
        return Sketch(name, "", options.settings, frozenset(Mode), options.sampling(None), rates)
    from apollobench.models.apollo import sketch as sketch_apollo

    folder = find_weights(name, entry, pretrained, revision)
    own = sketch_apollo(name, folder, options.of_apollo)
    rates = replace(rates, tokens_per_frame=own.rates.tokens_per_frame)
    return replace(own, settings=options.settings, rates=rates, wants_frames=False)


def _at(name: str, entry: RosterEntry, options: Options, base_url: str) -> VllmModel:
    """On a server that runs: what its weights are is told by itself, and by their folder where that can be read."""
    address = find_address(base_url, options.api_key_env or (KEY if api_key() else None))
    connection = Connection(address, concurrency=1)
    try:
        told = told_revision(connection, name)
    finally:
        connection.close()
    root = re.match(r"root=([^,]+)", told)
    folder = Path(root[1]) if root else Path()
    pretrained = options.server.get("pretrained")
    if root and (folder / "config.json").is_file() and is_apollo(entry, str(folder)):
        what = served(name, entry, str(folder), None)
    else:
        what = served(name, entry, pretrained, options.server.get("revision"))
    return _model(name, entry, options, replace(what, revision=_digest_in(folder) or told), address, None)


def _digest_in(folder: Path) -> str | None:
    """The digest of the weights that `apollobench serve` exported there."""
    return folder.name if DIGEST.fullmatch(folder.name) else None


def _model(
    name: str, entry: RosterEntry, options: Options, what: Served, address: Address, process: Server | None
) -> VllmModel:
    sampling = options.sampling(what.sampling)
    backoff = Backoff() if process is None else Backoff(tries=TRIES_AT_HOME)
    dialect = Vllm(options.max_new_tokens)
    if what.sampling is not None:
        dialect = _apollo_dialect(Path(what.model), options.max_new_tokens)
    return VllmModel(
        name=name,
        revision=what.revision,
        settings=options.settings,
        modes=frozenset(Mode),
        sampling=sampling,
        wants_frames=False,
        model=name,
        server=Connection(address, timeout=options.timeout, concurrency=options.concurrency, backoff=backoff),
        dialect=dialect,
        process=process,
    )


def _apollo_dialect(folder: Path, max_new_tokens: int) -> Vllm:
    from apollobench.apollo.chat import Chat
    from apollobench.apollo.checkpoint import read_tokenizer
    from apollobench.apollo.hf.layout import unnest
    from apollobench.apollo.jsonfile import read_json

    config = unnest(read_json(folder / "config.json"), folder)
    tokenizer = read_tokenizer(folder, config.llm["vocab_size"])
    chat = Chat(tokenizer, config.clip_duration, config.tokens_per_clip, config.integration)
    return Vllm(max_new_tokens, _letters(chat), config.vision is not None)


def _letters(chat: Chat) -> tuple[int, ...]:
    """Token ids of the option letters, up to the first that is no token of its own."""
    found: list[int] = []
    with contextlib.suppress(InputError):
        found.extend(chat.reply_token(letter) for letter in LETTERS)
    return tuple(found)
