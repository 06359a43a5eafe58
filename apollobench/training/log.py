"""What a training tells: a record of every step in JSON lines, a progress bar, and TensorBoard if it is asked for."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from apollobench.atomic import replace_file
from apollobench.errors import InputError
from apollobench.training.checkpoints import Place
from apollobench.training.samples import Failure

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

log = logging.getLogger(__name__)
FILE = "log.jsonl"


@dataclass(frozen=True, slots=True)
class Step:
    """One update. step: counted from 1. loss: mean over the batch's label tokens. lr: of each part that learns.

    tokens: of the batch, visual ones included, padding not. seconds: from the wait for data to the end of the update.
    spaced: samples with fewer clips than the recipe allows, so as not to be too long. skipped: samples passed over.
    """

    stage: str
    step: int
    loss: float
    lr: dict[str, float]
    grad_norm: float
    tokens: int
    label_tokens: int
    clips: int
    seconds: float
    spaced: int
    skipped: list[Failure]


class Log:
    """The log of a run in `folder`, taken up at `place`: what was logged after it is about to be done again."""

    def __init__(self, folder: Path, stages: Sequence[tuple[str, int]], place: Place, tensorboard: bool) -> None:
        self._stages, self._before = [name for name, _ in stages], self._steps_before(stages)
        self._board = _open_board(folder, self._before[place.stage] + place.step) if tensorboard else None
        self._file = _cut(folder / FILE, self._stages, place).open("a", encoding="utf-8")
        self._bar: tqdm[Any] | None = None

    def begin(self, stage: str, done: int, steps: int) -> None:
        """Show the progress of a stage."""
        self._bar = tqdm(total=steps, initial=done, desc=stage, unit="step", mininterval=1)

    def add(self, step: Step) -> None:
        self._file.write(json.dumps(asdict(step), ensure_ascii=False) + "\n")
        self._file.flush()
        for failure in step.skipped:
            log.warning("%s step %d: %s was passed over: %s", step.stage, step.step, failure.sample, failure.reason)
        if self._bar is not None:
            self._bar.set_postfix_str(f"loss {step.loss:.4f}", refresh=False)
            self._bar.update()
            if self._bar.n == self._bar.total:
                self._bar.close()
        if self._board is not None:
            self._chart(self._board, step)

    def sync(self) -> None:
        """Force all that was added to the disk."""
        os.fsync(self._file.fileno())

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._bar is not None:
            self._bar.close()
        if self._board is not None:
            self._board.close()

    def _chart(self, board: SummaryWriter, step: Step) -> None:
        number = self._before[self._stages.index(step.stage)] + step.step
        values = {"loss": step.loss, "grad_norm": step.grad_norm, "seconds": step.seconds, "skipped": len(step.skipped)}
        values |= {f"lr/{part}": rate for part, rate in step.lr.items()}
        for name, value in values.items():
            board.add_scalar(name, value, number)

    @staticmethod
    def _steps_before(stages: Sequence[tuple[str, int]]) -> list[int]:
        return [sum(steps for _, steps in stages[:number]) for number in range(len(stages) + 1)]


def require_tensorboard() -> None:
    """Raises `InputError` unless the package is installed."""
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError as error:
        raise InputError(
            "the recipe asks for TensorBoard, which is not installed: pip install tensorboard, or set run.tensorboard "
            f"to false ({FILE} is always written)"
        ) from error


def _open_board(folder: Path, step: int) -> SummaryWriter:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)


def _cut(path: Path, stages: Sequence[str], place: Place) -> Path:
    """Drop the records after `place`, and a last one that was torn."""
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []:
        if not line.endswith("\n"):
            break
        record = json.loads(line)
        if (stages.index(record["stage"]), record["step"]) > (place.stage, place.step):
            break
        kept.append(line)
    replace_file(path, "".join(kept))
    return path
