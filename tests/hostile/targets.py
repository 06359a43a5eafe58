"""What hostile files are fed to: every reader of the package that takes what others wrote, by name."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.types import LETTERS, Item, Mode, Request, Video

from .campaign import Target

TARGETS: dict[str, Target] = {}
Feed = Callable[[Path, Path], object]


def target(
    name: str,
    plant: Callable[[Path], object],
    victims: Iterable[str] = ("*",),
    mend: Callable[[Path], object] | None = None,
) -> Callable[[Feed], Feed]:
    """Registers what the decorated function reads: it is given the folder of the files, and one that it may write."""

    def register(feed: Feed) -> Feed:
        TARGETS[name] = Target(name, plant, feed, tuple(victims), mend)
        return feed

    return register


@cache
def _commands() -> Any:
    from typer.main import get_command

    from apollobench.cli import app

    return get_command(app)


def command(*given: object) -> None:
    """A command as a user runs it, in this process. Code 2 is bad input, which the caller sees as `InputError`."""
    code = _commands().main([str(part) for part in given], prog_name="apollobench", standalone_mode=False)
    if code == 2:
        raise InputError("exit code 2")


# Recipes


def _copied(*parts: str) -> Callable[[Path], object]:
    return lambda folder: shutil.copyfile(content_path(*parts), folder / parts[-1])


@target("recipe", _copied("curation", "synthetic.yaml"))
def _recipe(folder: Path, out: Path) -> None:
    from apollobench.arguments import choose_recipe

    choose_recipe(None, str(folder / "synthetic.yaml"), {"select.size": 10, "select.quotas": "balanced"}).fingerprint  # noqa: B018


@target("training recipe", _copied("curation", "training", "three-stage.yaml"))
def _training_recipe(folder: Path, out: Path) -> None:
    from apollobench.training.recipe import load_training

    load_training(str(folder / "three-stage.yaml")).recipe.fingerprint  # noqa: B018


@target("study", _copied("curation", "studies", "tiny-designs", "study.yaml"))
def _study(folder: Path, out: Path) -> None:
    from apollobench.apollo.train.study import cells, read_study

    cells(read_study(folder / "study.yaml"))


@target("roster", _copied("curation", "models.yaml"))
def _roster(folder: Path, out: Path) -> None:
    from apollobench.models.roster import Roster
    from apollobench.yamlfile import read_yaml

    [entry.size for entry in read_yaml(folder / "models.yaml", Roster).models.values()]


# Answers of models

REPLIES = (
    "B",
    "The answer is (B).",
    "**Answer:** B. a blue car",
    "<think>it may be A or not</think> I'd go with option C.",
    "It is not A but B, because the car is blue.",
    "\\boxed{D}",
    "<answer>A</answer>",
    "答案\uff1aC",
    "A, B and C are wrong",
    "The girls are waving at the camera, and neither (A) nor (C) shows that.",
    "I cannot see the video.",
)


def _plant_answers(folder: Path) -> None:
    for number, reply in enumerate(REPLIES):
        (folder / f"{number}.txt").write_text(reply)


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


@target("answer", _plant_answers)
def _answer(folder: Path, out: Path) -> None:
    from apollobench.evaluate.extract import extract

    for path in folder.iterdir():
        options = ("a red car", "a blue car", _text(folder / "9.txt"), "")
        found = extract(_text(path), options)
        assert found is None or 0 <= found < len(options)


def _plant_reply(folder: Path) -> None:
    ranked = [{"token": letter, "logprob": -1.5, "bytes": [65], "top_logprobs": []} for letter in "ABCD"]
    first = {**ranked[0], "top_logprobs": ranked}
    reply = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "B", "refusal": None},
                "logprobs": {"content": [first], "refusal": None},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 3}},
    }
    (folder / "reply.json").write_text(json.dumps(reply))


@target("server reply", _plant_reply)
def _reply(folder: Path, out: Path) -> None:
    """What a server says goes all the way into a store."""
    from apollobench.evaluate.judge import respond
    from apollobench.evaluate.store import Store
    from apollobench.models.http.replies import read_reply
    from apollobench.models.http.server import _as_object

    found = _as_object(_text(folder / "reply.json"), str)
    if isinstance(found, dict):
        item = ITEMS[0]
        answer = read_reply(Request(item, Mode.TEXT, "?"), found)
        with Store(out / "responses") as store:
            store.append([respond(item, Mode.TEXT, "m", "k", None, answer)])
        with Store(out / "responses") as store:
            assert len(store.responses) == 1


# Results of other tools

ITEMS = tuple(
    Item(
        f"videomme/{n:03}-1",
        f"What colour is car {n}?",
        ("Red", "Blue", f"Green {n}"),
        n % 3,
        Video(f"videomme/v{n % 3}", Path(f"/nowhere/v{n % 3}.mp4")),
        "OCR",
    )
    for n in range(6)
)
NATIVE = [item.id.partition("/")[2] for item in ITEMS]


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _lmms_samples(folder: Path) -> None:
    rows = [
        {
            "doc_id": n,
            "doc": {
                "question_id": NATIVE[n],
                "video_id": f"v{n % 3}",
                "question": item.question,
                "options": item.options,
            },
            "target": LETTERS[item.answer],
            "resps": [["B"]],
            "filtered_resps": ["B"],
            "input": item.question,
            "videomme_perception_score": {"question_id": NATIVE[n], "pred_answer": "B", "answer": LETTERS[item.answer]},
        }
        for n, item in enumerate(ITEMS)
    ]
    (folder / "samples.jsonl").write_text(_lines(rows))


def _vlmevalkit(sign: str) -> str:
    rows = [["index", "video", "candidates", "question", "answer", "prediction", "score"]]
    for n, item in enumerate(ITEMS):
        options = str([f"{letter}. {option}" for letter, option in zip("ABC", item.options, strict=True)])
        rows.append(
            [str(n), f"v{n % 3}", f'"{options}"', item.question, LETTERS[item.answer], "B", str(int(item.answer == 1))]
        )
    return "\n".join(sign.join(row) for row in rows) + "\n"


def _workbook(folder: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for line in _vlmevalkit("\t").replace('"', "").splitlines():
        book.active.append(line.split("\t"))
    book.save(folder / "answers.xlsx")


def _inspect(folder: Path) -> None:
    head = {"version": 2, "status": "success", "eval": {"task": "videomme", "model": "openai/gpt-4o", "dataset": {}}}
    samples = [
        {
            "id": NATIVE[n],
            "epoch": 1,
            "input": [{"role": "user", "content": [{"type": "text", "text": item.question}]}],
            "choices": list(item.options),
            "target": LETTERS[item.answer],
            "metadata": {"video_id": f"v{n % 3}"},
            "output": {"model": "gpt-4o", "choices": [{"message": {"role": "assistant", "content": "ANSWER: B"}}]},
            "scores": {"choice": {"value": "C", "answer": "B"}},
        }
        for n, item in enumerate(ITEMS)
    ]
    (folder / "log.json").write_text(json.dumps({**head, "samples": samples}))
    with zipfile.ZipFile(folder / "log.eval", "w") as archive:
        archive.writestr("header.json", json.dumps(head))
        for n, sample in enumerate(samples):
            archive.writestr(f"samples/{n}_epoch_1.json", json.dumps(sample))


def _plain(folder: Path) -> None:
    lines = ["model,item,mode,answer,correct", *(f"m,{item.id},video,B,{int(item.answer == 1)}" for item in ITEMS)]
    (folder / "plain.csv").write_text("\n".join(lines) + "\n")


def _matrix(folder: Path) -> None:
    (folder / "matrix.csv").write_text(
        "item_id,m-1,m-2\n" + "".join(f"{item.id},1,{n % 2}\n" for n, item in enumerate(ITEMS))
    )


def _records(folder: Path) -> None:
    rows = [
        {
            "question_id": NATIVE[n],
            "video_id": f"v{n % 3}",
            "question": item.question,
            "options": item.options,
            "response": "B",
        }
        for n, item in enumerate(ITEMS)
    ]
    (folder / "records.json").write_text(json.dumps(rows))
    (folder / "records.jsonl").write_text(_lines(rows))


def _imports(plant: Callable[[Path], object]) -> Feed:
    def feed(folder: Path, out: Path) -> None:
        from apollobench.imports.job import Target as Pool
        from apollobench.imports.job import import_files

        for path in sorted(folder.iterdir()):
            import_files(
                [path], Pool("pool", "f" * 32, ITEMS, ITEMS), out / path.name, form=None, model="m", mode=Mode.VIDEO
            )

    return feed


for _name, _plant in {
    "lmms-eval samples": _lmms_samples,
    "VLMEvalKit tsv": lambda folder: (folder / "answers.tsv").write_text(_vlmevalkit("\t")),
    "VLMEvalKit xlsx": _workbook,
    "Inspect logs": _inspect,
    "plain csv": _plain,
    "score matrix": _matrix,
    "result json": _records,
}.items():
    target(f"import {_name}", _plant)(_imports(_plant))


# Sources


def _own_tables(folder: Path) -> None:
    from ..sources.made import write

    rows = [
        {
            "id": str(n),
            "question": f"Is lake {n} wet?",
            "options": ["yes", "no", "half"],
            "answer": n % 3,
            "video": f"lake{n}",
        }
        for n in range(5)
    ]
    for suffix in ("jsonl", "json", "parquet"):
        write(folder / f"mine.{suffix}", rows)
    write(folder / "mine.csv", [{**row, "options": json.dumps(row["options"])} for row in rows])


@target("own tables", _own_tables)
def _tables(folder: Path, out: Path) -> None:
    from apollobench.sources import load_items

    errors = []
    for path in sorted(folder.iterdir()):
        kind = "csv" if path.suffix == ".csv" else "jsonl"
        try:
            items = load_items(f"{kind}:{path}", {"id": "id", "answer_is": "place", "native": "video"}, out)
            _use(items)
        except InputError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _use(items: Iterable[Item]) -> None:
    """What every run does with items before it asks a model."""
    from apollobench.evaluate.prompt import build_prompt

    for item in items:
        build_prompt(item), item.fingerprint, item.video.path.is_file()


def _published(folder: Path) -> None:
    from ..sources import made

    for name, suffix in PUBLISHED.items():
        made.write(folder / f"{name}.{suffix}", [getattr(made, name.upper())])


PUBLISHED = {
    "videomme": "parquet",
    "mlvu": "json",
    "longvideobench": "json",
    "tempcompass": "parquet",
    "nextqa": "csv",
    "egoschema": "parquet",
}


@target("published annotations", _published)
def _annotations(folder: Path, out: Path) -> None:
    from apollobench.sources import load_items

    errors = []
    for name, suffix in PUBLISHED.items():
        try:
            _use(load_items(name, {"data": str(folder / f"{name}.{suffix}")}, out))
        except InputError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _lmms_task(folder: Path) -> None:
    from ..sources.made import write

    (folder / "base.yaml").write_text(
        "dataset_path: someone/clips\ndataset_kwargs:\n  cache_dir: clips\n  token: false\n"
    )
    (folder / "clips.yaml").write_text(
        "include: base.yaml\ntask: clips\ntest_split: test\ndoc_to_text: !function utils.ask\n"
    )
    row = {"id": "1", "question": "Wet?", "options": ["yes", "no"], "answer": "A", "video": "lake"}
    write(folder / "data" / "test-00000.parquet", [row])


@target("lmms-eval task", _lmms_task)
def _task(folder: Path, out: Path) -> None:
    from apollobench.sources import load_items

    options = {"tasks": str(folder), "data": str(folder / "data"), "id": "id", "answer_is": "letter"}
    _use(load_items("lmms:clips", options, out))


def _subtitles(folder: Path) -> None:
    (folder / "a.srt").write_text(
        "1\n00:00:01,000 --> 00:00:02,000\nHello <i>there</i>\n\n2\n00:01:01,500 --> 00:02:00\nOn\n"
    )
    (folder / "b.json").write_text(
        json.dumps(
            [{"start": "00:00:01.000", "end": "00:00:02.5", "line": "Hi"}, {"timestamp": [1.5, 2.0], "text": "On"}]
        )
    )


@target("subtitles", _subtitles)
def _cues(folder: Path, out: Path) -> None:
    from apollobench.sources.reading.subtitles import context, read_cues, read_srt

    context(list(read_srt(folder / "a.srt")), (0.0, float("inf")))
    context(list(read_cues(folder / "b.json")), (0.0, 30.0))


def _conversations(folder: Path) -> None:
    turns = [{"from": "human", "value": "<video>\nWhat is it?"}, {"from": "gpt", "value": "A car."}]
    rows = [{"id": n, "video": f"v{n}.mp4", "conversations": turns} for n in range(4)]
    (folder / "talk.json").write_text(json.dumps(rows))
    (folder / "talk.jsonl").write_text(_lines(rows))


@target("conversations", _conversations)
def _talk(folder: Path, out: Path) -> None:
    from apollobench.training.recipe import DataFile
    from apollobench.training.records import open_records

    for path in sorted(folder.iterdir()):
        records = open_records(DataFile(name="talk", file=str(path), root=str(folder), kind="video"))
        [records[number] for number in range(len(records))]


# What people and earlier runs left


def _decisions(folder: Path) -> None:
    told = {"reason": "wrong", "note": "", "reviewer": "ann", "time": "2026-01-01T00:00:00Z"}
    rows = [
        {"item": ITEMS[0].id, "action": "drop", "value": None, **told},
        {"item": ITEMS[1].id, "action": "key", "value": "C", **told},
        {"item": ITEMS[2].id, "action": "category", "value": "OCR", **told},
        {"item": ITEMS[3].id, "action": "discuss", "value": None, **told, "reviewer": "bob"},
    ]
    (folder / "decisions.jsonl").write_text(_lines(rows))


@target("decisions", _decisions)
def _decide(folder: Path, out: Path) -> None:
    from apollobench.curate.decisions import apply_decisions, format_decisions, read_decisions

    decisions = read_decisions(folder / "decisions.jsonl")
    apply_decisions(ITEMS, decisions)
    (out / "again.jsonl").write_text(format_decisions(decisions), encoding="utf-8")
    assert read_decisions(out / "again.jsonl") == decisions


@target("review exchange", _decisions)
def _exchange(folder: Path, out: Path) -> None:
    from apollobench.review.exchange import export_decisions, import_decisions
    from apollobench.review.ledger import Ledger

    with closing(Ledger(out / "ledger.sqlite")) as ledger:
        import_decisions(ledger, folder / "decisions.jsonl", {item.id: item for item in ITEMS})
        export_decisions(ledger, out / "decisions.jsonl")


@target("leaderboard", _copied("leaderboard", "results.csv"))
def _leaderboard(folder: Path, out: Path) -> None:
    from apollobench.report.leaderboard import as_csv, as_markdown, read_leaderboard

    rows = read_leaderboard(folder / "results.csv")
    (out / "page.md").write_text(as_markdown(rows) + as_csv(rows), encoding="utf-8")


def _results(folder: Path) -> None:
    from ..made import answered, world

    items = world(12)
    answered(folder, "model-a", lambda n: n % 3 > 0, items)
    answered(folder, "model-b", lambda n: n % 2 > 0, items)


def _mend_results(folder: Path) -> None:
    for path in folder.glob("*/results.json"):
        _set_hash(path, ("apollobench", "samples_sha256"), path.with_name("samples.jsonl"))


def _set_hash(document: Path, way: tuple[str, ...], of: Path) -> None:
    """Puts a file's hash where a document has it, if it is still a document with such a place."""
    try:
        tree = json.loads(document.read_bytes())
        home = tree
        for step in way[:-1]:
            home = home[step]
        home[way[-1]] = hashlib.sha256(of.read_bytes()).hexdigest()
        document.write_text(json.dumps(tree))
    except (ValueError, LookupError, TypeError, RecursionError):
        return


