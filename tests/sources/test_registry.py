"""Sources are found by themselves, named in one way, and listed without loading anything heavy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.sources import find_source, load_items, sources

HEAVY = ("torch", "transformers", "datasets", "pyarrow", "pandas", "av", "numpy", "huggingface_hub")
PUBLISHED = ("egoschema", "longvideobench", "mlvu", "mvbench", "nextqa", "perceptiontest", "tempcompass", "videomme")
LIST = """
import json, sys
from apollobench.cli import app
app(["sources", "list"], prog_name="apollobench", standalone_mode=False)
print("LOADED", *[name for name in json.loads(sys.argv[1]) if name in sys.modules])
"""


def test_every_source_is_listed_without_heavy_packages() -> None:
    call = [sys.executable, "-c", LIST, json.dumps(HEAVY)]
    *table, last = subprocess.run(call, capture_output=True, text=True, check=True).stdout.splitlines()
    names = [line.split("|")[1].strip() for line in table[2:]]
    assert names == [source.form for source in sources().values()]
    assert {*PUBLISHED, "synthetic", "csv:PATH", "jsonl:PATH", "lmms:TASK"} == set(names)
    assert set(last.split()[1:]) <= {"numpy"}  # which the table's own module needs


def test_published_sources_have_the_same_options() -> None:
    for name in PUBLISHED:
        assert sources()[name].options[:4] == ("data", "split", "videos", "skip_malformed")
    assert {name for name in PUBLISHED if "subtitles" in sources()[name].options} == {"longvideobench", "videomme"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("videomme2", r"unknown source 'videomme2'; there are csv:PATH, egoschema, .*, videomme$"),
        ("csv", "source 'csv' is not written as it should be: csv:PATH"),
        ("csv:", "source 'csv:' is not written as it should be: csv:PATH"),
        ("nextqa:val", "source 'nextqa:val' is not written as it should be: nextqa"),
    ],
)
def test_a_wrong_name_is_told(name: str, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        find_source(name)


def test_every_reader_is_one_short_file(root: Path) -> None:
    for name in PUBLISHED:
        assert len((root / "apollobench" / "sources" / f"{name}.py").read_text().splitlines()) < 100


def test_an_unknown_option_lists_the_valid_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="source mvbench has no option 'subset'; valid: data, split, videos"):
        load_items("mvbench", {"subset": "x"}, tmp_path)
