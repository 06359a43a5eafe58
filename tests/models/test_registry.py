"""Names become models, or errors that say what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from apollobench.apollo.checkpoint import revision, save_apollo
from apollobench.errors import InputError
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.registry import load_model, readiness
from apollobench.models.roster import RosterEntry, roster
from apollobench.models.weights import find_weights
from apollobench.recipe import load_recipe, shipped_recipes
from apollobench.sources.synthetic.make import make_video
from apollobench.types import Item, Mode, Video

from .. import tiny

APOLLO = ("apollo-1.5b", "apollo-3b", "apollo-7b")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_apollo(tiny.model(), tiny.tokenizer(), folder)
    return folder


def test_the_roster_knows_the_published_models_and_the_panels() -> None:
    entries = roster()
    assert set(APOLLO) <= entries.keys()
    for recipe in (load_recipe(name).recipe for name in shipped_recipes()):
        assert set(recipe.panel + recipe.held_out) <= entries.keys()


def test_unknown_names_are_answered_with_close_ones() -> None:
    expected = r"unknown model 'apolo-7b' \(did you mean apollo-7b.*known models: .*apollo-1.5b"
    with pytest.raises(InputError, match=expected):
        load_model("apolo-7b")


def test_a_folder_can_be_given(checkpoint: Path) -> None:
    model = load_model("apollo-7b", {"pretrained": str(checkpoint), "max_clips": "2", "max_new_tokens": "3"})
    assert model.name == "apollo-7b"
    assert model.revision == revision(checkpoint)
    assert model.sampling.max_clips == 2
    assert model.settings["max_new_tokens"] == 3
    assert Mode.SHUFFLED in model.modes


def test_bad_folders_and_arguments_are_named(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(InputError, match=r"pretrained=.*: no config.json there, found notes.txt; .* OWNER/REPOSITORY"):
        load_model("apollo-7b", {"pretrained": str(tmp_path)})
    with pytest.raises(InputError, match=r"no config.json there, found nothing"):
        load_model("apollo-7b", {"pretrained": str(tmp_path / "none")})
    with pytest.raises(InputError, match="unknown model argument 'colour'; valid: pretrained, revision, dtype"):
        load_model("apollo-7b", {"pretrained": str(checkpoint), "colour": "red"})
    with pytest.raises(InputError, match="revision=v1 is of a repository of the hub"):
        load_model("apollo-tiny", {"revision": "v1"})


def test_the_toy_in_the_published_layout_answers_under_a_name_of_the_roster(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "apollo_golden" / "apollo_tiny_ckpt"
    model = load_model("apollo-7b", {"pretrained": str(folder), "max_new_tokens": "4"})
    assert model.revision == revision(folder)
    assert model.sampling.kind == "released"
    make_video(tmp_path, 5)
    (path,) = tmp_path.glob("*.mp4")
    item = Item("toy/1", "Why?", ("this", "that"), 0, Video("toy", path))
    with Store(tmp_path / "responses") as store:
        counts = run(model, [item], tuple(Mode), store, progress=False)
    assert [response.error for response in counts.responses] == [None] * len(Mode)
    assert all(len(response.option_logprobs or ()) == 2 for response in counts.responses)


def test_weights_that_are_not_at_hand(tmp_path: Path) -> None:
    done = without_hub(tmp_path, "load_model('apollo-7b')")
    assert "InputError" in done.stderr
    for part in ("not at hand", "hf download Apollo-LMMs/Apollo-7B-t32", "withdrawn", "--model_args pretrained=PATH"):
        assert part in done.stderr
    assert str(tmp_path) in done.stderr


def test_weights_in_the_cache_of_the_hub_are_found(checkpoint: Path, tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--Apollo-LMMs--Apollo-7B-t32"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    (repository / "snapshots").mkdir()
    (repository / "snapshots" / ("0" * 40)).symlink_to(checkpoint)
    done = without_hub(tmp_path, "print(load_model('apollo-7b').revision)")
    assert done.stdout.strip() == revision(checkpoint), done.stderr


def test_shipped_weights_that_are_gone_are_named() -> None:
    entry = RosterEntry(backend="apollo", family="test", weights="builtin:gone", licence="Apache-2.0")
    with pytest.raises(InputError, match=r"tiny: its weights should be shipped in .*gone, but are not"):
        find_weights("tiny", entry)
    assert readiness("tiny", entry) == "no: weights not at hand"


def test_reading_the_roster_loads_no_heavy_package() -> None:
    code = (
        "import sys; from apollobench.models.roster import roster; roster(); "
        "sys.exit(bool({'torch', 'transformers', 'av'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def without_hub(home: Path, statement: str) -> subprocess.CompletedProcess[str]:
    """Run a statement in a process whose hub cache is `home`/hub and which may not reach any network."""
    code = f"from apollobench.models.registry import load_model; {statement}"
    environment = {**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("HF_HUB_CACHE", None)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
