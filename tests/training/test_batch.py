"""Micro-batches: padded on the right, clips of all samples in order, the same with and without worker processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from apollobench.apollo.chat import Chat
from apollobench.apollo.model import IGNORE
from apollobench.training.batch import Collate, Portions, micro_batches
from apollobench.training.mixture import Mixture
from apollobench.training.recipe import DataFile, Kind
from apollobench.training.records import Records, open_records
from apollobench.training.samples import Drawn, Failure, Reader
from apollobench.types import Sampling

from .. import tiny


@pytest.fixture(scope="module")
def reader(corpus: Path) -> Reader:
    files: dict[Kind, str] = {"text": "text.json", "multi_image": "pairs.jsonl", "video": "videos.jsonl"}
    pools: dict[Kind, list[Records]] = {
        kind: [
            open_records(
                DataFile(
                    name=kind,
                    file=str(corpus / file),
                    root=str(corpus / ("videos" if kind == "video" else "")),
                    kind=kind,
                )
            )
        ]
        for kind, file in files.items()
    }
    config = tiny.config()
    chat = Chat(tiny.tokenizer(), config.clip_duration, config.tokens_per_clip)
    return Reader(pools, chat, config.vision, Sampling("clips", max_clips=2), 4096, torch.float32)


def portions(reader: Reader, steps: int = 3) -> Portions:
    sizes = {kind: len(files[0]) for kind, files in reader.pools.items()}
    shares: dict[Kind, float] = {"text": 0.4, "image": 0.0, "multi_image": 0.3, "video": 0.3}
    return Portions(Mixture(shares, sizes, 4, (1, 0)), 0, steps, rank=0, world=1, size=2)


def test_rows_are_padded_on_the_right_and_clips_follow_the_samples(reader: Reader) -> None:
    drawn = [reader[draw] for draw in next(iter(portions(reader)))]
    both = [one.encoded for one in drawn if one.encoded is not None]
    batch = Collate(pad=5, blank=reader.blank())(drawn)
    assert batch.ids.shape == batch.mask.shape == batch.labels.shape == (2, max(len(one.ids) for one in both))
    for row, one in enumerate(both):
        length = len(one.ids)
        assert torch.equal(batch.ids[row, :length], one.ids)
        assert torch.equal(batch.labels[row, :length], one.labels)
        assert batch.mask[row].tolist() == [1] * length + [0] * (batch.ids.shape[1] - length)
        assert (batch.ids[row, length:] == 5).all()
        assert (batch.labels[row, length:] == IGNORE).all()
    for tower, clips in enumerate(batch.clips):
        assert torch.equal(clips, torch.cat([one.clips[tower] for one in both]))


def test_draws_without_a_usable_sample_are_counted(reader: Reader) -> None:
    batch = Collate(0, reader.blank())([Drawn(None, (Failure("a", "torn"), Failure("b", "gone")))] * 2)
    assert (batch.missing, len(batch.failures), batch.clip_count) == (2, 4, 0)


def test_a_worker_process_gives_the_same_batches(reader: Reader) -> None:
    here, there = (list(micro_batches(reader, portions(reader), 0, workers, pin=False)) for workers in (0, 1))
    assert len(here) == len(there) == 6
    for one, other in zip(here, there, strict=True):
        assert torch.equal(one.ids, other.ids)
        assert torch.equal(one.labels, other.labels)
        assert all(torch.equal(a, b) for a, b in zip(one.clips, other.clips, strict=True))


def test_a_blind_model_gets_no_clips(reader: Reader) -> None:
    blind = Reader(reader.pools, reader.chat, None, Sampling("center"), 4096, torch.float32)
    assert blind.blank() == []
    draws = [draw for micro in portions(reader) for draw in micro if draw.kind == "text"]
    assert Collate(0, [])([blind[draw] for draw in draws]).clips == []
