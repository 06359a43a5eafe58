"""The recipe: everything that decides what a benchmark becomes, read from one file of `curation/`.

No key has a default here. What a recipe does not say is an error, so that nothing about a selection hides in code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.types import CATEGORIES, Mode, digest
from apollobench.yamlfile import parse_yaml, read_text

Count = Annotated[int, Field(strict=True, ge=1)]
Seed = Annotated[int, Field(strict=True, ge=0)]
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Level = Annotated[float, Field(gt=0.0, lt=1.0, allow_inf_nan=False)]
Name = Annotated[str, Field(strict=True, min_length=1)]


class Section(BaseModel):
    """A part of a recipe: unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Section):
    """Where items come from. options: what that source's reader is told, such as the split."""

    name: Name
    options: dict[str, Annotated[int, Field(strict=True)] | float | bool | str]


class Lint(Section):
    """alpha: level of the tests. max_unparsed, max_missing, max_same_letter: shares above which a run is suspect."""

    alpha: Level
    max_unparsed: Share
    max_missing: Share
    max_same_letter: Share


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


class NativeCategories(Section):
    """Categories from the source's own labels through the map in `curation/categories.yaml`."""

    method: Literal["native"]


class TextCategories(Section):
    """Where there is no label, a classifier of the question's text that learns from the items that have one.

    words: longest run of words that counts as one feature. min_items: a feature occurs in at least so many questions.
    c: inverse strength of the penalty. folds, seed: of the cross-validation that says how good it is.
    """

    method: Literal["text"]
    words: Count
    min_items: Count
    c: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    folds: Annotated[int, Field(strict=True, ge=2)]
    seed: Seed


class HttpCategories(Section):
    """Where there is no label, a language model behind a server that speaks the OpenAI API.

    base_url: of the API. api_key_env: environment variable of the key, null for OPENAI_API_KEY. model: the id to ask
    for. max_new_tokens: longest reply. body: further fields of every request, null to leave out one of ours. sample:
    how many labelled items are asked about too, drawn by `seed`, to see how far it agrees with the labels.
    """

    method: Literal["http"]
    base_url: Name
    api_key_env: Name | None
    model: Name
    max_new_tokens: Count
    body: dict[str, Any]
    sample: Annotated[int, Field(strict=True, ge=0)]
    seed: Seed

    @field_validator("base_url")
    @classmethod
    def _without_credentials(cls, value: str) -> str:
        if "@" in value:
            raise ValueError("holds a user or password, which would stand in the manifest; name api_key_env instead")
        return value


Categorize = NativeCategories | TextCategories | HttpCategories


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


class Validation(Section):
    """How the result is examined on models and truths that took no part in making it."""

    random_subsets: Count
    bootstrap: Count
    confidence: Level
    seed: Seed


class Recipe(Section):
    """A curation from the first item to the last check, in the order in which it happens."""

    name: Name
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    prompt: Name
    modes: Annotated[tuple[Mode, ...], Field(min_length=1)]
    panel: Annotated[tuple[Name, ...], Field(min_length=1)]
    held_out: tuple[Name, ...]
    lint: Lint
    filter: Annotated[FilterSpec, Field(discriminator="method")]
    categorize: Annotated[Categorize, Field(discriminator="method")]
    select: Annotated[Selecting, Field(discriminator="method")]
    validation: Validation

    @field_validator("panel", "held_out", "modes")
    @classmethod
    def _each_once(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        repeated = next((value for i, value in enumerate(values) if value in values[:i]), None)
        if repeated is not None:
            raise ValueError(f"{repeated} is named twice")
        return values

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        both = [model for model in self.panel if model in self.held_out]
        if both:
            raise ValueError(f"{both[0]} is in panel and in held_out; a model that votes cannot validate the vote")
        ranked = (self.select.mode,) if isinstance(self.select, PanelSelection) else ()
        for mode in (*self.filter.modes, *ranked):
            if mode not in self.modes:
                raise ValueError(f"the filter or the selection needs mode {mode}, and modes does not run it")
        if len(self.panel) < self.filter.min_votes:
            raise ValueError(
                f"panel of {len(self.panel)}, but filter.min_votes asks for {self.filter.min_votes} usable answers per "
                f"item: no item could be judged. Name more models, or lower filter.min_votes if so few votes are meant"
            )
        return self


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """A recipe, the text it was read from, and what the command line changed in it (dotted place -> value)."""

    recipe: Recipe
    name: str
    text: str
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Hash of what the recipe says, overrides included; comments and layout do not count."""
        return digest(self.recipe.model_dump(mode="json"))


def load_recipe(name: str | Path, overrides: Mapping[str, Any] | None = None) -> RecipeFile:
    """A shipped recipe by name (`synthetic`) or one of your own by path (`my.yaml`).

    overrides: dotted place -> value, for example `{"select.size": 100}`; they are validated like the file itself.
    Raises InputError naming file, line and place, or listing the shipped recipes.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = content_path("curation") / f"{name}.yaml"
        if str(name) not in shipped_recipes():
            raise InputError(
                f"no recipe called {name!r}; shipped: {', '.join(shipped_recipes())}. "
                f"For a recipe of your own give its path, ending in .yaml"
            )
    text = read_text(path)
    changes = dict(overrides or {})
    return RecipeFile(parse_yaml(text, str(path), Recipe, changes), path.name, text, changes)


def recorded_recipe(manifest: Mapping[str, Any], name: str) -> RecipeFile:
    """The recipe that a benchmark's manifest records; `name` is what errors call it. Raises InputError without one."""
    held = manifest.get("recipe")
    if not isinstance(held, dict) or "text" not in held:
        raise InputError(f"{name}: records no recipe; a benchmark that `apollobench curate` made has one")
    changes = held.get("overrides", {})
    return RecipeFile(
        parse_yaml(held["text"], name, Recipe, changes), str(held.get("file", name)), held["text"], changes
    )


def shipped_recipes() -> tuple[str, ...]:
    """The names of the recipes in `curation/`: its YAML files that say where items come from."""
    files = sorted(content_path("curation").glob("*.yaml"))
    return tuple(file.stem for file in files if "\nsources:" in file.read_text(encoding="utf-8"))
