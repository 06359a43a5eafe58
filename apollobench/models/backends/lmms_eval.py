"""The model classes of lmms-eval, simple or chat, in this process; lmms-eval is installed by whoever wants them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from apollobench.errors import InputError
from apollobench.hub import HUB_ID
from apollobench.models.base import Model
from apollobench.models.lmms.classes import ModelClass, find_class, missing
from apollobench.models.lmms.options import Options
from apollobench.models.roster import RosterEntry
from apollobench.models.weights import at_hand
from apollobench.types import Sampling


def check(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> None:
    """Raises `InputError` without lmms-eval or such a class, and for weights that are neither folder nor hub id."""
    _chosen(name, entry, arguments)


def load(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Model:
    """An instance of the class; arguments are those of `models.lmms.options.Options`, all others are the class's.

    `lmms_eval:NAME` means the class; an entry of the roster names it as `model_class`, which loads its `weights`.
    """
    model_class, options = _chosen(name, entry, arguments)
    from apollobench.models.lmms.model import LmmsEvalModel  # brings torch, which a mistaken name need not wait for

    return LmmsEvalModel.load(name, model_class, options, entry.weights if entry.model_class else None)


def readiness(name: str, entry: RosterEntry) -> str:
    lack = missing()
    if lack is not None:
        return f"no: {lack}"
    return "yes" if at_hand(name, entry) else "no: weights not at hand"


def expected_sampling(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Sampling:
    return Options.parse(arguments).sampling


def _chosen(name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> tuple[ModelClass, Options]:
    options = Options.parse(arguments)
    given = options.own.get("pretrained")
    if given is not None and not HUB_ID.fullmatch(given) and not Path(given).exists():
        raise InputError(f"{name}: pretrained={given}: no such folder; give one, or OWNER/REPOSITORY of the hub")
    if entry.model_class is None and HUB_ID.fullmatch(entry.weights):
        raise InputError(
            f"{name}: the roster names no model class of lmms-eval for it; say "
            f"--model lmms_eval:CLASS --model_args pretrained={entry.weights}"
        )
    model_class = find_class(entry.model_class or entry.weights, simple=options.force_simple)
    if not model_class.handling(options.own).modes:
        raise InputError(
            f"{name}: the class {model_class.name!r} of lmms-eval cannot be asked in any mode: it makes other things "
            "than answers, or breaks with the versions at hand"
        )
    return model_class, options