def _on_results(name: str, *given: str) -> None:
    def feed(folder: Path, out: Path) -> None:
        places = {"A": folder / "modela", "B": folder / "modelb", "OUT": out}
        command(*(places.get(part, part) if part not in ("HISTORY",) else out / "history.jsonl" for part in given))

    target(name, _results, ("*.json", "*.jsonl"), _mend_results)(feed)


_on_results("compare", "compare", "A", "B", "--draws", "100", "--output_path", "OUT")
_on_results("gate", "gate", "--baseline", "A", "--candidate", "B", "--history", "HISTORY")
_on_results("leaderboard export", "leaderboard", "export", "A", "--format", "md")
_on_results("leaderboard build", "leaderboard", "build", "A", "B", "--out", "OUT")


@target("run report", _results, ("*.json", "*.jsonl"), _mend_results)
def _report(folder: Path, out: Path) -> None:
    command("report", folder / "modela", folder / "modelb", "--html", out / "html", "--no_frames")


def _nights(folder: Path) -> None:
    night = {"night": 1, "baseline": "b" * 64, "candidate": "c" * 64, "mode": "video", "margin": 0.0, "alpha": 0.05,
             "spent": 0.03, "difference": 0.0, "low": -0.1, "high": 0.1, "regressed": False}  # fmt: skip
    (folder / "history.jsonl").write_text(_lines([night, {**night, "night": 2}]))
    usage = {"responses": 3, "prompt_tokens": 10, "completion_tokens": 3}
    (folder / "usage.jsonl").write_text(_lines([usage, usage]))
    (folder / "model.json").write_text(json.dumps({"name": "m", "revision": "1", "settings": {}}))


