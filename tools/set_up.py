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
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
GPU_PACKAGES = re.compile(r"(nvidia|cuda|triton|pytorch-triton)\b", re.IGNORECASE)


def main() -> None:
    environment = Environment(ROOT / ".venv")
    environment.begin()
    say("installing apollobench and its tools (the first time takes a few minutes)")
    environment.pip("install", "-c", str(CONSTRAINTS), "-e", f"{ROOT}[dev]")
    environment.finish()


@dataclass(frozen=True)
class Environment:
    """A virtual environment in the folder `path`."""

    path: Path

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    def begin(self) -> None:
        """Creates it with pip and the right build of torch, or keeps what is there and runs."""
        self.create()
        self.pip("install", "pip>=23.2")
        gpu = gpu_answers()
        say(f"installing torch ({'for the GPU' if gpu else 'CPU build'})")
        self.install_torch(gpu)

    def finish(self) -> None:
        if not gpu_answers():
            self.refuse_gpu_packages()
        say(f"done: {self.path}")

    def create(self) -> None:
        if (
            self.python.exists()
            and subprocess.run([self.python, "-m", "pip", "-V"], capture_output=True).returncode == 0
        ):
            return
        say(f"creating {self.path} with Python {platform.python_version()}")
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", self.path])
        if made.returncode != 0:
            sys.exit(f"set-up: could not create {self.path} (on Debian and Ubuntu: apt install python3-venv)")

    def install_torch(self, gpu: bool) -> None:
        """Installs the pinned torch: the default build for a GPU or off Linux (there it is for CPUs), else the CPU one.

        The package index in use may offer the CPU build itself (a mirror, a folder of wheels); only when it does not,
        PyTorch's own index is asked. Dependencies come later, from the package index alone.
        """
        wanted = pinned("torch")
        if gpu or platform.system() != "Linux":
            self.pip("install", f"torch=={wanted}", "-c", str(CONSTRAINTS))
            return
        build = f"torch=={wanted}+cpu"
        offered = subprocess.run(
            [self.python, "-m", "pip", "install", "--quiet", "--no-deps", build], capture_output=True
        )
        if offered.returncode != 0:
            self.pip("install", "--no-deps", "--index-url", CPU_INDEX, build)

    def refuse_gpu_packages(self) -> None:
        """Stops with an error when a CUDA package got in on a machine that has no GPU."""
        listed = subprocess.run(
            [self.python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
        )
        found = [line for line in listed.stdout.splitlines() if GPU_PACKAGES.match(line)]
        if found:
            sys.exit(
                f"set-up: no GPU here, yet these GPU packages were installed: {', '.join(found)}; delete {self.path}"
            )

    def pip(self, *arguments: str) -> None:
        """Runs pip of the environment; its own error is the message when it fails."""
        command = [self.python, "-m", "pip", "--disable-pip-version-check", arguments[0], "--quiet", *arguments[1:]]
        if subprocess.run(command).returncode != 0:
            sys.exit(f"set-up: failed: pip {' '.join(arguments)}")


def gpu_answers() -> bool:
    """Whether an NVIDIA driver lists at least one GPU."""
    if shutil.which("nvidia-smi") is None:
        return False
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
    return listed.returncode == 0 and "GPU" in listed.stdout


def pinned(name: str, constraints: Path = CONSTRAINTS) -> str:
    """The version that a file of constraints gives `name`."""
    found = re.search(rf"^{re.escape(name)}==(\S+)$", constraints.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        sys.exit(f"set-up: {constraints} does not pin {name}")
    return found.group(1)


def say(text: str) -> None:
    print(f"set-up: {text}", flush=True)


if __name__ == "__main__":
    main()
