"""Makes `.venv` with everything apollobench needs to run and to be tested; `make setup` runs it with a plain Python.

Only the CPU build of torch is taken where no NVIDIA GPU answers: the default Linux build would bring gigabytes of CUDA
libraries. Versions come from constraints.txt, so two machines get the same ones.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CONSTRAINTS = ROOT / "constraints.txt"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
GPU_PACKAGES = re.compile(r"(nvidia|cuda|triton|pytorch-triton)\b", re.IGNORECASE)


def main() -> None:
    make_venv()
    pip("install", "pip>=23.2")
    gpu = gpu_answers()
    say(f"installing torch ({'for the GPU' if gpu else 'CPU build'})")
    install_torch(gpu)
    say("installing apollobench and its tools (the first time takes a few minutes)")
    pip("install", "-c", str(CONSTRAINTS), "-e", f"{ROOT}[dev]")
    if not gpu:
        refuse_gpu_packages()
    say(f"done: {VENV}")


def make_venv() -> None:
    """Creates the environment, or keeps the one that is there and runs."""
    if PYTHON.exists() and subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return
    say(f"creating {VENV} with Python {platform.python_version()}")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV])
    if made.returncode != 0:
        sys.exit("set-up: could not create .venv (on Debian and Ubuntu: apt install python3-venv)")


def gpu_answers() -> bool:
    """Whether an NVIDIA driver lists at least one GPU."""
    if shutil.which("nvidia-smi") is None:
        return False
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
    return listed.returncode == 0 and "GPU" in listed.stdout


def install_torch(gpu: bool) -> None:
    """Installs the pinned torch: the default build for a GPU or off Linux (there it is a CPU build), else the CPU one.

    The package index in use may offer the CPU build itself (a mirror, a folder of wheels); only when it does not,
    PyTorch's own index is asked. Dependencies come later, from the package index alone.
    """
    wanted = pinned("torch")
    if gpu or platform.system() != "Linux":
        pip("install", f"torch=={wanted}", "-c", str(CONSTRAINTS))
        return
    build = f"torch=={wanted}+cpu"
    offered = subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", build], capture_output=True)
    if offered.returncode != 0:
        pip("install", "--no-deps", "--index-url", CPU_INDEX, build)


def pinned(name: str) -> str:
    """The version that constraints.txt gives `name`."""
    found = re.search(rf"^{re.escape(name)}==(\S+)$", CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        sys.exit(f"set-up: {CONSTRAINTS} does not pin {name}")
    return found.group(1)


def refuse_gpu_packages() -> None:
    """Stops with an error when a CUDA package got in on a machine that has no GPU."""
    listed = subprocess.run(
        [PYTHON, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    )
    found = [line for line in listed.stdout.splitlines() if GPU_PACKAGES.match(line)]
    if found:
        sys.exit(f"set-up: no GPU here, yet these GPU packages were installed: {', '.join(found)}; delete {VENV}")


def pip(*arguments: str) -> None:
    """Runs pip of the environment; its own error is the message when it fails."""
    command = [PYTHON, "-m", "pip", "--disable-pip-version-check", arguments[0], "--quiet", *arguments[1:]]
    if subprocess.run(command).returncode != 0:
        sys.exit(f"set-up: failed: pip {' '.join(arguments)}")


def say(text: str) -> None:
    print(f"set-up: {text}", flush=True)


if __name__ == "__main__":
    main()
