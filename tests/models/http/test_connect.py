"""What the server tells about its models, and what happens when it tells nothing."""

from __future__ import annotations

import pytest

from apollobench.errors import InputError
from apollobench.models.registry import check_model, load_model, readiness
from apollobench.models.roster import roster

from .oracle import MODEL, Oracle


def loaded(server: Oracle, name: str = f"http:{MODEL}", **arguments: str):  # type: ignore[no-untyped-def]
    model = load_model(name, {"base_url": server.url, "tries": "1", **arguments})
    model.close()
    return model


def test_the_revision_is_what_the_server_tells_of_the_weights(server: Oracle) -> None:
    assert loaded(server).revision == "root=eyes/v1, owned_by=tests"
    assert loaded(server, revision="mine").revision == "mine"
    server.listing = {"data": [{"id": MODEL, "created": 1}, {"id": "other"}]}
    assert loaded(server).revision == "unknown"
    server.listing = {"data": "nonsense"}
    assert loaded(server).revision == "unknown"
    server.listing = None
    assert loaded(server).revision == "unknown"


def test_the_roster_and_an_argument_can_name_the_model(server: Oracle) -> None:
    server.listing = {"data": [{"id": "Qwen/Qwen2-VL-7B-Instruct", "owned_by": "vllm"}, {"id": "two"}]}
    model = loaded(server, "qwen2-vl-7b")
    assert (model.name, model.model) == ("qwen2-vl-7b", "Qwen/Qwen2-VL-7B-Instruct")
    assert loaded(server, "qwen2-vl-7b", model="two").settings["model"] == "two"


def test_a_server_with_one_other_model_is_told_apart(server: Oracle) -> None:
    with pytest.raises(InputError, match=f"serves '{MODEL}', not 'gpt-x'; give model={MODEL}"):
        loaded(server, "http:gpt-x")


def test_servers_that_cannot_be_asked(server: Oracle) -> None:
    server.listing = [1]
    with pytest.raises(InputError, match=r"not a JSON object: .*check the server, --base_url and the key"):
        loaded(server)
    url = server.url
    server.server_close()
    with pytest.raises(InputError, match=f"server {url}: (Connect|Read)Error.*check the server"):
        load_model(f"http:{MODEL}", {"base_url": url, "tries": "1"})


def test_a_check_sends_nothing(server: Oracle) -> None:
    check_model(f"http:{MODEL}", {"base_url": server.url})
    with pytest.raises(InputError, match="which server"):
        check_model(f"http:{MODEL}")
    with pytest.raises(InputError, match="NOT_SET"):
        check_model(f"http:{MODEL}", {"base_url": server.url, "api_key_env": "NOT_SET"})
    assert (server.gets, server.posts) == (0, [])
    entry = roster()["qwen2-vl-7b"].model_copy(update={"backend": "http"})
    assert readiness("qwen2-vl-7b", entry) == "no: needs --base_url"
