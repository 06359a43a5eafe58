"""A virtual environment of the project, and what every set-up does in one: torch for the machine, no stray CUDA."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
GPU_PACKAGES = re.compile(r"(nvidia|cuda|triton|pytorch-triton)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Environment:
    """The environment in `folder`, made with the Python that runs this."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def make(self) -> None:
        """Creates it, or keeps the one that is there and runs."""
        if (
            self.python.exists()
            and subprocess.run([self.python, "-m", "pip", "-V"], capture_output=True).returncode == 0
        ):
            return
        say(f"creating {self.folder} with Python {platform.python_version()}")
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", self.folder])
        if made.returncode != 0:
            sys.exit(f"set-up: could not create {self.folder} (on Debian and Ubuntu: apt install python3-venv)")

    def begin(self, torch: str, gpu: bool, constraints: Path | None = None) -> None:
        """Makes it, with pip and that torch."""
        self.make()
        self.pip("install", "pip>=23.2")
        say(f"installing torch ({'for the GPU' if gpu else 'CPU build'})")
        self.install_torch(torch, gpu, constraints)

    def pip(self, *arguments: str) -> None:
        """Runs pip of the environment; its own error is the message when it fails."""
        command = [self.python, "-m", "pip", "--disable-pip-version-check", arguments[0], "--quiet", *arguments[1:]]
        if subprocess.run(command).returncode != 0:
            sys.exit(f"set-up: failed: pip {' '.join(arguments)}")

    def install_locked(self, lock: Path, *options: str) -> None:
        """Installs what a lock file lists and nothing else, each file checked against its hashes."""
        self.pip("install", "--no-deps", "--require-hashes", *options, "-r", str(lock))

    def install_torch(self, version: str, gpu: bool, constraints: Path | None = None) -> None:
        """Installs that torch: the default build for a GPU or off Linux (there it is a CPU build), else the CPU one.

        The package index in use may offer the CPU build itself (a mirror, a folder of wheels); only when it does not,
        PyTorch's own index is asked. Dependencies come later, from the package index alone.
        """
        if gpu or platform.system() != "Linux":
            self.pip("install", f"torch=={version}", *(("-c", str(constraints)) if constraints else ()))
            return
        build = f"torch=={version}+cpu"
        offered = subprocess.run([self.python, "-m", "pip", "install", "-q", "--no-deps", build], capture_output=True)
        if offered.returncode != 0:
            self.pip("install", "--no-deps", "--index-url", CPU_INDEX, build)

    def refuse_gpu_packages(self) -> None:
        """Stops with an error when a CUDA package got in on a machine that has no GPU."""
        listed = subprocess.run(
            [self.python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
        )
        found = [line for line in listed.stdout.splitlines() if GPU_PACKAGES.match(line)]
        if found:
            names = ", ".join(found)
            sys.exit(f"set-up: no GPU here, yet these GPU packages were installed: {names}; delete {self.folder}")


def gpu_answers() -> bool:
    """Whether an NVIDIA driver lists at least one GPU."""
    if shutil.which("nvidia-smi") is None:
        return False
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
    return listed.returncode == 0 and "GPU" in listed.stdout


def pinned(constraints: Path, name: str) -> str:
    """The version that a constraints file gives `name`."""
    found = re.search(rf"^{re.escape(name)}==(\S+)$", constraints.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        sys.exit(f"set-up: {constraints} does not pin {name}")
    return found.group(1)


def say(text: str) -> None:
    print(f"set-up: {text}", flush=True)