@target("notes of runs", _nights)
def _notes(folder: Path, out: Path) -> None:
    from apollobench.evaluate.accounting import total
    from apollobench.evaluate.identity import last_revision
    from apollobench.report.nightly import read_history

    errors = []
    for read in (read_history, lambda path: total(path.parent), lambda path: last_revision(path.parent, "m")):
        try:
            read(folder / "history.jsonl")
        except InputError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _register(folder: Path) -> None:
    from apollobench.video.health import Facts, Finding, Health, Kind
    from apollobench.video.register import Register

    facts = Facts(**dict.fromkeys(Facts.__dataclass_fields__, 1))
    with Register(folder) as register:
        for name in ("a.mp4", "b.mp4"):
            (folder / name).write_bytes(b"not decoded here")
            register.append(Health(folder / name, 16, 1, "d" * 32, (Finding(Kind.ROTATED, "turned"),), facts))


@target("media register", _register, ("media.jsonl",))
def _media(folder: Path, out: Path) -> None:
    from apollobench.doctor.checkup import Checkup
    from apollobench.report.health import csv_table, summary
    from apollobench.video.register import Register, noted_digest, noted_faults

    noted_digest(folder / "a.mp4", 16, 1), noted_faults(folder / "b.mp4")
    with Register(folder) as register:
        records = tuple(register.records.values())
        checkup = Checkup(records, dict.fromkeys(register.records, 0), register.path, 0)
        summary(checkup), csv_table(checkup)


