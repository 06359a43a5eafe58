"""Runs the command line as `python -m apollobench`."""

from apollobench.cli import main

if __name__ == "__main__":
    main()
