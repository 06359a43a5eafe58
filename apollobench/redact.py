"""Takes secrets out of texts that will be seen: logs, messages, results, reports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "***"
SECRET_NAME = re.compile(r"(.*[_.])?(key|secret|password|authorization)|(.*\.)?((access|auth|hf)_)?token", re.I)


def forms(secret: str) -> tuple[str, ...]:
    """The secret, and how it reads inside JSON or an address; the longest first. None of an empty one."""
    found = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], secret.replace("/", "\\/")}
    return tuple(sorted(filter(None, found), key=len, reverse=True))


def redacted(text: str, secrets: Iterable[str], shortest: int = 1) -> str:
    """`text` without the secrets that have at least `shortest` characters."""
    for secret in secrets:
        if len(secret) >= shortest:
            text = text.replace(secret, HIDDEN)
    return text


def without_credentials(text: str) -> str:
    """`text` with the user and password of any address in it taken out."""
    return re.sub(r"//\S*@", f"//{HIDDEN}@", text)


def is_secret(name: str) -> bool:
    """Whether an argument of this name holds a secret: `api_key`, `hf_token`; not `image_token` or `api_key_env`."""
    return SECRET_NAME.fullmatch(name) is not None