def _scores(folder: Path) -> None:
    names = [f"i{n}" for n in range(12)]
    (folder / "correct.csv").write_text(
        "item_id,a,b,c\n" + "".join(f"{name},{n % 2},{n % 3 % 2},1\n" for n, name in enumerate(names))
    )
    (folder / "models.csv").write_text("model,family,text_only,clone_of\na,x,False,\nb,y,False,\nc,x,True,\n")
    (folder / "items.csv").write_text(
        "item_id,video,category,n_options\n" + "".join(f"{name},v{n // 3},OCR,4\n" for n, name in enumerate(names))
    )


@target("recorded scores", _scores)
def _recorded(folder: Path, out: Path) -> None:
    from apollobench.curate.recorded import read_labelled, read_matrices

    read_matrices(folder)
    read_labelled(folder, (), Mode.VIDEO, "category")


def _store(folder: Path) -> None:
    from apollobench.evaluate.store import Store
    from apollobench.types import FramePlan, Sampling

    from ..made import responses, world

    plan = FramePlan(Sampling("uniform", 2), (0, 5), (0.0, 0.2), ((0.0, 0.2),), 1.0)
    with Store(folder) as store:
        given = [replace(response, plan=plan.fingerprint) for response in responses("m", world(8), lambda n: n % 2 > 0)]
        store.append(given, {plan.fingerprint: plan})


