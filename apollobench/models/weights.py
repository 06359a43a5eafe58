"""Where a model's weights are: shipped in the package, in a folder at hand, or in the hub's cache and on the hub."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from apollobench.errors import InputError
from apollobench.fingerprint import CHECKPOINT, folder_digest
from apollobench.hub import HUB_ID, cached, fetch
from apollobench.models.roster import BUILTIN, CONFIG, SHIPPED, RosterEntry

# What a folder of weights must hold, by the backend that reads it.
CONTENTS = {
    "apollo": "config.json, llm/, mm_connector/ and vision_tower/, or be an exported one",
    "transformers": "config.json, the weights as safetensors, and the files of the processor",
}


def find_weights(name: str, entry: RosterEntry, pretrained: str | None = None, revision: str | None = None) -> Path:
    """The folder of a model's weights: the shipped one, or one that the hub's cache holds or now gets.

    pretrained: instead of the roster's, a folder or the id of a hub repository. revision: a branch, tag or commit of
    the repository. Raises `InputError` that says how to get what cannot be had.
    """
    source = pretrained or entry.weights
    revision = revision or (None if pretrained else entry.revision)
    if HUB_ID.fullmatch(source) and not Path(source).exists():
        return _from_hub(name, source, revision, "" if pretrained else entry.note, entry.backend)
    if revision is not None:
        raise InputError(f"revision={revision} is of a repository of the hub; leave it out for weights in a folder")
    return _shipped(name, source) if source.startswith(BUILTIN) else _given(Path(source).expanduser())


def weights_revision(source: str, wanted: str | None = None, suffixes: Collection[str] = CHECKPOINT) -> str:
    """What tells these weights from others: of a folder the digest, of a hub id the commit that its cache holds.

    Before the first download nothing is known of a hub id but the branch or tag that is `wanted`; a name that is
    neither says nothing more.
    """
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder_digest(folder, suffixes)
    if not HUB_ID.fullmatch(source):
        return source
    held = cached(source, wanted)
    return f"{source}@{held.name if held else wanted or 'main'}"


def at_hand(name: str, entry: RosterEntry) -> bool:
    """Whether the weights that the roster names can be read without a download."""
    try:
        found = cached(entry.weights) if HUB_ID.fullmatch(entry.weights) else _shipped(name, entry.weights)
    except InputError:
        return False
    return found is not None


def _shipped(name: str, weights: str) -> Path:
    folder = SHIPPED / weights.removeprefix(BUILTIN)
    if not (folder / CONFIG).is_file():
        raise InputError(f"{name}: its weights should be shipped in {folder}, but are not; reinstall apollobench")
    return folder


def _given(folder: Path) -> Path:
    if not (folder / CONFIG).is_file():
        found = ", ".join(sorted(path.name for path in folder.glob("*"))[:8]) or "nothing"
        raise InputError(
            f"pretrained={folder}: no {CONFIG} there, found {found}; "
            "it must be the folder of a checkpoint, or OWNER/REPOSITORY of the hub"
        )
    return folder


def _from_hub(name: str, hub_id: str, revision: str | None, note: str, backend: str) -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE

    try:
        return fetch(hub_id, revision)
    except InputError as error:
        raise InputError(
            f"{name}: the weights {hub_id} are not at hand{f' ({note})' if note else ''}; "
            f"looked in {HF_HUB_CACHE} and on the hub: {error}. Either\n"
            f"  download them:           hf download {hub_id}\n"
            f"  or name a mirror:        --model {name} --model_args pretrained=OWNER/REPOSITORY\n"
            f"  or use a folder at hand: --model {name} --model_args pretrained=PATH\n"
            f"The folder must hold {CONTENTS.get(backend, CONFIG)}."
        ) from error
