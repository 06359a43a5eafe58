"""Files of the Hugging Face hub: downloaded on first use, then read from its cache; never any code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from apollobench.errors import InputError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
# What is taken of a checkpoint.
FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
Kind = Literal["model", "dataset"]


def cached(
    hub_id: str, revision: str | None = None, *, files: Sequence[str] = FILES, kind: Kind = "model"
) -> Path | None:
    """The folder in the hub's cache if one is there. Nothing is downloaded."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = snapshot_download(
            hub_id, revision=revision, repo_type=kind, allow_patterns=[*files], local_files_only=True
        )
    except LocalEntryNotFoundError:
        return None
    return Path(found)


def fetch(hub_id: str, revision: str | None = None, *, files: Sequence[str] = FILES, kind: Kind = "model") -> Path:
    """The folder in the hub's cache, downloaded where it is not at hand or no longer current.

    files: patterns of the names to take. Without a network, or with HF_HUB_OFFLINE=1, what the cache holds is used.
    Raises `InputError` with the reason when that is not everything.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        GatedRepoError,
        HTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return Path(snapshot_download(hub_id, revision=revision, repo_type=kind, allow_patterns=[*files]))
    except GatedRepoError as error:
        raise InputError(f"{hub_id} is gated; ask for access on its page, then `hf auth login`") from error
    except RepositoryNotFoundError as error:
        raise InputError(f"the hub has no {hub_id}, or it is private (then `hf auth login`)") from error
    except RevisionNotFoundError as error:
        raise InputError(f"{hub_id} has no revision {revision!r}") from error
    except LocalEntryNotFoundError as error:
        raise InputError(_reason(error)) from error
    except (HTTPError, OSError) as error:
        raise InputError(f"the download stopped: {_reason(error)}; the same command takes it up again") from error


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") or type(error).__name__
