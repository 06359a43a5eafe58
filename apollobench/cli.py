"""The command line: all commands, and the way in."""

from apollobench.commands import comparing, curation, evaluation, items, models  # noqa: F401  (each adds its commands)
from apollobench.commands.top import app


def main() -> None:
    app(prog_name="apollobench")
