"""Makes `.venv` with everything apollobench needs to run and to be tested; `make setup` runs it with a plain Python.

Only the CPU build of torch is taken where no NVIDIA GPU answers: the default Linux build would bring gigabytes of CUDA
libraries. Versions come from constraints.txt, so two machines get the same ones.
"""

from __future__ import annotations

from environment import ROOT, Environment, gpu_answers, pinned, say

CONSTRAINTS = ROOT / "constraints.txt"


def main() -> None:
    venv, gpu = Environment(ROOT / ".venv"), gpu_answers()
    venv.begin(pinned(CONSTRAINTS, "torch"), gpu, CONSTRAINTS)
    say("installing apollobench and its tools (the first time takes a few minutes)")
    venv.pip("install", "-c", str(CONSTRAINTS), "-e", f"{ROOT}[dev]")
    if not gpu:
        venv.refuse_gpu_packages()
    say(f"done: {venv.folder}")


if __name__ == "__main__":
    main()
