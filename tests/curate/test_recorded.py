"""Matrices of scores in CSV, as people keep them; what a curation recorded is read back in test_pipeline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apollobench.curate.answers import NO_VOTE
from apollobench.curate.recorded import read_matrices
from apollobench.errors import InputError
from apollobench.types import Mode

CORRECT = "item_id,m@8f,m@textonly,n,m@8f-again\na,1,0,1,1\nb,0,1,,0\nc,1,1,0,1\n"
MODELS = "model,family,text_only,clone_of\nn,,False,\nm@8f,m,False,\nm@textonly,m,True,\nm@8f-again,m,False,m@8f\n"
ITEMS = "item_id,video,category,n_options\nc,v2,OCR,0\na,v1,OCR,4\nb,v1,,2\n"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def test_folder_with_all_that_can_be_told(tmp_path: Path) -> None:
    found = read_matrices(write(tmp_path, correct=CORRECT, models=MODELS, items=ITEMS))
    video, text = found[Mode.VIDEO], found[Mode.TEXT]
    assert video.models == ("m@8f", "n")
    assert video.families == ("m", "n")
    assert text.models == ("m@textonly",)
    assert video.scores.tolist() == [[1, 0, 1], [1, NO_VOTE, 0]]
    assert video.videos.codes.tolist() == [0, 0, 1]
    assert video.categories == ("OCR", "", "OCR")
    assert video.chance.tolist() == [0.25, 0.5, 0.0]
    part = video.at([2, 0]).of([1])
    assert (part.ids, part.models, part.scores.tolist()) == (("c", "a"), ("n",), [[0, 1]])


def test_lone_file(tmp_path: Path) -> None:
    write(tmp_path, mine="id,x,y\n1,1,0\n2,0,0\n")
    found = read_matrices(tmp_path / "mine.csv")[Mode.VIDEO]
    assert found.families == ("x", "y")
    assert found.videos.count == 2
    assert np.isnan(found.chance).all()


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "no correct.csv"),
        ({"correct": ""}, "not a table"),
        ({"correct": "item_id,x\n"}, "holds no score"),
        ({"correct": "item_id,x\na,2\n"}, "item 'a', model 'x': found '2'"),
        ({"correct": "item_id,x\na,1\na,0\n"}, "'a' has two rows"),
        ({"correct": "item_id,x\na,1\n", "items": "item_id,video\nb,v\n"}, "no row for 'a'"),
        ({"correct": "item_id,x\na,1\n", "models": "name,family\nx,f\n"}, "first column 'name'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, files: dict[str, str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_matrices(write(tmp_path, **files))


@pytest.mark.parametrize(
    ("name", "models", "items", "families"),
    [("videomme_short", 27, 786, 8), ("videomme_v2_medium", 14, 2516, 5), ("psn_irt_12llm", 12, 41871, 12)],
)
def test_real_matrices(shared: Path, name: str, models: int, items: int, families: int) -> None:
    found = read_matrices(shared / "data" / "responses" / name)[Mode.VIDEO]
    assert found.scores.shape == (models, items)
    assert len(set(found.families)) == families
