"""Files of the Hugging Face hub: downloaded on first use, then read from its cache; never any code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from apollobench.errors import InputError
from apollobench.redact import forms, hide_in_logs, redacted, without_credentials

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

    with told(hub_id, revision):
        return Path(snapshot_download(hub_id, revision=revision, repo_type=kind, allow_patterns=[*files]))


class NotOnHubError(InputError):
    """There is no such repository, as far as this user may know."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a data set at one commit. checksum: `sha256:HEX` of its bytes, or `git:HEX`, its git object."""

    hub_id: str
    commit: str
    path: str
    size: int
    checksum: str

    @property
    def url(self) -> str:
        from huggingface_hub import hf_hub_url

        return hf_hub_url(self.hub_id, self.path, repo_type="dataset", revision=self.commit)


def list_files(hub_id: str, revision: str | None, names: Sequence[str]) -> list[HubFile]:
    """The files of a data set whose paths, or ends of paths, match one of the patterns, in the order of their paths.

    Raises InputError with the reason when they cannot be listed, NotOnHubError when there is no such data set.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    api = HfApi()
    with told(hub_id, revision):
        commit = str(api.dataset_info(hub_id, revision=revision).sha)
        tree = [*api.list_repo_tree(hub_id, recursive=True, revision=commit, repo_type="dataset")]
    files = (entry for entry in tree if isinstance(entry, RepoFile))
    return [
        HubFile(
            hub_id, commit, file.path, file.size, f"sha256:{file.lfs.sha256}" if file.lfs else f"git:{file.blob_id}"
        )
        for file in sorted(files, key=lambda file: file.path)
        if any(fnmatchcase(f"/{file.path}", f"*/{name}") for name in names)
    ]


@contextmanager
def told(hub_id: str, revision: str | None = None) -> Iterator[None]:
    """Raises what goes wrong with the hub as InputError that says what to do. No message holds a token."""
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        GatedRepoError,
        HTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    hide_in_logs(_token())
    try:
        yield
    except GatedRepoError as error:
        raise InputError(f"{hub_id} is gated; ask for access on its page, then `hf auth login`") from error
    except RepositoryNotFoundError as error:
        raise NotOnHubError(f"the hub has no {hub_id}, or it is private (then `hf auth login`)") from error
    except RevisionNotFoundError as error:
        raise InputError(f"{hub_id} has no revision {revision!r}") from error
    except LocalEntryNotFoundError as error:
        raise InputError(_reason(error)) from error
    except (HTTPError, OSError) as error:
        raise InputError(f"the download stopped: {_reason(error)}; the same command takes it up again") from error


def _reason(error: Exception) -> str:
    return without_secrets(next(iter(str(error).strip().splitlines()), "").rstrip(".") or type(error).__name__)


def without_secrets(text: str) -> str:
    """`text` without the token that signs in to the hub, which a server may echo, and without users and passwords."""
    return redacted(without_credentials(text), _token())


def _token() -> tuple[str, ...]:
    from huggingface_hub import get_token

    return forms(get_token() or "")
