"""The command line: all commands, and the way in."""

from apollobench.commands import (  # noqa: F401  (each adds its commands)
    comparing,
    curation,
    evaluation,
    items,
    models,
    pages,
    publishing,
)
from apollobench.commands.top import app


def main() -> None:
    app(prog_name="apollobench")