@target("store", _store)
def _stored(folder: Path, out: Path) -> None:
    from apollobench.evaluate.store import Store, load_store

    responses, _ = load_store(folder)
    with Store(folder) as store:
        assert len(store.responses) == len(responses)


# Benchmarks


def _benchmark(folder: Path) -> None:
    from apollobench.benchmark import Entry, write_benchmark
    from apollobench.recipe import load_recipe

    (folder / "videos").mkdir()
    entries = []
    for n, item in enumerate(ITEMS):
        path = folder / "videos" / f"v{n % 3}.mp4"
        path.write_bytes(b"not decoded here")
        own = replace(item, video=Video(item.video.id, path), native={"task": "Counting"})
        entries.append(
            Entry(own, "native:task=Counting", 0.5, {Mode.TEXT: (1, 3)}, "m" * 16, tests={Mode.TEXT: (0.5, 0.1)})
        )
    left = replace(entries.pop(), rule="filter:paper", version=1, reason="too easy")
    file = load_recipe("synthetic")
    recipe = {"file": file.name, "text": file.text, "overrides": {}, "fingerprint": file.fingerprint}
    write_benchmark(folder / "bench", entries, [left], {"name": "toy", "recipe": recipe, "panel": []}, "# toy\n")


def _mend_benchmark(folder: Path) -> None:
    for name in ("items.parquet", "dropped.parquet", "README.md"):
        for manifest in folder.glob("bench*/manifest.json"):
            _set_hash(manifest, ("files", name), manifest.with_name(name))


