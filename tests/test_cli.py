"""The command line from the outside: start-up, help, spellings, exit codes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from apollobench import __version__
from apollobench.cli import app
from apollobench.demo import MODELS, steps
from apollobench.recipe import load_recipe

HEAVY = ("torch", "transformers", "datasets", "av", "decord", "pandas", "scipy", "pyarrow", "cv2")
EVERY_HELP = """
import json, sys
from apollobench.cli import app
from apollobench.demo import MODELS, steps
from apollobench.recipe import load_recipe
for words in json.loads(sys.argv[1]):
    app([*words, "--help"], prog_name="apollobench", standalone_mode=False)
print("LOADED", *[name for name in json.loads(sys.argv[2]) if name in sys.modules])
"""

# A process whose parent was started in the background ignores interrupts unless it asks for them.
INTERRUPTIBLE = """
import signal
from apollobench.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""


def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "apollobench", *map(str, arguments)], cwd=cwd, capture_output=True, text=True
    )


def commands(command: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it, groups left out."""
    command = command or typer.main.get_command(app)
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from commands(child, (*words, name))
    else:
        yield words, command


ALL = dict(commands())


def test_help_loads_nothing_heavy() -> None:
    paths = json.dumps([[], *(list(words) for words in ALL)])
    shown = subprocess.run(
        [sys.executable, "-c", EVERY_HELP, paths, json.dumps(HEAVY)], capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines()[-1].strip() == "LOADED"


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_teaches_with_an_example(words: tuple[str, ...]) -> None:
    options = {name for parameter in ALL[words].params for name in getattr(parameter, "opts", [])}
    _, _, examples = (ALL[words].help or "").partition("Example")
    lines = re.findall(r"^\s*apollobench (.+(?:\\\n.+)*)$", examples, re.MULTILINE)
    assert lines, "no example"
    for line in lines:
        assert line.startswith(" ".join(words))
        assert set(re.findall(r"--[\w-]+", line)) <= options


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_option_is_explained_and_spelled_one_way(words: tuple[str, ...]) -> None:
    for parameter in ALL[words].params:
        assert getattr(parameter, "help", None) or not parameter.opts[0].startswith("-"), parameter.name
        assert not any("-" in name.removeprefix("--") for name in parameter.opts if name.startswith("--"))


def test_version() -> None:
    for spelling in ("-V", "--version"):
        shown = run(spelling)
        assert (shown.returncode, shown.stdout) == (0, f"apollobench {__version__}\n")


def test_launcher_at_the_root_is_the_same_command(root: Path) -> None:
    shown = subprocess.run([sys.executable, "cli.py", "-V"], cwd=root, capture_output=True, text=True)
    assert (shown.returncode, shown.stdout) == (0, f"apollobench {__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["nonsense"], id="unknown command"),
        pytest.param(["sources", "synthetic"], id="missing option"),
        pytest.param(["sources", "synthetic", "--make", "x", "--videos", "none"], id="not a number"),
        pytest.param(["sources", "synthetic", "--make", "x", "--speed", "9"], id="unknown option"),
        pytest.param(["sources", "synthetic", "--make", "x", "--videos", "2", "--seed", "-1"], id="data error"),
    ],
)
def test_bad_usage_exits_2_with_a_message(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "rror:" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run("leaderboard", "export", "--output_path", tmp_path / "file" / "board.md")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path / 'file'}")
    assert "Traceback" not in done.stderr


def test_interrupt_keeps_the_work_and_says_so(tmp_path: Path) -> None:
    command = ["sources", "synthetic", "--make", str(tmp_path / "world"), "--videos", "300", "--seed", "0"]
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTIBLE, *command], stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("world/videos/*.mp4")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "finished work is kept" in errors
    assert "Traceback" not in errors


def test_demo_types_commands_that_exist_on_models_that_did_not_vote(tmp_path: Path) -> None:
    for arguments in steps(tmp_path):
        words = next(words for words in ALL if tuple(arguments[: len(words)]) == words)
        known = {name for parameter in ALL[words].params for name in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("--")} <= known
    assert set(MODELS) <= set(load_recipe("synthetic").recipe.held_out)
