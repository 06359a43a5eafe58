"""Shards part items by video, completely and once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.errors import InputError
from apollobench.evaluate.shard import in_shard, parse_shard
from apollobench.types import Item, Video


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.integers(1, 7))
def test_every_item_is_in_one_shard_with_all_of_its_video(videos: list[int], count: int) -> None:
    items = [Item(f"w/{n}", "?", ("a", "b"), 0, Video(str(v), Path("/v"))) for n, v in enumerate(videos)]
    shards = [[item for item in items if in_shard(item, (index, count))] for index in range(count)]
    assert sorted(item.id for shard in shards for item in shard) == sorted(item.id for item in items)
    seen = [{item.video.id for item in shard} for shard in shards]
    assert sum(map(len, seen)) == len(set().union(*seen))


def test_many_videos_fall_evenly() -> None:
    items = [Item(f"w/{n}", "?", ("a", "b"), 0, Video(f"video {n}", Path("/v"))) for n in range(2000)]
    assert 900 < sum(in_shard(item, (0, 2)) for item in items) < 1100


def test_parse() -> None:
    assert parse_shard("0/2") == (0, 2)
    assert parse_shard("11/12") == (11, 12)


@pytest.mark.parametrize("text", ["", "1", "2/2", "-1/2", "a/b", "0/0", "0/2/3", "1.0/2"])
def test_bad_shards_are_explained(text: str) -> None:
    with pytest.raises(InputError, match="expected i/n"):
        parse_shard(text)
