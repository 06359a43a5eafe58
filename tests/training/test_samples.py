"""From conversations to tensors: prompts and clips as at evaluation, fewer clips where there is no room, no silence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from apollobench.apollo.chat import Chat
from apollobench.apollo.model import IGNORE, VISUAL
from apollobench.apollo.processing import make_clips
from apollobench.training.mixture import Draw
from apollobench.training.recipe import DataFile, Kind
from apollobench.training.records import Records, Sample, open_records
from apollobench.training.samples import DECODED_CLIPS, Reader, clip_limit, limited
from apollobench.types import Sampling
from apollobench.video.decode import decode
from apollobench.video.plan import plan
from apollobench.video.probe import probe

from .. import tiny

CLIPS = Sampling("clips", max_clips=4)


def reader(
    max_length: int = 4096, sampling: Sampling = CLIPS, pools: dict[Kind, list[Records]] | None = None
) -> Reader:
    config = tiny.config()
    chat = Chat(tiny.tokenizer(), config.clip_duration, config.tokens_per_clip)
    return Reader(pools or {}, chat, config.vision, sampling, max_length, torch.float32)


def film(corpus: Path, *seeds: int) -> Sample:
    media = tuple(corpus / "videos" / f"{seed:07d}.mp4" for seed in seeds)
    return Sample("film", media, True, (("user", "<video>" * len(seeds) + "What?"), ("assistant", "That.")))


def test_a_video_is_read_as_at_evaluation(corpus: Path) -> None:
    sample, own = film(corpus, 0), reader()
    encoded = own.encode(sample)
    video = probe(sample.media[0])
    shown = plan(video, CLIPS)
    vision = tiny.config().vision
    assert vision is not None
    for made, expected in zip(encoded.clips, make_clips(decode(video, shown.indices), vision), strict=True):
        assert torch.equal(made, expected)
    asked = own.chat.prompt("What?", shown)
    assert encoded.ids[: len(asked)].tolist() == asked
    learned = encoded.labels[encoded.labels != IGNORE].tolist()
    assert own.chat.tokenizer.decode(learned) == "That.<|im_end|>"
    assert not encoded.spaced


def test_decoding_in_pieces_gives_the_same_clips(corpus: Path) -> None:
    whole = Sampling("uniform", frames=4 * (DECODED_CLIPS + 3))
    sample = film(corpus, 1)
    video = probe(sample.media[0])
    vision = tiny.config().vision
    assert vision is not None
    expected = make_clips(decode(video, plan(video, whole).indices), vision)
    made = reader(sampling=whole, max_length=9000).encode(sample).clips
    assert len(made[0]) == DECODED_CLIPS + 3
    assert all(torch.equal(a, b) for a, b in zip(made, expected, strict=True))


def test_images_are_still_clips_and_text_has_none(corpus: Path) -> None:
    pair = open_records(DataFile(name="pairs", file=str(corpus / "pairs.jsonl"), root=str(corpus), kind="multi_image"))
    encoded = reader().encode(pair[0])
    assert [len(x) for x in encoded.clips] == [2, 2]
    assert int((encoded.ids == VISUAL).sum()) == 2 * 2
    siglip = encoded.clips[0]
    assert torch.equal(siglip[:, :1].expand_as(siglip), siglip)
    text = reader().encode(Sample("t", (), False, (("user", "What?"), ("assistant", "That."))))
    assert [len(x) for x in text.clips] == [0, 0]
    assert VISUAL not in text.ids


@pytest.mark.parametrize(
    "sampling",
    [
        CLIPS,
        Sampling("uniform", frames=16),
        Sampling("fps", fps=2, frames=16),
        Sampling("released", tokens_per_clip=1, token_budget=4, ratio=1 - 1e-9),
    ],
    ids=lambda sampling: sampling.kind,
)
def test_where_there_is_no_room_clips_are_spaced_and_the_last_one_still_shows_the_end(
    corpus: Path, sampling: Sampling
) -> None:
    sample = film(corpus, 4)
    full = reader(sampling=sampling).encode(sample)
    assert len(full.clips[0]) == clip_limit(sampling) == 4
    tight = reader(max_length=len(full.ids) - 1, sampling=sampling).encode(sample)
    assert tight.spaced
    assert len(tight.ids) < len(full.ids)
    fewer = plan(probe(sample.media[0]), limited(sampling, 3))
    assert len(tight.clips[0]) == len(fewer.clips) == 3
    assert fewer.clips[-1][1] > 0.75 * fewer.duration


def test_every_video_of_a_sample_keeps_at_least_one_clip(corpus: Path) -> None:
    sample, roomy = film(corpus, 0, 1), reader().encode(film(corpus, 0, 1))
    assert len(roomy.clips[0]) == 8
    lengths = {most: len(reader(sampling=limited(CLIPS, most)).encode(sample).ids) for most in (1, 2)}
    assert len(reader(max_length=lengths[2] - 1).encode(sample).clips[0]) == 2
    drawn = with_samples(reader(max_length=lengths[1] - 1), "video", [sample])[Draw("video", (0,))]
    assert drawn.encoded is None
    assert drawn.failures[0].reason == f"has {lengths[1]} tokens at the least, but the model takes {lengths[1] - 1}"


class Listed(list[Sample]):
    """Samples in the place of a file's records."""


