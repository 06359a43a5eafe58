"""What people and earlier runs left."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from apollobench.errors import InputError
from apollobench.types import Mode

from .register import ITEMS, command, copied, lines, set_hash, target


def _decisions(folder: Path) -> None:
    told = {"reason": "wrong", "note": "", "reviewer": "ann", "time": "2026-01-01T00:00:00Z"}
    rows = [
        {"item": ITEMS[0].id, "action": "drop", "value": None, **told},
        {"item": ITEMS[1].id, "action": "key", "value": "C", **told},
        {"item": ITEMS[2].id, "action": "category", "value": "OCR", **told},
        {"item": ITEMS[3].id, "action": "discuss", "value": None, **told, "reviewer": "bob"},
    ]
    (folder / "decisions.jsonl").write_text(lines(rows))


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


@target("leaderboard", copied("leaderboard", "results.csv"))
def _leaderboard(folder: Path, out: Path) -> None:
    from apollobench.report.leaderboard import as_csv, as_markdown, read_leaderboard

    rows = read_leaderboard(folder / "results.csv")
    (out / "page.md").write_text(as_markdown(rows) + as_csv(rows), encoding="utf-8")


def _results(folder: Path) -> None:
    from ...made import answered, world

    items = world(12)
    answered(folder, "model-a", lambda n: n % 3 > 0, items)
    answered(folder, "model-b", lambda n: n % 2 > 0, items)


def _mend_results(folder: Path) -> None:
    for path in folder.glob("*/results.json"):
        set_hash(path, ("apollobench", "samples_sha256"), path.with_name("samples.jsonl"))


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
    (folder / "history.jsonl").write_text(lines([night, {**night, "night": 2}]))
    usage = {"responses": 3, "prompt_tokens": 10, "completion_tokens": 3}
    (folder / "usage.jsonl").write_text(lines([usage, usage]))
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

    from ...made import responses, world

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
