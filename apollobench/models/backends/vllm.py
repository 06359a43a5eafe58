"""A vLLM server: started for the model and ended with it, or one that runs already (`--base_url`)."""

from __future__ import annotations

from collections.abc import Mapping

from apollobench.errors import InputError
from apollobench.models.base import Model, Sketch
from apollobench.models.roster import RosterEntry
from apollobench.models.vllm.options import Options
from apollobench.models.vllm.server import vllm_python
from apollobench.types import Sampling


def check(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> None:
    """Raises `InputError` without vLLM, unless a running server is given, and for bad arguments."""
    if Options.parse(arguments).base_url is None:
        vllm_python()


def load(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Model:
    """The model, once its server answers. Arguments are those of `models.vllm.options.Options`."""
    from apollobench.models.vllm.connect import connect

    return connect(name, entry, Options.parse(arguments))


def sketch(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Sketch:
    """What its configs tell, where the weights are an Apollo checkpoint's. No server is started or asked."""
    from apollobench.models.vllm.connect import sketch as sketch_model

    return sketch_model(name, entry, Options.parse(arguments))


def expected_sampling(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Sampling:
    return Options.parse(arguments).sampling(None)


def readiness(name: str, entry: RosterEntry) -> str:
    try:
        vllm_python()
    except InputError:
        return "no: vLLM is not installed here"
    return "yes"
