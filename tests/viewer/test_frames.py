"""The pictures are the frames of the plan: cell by cell against the decoder, and a reason where there are none."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apollobench.errors import InputError
from apollobench.sources.synthetic.make import make_world
from apollobench.types import FramePlan, Mode, Sampling
from apollobench.video.decode import decode
from apollobench.video.plan import plan_for_mode
from apollobench.video.probe import Probe, probe
from apollobench.viewer.frames import COLUMNS, PER_SHEET, film


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("frames")
    make_world(root, 1, 2_000_000, workers=1, progress=False)
    return next((root / "videos").glob("*.mp4"))


def planned(probed: Probe, mode: Mode, sampling: Sampling) -> FramePlan:
    plan = plan_for_mode(probed, mode, sampling, "item")
    assert plan is not None
    return plan


def test_every_cell_is_its_frame(video: Path) -> None:
    probed = probe(video)
    plans = [
        planned(probed, Mode.SHUFFLED, Sampling("uniform", frames=80)),
        planned(probed, Mode.FRAME, Sampling("uniform", frames=8)),
    ]
    found = film(video, tuple(plans))
    sheets = [np.asarray(Image.open(io.BytesIO(found.webp(sheet))).convert("RGB")) for sheet in range(found.sheets)]
    assert found.sheets == 2
    assert [sheet.shape[1::-1] for sheet in sheets] == [found.size(0), found.size(1)]
    assert sheets[0].shape[1] == COLUMNS * found.width
    for plan in plans:
        order = [index for n, index in enumerate(plan.indices) if n == 0 or plan.indices[n - 1] != index]
        pictures = found.pictures(plan)
        assert [picture.seconds for picture in pictures] == [probed.times[index] for index in order]
        assert sum(picture.times for picture in pictures) == len(plan.indices)
        true = decode(probed, order, (found.height, found.width))
        for picture, frame in zip(pictures, true, strict=True):
            y, x = picture.y, picture.x
            shown = sheets[picture.sheet][y : y + found.height, x : x + found.width]
            assert np.abs(shown.astype(int) - frame).mean() < 12
    assert len(found.indices) > PER_SHEET


def test_a_center_frame_stands_once(video: Path) -> None:
    plan = planned(probe(video), Mode.FRAME, Sampling("uniform", frames=8))
    (picture,) = film(video, (plan,)).pictures(plan)
    assert picture.times == len(plan.indices) == 4


def test_another_video_is_not_passed_off_as_the_one_shown(video: Path, tmp_path: Path) -> None:
    plan = planned(probe(video), Mode.VIDEO, Sampling("uniform", frames=8))
    with pytest.raises(InputError, match="not the video that the model was shown"):
        film(video, (replace(plan, timestamps=tuple(time + 0.5 for time in plan.timestamps)),))
    with pytest.raises(InputError, match="not at hand"):
        film(tmp_path / "none.mp4", (plan,))
    broken = shutil.copy(video, tmp_path / "broken.mp4")
    Path(broken).write_bytes(video.read_bytes()[:300])
    with pytest.raises(InputError, match=r"broken\.mp4"):
        film(Path(broken), (plan,))
