"""Any server that speaks the OpenAI API: hosted ones, vLLM, SGLang; `http:MODEL_ID` with `--base_url`.

The key is read from the environment variable OPENAI_API_KEY, or the one that the argument `api_key_env` names. The
other arguments are explained in `models.http.options.Options`.
"""

from __future__ import annotations

from collections.abc import Mapping

from apollobench.models.base import Model, Sketch
from apollobench.models.http.options import Options
from apollobench.models.roster import RosterEntry
from apollobench.types import Sampling


def check(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> None:
    """Raises `InputError` for bad arguments and for a key that is not set. Nothing is sent."""
    from apollobench.models.http.address import find_address

    options = Options.parse(arguments)
    find_address(options.base_url, options.api_key_env)


def load(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Model:
    """The model behind the server, which is asked for its list of models. Raises `InputError` when it cannot be."""
    from apollobench.models.http.connect import connect

    return connect(name, entry.weights, Options.parse(arguments))


def sketch(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Sketch:
    """What can be told without asking the server, which knows the revision unless the arguments do."""
    check(name, entry, arguments)
    options = Options.parse(arguments)
    settings = options.settings(options.model or entry.weights)
    return Sketch(name, options.revision or "", settings, options.modes, options.sampling, options.rates)


def expected_sampling(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Sampling:
    return Options.parse(arguments).sampling


def readiness(name: str, entry: RosterEntry) -> str:
    return "no: needs --base_url"
