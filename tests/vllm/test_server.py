"""A served model as people use it: `apollobench serve`, requests with a video, `apollobench eval` by both backends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import GraniteConfig, GraniteForCausalLM, PreTrainedTokenizerFast

from apollobench.benchmark import Entry, write_benchmark
from apollobench.evaluate.prompt import build_prompt
from apollobench.evaluate.run import run as run_model
from apollobench.evaluate.store import Store
from apollobench.models.apollo import ApolloModel
from apollobench.models.registry import load_model
from apollobench.models.vllm.connect import VllmModel
from apollobench.models.vllm.dialect import LISTED
from apollobench.models.vllm.server import free_port
from apollobench.types import CATEGORIES, Item, Mode, Request
from apollobench.video.decode import decode
from apollobench.video.plan import plan
from apollobench.video.probe import probe

from .conftest import ENVIRONMENT

OPTIONS = "dtype=float32,kv_cache_memory_bytes=67108864,max_num_seqs=8"
ENGINE = {**ENVIRONMENT, "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "apollobench", *map(str, words)]


def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), env={**os.environ, **ENGINE, **environment}, capture_output=True, text=True)


@pytest.fixture(scope="module")
def benchmark(items: list[Item], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmark")
    entries = [Entry(replace(item, category=CATEGORIES[n % len(CATEGORIES)])) for n, item in enumerate(items)]
    write_benchmark(folder, entries, [], {"name": "toy"}, "# toy\n")
    return folder


@pytest.fixture(scope="module")
def served(items: list[Item], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of `apollobench serve`, and its process; at the end it is told to end and must leave nothing."""
    port = free_port()
    words = ["serve", "--model", "apollo-tiny", "--port", str(port), "--model_args", OPTIONS]
    words += ["--media_root", str(items[0].video.path.parent)]
    environment = {**os.environ, **ENGINE, "APOLLOBENCH_CACHE": str(tmp_path_factory.mktemp("cache"))}
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen(command(*words), env=environment, **output)
    assert process.stdout is not None
    said = [process.stdout.readline(), process.stdout.readline()]
    assert "starting vLLM; its log: " in said[0]
    assert "apollo-tiny is served" in said[1]
    yield f"http://127.0.0.1:{port}/v1", process
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)


def evaluation(benchmark: Path) -> list[str | Path]:
    return ["eval", "--model", "apollo-tiny", "--mode", "text,frame,video,shuffled", "--benchmark", benchmark]


