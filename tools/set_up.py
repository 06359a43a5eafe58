"""Makes `.venv` with everything apollobench needs to run and to be tested; `make setup` runs it with a plain Python.

Everything but torch is installed from tools/lock.txt, each file checked against its hash. Only the CPU build of torch
is taken where no NVIDIA GPU answers: the default Linux build would bring gigabytes of CUDA libraries.
"""

from __future__ import annotations

from environment import ROOT, Environment, gpu_answers, pinned, say

CONSTRAINTS = ROOT / "constraints.txt"
TOOLS = ROOT / "tools"


def main() -> None:
    venv, gpu = Environment(ROOT / ".venv"), gpu_answers()
    venv.make()
    say("installing what apollobench and its tests need (the first time takes a few minutes)")
    venv.install_locked(TOOLS / "build-lock.txt")
    venv.install_locked(TOOLS / "lock.txt", "--no-build-isolation")
    venv.begin(pinned(CONSTRAINTS, "torch"), gpu, CONSTRAINTS)
    venv.pip("install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    venv.pip("check")
    if not gpu:
        venv.refuse_gpu_packages()
    say(f"done: {venv.folder}")


if __name__ == "__main__":
    main()
