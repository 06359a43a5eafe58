"""The static report as files: what is written, how large, what it replaces, and what it must not touch."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from apollobench.benchmark import Entry, write_benchmark
from apollobench.errors import InputError
from apollobench.evaluate.judge import respond
from apollobench.evaluate.layout import About
from apollobench.evaluate.results import write_results
from apollobench.types import Answer, Mode
from apollobench.viewer.report import write_report
from apollobench.viewer.table import read_table

from . import runs
from .conftest import Place

MANY, CHUNK_BYTES, PAGE_BYTES = 10_000, 200_000, 600_000


class Links(HTMLParser):
    """Every address of a page, and every element's name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.elements: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.found.append(value or "")
            if name.startswith("on") or name == "style":
                self.handlers.append(name)


def read(page: Path) -> Links:
    parser = Links()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser


def test_every_link_of_the_report_leads_to_a_file(place: Place, tmp_path: Path) -> None:
    written = write_report(read_table([place.first, place.second]), tmp_path / "out")
    assert (written.items, written.models, written.without) == (10, 2, 0)
    assert written.sheets == len(list((tmp_path / "out" / "frames").iterdir()))
    pages = sorted((tmp_path / "out").rglob("*.html"))
    assert len(pages) == 3
    for page in pages:
        found = read(page)
        assert not found.handlers
        assert "script" not in [name for name in found.elements if name == "script"][1:]
        for link in found.found:
            path = re.split(r"[?#]", link)[0]
            assert link.startswith(("#", "data:")) or (page.parent / path).is_file(), (page, link)
    for sheet in (tmp_path / "out" / "frames").iterdir():
        assert min(Image.open(sheet).size) > 0
    assert json.loads((tmp_path / "out" / "report.json").read_text())["complete"] is True


def test_pages_have_a_policy_and_markup_stays_text(place: Place, tmp_path: Path) -> None:
    write_report(read_table([place.first, place.benchmark]), tmp_path / "out", frames=False)
    for page in (tmp_path / "out").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "Content-Security-Policy" in text
        assert "<script>document" not in text
        assert "<img" not in text
    assert "\\u003cscript" not in (tmp_path / "out" / "index" / "0000.js").read_text()  # JSON in a file of its own
    assert not list((tmp_path / "out").glob("frames/*"))
    assert "--no_frames" in (tmp_path / "out" / "items" / "0000.html").read_text()


def test_a_report_replaces_an_older_one_and_nothing_else(place: Place, tmp_path: Path) -> None:
    table = read_table([place.first])
    out = tmp_path / "out"
    write_report(table, out)
    before = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "items" / "9999.html").write_text("left from a longer report")
    write_report(table, out)
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "precious.png").write_bytes(b"x")
    for taken in (tmp_path, place.first):
        with pytest.raises(InputError, match="is not a report"):
            write_report(table, taken)
    assert (tmp_path / "frames" / "precious.png").exists()


def test_a_video_that_is_gone_is_said_and_the_rest_is_shown(place: Place, tmp_path: Path) -> None:
    shutil.copytree(place.root, tmp_path / "place")
    gone = sorted((tmp_path / "place" / "data" / "videos").glob("*.mp4"))[0]
    gone.unlink()
    written = write_report(read_table([tmp_path / "place" / "first"]), tmp_path / "out")
    assert written.without == 1
    assert gone.name in written.reason
    assert written.sheets >= 2
    assert f"the video is not at hand: {gone.name}" in (tmp_path / "out" / "items" / "0000.html").read_text()


def test_many_items_make_many_files_and_no_giant_one(tmp_path: Path) -> None:
    items = runs.without_videos(MANY)
    made = write_benchmark(
        tmp_path / "benchmark", [Entry(item) for item in items], [], {"name": "many"}, "# many\n", needs_videos=False
    )
    model = runs.Model("m", modes=(Mode.TEXT,))
    responses = [respond(item, Mode.TEXT, "m", str(n), None, Answer("ABC"[n % 2])) for n, item in enumerate(items)]
    write_results(tmp_path / "run", model, items, responses, About("many", made.manifest_hash, MANY))
    out = tmp_path / "out"
    write_report(read_table([tmp_path / "run"]), out)
    chunks = sorted((out / "index").iterdir())
    assert len(chunks) == 10
    assert max(path.stat().st_size for path in chunks) < CHUNK_BYTES
    pages = sorted((out / "items").iterdir())
    assert len(pages) == 200
    assert max(path.stat().st_size for path in (*pages, out / "items.html", out / "index.html")) < PAGE_BYTES
    assert sum(1 for path in out.rglob("*") if path.is_file()) < 230
    numbers = re.findall(r'<article class="item" id="i(\d+)"', pages[-1].read_text())
    assert numbers == [str(n) for n in range(MANY - 50, MANY)]
