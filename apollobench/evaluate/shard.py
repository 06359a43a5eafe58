"""Splits work between processes by video, so that no video is read twice and no coordination is needed."""

from __future__ import annotations

from apollobench.errors import InputError
from apollobench.types import Item, digest

WHOLE = (0, 1)


def parse_shard(text: str) -> tuple[int, int]:
    """`i/n` as (i, n). Raises InputError unless 0 <= i < n."""
    first, slash, second = text.partition("/")
    if not (slash and first.isdecimal() and second.isdecimal() and int(first) < int(second)):
        raise InputError(f"shard {text!r}: expected i/n with i from 0 to n - 1, for example 0/2 and 1/2")
    return int(first), int(second)


def in_shard(item: Item, shard: tuple[int, int]) -> bool:
    """Whether `item` is part of shard (i, n): all questions about one video fall into the same shard."""
    index, count = shard
    return count == 1 or int(digest(item.video.id), 16) % count == index
