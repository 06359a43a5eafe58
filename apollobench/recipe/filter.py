"""The filter of a recipe: which items need no video."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from apollobench.recipe.fields import Count, Level, Section, Share
from apollobench.types import Mode


class PaperFilter(Section):
    """Drop what more than `threshold` of the panel answers right in any of `modes`.

    An item needs `min_votes` usable answers in each of them; one with fewer was not judged and is dropped as that.
    """

    method: Literal["paper"]
    threshold: Annotated[float, Field(ge=0.0, lt=1.0, allow_inf_nan=False)]
    modes: Annotated[tuple[Mode, ...], Field(min_length=1)]
    min_votes: Count

    @property
    def drops(self) -> str:
        """When it drops an item, in words."""
        return f"more than {self.threshold:.0%} of the panel answer it right in {' or '.join(self.modes)} mode"

    @property
    def no_votes(self) -> str:
        return "Errors and unsupported modes"


class ChanceAwareFilter(Section):
    """Drop what the panel answers right more often than chance and `margin` explain, in any of `modes`.

    chance: one over the number of options. fdr: the expected share of wrongly dropped items among the dropped ones.
    family_correlation: of two models of one family on one item, estimated from the answers or given. shifts: in text
    mode, a model is right only if it is under every rotation of the options. min_votes: as for the paper's rule.
    """

    method: Literal["chance_aware"]
    modes: Annotated[tuple[Mode, ...], Field(min_length=1)]
    margin: Annotated[float, Field(ge=0.0, lt=1.0, allow_inf_nan=False)]
    fdr: Level
    family_correlation: Literal["estimate"] | Share
    shifts: Annotated[bool, Field(strict=True)]
    min_votes: Count

    @model_validator(mode="after")
    def _shifts_need_text(self) -> Self:
        if self.shifts and Mode.TEXT not in self.modes:
            raise ValueError("shifts: true rotates the options in text mode, and modes does not name it")
        return self

    @property
    def drops(self) -> str:
        """When it drops an item, in words."""
        rotated = ", in text mode under every rotation of its options" if self.shifts else ""
        return (
            f"the panel answers it right in {' or '.join(self.modes)} mode more often than chance and "
            f"{self.margin:.0%} explain, at a false discovery rate of {self.fdr:.0%}{rotated}"
        )

    @property
    def no_votes(self) -> str:
        return "Unparsed answers, errors and unsupported modes"


FilterSpec = PaperFilter | ChanceAwareFilter
