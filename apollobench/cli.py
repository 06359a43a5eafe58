"""The command line: all commands, and the way in."""

from apollobench.commands import certify, curation, evaluation, models  # noqa: F401  (each adds its commands)
from apollobench.commands.top import app


def main() -> None:
    app(prog_name="apollobench")
