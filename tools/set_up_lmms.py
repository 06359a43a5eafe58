"""Makes `.venv-lmms`, where apollobench and lmms-eval are together, for `make test-lmms`.

It takes the steps that a user takes: the extra of apollobench, then lmms-eval without its dependencies. Those ask for a
PyAV older than the one that apollobench decodes with, and for much that its model classes never import.
"""

from __future__ import annotations

from set_up import CONSTRAINTS, ROOT, Environment, pinned, say

MORE = ROOT / "tools" / "lmms-constraints.txt"
TESTING = ("hypothesis", "pytest")


def main() -> None:
    environment = Environment(ROOT / ".venv-lmms")
    environment.begin()
    say("installing apollobench and what the model classes of lmms-eval import (the first time takes a few minutes)")
    environment.pip("install", "-c", str(CONSTRAINTS), "-c", str(MORE), "-e", f"{ROOT}[lmms-eval]", *TESTING)
    environment.pip("install", "--no-deps", f"lmms-eval=={pinned('lmms-eval', MORE)}")
    environment.finish()


if __name__ == "__main__":
    main()
