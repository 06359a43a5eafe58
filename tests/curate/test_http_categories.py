"""The http categorizer against a real server: what it asks, what it keeps, and what it does when the answer is none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apollobench.curate.categorize import Sorting, categorize, read_categories
from apollobench.curate.categorize.http import build_prompt, read_category
from apollobench.curate.decisions import Decision
from apollobench.errors import InputError
from apollobench.evaluate.store import load_responses
from apollobench.recipe.categorize import HttpCategories
from apollobench.types import CATEGORIES, Item

from ..models.http.oracle import MODEL, Handler, Oracle, oracle, status

SCRIPT = """
import json, sys
from pathlib import Path
from apollobench.curate.categorize import categorize
from apollobench.recipe.categorize import HttpCategories
from apollobench.types import Item, Video
spec, folder, count = HttpCategories(**json.loads(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
items = [Item(f"toy/{i}", f"question {i}", ("a", "b"), 0, Video(f"v{i}", Path("/v"))) for i in range(count)]
print([entry.item.category for entry in categorize(items, spec, folder=folder).categorized])
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Oracle]:
    """It says `Reasoning` to a question with an odd number, and `Perception` to one with an even number."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with oracle() as running:
        running.forever = lambda handler: says(handler, ("Perception", "Reasoning")[number(handler) % 2])
        yield running


def says(handler: Handler, text: str) -> None:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    handler.send(200, json.dumps({"choices": [choice]}).encode())


def number(handler: Handler) -> int:
    return int(handler.body["messages"][0]["content"].partition("Question: question ")[2].split()[0])


def spec(server: Oracle, **changes: Any) -> HttpCategories:
    given = {"base_url": server.url, "api_key_env": None, "model": MODEL, "max_new_tokens": 16, "body": {}}
    return HttpCategories(**{"method": "http", **given, "sample": 0, "seed": 0, **changes})


@pytest.fixture
def items(make_item: Callable[..., Item]) -> list[Item]:
    """Ten without a label, then ten whose label says `Perception`."""
    return [make_item(i) for i in range(10)] + [
        make_item(i, source="nextqa", native={"type": "CH"}) for i in range(10, 20)
    ]


def named(sorting: Sorting) -> list[tuple[str | None, str]]:
    return [(entry.item.category, entry.provenance) for entry in sorting.categorized]


def test_only_what_has_no_label_is_asked_and_only_once(server: Oracle, items: list[Item], tmp_path: Path) -> None:
    first = categorize(items, spec(server), folder=tmp_path / "c")
    asked = [("Perception", f"http:{MODEL}"), ("Reasoning", f"http:{MODEL}")] * 5
    assert named(first) == [*asked, *([("Perception", "native:type=CH")] * 10)]
    assert first.quality is None
    assert len(server.posts) == 10
    body = server.posts[0]
    assert (body["model"], body["temperature"], body["max_tokens"]) == (MODEL, 0, 16)
    assert categorize(items, spec(server), folder=tmp_path / "c") == first
    assert len(server.posts) == 10
    categorize(items, spec(server, max_new_tokens=8), folder=tmp_path / "c")
    assert len(server.posts) == 20, "another way of asking is another question"


def test_the_prompt_has_all_that_the_file_says_and_the_whole_question(make_item: Callable[..., Item]) -> None:
    definitions = read_categories().definitions
    prompt = build_prompt(make_item(3, options=3), definitions)
    places = [prompt.index(f"\n{name}: ") for name in definitions]
    assert places == sorted(places)
    for entry in definitions.values():
        assert all(text.strip() in prompt for text in (entry.definition, entry.excludes, *entry.examples))
    assert "Question: question 3\nA. option 0\nB. option 1\nC. option 2\n" in prompt


@pytest.mark.parametrize(
    ("reply", "category"),
    [
        *((name, name) for name in CATEGORIES),
        (" ocr\n", "OCR"),
        ("**Spatial**.", "Spatial"),
        ('"Reasoning"', "Reasoning"),
        ("Category: Spatial", None),
        ("Spatial or Perception", None),
        ("The answer is OCR", None),
        ("", None),
    ],
)
def test_a_reply_is_a_name_or_nothing(reply: str, category: str | None) -> None:
    assert read_category(reply) == category


def test_a_reply_that_is_none_is_asked_once_more_and_then_named(
    server: Oracle, items: list[Item], tmp_path: Path
) -> None:
    def slow_to_learn(handler: Handler) -> None:
        again = "Only one of these names" in handler.body["messages"][0]["content"]
        says(handler, "Spatial" if again and number(handler) != 7 else "I think it is Spatial")

    server.forever = slow_to_learn
    with pytest.raises(InputError) as caught:
        categorize(items, spec(server), folder=tmp_path / "c")
    assert f"{MODEL} named no category, twice, for toy/7 ('I think it is Spatial'). Decide" in str(caught.value)
    assert len(server.posts) == 20
    decided = {"toy/7": Decision("toy/7", "category", "OCR", "", "", "ada", "2026-05-01T09:00:00Z")}
    sorting = categorize(items, spec(server), decided=decided, folder=tmp_path / "c")
    assert len(server.posts) == 20, "what was answered is kept"
    assert named(sorting)[7] == ("OCR", "decision:ada")
    assert {name for name, origin in named(sorting)[:10] if origin.startswith("http")} == {"Spatial"}


def test_what_failed_is_asked_again_by_the_next_run(server: Oracle, items: list[Item], tmp_path: Path) -> None:
    well = server.forever
    assert well is not None
    server.forever = lambda handler: status(400, "too long")(handler) if number(handler) == 3 else well(handler)
    with pytest.raises(InputError) as caught:
        categorize(items, spec(server), folder=tmp_path / "c")
    told = str(caught.value)
    assert "1 of 10 questions for a category were not answered, the first about toy/3: server http://127.0.0.1" in told
    assert "too long" in told
    server.forever = well
    assert named(categorize(items, spec(server), folder=tmp_path / "c"))[3] == ("Reasoning", f"http:{MODEL}")
    assert len(server.posts) == 11


def test_a_server_of_another_model_is_refused_before_any_question(
    server: Oracle, items: list[Item], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="serves 'oracle-1', not 'gpt'"):
        categorize(items, spec(server, model="gpt"), folder=tmp_path / "c")
    assert not server.posts


def test_agreement_with_labels_is_measured_on_a_sample(server: Oracle, items: list[Item]) -> None:
    sorting = categorize(items, spec(server, sample=6))
    assert len(server.posts) == 16
    quality = sorting.quality
    assert quality is not None
    sampled = [post["messages"][0]["content"].partition("Question: question ")[2].split()[0] for post in server.posts]
    even = sum(int(name) % 2 == 0 for name in sampled if int(name) >= 10)
    assert (quality.accuracy.value, quality.accuracy.n) == (even / 6, 6)
    assert quality.majority.value == 1
    assert quality.how == f"{MODEL} against the sources' labels, on 6 items drawn with seed 0"
    assert categorize(items, spec(server, sample=6)).quality == quality
    assert named(sorting)[10:] == [("Perception", "native:type=CH")] * 10, "labels win"


def test_fields_of_the_request_can_be_added_and_left_out(server: Oracle, items: list[Item]) -> None:
    categorize(items, spec(server, body={"max_tokens": None, "max_completion_tokens": 9}))
    assert "max_tokens" not in server.posts[0]
    assert server.posts[0]["max_completion_tokens"] == 9


def test_a_killed_run_goes_on_where_it_stopped(server: Oracle, tmp_path: Path) -> None:
    well = server.forever
    assert well is not None

    def hold_the_last(handler: Handler) -> None:
        while server.done >= 30 and not server.over.wait(0.01):
            pass
        well(handler)

    server.forever = hold_the_last
    arguments = [spec(server).model_dump_json(), str(tmp_path / "c"), "40"]
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments], env={**os.environ, "NO_PROXY": "127.0.0.1"}, stderr=subprocess.PIPE
    )
    while server.done < 30:
        assert process.poll() is None, process.communicate()
        server.over.wait(0.05)
    while len(load_responses(tmp_path / "c")) < 20:
        server.over.wait(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = len(load_responses(tmp_path / "c"))
    assert 20 <= kept < 40
    server.forever = well
    server.posts.clear()
    again = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout == f"{['Perception', 'Reasoning'] * 20}\n"
    assert f"categories by {MODEL}: {40 - kept} asked now, {kept} stored" in again.stderr
    assert len(server.posts) == 40 - kept
