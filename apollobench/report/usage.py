"""What asking a model has cost, in one line."""

from __future__ import annotations

from apollobench.models.usage import Prices, Usage


def usage_line(usage: Usage, prices: Prices) -> str:
    """For example `400 responses, 812,040 prompt tokens (700,000 cached), 400 reply tokens, price 2.03; ...`."""
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    parts = [
        f"{usage.responses:,} responses",
        f"{usage.prompt_tokens:,} prompt tokens{cached}",
        f"{usage.completion_tokens:,} reply tokens",
    ]
    cost = prices.of(usage.prompt_tokens, usage.completion_tokens)
    if cost is not None:
        parts.append(f"price {cost:,.4f}")
    if usage.silent:
        parts.append(f"{usage.silent:,} responses told no tokens")
    ended = ", ".join(f"{count:,} {reason}" for reason, count in sorted(usage.finishes.items()))
    return f"{', '.join(parts)}; replies ended by {ended or 'nothing'}"
