"""Runs the command line as `python -m apollobench`."""

from apollobench.cli import main

main()
