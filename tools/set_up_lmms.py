"""Makes `.venv-lmms`, where apollobench and lmms-eval are together, for `make test-lmms`.

It takes the steps that a user takes: the extra of apollobench, then lmms-eval without its dependencies. Those ask for a
PyAV older than the one that apollobench decodes with, and for much that its model classes never import. What prints its
tables comes likewise, with the versions that were tried.
"""

from __future__ import annotations

from environment import ROOT, Environment, gpu_answers, pinned, say

CONSTRAINTS = ROOT / "constraints.txt"
MORE = ROOT / "tools" / "lmms-constraints.txt"
TESTING = ("hypothesis", "pytest")
TABLES = ("pytablewriter", "chardet", "dataproperty", "mbstrdecoder", "pathvalidate", "tabledata", "tcolorpy", "typepy")


def main() -> None:
    venv, gpu = Environment(ROOT / ".venv-lmms"), gpu_answers()
    venv.begin(pinned(CONSTRAINTS, "torch"), gpu, CONSTRAINTS)
    say("installing apollobench and what the model classes of lmms-eval import (the first time takes a few minutes)")
    venv.pip("install", "-c", str(CONSTRAINTS), "-c", str(MORE), "-e", f"{ROOT}[lmms-eval]", *TESTING)
    venv.pip("install", "--no-deps", *(f"{name}=={pinned(MORE, name)}" for name in ("lmms-eval", *TABLES)))
    if not gpu:
        venv.refuse_gpu_packages()
    say(f"done: {venv.folder}")


if __name__ == "__main__":
    main()
