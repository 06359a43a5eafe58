"""From a model's name to a vLLM server of it: what to serve, with which of vLLM's options, and for whom."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from apollobench.errors import InputError
from apollobench.models.registry import choose
from apollobench.models.roster import RosterEntry
from apollobench.models.vllm.folder import Served, loader_options, served
from apollobench.models.vllm.server import KEY, LOCAL, Server, api_key, make_server, vllm_python

# Where vLLM runs on a CPU, which is for tests and small models: no compiler is needed, and memory stays small.
ON_CPU = {"enforce_eager": True, "kv_cache_memory_bytes": 1 << 30, "block_size": 32}


def launch(
    name: str,
    entry: RosterEntry,
    arguments: Mapping[str, str],
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    key: str | None = None,
    media_root: Path | None = None,
) -> tuple[Server, Served]:
    """A server of the model, not yet started, and what it serves.

    arguments: `pretrained`, `revision`, and any option of vLLM's server (`max_model_len=4096`), which win over ours.
    media_root: the folder from which requests may name files. Raises `InputError` when vLLM or the weights are not at
    hand, and for another host than this machine without a key.
    """
    if host not in LOCAL and key is None:
        raise InputError(f"host {host} can be reached from elsewhere: set {KEY} to a key that clients must send")
    python = vllm_python()
    given = dict(arguments)
    what = served(name, entry, given.pop("pretrained", None), given.pop("revision", None))
    own: dict[str, Any] = {**(ON_CPU if python.on_cpu else {}), **what.options}
    if host in LOCAL:
        own["trust_request_mm_kwargs"] = True  # so that clients can say which frames they mean
    if what.sampling is not None:
        own["media_io_kwargs"] = loader_options(what.sampling)
    if media_root is not None:
        own["allowed_local_media_path"] = str(media_root.resolve())
    return make_server(python, what.model, name, own | given, host=host, port=port, key=key), what


def serve(
    name: str,
    model_args: Mapping[str, str],
    *,
    host: str,
    port: int,
    media_root: Path,
    say: Callable[[str], None],
) -> None:
    """Serves a model until the process is told to end, by Ctrl-C or SIGTERM. Raises `InputError` as `launch` does."""
    chosen = choose(name, model_args, "vllm")
    server, _ = launch(name, chosen.entry, chosen.arguments, host=host, port=port, key=api_key(), media_root=media_root)
    with _told_to_end(), server:
        say(f"starting vLLM; its log: {server.log}")
        server.wait_until_ready()
        say(f"{name} is served; try\n  apollobench eval --model {name} --base_url {server.base_url}")
        server.wait()


@contextmanager
def _told_to_end() -> Iterator[None]:
    """SIGTERM ends the process as Ctrl-C does: with everything it started."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
