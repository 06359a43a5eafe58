"""An estimate as Markdown: what would be asked in each mode and in all, and what that assumes."""

from __future__ import annotations

from apollobench.evaluate.estimate import CHARACTERS_PER_TOKEN, Estimate, Share
from apollobench.report.tables import in_range, markdown_table

HEAD = (
    "mode",
    "requests",
    "videos",
    "frames",
    "prompt tokens",
    "reply tokens",
    "seconds",
    "price",
    "stored",
    "refused",
)


def estimate_markdown(estimate: Estimate) -> str:
    """The table, and in words what its ranges rest on. A dash stands for what nobody knows before the run."""
    whole = estimate.whole
    rows = [_row(estimate, str(mode), share) for mode, share in estimate.modes.items()]
    rows.append(_row(estimate, "all", whole))
    parts = [
        f"Nothing was sent. {estimate.model} would be asked {whole.requests:,} questions about {whole.videos:,} "
        f"videos; {estimate.output} holds {whole.stored:,} answers already.",
        markdown_table(HEAD, rows),
        _assumed(estimate),
    ]
    if estimate.reasons:
        parts.append("\n".join(["Refused without being asked:", *(f"* {reason}" for reason in estimate.reasons)]))
    return "\n\n".join(parts)


def _row(estimate: Estimate, name: str, share: Share) -> list[str]:
    return [
        name,
        f"{share.requests:,}",
        f"{share.videos:,}",
        f"{share.frames:,}",
        in_range(estimate.prompt_tokens(share), ",.0f"),
        in_range(estimate.completion_tokens(share), ",.0f"),
        in_range(estimate.seconds(share), ",.0f"),
        in_range(estimate.price(share), ",.4f"),
        f"{share.stored:,}",
        f"{share.refused:,}",
    ]


def _assumed(estimate: Estimate) -> str:
    rates = estimate.rates
    few, many = CHARACTERS_PER_TOKEN
    frame, reply, wait = rates.tokens_per_frame, rates.completion_tokens, rates.seconds_per_request
    told = [f"a token for every {many:g} to {few:g} characters of text"]
    told.append(f"{in_range(frame, 'g')} tokens a frame" if frame else "tokens a frame are not known")
    told.append(f"{in_range(reply, 'g')} tokens a reply" if reply else "tokens a reply are not known")
    told.append(f"{in_range(wait, 'g')} s a request, {rates.at_once} at a time" if wait else "seconds are not known")
    if rates.prices.known:
        told.append(f"a million tokens at {rates.prices.input:g} (prompt) and {rates.prices.output:g} (reply)")
    else:
        told.append("no prices, give price_input and price_output")
    return f"Assumed: {'; '.join(told)}. Requests that are tried again come on top; caches of the server make it less."
