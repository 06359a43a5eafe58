"""Check-ups as text: counts, the first faults, and every file in a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from apollobench.doctor.checkup import Checkup
from apollobench.errors import InputError
from apollobench.report.health import HEAD, writer
from apollobench.video.health import Facts, Finding, Health, Kind, missing

FACTS = Facts(2.0, 30.0, 60, 96, 64, 90, "h264", "mov")
TURNED = Finding(Kind.ROTATED, "turned by 90 degrees.")
CUT, DARK = Finding(Kind.TRUNCATED, "half is there."), Finding(Kind.NO_CENTER, "no frame 30.")


def checkup(*records: Health, items: int) -> Checkup:
    counts = {record.path: items * number for number, record in enumerate(records, start=1)}
    return Checkup(records, counts, Path("/data/media.jsonl"), examined=len(records) - 1)


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


GOOD = Health(Path("/data/good.mp4"), 10, 1, "abc", (TURNED,), FACTS)
CUT_OFF = Health(Path("/data/cut.mp4"), 5, 1, "def", (CUT, DARK), FACTS)


def test_a_summary_tells_counts_reasons_and_costs() -> None:
    text = writer(None)(checkup(GOOD, CUT_OFF, missing(Path("/data/gone.mp4")), items=1000))
    assert text.startswith("3 files: 1 ok, 2 with a fault (5,000 of 6,000 items are on them). 2 examined now, 1 known")
    assert ["rotated", "1", "1,000", "note"] in rows(text)
    assert ["truncated", "1", "2,000", "fault"] in rows(text)
    assert ["/data/cut.mp4", "2,000", "truncated", "half is there."] in rows(text)
    assert ["/data/cut.mp4", "2,000", "center undecodable", "no frame 30."] in rows(text)
    assert [row[0] for row in rows(text)].count("/data/good.mp4") == 0
    assert text.endswith("All records: /data/media.jsonl")


def test_without_items_no_cost_is_told() -> None:
    text = writer(None)(checkup(GOOD, CUT_OFF, items=0))
    assert "items are on" not in text
    assert ["truncated", "1", "-", "fault"] in rows(text)


def test_a_long_list_of_faults_is_cut() -> None:
    gone = [missing(Path(f"/data/{number}.mp4")) for number in range(33)]
    text = writer(None)(checkup(*gone, items=1))
    assert sum(row[0].startswith("/data/") for row in rows(text)) == 20
    assert "And 13 more faults" in text


@pytest.mark.parametrize("form", ["csv", "md"])
def test_a_table_has_every_file(form: str) -> None:
    text = writer(form)(checkup(GOOD, CUT_OFF, missing(Path("/data/gone.mp4")), items=2))
    cells = list(csv.reader(io.StringIO(text))) if form == "csv" else [row for row in rows(text) if row[1][:1] != "-"]
    assert cells[0] == HEAD
    facts = ["2.000", "30.000", "60", "96", "64", "90", "h264", "mov"]
    assert cells[1] == ["/data/good.mp4", "ok", "rotated", "2", "turned by 90 degrees.", *facts, "10", "abc"]
    assert cells[2][:5] == ["/data/cut.mp4", "truncated, center undecodable", "", "4", "half is there. no frame 30."]
    assert cells[3][1] == "missing"
    assert cells[3][5:] == [""] * 10


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(InputError, match="'xml'; valid: csv, md"):
        writer("xml")
