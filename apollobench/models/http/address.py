"""Where a server is and how to sign in. Keys come from the environment; only the request headers ever hold them."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from apollobench.errors import InputError
from apollobench.redact import forms, redacted, without_credentials

API_KEY = "OPENAI_API_KEY"


@dataclass(frozen=True, slots=True)
class Address:
    """url: of the API, without credentials. authorization: the header's value. secrets: texts that nobody may see."""

    url: str
    authorization: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def redact(self, text: str, shortest: int = 1) -> str:
        """`text` without the secrets that have at least `shortest` characters."""
        return redacted(text, self.secrets, shortest)


def find_address(base_url: str, api_key_env: str | None = None) -> Address:
    """The server at `base_url`, with the key from the environment variable `api_key_env`, OPENAI_API_KEY by default.

    `user:password@` in the address signs in with those instead. A server may need neither. Raises `InputError` for an
    address that is none, and for a key that was asked for and is not set or not sendable.
    """
    shown = without_credentials(base_url)
    try:
        parts = urlsplit(base_url)
        complete = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        complete = False
    if not complete or parts.query or parts.fragment:
        raise InputError(f"base_url={shown}: no address of a server; expected a form such as http://localhost:8000/v1")
    url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    if "@" in parts.netloc:
        return _signed_in(url, unquote(parts.username or ""), unquote(parts.password or ""))
    name = api_key_env or API_KEY
    key = os.environ.get(name, "").strip()
    if api_key_env and not key:
        raise InputError(f"api_key_env={name}: the environment has no such variable, or it is empty; set it to the key")
    if not re.fullmatch(r"[!-~]*", key):
        raise InputError(f"the key in the environment variable {name} has characters that no request can carry")
    return Address(url, f"Bearer {key}" if key else None, forms(key))


def _signed_in(url: str, user: str, password: str) -> Address:
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Address(url, f"Basic {token}", (*forms(token), *forms(password or user)))
