"""Writes docs/cli.md from the commands' own help: `python docs/make_cli.py [FILE]`, with `-` for standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperGroup

from apollobench.cli import app

WIDTH = 96
INTRO = """# Commands

Written from the commands' own help by `make docs`. Dashes and underscores in option names are alike: `--model_args` and
`--model-args` are one option.

Every command exits with 0 when it is done, 1 when a gate failed or a file is faulty, and 2 on a usage or data
error.
"""


def sections(command: typer.core.TyperCommand | TyperGroup, parent: typer.Context | None, name: str) -> Iterator[str]:
    """One Markdown section for the command, then those of its subcommands, in the order help lists them."""
    context = typer.Context(command, parent=parent, info_name=name, terminal_width=WIDTH, **command.context_settings)
    level = "#" * min(len(context.command_path.split()) + 1, 4)
    yield f"{level} {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, TyperGroup):
        for child in command.list_commands(context):
            yield from sections(command.commands[child], context, child)


def main() -> None:
    target = sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).with_name("cli.md"))
    text = "\n".join([INTRO, *sections(typer.main.get_command(app), None, "apollobench")])
    if target == "-":
        sys.stdout.write(text)
    else:
        Path(target).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
