"""The command line: every module of `commands` adds its commands to one app."""

from importlib import import_module
from pkgutil import iter_modules

from apollobench import commands
from apollobench.commands.top import app

for found in iter_modules(commands.__path__):
    import_module(f"{commands.__name__}.{found.name}")


def main() -> None:
    app(prog_name="apollobench")