def post(address: str, **body: Any) -> Mapping[str, Any]:
    data = json.dumps({"model": "apollo-tiny", "max_tokens": 4, "temperature": 0, **body}).encode()
    request = urllib.request.Request(f"{address}/chat/completions", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as reply:
        return json.loads(reply.read())  # type: ignore[no-any-return]


def about(url: str, question: str) -> list[dict[str, Any]]:
    parts = [{"type": "video_url", "video_url": {"url": url}}, {"type": "text", "text": question}]
    return [{"role": "user", "content": parts}]


def test_a_video_by_its_address_is_sampled_as_the_model_wants(
    served: tuple[str, Any], items: list[Item], apollo: ApolloModel
) -> None:
    address, _ = served
    for item in items[::5]:
        probed = probe(item.video.path)
        chosen = plan(probed, apollo.sampling)
        asked = Request(item, Mode.VIDEO, build_prompt(item), chosen, decode(probed, chosen.indices))
        (expected,) = apollo.answer([asked])
        reply = post(address, messages=about(item.video.path.as_uri(), asked.prompt))
        assert reply["choices"][0]["message"]["content"].strip() == expected.text


@pytest.mark.parametrize("name", ["absent.mp4", "../outside.mp4"])
def test_files_that_are_not_there_or_not_allowed_are_refused(
    served: tuple[str, Any], items: list[Item], name: str
) -> None:
    address, process = served
    with pytest.raises(urllib.error.HTTPError):
        post(address, messages=about((items[0].video.path.parent / name).as_uri(), "Why?"))
    assert process.poll() is None


def samples(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]


def same_answers(one: Path, other: Path) -> None:
    pairs = list(zip(samples(one), samples(other), strict=True))
    assert len(pairs) > 80
    for a, b in pairs:
        assert (a["item"], a["mode"], a["status"]) == (b["item"], b["mode"], "ok")
        assert (a["choice"], a["resps"]) == (b["choice"], b["resps"])
        assert b["option_logprobs"] == pytest.approx(a["option_logprobs"], abs=1e-3)


@pytest.fixture(scope="module")
def by_transformers(benchmark: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("transformers")
    done = run(*evaluation(benchmark), "--backend", "transformers", "--output_path", out)
    assert done.returncode == 0, done.stderr
    return out


def test_eval_on_a_running_server_gives_the_same_answers_item_by_item(
    served: tuple[str, Any], benchmark: Path, by_transformers: Path, tmp_path: Path
) -> None:
    words = [*evaluation(benchmark), "--base_url", served[0]]
    done = run(*words, "--output_path", tmp_path)
    assert done.returncode == 0, done.stderr
    same_answers(by_transformers, tmp_path)
    again = run(*words, "--output_path", tmp_path)
    assert "0 asked now" in again.stdout


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("mm_processor_cache_gb=0", id="nothing is remembered between questions"),
        pytest.param("tensor_parallel_size=2,mm_encoder_tp_mode=data", id="two ranks encode different clips"),
    ],
)
def test_eval_starts_a_server_for_itself_and_ends_it(
    benchmark: Path, by_transformers: Path, tmp_path: Path, more: str
) -> None:
    words = [*evaluation(benchmark), "--backend", "vllm", "--model_args", f"{OPTIONS},{more}"]
    done = run(*words, "--output_path", tmp_path / "out", APOLLOBENCH_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    assert "starting vLLM" in done.stderr
    same_answers(by_transformers, tmp_path / "out")
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in listed


def test_a_model_that_is_not_apollo(items: list[Item], tmp_path: Path) -> None:
    """A tiny language model of transformers: it answers questions as there, and videos are errors that say why."""
    folder = tmp_path / "granite"
    llm, tokenizer = language_model(folder)
    with on_a_server_of_its_own(f"vllm:{folder}") as model:
        asked = [Request(item, Mode.TEXT, build_prompt(item)) for item in items[:6]]
        answers = list(model.answer(asked))
        probed = probe(items[0].video.path)
        (refused,) = model.answer([Request(items[0], Mode.VIDEO, "Why?", plan(probed, model.sampling))])
    for request, answer in zip(asked, answers, strict=True):
        ids = torch.tensor([tokenizer(f"USER {request.prompt} ASSISTANT ")["input_ids"]])
        with torch.inference_mode():
            expected = llm(ids).logits[0, -1].log_softmax(-1)
        assert answer.text == tokenizer.decode([int(expected.argmax())], skip_special_tokens=True).strip()
        letters = tokenizer.convert_tokens_to_ids(list("ABCDE"))[: len(request.item.options)]
        assert answer.option_logprobs == pytest.approx(expected[letters].tolist(), abs=1e-3)
    assert refused.text is None
    assert "400" in (refused.error or "")


def test_a_server_that_dies_is_told_in_every_error(
    items: list[Item], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "granite"
    language_model(folder)
    with on_a_server_of_its_own(f"vllm:{folder}") as model, Store(tmp_path / "store") as store:
        run_model(model, items[:4], [Mode.TEXT], store, progress=False)
        assert model.process is not None
        assert model.process.process is not None
        os.killpg(model.process.process.pid, signal.SIGKILL)
        model.process.process.wait()
        counts = run_model(model, items[:8], [Mode.TEXT], store, progress=False)
    assert [response.error is None for response in counts.responses] == [True] * 4 + [False] * 4
    assert all("vLLM ended with exit code -9" in str(response.error) for response in counts.responses[4:])
    assert "vLLM ended with exit code -9" in capsys.readouterr().err


@contextmanager
def on_a_server_of_its_own(name: str) -> Iterator[VllmModel]:
    arguments = {"dtype": "float32", "kv_cache_memory_bytes": str(64 << 20), "timeout": "60"}
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in ENGINE.items():
            patch.setenv(variable, value)
        model = load_model(name, arguments)
    assert isinstance(model, VllmModel)
    with closing(model):
        yield model


def language_model(folder: Path) -> tuple[GraniteForCausalLM, PreTrainedTokenizerFast]:
    """Random weights and a vocabulary of 20 words, so that the server lists every one of them as likely."""
    known = "[UNK] [END] USER ASSISTANT A B C D E what which when who red blue green first last ? ."
    words = {word: number for number, word in enumerate(known.split())}
    assert len(words) == LISTED
    wordwise = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    wordwise.pre_tokenizer = Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=wordwise, unk_token="[UNK]", eos_token="[END]")
    tokenizer.chat_template = "{% for m in messages %}USER {{ m.content }} {% endfor %}ASSISTANT "
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = GraniteConfig(vocab_size=len(words), num_key_value_heads=1, max_position_embeddings=1024, **sizes)
    llm = GraniteForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in llm.parameters():
            if parameter.ndim > 1:
                parameter.mul_(10)
    llm.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return llm, tokenizer


def test_a_server_that_fails_tells_why(tmp_path: Path) -> None:
    words = ("serve", "--model", "apollo-tiny", "--port", free_port())
    done = run(*words, "--model_args", "max_modell_len=5", APOLLOBENCH_CACHE=str(tmp_path))
    assert done.returncode == 2
    assert "error: vLLM ended with exit code 2; the end of its log" in done.stderr
    assert "--max-modell-len" in done.stderr
    assert "Traceback" not in done.stderr.split("the end of its log")[0]


def test_another_host_needs_a_key() -> None:
    done = run("serve", "--model", "apollo-tiny", "--host", "0.0.0.0")
    assert done.returncode == 2
    assert "set VLLM_API_KEY" in done.stderr


def test_a_running_server_takes_no_options_of_its_start(served: tuple[str, Any], benchmark: Path) -> None:
    done = run(*evaluation(benchmark), "--base_url", served[0], "--model_args", "max_model_len=512")
    assert done.returncode == 2
    assert "max_model_len is of a server's start" in done.stderr
