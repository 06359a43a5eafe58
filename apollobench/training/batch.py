"""Micro-batches: samples padded on the right, with the clips of all of them one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from apollobench.apollo.model import IGNORE
from apollobench.training.mixture import Draw, Mixture
from apollobench.training.samples import Drawn, Encoded, Failure, Reader


@dataclass(frozen=True, slots=True)
class Batch:
    """ids, mask, labels: [B, L]. clips: one tensor per tower, `[Nc, ...]`. failures: samples that were passed over.

    missing: draws for which no usable sample was found. spaced: samples with fewer clips than the recipe allows.
    """

    ids: Tensor
    mask: Tensor
    labels: Tensor
    clips: list[Tensor]
    failures: tuple[Failure, ...] = ()
    missing: int = 0
    spaced: int = 0

    def to(self, device: torch.device) -> Batch:
        ids, mask, labels, *clips = (x.to(device, non_blocking=True) for x in self._tensors())
        return replace(self, ids=ids, mask=mask, labels=labels, clips=clips)

    def pin_memory(self) -> Batch:
        ids, mask, labels, *clips = (x.pin_memory() for x in self._tensors())
        return replace(self, ids=ids, mask=mask, labels=labels, clips=clips)

    @property
    def clip_count(self) -> int:
        return len(self.clips[0]) if self.clips else 0

    def _tensors(self) -> tuple[Tensor, ...]:
        return self.ids, self.mask, self.labels, *self.clips


@dataclass(frozen=True, slots=True)
class Collate:
    """pad: the token id that fills rows up. blank: what each tower takes, without any clips."""

    pad: int
    blank: list[Tensor]

    def __call__(self, drawn: Sequence[Drawn]) -> Batch:
        there = [one.encoded for one in drawn if one.encoded is not None]
        failures = tuple(failure for one in drawn for failure in one.failures)
        ids, labels, mask = self._rows(there)
        clips = [torch.cat(tower) for tower in zip(self.blank, *(one.clips for one in there), strict=True)]
        spaced = sum(one.spaced for one in there)
        return Batch(ids, mask, labels, clips, failures, missing=len(drawn) - len(there), spaced=spaced)

    def _rows(self, samples: Sequence[Encoded]) -> tuple[Tensor, Tensor, Tensor]:
        if not samples:
            return (torch.zeros(0, 1, dtype=torch.long),) * 3
        ids = pad_sequence([one.ids for one in samples], batch_first=True, padding_value=self.pad)
        labels = pad_sequence([one.labels for one in samples], batch_first=True, padding_value=IGNORE)
        mask = pad_sequence([torch.ones_like(one.ids) for one in samples], batch_first=True)
        return ids, labels, mask


@dataclass(frozen=True, slots=True)
class Portions:
    """The draws of one process, a micro-batch at a time, from step `first` to before step `last`.

    The batch of a step is the same whatever the number of processes: each takes every `world`-th sample of it.
    """

    mixture: Mixture
    first: int
    last: int
    rank: int
    world: int
    size: int

    def __iter__(self) -> Iterator[list[Draw]]:
        for step in range(self.first, self.last):
            own = self.mixture.batch(step)[self.rank :: self.world]
            yield from (own[start : start + self.size] for start in range(0, len(own), self.size))


def micro_batches(reader: Reader, portions: Portions, pad: int, workers: int, pin: bool) -> Iterator[Batch]:
    """The micro-batches of `portions`, read ahead by `workers` processes (0: read in this one, when needed)."""
    loader = DataLoader(
        reader,
        batch_sampler=portions,
        collate_fn=Collate(pad, reader.blank()),
        num_workers=workers,
        worker_init_fn=_one_thread,
        multiprocessing_context="spawn" if workers else None,
        pin_memory=pin,
    )
    return iter(loader)


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(1)
