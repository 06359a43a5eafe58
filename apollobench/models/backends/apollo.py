"""Apollo checkpoints in this process: PyTorch and the language model of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from apollobench.models.base import Model, Sketch
from apollobench.models.roster import RosterEntry
from apollobench.models.weights import at_hand, find_weights
from apollobench.types import Sampling


def check(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> None:
    """Raises `InputError` that says how to get weights that cannot be had; the hub's are downloaded."""
    _folder(name, entry, arguments)


def load(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Model:
    """The loaded checkpoint; arguments are `pretrained`, `revision` and those of `models.apollo.Options`."""
    folder = _folder(name, entry, arguments)
    from apollobench.models.apollo import ApolloModel, Options  # brings torch, which a mistaken name need not wait for

    return ApolloModel.load(name, folder, Options.parse(_own(arguments)))


def sketch(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Sketch:
    """What its configs tell; the weights are read for their digest alone."""
    folder = _folder(name, entry, arguments)
    from apollobench.models.apollo import Options
    from apollobench.models.apollo import sketch as sketch_apollo

    return sketch_apollo(name, folder, Options.parse(_own(arguments)))


def readiness(name: str, entry: RosterEntry) -> str:
    return "yes" if at_hand(name, entry) else "no: weights not at hand"


def expected_sampling(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Sampling:
    """What its config says; that of the released loader where the weights are not at hand."""
    if at_hand(name, entry):
        return sketch(name, entry, arguments).sampling
    from apollobench.models.apollo import Options

    return Options.parse(_own(arguments)).sampling(Sampling("released"))


def _own(arguments: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in arguments.items() if key not in ("pretrained", "revision")}


def _folder(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Path:
    return find_weights(name, entry, arguments.get("pretrained"), arguments.get("revision"))
