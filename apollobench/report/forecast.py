"""A forecast as Markdown: what each source and each model takes, what is missing here, and what that rests on."""

from __future__ import annotations

from apollobench.curate.forecast import PEAK, REACHED, Forecast, Load, Pool, Voter, total
from apollobench.curate.shifts import wants_shifts
from apollobench.evaluate.estimate import CHARACTERS_PER_TOKEN
from apollobench.report.tables import in_range, markdown_table
from apollobench.types import Sampling

TAKES = ("requests", "frames", "million tokens", "A100 hours")
LENGTHS = {
    "probed": "read from the files",
    "annotated": "as their annotations state",
    "published": "taken as the benchmark's published mean",
    "unknown": "not known",
}


def forecast_markdown(found: Forecast) -> str:
    """The whole forecast."""
    return "\n\n".join([_summary(found), _sources(found), _models(found), _missing(found), _assumed(found)])


def _summary(found: Forecast) -> str:
    recipe = found.recipe
    modes = ", ".join(recipe.modes)
    asked = sum(len(pool.asks) for pool in found.pools)
    whole = total(list(found.loads.values()))
    shifts = " On top, the panel is asked each text question under every rotation of its options."
    return (
        f"# {recipe.name}: what it would take\n\nNothing was asked. {len(recipe.panel)} models and "
        f"{len(recipe.held_out)} held out would answer {asked:,} questions in the modes {modes}: "
        f"{whole.requests:,} requests, about {in_range(whole.gpu_hours, ',.0f')} hours of one A100."
        f"{shifts if wants_shifts(recipe.filter) else ''}"
    )


def _sources(found: Forecast) -> str:
    rows = []
    for pool in found.pools:
        load = total([load for (_, name), load in found.loads.items() if name == pool.name])
        rows.append([pool.name, *_pool(pool), *_takes(load)])
    whole = total(list(found.loads.values()))
    counts = [sum(len(p.asks) for p in found.pools), sum(p.videos for p in found.pools)]
    hours = sum(pool.seconds for pool in found.pools) / 3600
    rows.append(["all", *(f"{count:,}" for count in counts), _at_hand(found.pools), f"{hours:,.1f}", *_takes(whole)])
    head = ["source", "items", "videos", "videos here", "hours of video", *TAKES]
    return f"## Sources\n\n{markdown_table(head, rows)}"


def _pool(pool: Pool) -> list[str]:
    return [f"{len(pool.asks):,}", f"{pool.videos:,}", f"{pool.at_hand:,}", f"{pool.seconds / 3600:,.1f}"]


def _at_hand(pools: tuple[Pool, ...]) -> str:
    return f"{sum(pool.at_hand for pool in pools):,}"


def _models(found: Forecast) -> str:
    rows = []
    for voter in found.voters:
        load = total([load for (name, _), load in found.loads.items() if name == voter.name])
        role = "panel" if voter.name in found.recipe.panel else "held out"
        sampling = _sampling(voter.sampling)
        rows.append([voter.name, role, voter.entry.backend, sampling, *_takes(load), voter.ready])
    head = ["model", "role", "backend", "frames of a video", *TAKES, "ready here"]
    return f"## Models\n\n{markdown_table(head, rows)}"


def _sampling(sampling: Sampling) -> str:
    if sampling.kind == "uniform":
        return f"{sampling.frames}"
    if sampling.kind == "fps":
        return f"{sampling.fps:g} a second, at most {sampling.frames}"
    if sampling.kind == "clips":
        return f"clips of {sampling.clip_frames} in {sampling.clip_seconds:g} s, at most {sampling.max_clips}"
    return f"{sampling.kind}, {sampling.token_budget:,} tokens at most"


def _missing(found: Forecast) -> str:
    lacks = [f"the annotations of {pool.name}; {_first_way(pool.missing)}" for pool in found.pools if pool.missing]
    for pool in found.pools:
        if pool.at_hand < pool.videos:
            lacks.append(f"{pool.videos - pool.at_hand:,} of {pool.videos:,} videos of {pool.name}")
    reasons = dict.fromkeys(voter.ready for voter in found.voters if voter.ready != "yes")
    for reason in reasons:
        names = ", ".join(voter.name for voter in found.voters if voter.ready == reason)
        lacks.append(f"{names}: {reason.removeprefix('no: ')}")
    if not lacks:
        return "## Missing here\n\nNothing."
    listed = "\n".join(f"* {lack}" for lack in lacks)
    ways = (
        "`--at_hand` leaves out questions whose annotations or videos are not here; `--panel tiny` asks the models "
        "that come with apollobench."
    )
    return f"## Missing here\n\n{listed}\n\n{ways}"


def _first_way(missing: str) -> str:
    """The first of the ways to get annotations that the error lists, one a line."""
    return next(iter(missing.splitlines()[1:]), missing).strip()


def _assumed(found: Forecast) -> str:
    lengths = {way: sum(pool.lengths.get(way, 0) for pool in found.pools) for way in LENGTHS}
    told = ", ".join(f"{count:,} {LENGTHS[way]}" for way, count in lengths.items() if count)
    few, many = CHARACTERS_PER_TOKEN
    low, high = (f"{share:.0%}" for share in REACHED)
    unknown = [voter.name for voter in found.voters if _unknown(voter, found)]
    left_out = f" Tokens of {', '.join(unknown)} are not known, and in no sum." if unknown else ""
    return (
        f"## Assumed\n\nLengths of videos: {told}. A token for every {many:g} to {few:g} characters of text. Hours: "
        f"2 x parameters x tokens operations at {low} to {high} of an A100's {PEAK / 1e12:.0f} TFLOP/s, the language "
        f"model alone; encoders, replies and decoding come on top. Answers that are stored already are not taken off."
        f"{left_out}"
    )


def _unknown(voter: Voter, found: Forecast) -> bool:
    return all(load.tokens is None for (name, _), load in found.loads.items() if name == voter.name)


def _takes(load: Load) -> list[str]:
    tokens = None if load.tokens is None else (load.tokens[0] / 1e6, load.tokens[1] / 1e6)
    return [f"{load.requests:,}", f"{load.frames:,}", in_range(tokens, ",.0f"), in_range(load.gpu_hours, ",.1f")]
