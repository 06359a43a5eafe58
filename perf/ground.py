"""Where faults are provoked: a small real curation, run in processes that can be killed and that keep a journal.

The generated world is rendered, shipped models answer every question, and the real pipeline makes a benchmark. A child
is forked from a process that has everything imported, so that a hundred of them cost a hundred runs and no start-ups.
A response is acknowledged once `Store.append` has returned: the child then notes its key in the journal, a file of its
own that the parent reads.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, redirect_stderr
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from apollobench.benchmark import DROPPED, ITEMS, MANIFEST
from apollobench.curate.panel import Run
from apollobench.curate.pipeline import REPORT, RESPONSES, curate, load_pool
from apollobench.errors import InputError
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store, Where, is_store, load_responses
from apollobench.models.base import Model
from apollobench.models.registry import load_model
from apollobench.recipe import RecipeFile, load_recipe
from apollobench.types import FramePlan, Item, Mode, Response

PANEL, HELD_OUT = ("apollo-tiny-s", "apollo-tiny-s-image"), ("apollo-tiny-s-video",)
CHANGES = {
    "panel": list(PANEL),
    "held_out": list(HELD_OUT),
    "filter.min_votes": 2,
    "select.size": 20,
    "validation.random_subsets": 5,
    "validation.bootstrap": 20,
}
FILES = (ITEMS, DROPPED, MANIFEST, REPORT, "README.md")


class Witnessed(Store):
    """A store that notes in `journal` which keys it has acknowledged."""

    journal = -1

    def append(self, responses: Sequence[Response], plans: Mapping[str, FramePlan] | None = None) -> None:
        super().append(responses, plans)
        os.write(self.journal, "".join(f"{response.key}\n" for response in responses).encode())


@dataclass
class Child:
    """A run in a process of its own. said: what it wrote on standard error."""

    process: int
    log: Path
    status: int | None = None

    def kill(self) -> None:
        os.kill(self.process, signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        """Its exit code, or minus the signal that ended it."""
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        return self.status

    def ended(self) -> bool:
        if self.status is None:
            done, status = os.waitpid(self.process, os.WNOHANG)
            if done:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    @property
    def said(self) -> str:
        return self.log.read_text()


@dataclass
class Ground:
    """The world, and what an undisturbed curation of it makes."""

    folder: Path
    videos: int
    file: RecipeFile = field(init=False)
    pool: list[Item] = field(init=False)
    undisturbed: list[Response] = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        world = {"name": "synthetic", "options": {"videos": self.videos, "seed": 1_000_000}}
        self.file = load_recipe("synthetic", {**CHANGES, "sources": [world]})
        self.pool = load_pool(self.file.recipe, self.folder / "data")
        child = self.curation(self.whole)
        if child.wait():
            raise SystemExit(f"the undisturbed curation failed: {child.said}")
        self.undisturbed = load_responses(self.whole / RESPONSES)

    @property
    def whole(self) -> Path:
        """The benchmark of the undisturbed curation."""
        return self.folder / "undisturbed"

    def new(self, name: str) -> Path:
        """A folder that is not there yet."""
        self.count += 1
        return self.folder / f"{self.count}-{name}"

    def fork(self, act: Callable[[], object], journal: Path) -> Child:
        """Runs `act` in a child; InputError ends it with 2, as the command line does, anything else with 70."""
        self.count += 1
        log = self.folder / f"{self.count}.log"
        sys.stdout.flush()
        process = os.fork()
        if process:
            return Child(process, log)
        code = 70
        try:
            with log.open("w", buffering=1) as file, redirect_stderr(file):
                Witnessed.journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                try:
                    act()
                    code = 0
                except InputError as error:
                    print(f"error: {error}", file=sys.stderr)
                    code = 2
                except BaseException:
                    traceback.print_exc()
        finally:
            os._exit(code)

    def curation(
        self, output: Path, prepare: Callable[[], object] = lambda: None, load: Callable[[str], Model] = load_model
    ) -> Child:
        """Curates into `output`. prepare: what is done in the child before. load: what makes a model."""

        def act() -> None:
            prepare()
            curate(self.file, self.pool, output, run_models=lambda *given: _panel(*given, load))

        return self.fork(act, self.journal(output))

    def journal(self, output: Path) -> Path:
        return self.folder / f"{output.name}.journal"

    def acknowledged(self, output: Path) -> list[str]:
        """The keys that runs into `output` were told are kept, in order."""
        return self.journal(output).read_text().split() if self.journal(output).exists() else []

    def lost(self, output: Path) -> int:
        """Responses that were acknowledged and are not stored."""
        return len(set(self.acknowledged(output)) - {response.key for response in held(output)})

    def equal(self, output: Path) -> bool:
        """Whether responses and benchmark are those of the undisturbed run, byte by byte where it is files.

        Log-probabilities may differ by rounding: a question that is asked again shares its batch with others.
        """
        same = all(_content(output / name) == _content(self.whole / name) for name in FILES)
        return same and alike(load_responses(output / RESPONSES), self.undisturbed)


def held(output: Path) -> list[Response]:
    """What is stored; nothing where a run was ended before it made its store."""
    return load_responses(output / RESPONSES) if is_store(output / RESPONSES) else []


def alike(some: Sequence[Response], others: Sequence[Response]) -> bool:
    """Whether these are the same responses, but for rounding in log-probabilities."""
    bare = [[replace(response, option_logprobs=None) for response in responses] for responses in (some, others)]
    return bare[0] == bare[1] and all(
        np.allclose(one.option_logprobs or (), other.option_logprobs or (), atol=1e-4)
        for one, other in zip(some, others, strict=True)
    )


def _content(path: Path) -> object:
    """Where a benchmark lies is no part of it."""
    if path.name != MANIFEST:
        return path.read_bytes()
    return {name: value for name, value in json.loads(path.read_text()).items() if name != "media_root"}


def _panel(
    models: Sequence[str], items: Sequence[Item], modes: Sequence[Mode], store: Where, load: Callable[[str], Model]
) -> list[Run]:
    runs = []
    for name in models:
        with closing(load(name)) as model:
            begin = time.process_time()
            with Witnessed(store, model=name) as opened:
                counts = run(model, items, modes, opened, progress=False, decode_workers=1)
            seconds = time.process_time() - begin
        runs.append(Run(name, model.revision, {}, {}, counts.responses, counts.stored, counts.asked))
        print(f"{name}: {counts.asked} asked, {seconds:.3f} s", file=sys.stderr, flush=True)
    return runs


def asked(child: Child) -> int:
    """How many questions a finished curation put to its models."""
    return sum(int(words[1]) for words in _runs(child))


def seconds(child: Child) -> float:
    """CPU that a finished curation took to open the store and to run its models, loading them not counted."""
    return sum(float(words[3]) for words in _runs(child))


def _runs(child: Child) -> Iterator[list[str]]:
    yield from (line.split() for line in child.said.splitlines() if line.startswith(PANEL + HELD_OUT))


def stored_files(output: Path) -> Iterator[Path]:
    yield from sorted((output / RESPONSES).glob("responses-*.jsonl"))
