"""Takes secrets out of texts that will be seen: logs, messages, results, reports."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import quote

HIDDEN = "***"
SHORTEST = 8  # shorter ones, such as the placeholder EMPTY, may be words of an answer
SECRET_NAME = re.compile(r"(.*[_.])?(key|secret|password|authorization)|(.*\.)?((access|auth|hf)_)?token", re.I)
_hidden: set[str] = set()


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


def hide_in_logs(secrets: Iterable[str]) -> None:
    """No log of this process shows these from now on, whoever writes it: HTTP libraries log what servers send back."""
    if not _hidden:
        logging.setLogRecordFactory(partial(_record, logging.getLogRecordFactory()))
    _hidden.update(secret for secret in secrets if len(secret) >= SHORTEST)


def _record(make: Callable[..., logging.LogRecord], *given: Any, **more: Any) -> logging.LogRecord:
    record = make(*given, **more)
    try:
        said = record.getMessage()
    except (TypeError, ValueError):  # a mistake in the call, which the handler tells
        return record
    plain = redacted(said, _hidden)
    if plain != said:
        record.msg, record.args = plain, None
    return record


def without_credentials(text: str) -> str:
    """`text` with the user and password of any address in it taken out."""
    return re.sub(r"//\S*@", f"//{HIDDEN}@", text)


def is_secret(name: str) -> bool:
    """Whether an argument of this name holds a secret: `api_key`, `hf_token`; not `image_token` or `api_key_env`."""
    return SECRET_NAME.fullmatch(name) is not None
