"""Where a server is, how to sign in, and that nothing shows a secret."""

from __future__ import annotations

import base64

import pytest

from apollobench.errors import InputError
from apollobench.models.http.address import find_address
from apollobench.redact import without_credentials

KEY = "sk-very/secret+1234"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_a_key_comes_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_address("http://host:1/v1/").authorization is None
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    monkeypatch.setenv("OTHER_KEY", "other-secret")
    assert find_address("http://host:1/v1/").url == "http://host:1/v1"
    assert find_address("http://host:1/v1/").authorization == f"Bearer {KEY}"
    assert find_address("https://host/v1", "OTHER_KEY").authorization == "Bearer other-secret"


def test_user_and_password_sign_in_and_leave_the_address() -> None:
    address = find_address("https://me:pass%20word@host:8443/v1")
    assert address.url == "https://host:8443/v1"
    assert address.authorization == "Basic " + base64.b64encode(b"me:pass word").decode()
    assert "pass" not in repr(address)
    assert without_credentials("see https://me:pass@host/v1 there") == "see https://***@host/v1 there"


def test_every_form_of_a_secret_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    address = find_address("http://host/v1")
    echoed = f"{KEY} sk-very%2Fsecret%2B1234 sk-very\\/secret+1234"
    assert address.redact(echoed) == "*** *** ***"
    assert KEY not in repr(address)


def test_a_placeholder_is_no_secret_in_a_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "EMPTY")
    address = find_address("http://host/v1")
    assert address.redact("The box is EMPTY", shortest=8) == "The box is EMPTY"
    assert address.redact("bad key EMPTY") == "bad key ***"


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000",
        "ftp://me:secret@host/",
        "http://",
        "http://me:secret@host:port/v1",
        "http://h/v1?api-key=secret",
    ],
)
def test_what_is_no_address_is_told_without_its_secrets(url: str) -> None:
    with pytest.raises(InputError, match="no address of a server; expected a form such as") as error:
        find_address(url)
    assert "me:secret" not in str(error.value)


def test_keys_that_are_missing_or_cannot_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="api_key_env=NOT_SET: the environment has no such variable"):
        find_address("http://host/v1", "NOT_SET")
    monkeypatch.setenv("OPENAI_API_KEY", "two words")
    with pytest.raises(InputError, match="OPENAI_API_KEY has characters that no request can carry") as error:
        find_address("http://host/v1")
    assert "two" not in str(error.value)
