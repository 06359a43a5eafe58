"""Any text at all, by hypothesis: read, or refused by name."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollobench.curate.decisions import parse_decisions
from apollobench.errors import InputError
from apollobench.evaluate.extract import extract
from apollobench.jsonfile import loads
from apollobench.models.http.server import _as_object
from apollobench.recipe import Recipe
from apollobench.yamlfile import load_yaml, parse_yaml

ANY = st.text(st.characters(codec=None), max_size=200)
YAML = st.lists(st.sampled_from([*"[]{}:,-?&*!|>'\"%@`#~ \n\t=", "a", "1", "!!int ", "<<", "0x", "2001-", "\\"])).map(
    "".join
)
WORDS = st.sampled_from(
    [
        *("A", "b", "(C)", "answer", "is", "not", "but", "if", "**", "\\boxed{", "}", "<think>", "</think>"),
        *("<answer>", "\n", "option", "correct", "\uff1a", ".", ",", "'", "I'd", "go", "with", "and", "or", "?", "红"),
    ]
)
PIECES = ("(", "A ", "not ", "A, ", "answer is ", "is ", "**", "\\boxed{", "<answer>", "<think>", "B or ", "\n", "'")


@given(YAML | ANY)
@settings(max_examples=300)
def test_yaml(text: str) -> None:
    with contextlib.suppress(InputError):
        load_yaml(text, "mine.yaml")
    with pytest.raises(InputError, match=r"mine\.yaml"):
        parse_yaml(text, "mine.yaml", Recipe)


@given(ANY | st.recursive(st.none() | st.floats() | st.integers() | ANY, st.lists).map(repr))
def test_json_and_what_it_gives_can_be_written(text: str) -> None:
    with contextlib.suppress(ValueError):
        str(loads(text)).encode()
    with contextlib.suppress(InputError):
        parse_decisions(text, "mine.jsonl")
    _as_object(text, str)


@given(st.lists(WORDS).map(" ".join) | ANY, st.lists(ANY, min_size=1, max_size=5))
@settings(max_examples=300)
def test_answers(text: str, options: list[str]) -> None:
    found = extract(text, options)
    assert found is None or 0 <= found < len(options)


@pytest.mark.parametrize("piece", PIECES)
def test_long_answers_take_time_in_proportion(piece: str) -> None:
    """Eight times the text takes far less than 64 times the processor's time: nothing is squared."""

    def seconds(copies: int) -> float:
        begun = time.process_time()
        extract(f"x B {piece * copies} y", ("red", "blue"))
        return time.process_time() - begun

    seconds(100)
    assert seconds(4000) < 30 * max(seconds(500), 0.004)