def with_samples(own: Reader, kind: Kind, samples: list[Sample]) -> Reader:
    return replace(own, pools={kind: [Listed(samples)]})  # type: ignore[list-item]


def test_what_cannot_be_used_is_named_and_the_next_one_stands_in(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "torn.mp4").write_bytes((corpus / "videos" / "0000000.mp4").read_bytes()[:20_000])
    (tmp_path / "note.png").write_text("not a picture")
    turns = film(corpus, 0).turns
    bad = [
        Sample("missing", (tmp_path / "none.mp4",), True, turns),
        Sample("torn", (tmp_path / "torn.mp4",), True, turns),
        Sample("note", (tmp_path / "note.png",), False, turns),
        Sample("gone", (tmp_path / "gone.png",), False, turns),
        Sample("long", (), False, (("user", "x" * 5000), ("assistant", "y"))),
    ]
    own = with_samples(reader(), "video", [*bad, film(corpus, 2)])
    drawn = own[Draw("video", tuple(range(6)))]
    assert [failure.sample for failure in drawn.failures] == ["missing", "torn", "note", "gone", "long"]
    reasons = [failure.reason for failure in drawn.failures]
    for reason, part in zip(
        reasons,
        ("none.mp4: no such file", "torn.mp4", "not a readable picture", "gone.png: no such file", "tokens"),
        strict=True,
    ):
        assert part in reason
    assert drawn.encoded is not None
    assert torch.equal(drawn.encoded.ids, own.encode(film(corpus, 2)).ids)


def test_files_of_a_kind_are_numbered_through(corpus: Path) -> None:
    files = [
        open_records(DataFile(name=name, file=str(corpus / "text.json"), root=".", kind="text")) for name in ("a", "b")
    ]
    own = reader(pools={"text": files})
    sums = [own[Draw("text", (number,))].encoded for number in (0, 5, 6)]
    assert all(one is not None for one in sums)
    first, _, again = (one.ids.tolist() for one in sums if one is not None)
    assert first == again
    with pytest.raises(IndexError):
        own[Draw("text", (12,))]


def test_alpha_and_grey_pictures_become_rgb(tmp_path: Path) -> None:
    from PIL import Image

    from apollobench.training.samples import read_image

    Image.new("LA", (3, 2), (200, 0)).save(tmp_path / "grey.png")
    frames = read_image(tmp_path / "grey.png")
    assert frames.shape == (1, 2, 3, 3)
    assert np.unique(frames).tolist() == [200]
