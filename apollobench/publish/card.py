"""The texts of a published directory: its card, its licences, and `eval.yaml`, by which the hub knows a benchmark."""

from __future__ import annotations

from collections import Counter
from typing import Any

import yaml

from apollobench.publish.edition import MIXED, Edition
from apollobench.publish.licences import Terms
from apollobench.publish.publication import BENCHMARK_CARD, CROISSANT, DROPPED, EVALUATION, ITEMS, LICENCES, SUMS
from apollobench.publish.rows import ABOUT
from apollobench.report.tables import markdown_table
from apollobench.types import CATEGORIES

FRAMEWORK = "apollobench"
# https://huggingface.co/docs/hub/datasets-cards: the hub's words for tasks, and for sizes up to a number of rows.
TASKS = ("video-text-to-text", "multiple-choice")
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card(edition: Edition) -> str:
    """README.md: front matter for the hub, then what a reader needs."""
    return f"---\n{_yaml(_front_matter(edition))}---\n\n{_body(edition)}"


def evaluation(edition: Edition) -> str:
    """eval.yaml, in the fields that https://huggingface.co/docs/hub/eval-results documents.

    The hub knows a list of frameworks, to be asked for; this one is not on it yet.
    """
    return _yaml(
        {
            "name": edition.name,
            "description": edition.description,
            "evaluation_framework": FRAMEWORK,
            "tasks": [{"id": edition.name, "config": "items", "split": "test"}],
        }
    )


def licences(edition: Edition) -> str:
    """LICENSE.md: the licence of every source whose annotations are here, with the notices that it wants repeated."""
    shown = [terms for terms in edition.terms.values() if not terms.withheld]
    kept_back = [terms.title for terms in edition.terms.values() if terms.withheld]
    parts = [
        "# Licences",
        "Every row is under the licence in its column `licence`, which is that of its source. Videos are not part of "
        "this dataset.",
        *(_licence(terms) for terms in shown),
    ]
    if kept_back:
        parts.append(f"Of {', '.join(kept_back)} there are ids only: their terms do not allow more.")
    return "\n\n".join(parts) + "\n"


def citation(edition: Edition) -> str:
    """BibTeX of the benchmark and of every source that has items in it."""
    where = f",\n  howpublished = {{{edition.url}}}" if edition.url else ""
    year = f",\n  year = {{{edition.day[:4]}}}" if edition.day else ""
    own = f"@misc{{{edition.name},\n  title = {{{edition.name} {edition.version}}}{where}{year}\n}}"
    sources = (edition.terms[source].citation for source in sorted(edition.counts))
    return "\n".join([own, *(text.strip() for text in sources if text)])


def _front_matter(edition: Edition) -> dict[str, Any]:
    name = {"license_name": "per-item", "license_link": LICENCES} if edition.licence == MIXED else {}
    languages = sorted({terms.language for terms in edition.terms.values() if terms.language})
    return {
        "pretty_name": edition.name,
        "license": edition.licence,
        **name,
        **({"language": languages} if languages else {}),
        "task_categories": list(TASKS),
        "size_categories": [next((word for most, word in SIZES if len(edition.kept) < most), "n>1M")],
        "tags": ["video", "benchmark", "video-understanding", FRAMEWORK],
        "configs": [
            _config("items", ITEMS, default=True),
            *([_config("dropped", DROPPED)] if edition.dropped else []),
        ],
    }


def _config(name: str, path: str, **more: bool) -> dict[str, Any]:
    return {"config_name": name, **more, "data_files": [{"split": "test", "path": path}]}


def _body(edition: Edition) -> str:
    categories = Counter(entry.item.category for entry in edition.kept)
    counts = markdown_table(["category", "items"], [[name, f"{categories[name]:,}"] for name in CATEGORIES])
    parts = [
        f"# {edition.name} {edition.version}",
        edition.description,
        counts,
        "## Sources",
        _sources(edition),
        f"Licences in full, with notices: `{LICENCES}`. Whether annotations may be passed on was read from the "
        "sources' own pages; it is no legal advice.",
        "## Use",
        _use(edition),
        "## Columns",
        markdown_table(["column", "what"], [[f"`{name}`", about] for name, about in ABOUT.items()]),
        "## How it was made",
        _making(edition),
        "## Citation",
        f"```bibtex\n{citation(edition)}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _sources(edition: Edition) -> str:
    items, dropped = edition.counts, Counter(entry.item.source for entry in edition.dropped)
    head = ["source", "items", "dropped", "published", "licence", "homepage", "why so"]
    return markdown_table(head, [_source(terms, items[s], dropped[s]) for s, terms in edition.terms.items()])


def _source(terms: Terms, items: int, dropped: int) -> list[str]:
    published = "ids only" if terms.withheld else "in full"
    return [terms.title, f"{items:,}", f"{dropped:,}", published, terms.licence, terms.homepage or "-", terms.why]


def _use(edition: Edition) -> str:
    where = edition.repository or "DIR"
    text = f"""```python
from datasets import load_dataset
items = load_dataset("{where}", "items", split="test")
```

To score a model, make a benchmark folder of it, then evaluate (`DIR` is this directory, `DATA` the sources' data):

```bash
apollobench rebuild DIR --data_root DATA --to BENCHMARK
apollobench eval --model NAME --benchmark BENCHMARK
```"""
    if edition.withheld:
        names = ", ".join(terms.title for terms in edition.terms.values() if terms.withheld)
        text += (
            f"\n\nQuestions, options and answers of {names} are not here. `rebuild` reads them from the source's own "
            "files, which have to lie under `DATA`, and checks each against its fingerprint."
        )
    return f"{text}\n\n`{EVALUATION}` and `{CROISSANT}` are for machines; `sha256sum -c {SUMS}` checks every file."


def _making(edition: Edition) -> str:
    panel = [entry["model"] for entry in edition.manifest.get("panel", ())]
    voters = (
        f"\n\nScores of the models that voted are not comparable with those of others: their answers decided which "
        f"items are here. They are {', '.join(panel)}."
        if panel
        else ""
    )
    return (
        f"Curated by apollobench. The recipe, the panel and all counts are in `manifest.json`, the benchmark's own "
        f"card in `{BENCHMARK_CARD}`. The {len(edition.dropped):,} items that were left out are the config `dropped`, "
        f"each with the rule and the reason.{voters}"
    )


def _licence(terms: Terms) -> str:
    head = f"## {terms.title}: {terms.licence}"
    lines = [line for line in (terms.url, terms.conditions, terms.homepage) if line]
    notice = [part for part in (terms.notice, terms.text.strip()) if part]
    return "\n\n".join([head, "\n".join(f"* {line}" for line in lines), *notice])


def _yaml(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
