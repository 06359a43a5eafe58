"""results.json and samples.jsonl: what they say, and what a damaged pair says."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apollobench.errors import InputError
from apollobench.evaluate.layout import About
from apollobench.evaluate.prompt import build_prompt
from apollobench.evaluate.results import read_results, write_results
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.types import Item, Mode, Response

from .eyes import MODES, Eyes

ABOUT = About("eyes", benchmark="f" * 32, size=36, config={"limit": None})


@pytest.fixture
def responses(items: list[Item], tmp_path: Path) -> tuple[Response, ...]:
    with Store(tmp_path / "store") as store:
        return run(Eyes(), items, MODES, store, progress=False).responses


def loaded(directory: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    lines = (directory / "samples.jsonl").read_text().splitlines()
    return json.loads((directory / "results.json").read_text()), [json.loads(line) for line in lines]


def test_results_have_lm_evals_fields(items: list[Item], responses: tuple[Response, ...], tmp_path: Path) -> None:
    card = write_results(tmp_path / "out", Eyes(), items, responses, ABOUT)
    results, _ = loaded(tmp_path / "out")
    row, video = results["results"]["eyes"], card.modes[Mode.VIDEO]
    assert video.overall is not None
    assert row["alias"] == "eyes"
    assert (row["acc,none"], row["acc_stderr,none"]) == (1.0, 0.0)
    assert row["acc_macro,none"] == row["acc_logprob,none"] == 1.0
    assert results["results"]["eyes_text"]["acc,none"] == pytest.approx(1 / 3)
    assert results["results"]["eyes_frame_spatial"]["alias"] == " - Spatial"
    assert results["group_subtasks"]["eyes"] == ["eyes_spatial", "eyes_perception", "eyes_reasoning"]
    assert results["n-samples"]["eyes_shuffled"] == {"original": 36, "effective": 36}
    assert set(results["configs"]) == set(results["versions"]) == set(results["n-shot"]) == set(results["n-samples"])
    assert results["config"] == {"model": "eyes", "gen_kwargs": {"decoding": "exact"}, "limit": None}
    assert results["date"] > 0


def test_results_have_our_part(items: list[Item], responses: tuple[Response, ...], tmp_path: Path) -> None:
    card = write_results(tmp_path / "out", Eyes(), items, responses, ABOUT)
    ours = loaded(tmp_path / "out")[0]["apollobench"]
    assert (ours["task"], ours["benchmark"], ours["partial"], ours["items"], ours["missing"]) == (
        "eyes",
        "f" * 32,
        False,
        36,
        0,
    )
    assert ours["statuses"] == {"ok": 144, "unparsed": 0, "wrong": 0, "error": 0, "unsupported": 0}
    assert ours["model"]["revision"] == "1"
    assert ours["model"]["sampling"]["frames"] == 6
    overall = card.modes[Mode.TEXT].overall
    assert overall is not None
    assert ours["modes"]["text"]["overall"]["low"] == overall.low
    assert ours["modes"]["text"]["chance"] == pytest.approx(1 / 3)
    assert ours["video_minus"]["text"]["overall"]["value"] == pytest.approx(2 / 3)


def test_samples_have_lm_evals_fields_and_ours(
    items: list[Item], responses: tuple[Response, ...], tmp_path: Path
) -> None:
    write_results(tmp_path / "out", Eyes(), items, responses, ABOUT)
    samples = loaded(tmp_path / "out")[1]
    assert len(samples) == 144
    line = next(line for line in samples if line["mode"] == "video" and line["doc_id"] == 1)
    item = items[1]
    letter = "ABC"[item.answer]
    assert line["doc"]["id"] == line["item"] == item.id
    assert line["input"] == line["arguments"]["gen_args_0"]["arg_0"] == build_prompt(item)
    assert (line["target"], line["resps"], line["filtered_resps"]) == (letter, [[letter]], [letter])
    assert (line["acc"], line["acc_logprob"], line["status"], line["choice"]) == (1.0, 1.0, "ok", item.answer)
    assert (line["doc_hash"], line["video"], line["category"]) == (item.fingerprint, item.video.id, item.category)
    assert line["key"] in {response.key for response in responses}
    assert str(tmp_path) not in json.dumps(samples)


def test_samples_are_the_same_bytes_again(items: list[Item], responses: tuple[Response, ...], tmp_path: Path) -> None:
    write_results(tmp_path / "one", Eyes(), items, responses, ABOUT)
    write_results(tmp_path / "two", Eyes(), items, responses[::-1], ABOUT)
    assert (tmp_path / "one/samples.jsonl").read_bytes() == (tmp_path / "two/samples.jsonl").read_bytes()
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["results.json", "samples.jsonl"]


def test_what_is_written_is_read_back(items: list[Item], responses: tuple[Response, ...], tmp_path: Path) -> None:
    write_results(tmp_path / "out", Eyes(), items, responses, ABOUT)
    result = read_results(tmp_path / "out")
    assert result.model == "eyes"
    assert len(result.samples) == 144
    shown = [sample for sample in result.samples if sample.mode is Mode.VIDEO]
    assert [(sample.item, sample.video, sample.acc) for sample in shown] == [(i.id, i.video.id, 1.0) for i in items]


@pytest.mark.parametrize("why", ["fewer items", "missing responses"])
def test_a_partial_result_says_so(items: list[Item], responses: tuple[Response, ...], tmp_path: Path, why: str) -> None:
    some = items[:10] if why == "fewer items" else items
    write_results(tmp_path / "out", Eyes(), some, responses if why == "fewer items" else responses[:-1], ABOUT)
    assert read_results(tmp_path / "out").ours["partial"] is True


def test_failed_and_odd_items_have_no_accuracy(items: list[Item], tmp_path: Path) -> None:
    odd = [replace(items[0], options=("red",), answer=0), replace(items[1], options=tuple("abcdefghijkl"), answer=11)]
    with Store(tmp_path / "store") as store:
        responses = run(Eyes(), [*odd, items[2]], [Mode.TEXT], store, progress=False).responses
    write_results(tmp_path / "out", Eyes(), [*odd, items[2]], responses, replace(ABOUT, size=3))
    results, samples = loaded(tmp_path / "out")
    assert results["n-samples"]["eyes_text"] == {"original": 3, "effective": 1}
    assert [line["acc"] for line in samples[:2]] == [None, None]
    assert [line["filtered_resps"] for line in samples[:2]] == [["[invalid]"], ["[invalid]"]]
    assert samples[0]["input"] is None
    assert results["results"]["eyes_text"]["acc_macro,none"] is None


def test_damage_is_named(items: list[Item], responses: tuple[Response, ...], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"results\.json: no such file"):
        read_results(out)
    write_results(out, Eyes(), items, responses, ABOUT)
    samples, results = (out / "samples.jsonl").read_bytes(), json.loads((out / "results.json").read_text())
    (out / "samples.jsonl").write_bytes(samples[:-10])
    with pytest.raises(InputError, match=r"samples\.jsonl is not the one"):
        read_results(out)
    (out / "samples.jsonl").unlink()
    with pytest.raises(InputError, match=r"samples\.jsonl: no such file"):
        read_results(out)
    (out / "samples.jsonl").write_bytes(samples)
    results["apollobench"]["format"] = 99
    (out / "results.json").write_text(json.dumps(results))
    with pytest.raises(InputError, match="format 99, expected 1"):
        read_results(out)
    for text in ("{}", "[1]", "{", '{"apollobench": {"format": 1}}'):
        (out / "results.json").write_text(text)
        with pytest.raises(InputError, match="not a result"):
            read_results(out)


@pytest.mark.parametrize(("field", "value"), [("choice", "0"), ("choice", 26), ("option_logprobs", ["-1.5"])])
def test_numbers_that_are_none_and_choices_that_are_not_there_are_named(
    field: str, value: object, items: list[Item], responses: tuple[Response, ...], tmp_path: Path
) -> None:
    write_results(tmp_path, Eyes(), items, responses, ABOUT)
    path, answers = tmp_path / "results.json", tmp_path / "samples.jsonl"
    lines = answers.read_text().splitlines()
    answers.write_text("\n".join([json.dumps({**json.loads(lines[0]), field: value}), *lines[1:]]) + "\n")
    result = json.loads(path.read_text())
    result["apollobench"]["samples_sha256"] = hashlib.sha256(answers.read_bytes()).hexdigest()
    path.write_text(json.dumps(result))
    with pytest.raises(InputError, match=rf"samples\.jsonl:1: {field}"):
        read_results(tmp_path)


def test_a_place_that_cannot_be_written_is_named(
    items: list[Item], responses: tuple[Response, ...], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write results there"):
        write_results(tmp_path / "file", Eyes(), items, responses, ABOUT)
