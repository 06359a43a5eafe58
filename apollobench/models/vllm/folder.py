"""What vLLM is to serve: an Apollo checkpoint as an exported folder, any other model as it is published."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from apollobench.models.roster import BUILTIN, RosterEntry
from apollobench.models.weights import find_weights, weights_revision
from apollobench.types import Sampling

CACHE = "APOLLOBENCH_CACHE"


@dataclass(frozen=True, slots=True)
class Served:
    """model: folder or hub id. revision: digest of the weights, or the hub's name for them. options: vLLM's own.

    sampling: how it samples a video, None where nothing says so.
    """

    model: str
    revision: str
    options: Mapping[str, Any]
    sampling: Sampling | None = None


def is_apollo(entry: RosterEntry, pretrained: str | None) -> bool:
    """Whether these weights are an Apollo checkpoint: by the roster, or by what lies in the folder."""
    from apollobench.apollo.hf.layout import MODEL_TYPE
    from apollobench.apollo.jsonfile import read_json

    source = pretrained or entry.weights
    if entry.family.startswith("apollo") or source.startswith(BUILTIN):
        return True
    config = Path(source).expanduser() / "config.json"
    return config.is_file() and (read_json(config).get("model_type") == MODEL_TYPE or (config.parent / "llm").is_dir())


def served(name: str, entry: RosterEntry, pretrained: str | None, revision: str | None) -> Served:
    """What to serve for a model; an Apollo checkpoint in the published layout is exported once, into a cache.

    Raises `InputError` as `find_weights` and `export_apollo` do.
    """
    if not is_apollo(entry, pretrained):
        wanted = revision or (None if pretrained else entry.revision)
        source = pretrained or entry.weights
        return Served(source, weights_revision(source, wanted), {"revision": wanted} if wanted else {})
    folder = find_weights(name, entry, pretrained, revision)
    from apollobench.apollo.checkpoint import is_exported
    from apollobench.apollo.checkpoint import revision as digest_of
    from apollobench.apollo.hf.layout import unnest
    from apollobench.apollo.jsonfile import read_json
    from apollobench.video.budget import fitted

    made = digest_of(folder)
    exported = folder if is_exported(folder) else _exported(folder, made)
    config = unnest(read_json(exported / "config.json"), exported)
    sampling = config.sampling
    if config.connector:
        sampling = fitted(sampling, config.max_length, config.tokens_per_clip)
    return Served(str(exported), made, {"max_model_len": config.max_length}, sampling)


def loader_options(sampling: Sampling) -> dict[str, Any]:
    """vLLM's --media-io-kwargs for clients that send a video and no plan: our loader, and the model's own sampling."""
    fields = {name: value for name, value in asdict(sampling).items() if value is not None}
    return {"video": {"video_backend": "apollobench", "sampling": fields}}


def _exported(folder: Path, made: str) -> Path:
    from apollobench.apollo.hf.export import export_apollo

    cache = Path(os.environ.get(CACHE) or Path.home() / ".cache" / "apollobench") / "exported"
    place = cache / made[:32]
    if not (place / "config.json").is_file():
        cache.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".", dir=cache))
        export_apollo(folder, draft)
        try:
            draft.rename(place)
        except OSError:  # another process was quicker
            shutil.rmtree(draft)
    return place
