"""vLLM's video loader of this package: exactly the planned frames, with their times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apollobench.apollo.hf.visuals import read_video
from apollobench.models.apollo import ApolloModel
from apollobench.types import Item
from apollobench.video.decode import decode
from apollobench.video.probe import probe


def test_a_plan_is_read_as_it_says(environment: pytest.MonkeyPatch, items: list[Item]) -> None:
    from apollobench.apollo.vllm.loader import PlannedLoader

    path, plan = items[0].video.path, {"indices": [7, 3, 3, 0], "clips": [[0.0, 0.5]], "duration": 9.0}
    frames, told = PlannedLoader.load_bytes(path.read_bytes(), num_frames=32, plan=plan)
    assert np.array_equal(frames, decode(probe(path), [7, 3, 3, 0]))
    assert told["frames_indices"] == [7, 3, 3, 0]
    assert (told["clips"], told["duration"], told["do_sample_frames"]) == ([[0.0, 0.5]], 9.0, False)


def test_a_sampling_is_planned_as_eval_plans_it(
    environment: pytest.MonkeyPatch, items: list[Item], apollo: ApolloModel
) -> None:
    from apollobench.apollo.vllm.loader import PlannedLoader
    from apollobench.models.vllm.folder import loader_options

    sampling = loader_options(apollo.sampling)["video"]["sampling"]
    for path in {item.video.path for item in items}:
        frames, told = PlannedLoader.load_bytes(path.read_bytes(), num_frames=32, sampling=sampling)
        expected = read_video(path, apollo.sampling)
        assert expected.plan is not None
        assert np.array_equal(frames, expected.frames)
        assert told["clips"] == [list(clip) for clip in expected.plan.clips]


def test_without_either_frames_lie_over_the_whole_video(environment: pytest.MonkeyPatch, items: list[Item]) -> None:
    from apollobench.apollo.vllm.loader import PlannedLoader

    probed = probe(items[0].video.path)
    frames, told = PlannedLoader.load_bytes(items[0].video.path.read_bytes(), num_frames=5)
    assert len(frames) == 5
    assert told["frames_indices"][0] < probed.frames / 5
    assert told["frames_indices"][-1] > probed.frames * 4 / 5


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"indices": [0, 10**6], "clips": [[0, 1]], "duration": 1.0}, "frames outside 0 to"),
        ({"indices": [], "clips": [], "duration": 1.0}, "frames outside 0 to"),
        ({"indices": [0]}, "clips"),
    ],
)
def test_plans_that_do_not_fit_are_refused(
    environment: pytest.MonkeyPatch, items: list[Item], plan: dict[str, object], message: str
) -> None:
    from apollobench.apollo.vllm.loader import PlannedLoader

    with pytest.raises(ValueError, match=message):
        PlannedLoader.load_bytes(items[0].video.path.read_bytes(), plan=plan)


def test_what_is_no_video_is_refused_without_naming_our_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from apollobench.apollo.vllm.loader import PlannedLoader

    for data in (b"", b"this is no video at all" * 100):
        with pytest.raises(ValueError, match="the video cannot be shown: the file") as caught:
            PlannedLoader.load_bytes(data)
        assert "/apollobench-" not in str(caught.value)
