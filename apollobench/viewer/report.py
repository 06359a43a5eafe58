"""`apollobench report`: the same pages as a folder of files that opens from the disk, whatever its size.

Items stand a handful to a page, and the list in chunks that its script reads one after another; no file grows with the
number of items. `report.json` says that the folder is a report, and in the end that it is complete.
"""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apollobench import __version__
from apollobench.errors import InputError
from apollobench.pages.render import POLICY, STATIC
from apollobench.viewer.detail import Films, detail
from apollobench.viewer.index import PER_PAGE, Query, Row
from apollobench.viewer.links import Files
from apollobench.viewer.pages import Book
from apollobench.viewer.table import Table

MARKER = "report.json"
FOLDERS = ("frames", "index", "items", "static")
ASSETS = ("style.css", "viewer.css", "viewer.js")
ANSWERS, ITEMS = 400, 50  # on a page with items in full: at most so many answers (or one item's), and items
CHUNK = 1000  # rows in one file of the list


@dataclass(frozen=True, slots=True)
class Written:
    """What a report holds. sheets: of frames. without: how many videos have none. reason: of the first of these."""

    path: Path
    items: int
    models: int
    sheets: int
    without: int
    reason: str


def write_report(table: Table, out: Path, *, frames: bool = True) -> Written:
    """Writes the report into `out`, over an older one. frames: whether pictures are made.

    Raises InputError when `out` holds something else.
    """
    _claim(out)
    films = Films(table, shown=frames)
    book = Book(table, films, POLICY)
    (out / "static").mkdir()
    for name in ASSETS:
        shutil.copyfile(STATIC / name, out / "static" / name)
    sheets = _write_frames(films, out / "frames") if frames else 0
    per_page = max(1, min(ITEMS, ANSWERS // (len(table.subjects) * len(table.modes))))
    _write_items(book, out / "items", per_page)
    about = _write_index(book.rows, table, out / "index", per_page)
    top = Files("", per_page)
    (out / "items.html").write_text(book.items(top, _no_rows(about)), encoding="utf-8")
    (out / "index.html").write_text(book.overview(top), encoding="utf-8")
    told = {
        "complete": True,
        "version": __version__,
        "runs": [part.name for part in table.parts],
        "items": len(table.entries),
    }
    (out / MARKER).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    reason = next(iter(films.problems.values()), "")
    return Written(out / "index.html", len(table.entries), len(table.subjects), sheets, len(films.problems), reason)


def _claim(out: Path) -> None:
    """Makes the folder a report that is not complete yet, and removes the older one in it."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: a file; give the folder that the report goes into")
    out.mkdir(parents=True, exist_ok=True)
    strange = sorted(path.name for path in out.iterdir())
    if strange and MARKER not in strange:
        raise InputError(f"{out}: holds {strange[0]!r} and is not a report; give an empty or new folder")
    (out / MARKER).write_text(json.dumps({"complete": False}) + "\n", encoding="utf-8")
    for name in FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)


def _write_frames(films: Films, folder: Path) -> int:
    """Writes every sheet, a few videos at a time; a video without one is noted among the problems."""
    folder.mkdir()

    def write(video: int) -> int:
        try:
            found = films.film(video)
            for sheet in range(found.sheets):
                (folder / f"{video}-{sheet}.webp").write_bytes(found.webp(sheet))
        except InputError as error:
            films.problems[video] = str(error)
            return 0
        return found.sheets

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="frames") as pool:
        return sum(pool.map(write, range(len(films))))


def _write_items(book: Book, folder: Path, per_page: int) -> None:
    folder.mkdir()
    links = Files("../", per_page)
    count = len(book.table.entries)
    for start in range(0, count, per_page):
        end = min(start + per_page, count)
        shown = [detail(book.table, book.films, number) for number in range(start, end)]
        values = {
            "words": {},
            "place": start,
            "total": count,
            "before": start - per_page if start else None,
            "after": end if end < count else None,
        }
        (folder / links.file(start)).write_text(book.item(links, shown, values), encoding="utf-8")


def _write_index(listed: list[Row], table: Table, folder: Path, per_page: int) -> dict[str, Any]:
    """Writes the rows; gives what the script has to know of them."""
    folder.mkdir()
    chunks, categories = -(-len(listed) // CHUNK), {name: place for place, name in enumerate(table.categories)}
    for chunk in range(chunks):
        part = [
            [row.id, row.question, categories[row.category], int(row.kept), row.key, *row.cells]
            for row in listed[chunk * CHUNK : (chunk + 1) * CHUNK]
        ]
        text = json.dumps(part, separators=(",", ":"))
        (folder / f"{chunk:04}.js").write_text(f"apollobenchRows({chunk},{text});\n", encoding="ascii")
    return {
        "items": len(listed),
        "chunks": chunks,
        "perFile": per_page,
        "perPage": PER_PAGE,
        "categories": list(categories),
        "modes": table.modes,
        "models": [subject.name for subject in table.subjects],
    }


def _no_rows(about: dict[str, Any]) -> dict[str, Any]:
    """What the page of the list says before its script has read the rows."""
    return {
        "query": Query(),
        "words": {},
        "total": about["items"],
        "page": 1,
        "pages": 1,
        "listed": (),
        "shown_models": (),
        "about": about,
    }
