"""From arguments to a model: finds the server, and asks it which models it has."""

from __future__ import annotations

from typing import Any

from apollobench.errors import InputError
from apollobench.models.http.address import find_address
from apollobench.models.http.backoff import Backoff
from apollobench.models.http.chat import ServedModel
from apollobench.models.http.dialect import OpenAI
from apollobench.models.http.options import Options
from apollobench.models.http.server import RequestError, Server

MODELS = "/models"
NO_LISTING = (403, 404, 405, 501)
UNKNOWN = "unknown"


def connect(name: str, weights: str, options: Options) -> ServedModel:
    """The model that `options` describe, `weights` by its id unless they give another.

    Raises `InputError` when the server cannot be reached, refuses the key, or serves one model and that is another.
    """
    server = Server(
        find_address(options.base_url, options.api_key_env),
        timeout=options.timeout,
        concurrency=options.concurrency,
        backoff=Backoff(options.tries, options.patience),
    )
    model = options.model or weights
    try:
        revision = options.revision or told_revision(server, model)
    except InputError:
        server.close()
        raise
    return ServedModel(
        name=name,
        revision=revision,
        settings=options.settings(model),
        modes=options.modes,
        sampling=options.sampling,
        wants_frames=options.shows_frames,
        model=model,
        server=server,
        dialect=OpenAI(options),
        prices=options.prices,
    )


def told_revision(server: Server, model: str) -> str:
    """All that the server tells about which weights answer to `model`: its `root` and `owned_by`, else `unknown`.

    vLLM's `root` is the folder or repository of the weights. A hosted API tells little; then only its model id, which
    is a setting, stands for the weights. Raises `InputError` as `connect` does.
    """
    try:
        listed = server.run(server.get(MODELS))
    except RequestError as error:
        if error.status in NO_LISTING:
            return UNKNOWN
        raise InputError(f"{error}; check the server, --base_url and the key in the environment") from error
    entries = [entry for entry in listed.get("data") or () if isinstance(entry, dict) and "id" in entry]
    found = next((entry for entry in entries if entry["id"] == model), None)
    if found is None and len(entries) == 1:
        raise InputError(
            f"server {server.address.url} serves {entries[0]['id']!r}, not {model!r}; "
            f"give model={entries[0]['id']} if that is the one you mean"
        )
    return UNKNOWN if found is None else _identity(found)


def _identity(entry: dict[str, Any]) -> str:
    told = [f"{field}={entry[field]}" for field in ("root", "owned_by") if isinstance(entry.get(field), str)]
    return ", ".join(told) or UNKNOWN
