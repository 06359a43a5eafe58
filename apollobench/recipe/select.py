"""The selection of a recipe: what it ranks by, and what it has to keep to."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from apollobench.recipe.fields import Count, Name, Section, Seed, Share
from apollobench.types import CATEGORIES, Mode


class Quotas(Section):
    """What a selection has to keep to, whatever its method.

    quotas: items per category, or equal shares, or the survivors' own shares. max_budget: sum of the items' cost, which
    is the seconds of the video each one asks about. source_mix: per source, the least and the largest share of the
    items chosen. item_rest_gate: whether only items enter that correlate with the rest of the pool above 0.
    """

    size: Count
    quotas: Literal["balanced", "proportional"] | dict[str, Count]
    max_per_video: Count | None
    max_budget: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None
    source_mix: dict[Name, tuple[Share, Share]] | None
    item_rest_gate: bool
    when_short: Literal["take_all", "stop"]
    tie_break: Literal["hash"]
    seed: Seed

    @model_validator(mode="after")
    def _quotas_are_possible(self) -> Self:
        if isinstance(self.quotas, dict):
            unknown = [name for name in self.quotas if name not in CATEGORIES]
            if unknown:
                raise ValueError(f"quotas for unknown category {unknown[0]!r}; valid: {', '.join(CATEGORIES)}")
            total = sum(self.quotas.values())
            if total != self.size:
                raise ValueError(f"quotas add up to {total}, size is {self.size}; make them equal or use balanced")
        mix = self.source_mix or {}
        crossed = next((name for name, (least, most) in mix.items() if least > most), None)
        if crossed is not None:
            raise ValueError(f"source_mix: the least share of {crossed} is above its largest")
        if sum(least for least, _ in mix.values()) > 1:
            raise ValueError("source_mix: the least shares add up to more than 1")
        return self


class RandomSelection(Quotas):
    """Rank by a seeded hash of the item's id: the baseline that a better rule has to beat."""

    method: Literal["random"]


class PanelSelection(Quotas):
    """What ranks by the panel's answers in `mode`."""

    mode: Mode


class EntropySelection(PanelSelection):
    """Rank by the entropy of right against wrong over the panel's answers."""

    method: Literal["entropy"]


class ItemRestSelection(PanelSelection):
    """Rank by the correlation of an item with the models' accuracy on all others, shrunk by its sampling error."""

    method: Literal["item_rest"]


class InformationSelection(PanelSelection):
    """Rank by expected Fisher information under the Rasch model or the 2PL with priors."""

    method: Literal["information"]
    model: Literal["rasch", "2pl"]


class StratifiedSelection(PanelSelection):
    """Spread the items of each category evenly over difficulty, as the panel finds it."""

    method: Literal["stratified"]


class ApolloPlusSelection(PanelSelection):
    """Keep the share of each category that tells the panel's models apart best, and spread over difficulty within it.

    shares: which to try, beside 1 for all; 0 stands for no more than the quota. The largest gain in expected agreement
    on held-out families decides, after `caution` standard deviations over `splits` of the families are taken off.
    """

    method: Literal["apollo+"]
    shares: Annotated[tuple[Share, ...], Field(min_length=1)]
    splits: Count
    caution: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


Selecting = (
    EntropySelection
    | ItemRestSelection
    | InformationSelection
    | RandomSelection
    | StratifiedSelection
    | ApolloPlusSelection
)
