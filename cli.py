"""Runs the command line from a clone without installing the package: `python cli.py eval ...`."""

from apollobench.cli import main

if __name__ == "__main__":
    main()
