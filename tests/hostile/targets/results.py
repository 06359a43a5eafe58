"""Results of other tools."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from apollobench.types import LETTERS, Mode

from .register import ITEMS, NATIVE, Feed, lines, target


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
    (folder / "samples.jsonl").write_text(lines(rows))


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
    (folder / "records.jsonl").write_text(lines(rows))


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