@target("benchmark", _benchmark, ("*.parquet", "manifest.json"), _mend_benchmark)
def _bench(folder: Path, out: Path) -> None:
    from apollobench.curate.recorded import recorded_answers
    from apollobench.imports.job import from_benchmark
    from apollobench.recipe import recorded_recipe

    pool = from_benchmark(folder / "bench")
    _use(pool.pool)
    from apollobench.benchmark import load_benchmark

    loaded = load_benchmark(folder / "bench")
    recorded_recipe(loaded.manifest, "toy")
    try:
        recorded_answers(folder / "bench")
    except InputError as error:
        if "no answer" not in str(error):
            raise


def _publication(folder: Path) -> None:
    from ..publish.made import SOURCES, make_benchmark, publish

    publish(make_benchmark(folder, SOURCES).benchmark, folder / "published")


def _mend_publication(folder: Path) -> None:
    sums = folder / "published" / "SHA256SUMS"
    try:
        names = [line.partition("  ")[2] for line in sums.read_text().splitlines()]
        lines = [f"{hashlib.sha256((sums.parent / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    except (OSError, ValueError):
        return
    sums.write_text("".join(lines))


@target("publish", _publication, ("benchmark/*.parquet", "benchmark/manifest.json"), _mend_benchmark)
def _publish(folder: Path, out: Path) -> None:
    command("publish", folder / "benchmark", "--to", out / "published", "--name", "me/toy", "--date", "2026-11-26")


@target(
    "rebuild",
    _publication,
    ("published/data/*.parquet", "published/manifest.json", "published/SHA256SUMS"),
    _mend_publication,
)
def _rebuild(folder: Path, out: Path) -> None:
    command("rebuild", folder / "published", "--data_root", folder / "data", "--to", out / "bench")


@target("diff", _publication, ("published/data/*.parquet", "published/manifest.json"), _mend_publication)
def _diff(folder: Path, out: Path) -> None:
    command("diff", folder / "benchmark", folder / "published")


# Models and media


def _checkpoint(folder: Path) -> None:
    from apollobench.apollo.checkpoint import save_apollo

    from .. import tiny

    save_apollo(tiny.model((tiny.SIGLIP,)), tiny.tokenizer(), folder / "model")


@target("checkpoint", _checkpoint, ("config.json", "*.safetensors", "tokenizer*.json"))
def _weights(folder: Path, out: Path) -> None:
    from apollobench.apollo.checkpoint import load_apollo

    load_apollo(folder / "model")


@target("model configs", _checkpoint, ("config.json",))
def _configs(folder: Path, out: Path) -> None:
    from apollobench.apollo.checkpoint import load_config

    load_config(folder / "model")


def _exported(folder: Path) -> None:
    from apollobench.apollo.hf.export import export_apollo

    _checkpoint(folder)
    export_apollo(folder / "model", folder / "exported")
    shutil.rmtree(folder / "model")


@target("exported config", _exported, ("config.json",))
def _export(folder: Path, out: Path) -> None:
    from apollobench.apollo.checkpoint import load_config

    load_config(folder / "exported")


def _video(folder: Path) -> None:
    from ..video.conftest import write_clip

    write_clip(folder / "plain.mp4", frames=24)
    write_clip(folder / "turned.mp4", frames=12, rotation=90, audio=True)
    write_clip(folder / "pieces.mp4", frames=12, container_options={"movflags": "frag_keyframe+empty_moov"})
    write_clip(folder / "other.mkv", frames=12)
    write_clip(folder / "web.webm", frames=8, codec="libvpx")
    write_clip(folder / "old.avi", frames=12, codec="mpeg4")


@target("videos", _video)
def _decode(folder: Path, out: Path) -> None:
    from apollobench.types import Sampling
    from apollobench.video.decode import decode
    from apollobench.video.plan import plan
    from apollobench.video.probe import probe

    errors = []
    for path in sorted(folder.iterdir()):
        if path.suffix in VIDEOS:
            try:
                shape = probe(path)
                decode(shape, plan(shape, Sampling("uniform", 4, clip_frames=1)).indices, (64, 64))
            except InputError as error:
                errors.append(error)
    if errors:
        raise errors[0]


VIDEOS = (".mp4", ".mkv", ".webm", ".avi")


@target("doctor", _video)
def _doctor(folder: Path, out: Path) -> None:
    """What `doctor` does in its own processes; nothing at all may be raised."""
    from apollobench.video.examine import examine

    for path in sorted(folder.iterdir()):
        found = examine(path)
        assert all(finding.text.isprintable() for finding in found.findings), found


def _archives(folder: Path) -> None:
    videos = {f"deep/v{n}.mp4": bytes([n]) * 3000 for n in range(3)}
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/v0.mp4", videos["deep/v0.mp4"])
        archive.writestr("../up/v3.mp4", b"evil")
    for name, mode in (("b.tar", "w"), ("c.tar.gz", "w:gz")):
        with tarfile.open(folder / name, mode) as tar:  # type: ignore[call-overload]
            for member, content in list(videos.items())[1:]:
                info = tarfile.TarInfo(member)
                info.size = len(content)
                tar.addfile(info, BytesIO(content))


@target("fetch", _archives)
def _fetch(folder: Path, out: Path) -> None:
    from apollobench.fetching.job import check_room, fetch
    from apollobench.fetching.plan import make_plan
    from apollobench.sources.base import Supply

    for path in folder.iterdir():
        (out / "clips").mkdir(exist_ok=True)
        shutil.copyfile(path, out / "clips" / path.name)
    supply = Supply(
        "videos",
        out / "clips" / "videos",
        "clips/videos",
        ("v0.mp4", "v1.mp4", "v2.mp4"),
        (),
        None,
        ("*.zip", "*.tar*"),
        True,
    )
    plan = make_plan("clips", supply, out, lambda _: None)
    check_room([plan], None)
    fetch([plan], out, lambda _: None, workers=1)
