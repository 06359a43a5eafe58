"""Both filters on real text-only answers: `python perf/filters.py --data FOLDER`; prints the tables of docs/filters.md.

FOLDER holds `responses/videomme_short` (a matrix of scores with five text-only columns; Video-MME has four options) and
`annotations/nextqa` with `annotations/nextqa_probes` (NExT-QA val, and its ATP-hard subset: what a single-frame model
fails). For NExT-QA there are no answers of blind models, so that five text-only learners vote, each fitted on the
videos of four folds and asked about the fifth; that part needs scikit-learn.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from apollobench.curate.answers import NO_VOTE, RIGHT
from apollobench.curate.crossfit import cross_fit
from apollobench.curate.filter import judge
from apollobench.curate.matrix import Matrix
from apollobench.curate.power import filter_power
from apollobench.curate.recorded import read_matrices
from apollobench.recipe.filter import ChanceAwareFilter, FilterSpec, PaperFilter
from apollobench.report.filtering import power_markdown
from apollobench.report.tables import markdown_table, percent, with_interval
from apollobench.stats.clusters import partition
from apollobench.stats.interval import Estimate, clustered_mean, clustered_proportion
from apollobench.stats.votes import critical_count, detectable, spread
from apollobench.types import Mode

OPTIONS, FOLDS = 5, 5
Row = dict[str, str]
Learner = Callable[[Sequence[Row], Sequence[Row]], np.ndarray]


def chance_aware(margin: float, fdr: float) -> ChanceAwareFilter:
    return ChanceAwareFilter(
        method="chance_aware",
        modes=(Mode.TEXT,),
        margin=margin,
        fdr=fdr,
        family_correlation="estimate",
        shifts=False,
        min_votes=3,
    )


RULES: dict[str, FilterSpec] = {
    "paper, more than 50 %": PaperFilter(method="paper", threshold=0.5, modes=(Mode.TEXT,), min_votes=3),
    **{
        f"chance_aware, margin {margin:g}, fdr {fdr:g}": chance_aware(margin, fdr)
        for margin, fdr in [(0.0, 0.05), (0.0, 0.1), (0.05, 0.1), (0.1, 0.1), (0.1, 0.2)]
    },
}


def compare_rules(text: Matrix) -> str:
    """What each rule drops, how far it agrees with the paper's, and how blind the kept are to voters and to others."""
    votes = {Mode.TEXT: text}
    keeps = {name: np.array([v.keep for v in judge(votes, spec)]) for name, spec in RULES.items()}
    reference = next(iter(keeps.values()))
    rows = []
    for name, spec in RULES.items():
        keep, fits = keeps[name], cross_fit(votes, spec)
        likely = [v.tests[Mode.TEXT].posterior for v in judge(votes, spec) if v.keep and v.tests]
        rows.append(
            [
                name,
                f"{(~keep).sum():,}",
                f"{(~keep & ~reference).sum():,}",
                with_interval(mean_accuracy(text.at(keep))),
                with_interval(fits[0].accuracy) if fits else "-",
                percent(float(np.mean(likely))) if likely else "-",
            ]
        )
    head = ["rule", "dropped", "of them by the paper's too", "voters on the kept", "family left out", "likely left"]
    return markdown_table(head, rows)


def mean_accuracy(votes: Matrix) -> Estimate:
    right, voted = (votes.scores == RIGHT).sum(axis=0), (votes.scores != NO_VOTE).sum(axis=0)
    return clustered_mean(right / voted, votes.videos)


def against_atp(text: Matrix, hard: np.ndarray) -> str:
    """The share that each rule drops of ATP-hard items and of the others, and the difference."""
    rows = []
    for name, spec in RULES.items():
        dropped = np.array([not v.keep for v in judge({Mode.TEXT: text}, spec)])
        shares = [clustered_proportion(dropped[m].astype(float), text.videos.where(m)) for m in (hard, ~hard)]
        kept_hard = clustered_proportion(hard[~dropped].astype(float), text.videos.where(~dropped))
        rows.append([name, f"{dropped.sum():,}", *map(with_interval, shares), with_interval(kept_hard)])
    head = ["rule", "dropped", "of ATP-hard", "of the others", "ATP-hard among the kept"]
    return markdown_table(head, rows)


def read_csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def options_of(row: Row) -> list[str]:
    return [row[f"a{i}"].strip().lower() for i in range(OPTIONS)]


def labels(rows: Iterable[Row]) -> np.ndarray:
    return np.array([int(i == int(row["answer"])) for row in rows for i in range(OPTIONS)])


def wordings(rows: Iterable[Row], form: Callable[[str, str], str]) -> list[str]:
    return [form(row["question"].lower(), option) for row in rows for option in options_of(row)]


def by_frequency(train: Sequence[Row], test: Sequence[Row]) -> np.ndarray:
    """How often the option's wording was the answer among how often it was offered, with one pseudo-item."""
    offered = Counter(option for row in train for option in options_of(row))
    right = Counter(options_of(row)[int(row["answer"])] for row in train)
    return np.array([(right[o] + 1 / OPTIONS) / (offered[o] + 1) for row in test for o in options_of(row)])


def by_overlap(train: Sequence[Row], test: Sequence[Row]) -> np.ndarray:
    """Cosine between the TF-IDF vectors of question and option; nothing is learned of the answers."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer().fit(row["question"] for row in train)
    questions = vectors.transform(wordings(test, lambda question, _: question))
    options = vectors.transform(wordings(test, lambda _, option: option))
    return np.asarray(questions.multiply(options).sum(axis=1)).ravel()


def logistic(form: Callable[[str, str], str], **analysis: object) -> Learner:
    """Logistic regression on TF-IDF of what `form` makes of question and option."""

    def learner(train: Sequence[Row], test: Sequence[Row]) -> np.ndarray:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        vectors = TfidfVectorizer(min_df=2, sublinear_tf=True, **analysis)
        model = LogisticRegression(max_iter=300).fit(vectors.fit_transform(wordings(train, form)), labels(train))
        return model.decision_function(vectors.transform(wordings(test, form)))

    return learner


def crossed(question: str, option: str) -> str:
    """Every word of the option beside the question's first two."""
    start = "_".join(question.split()[:2])
    return " ".join(f"{start}_{word}" for word in option.split())


LEARNERS: dict[str, tuple[str, Learner]] = {
    "frequency": ("frequency", by_frequency),
    "overlap": ("overlap", by_overlap),
    "words": ("words", logistic(lambda _, option: option)),
    "words by question": ("words", logistic(crossed, token_pattern=r"\S+")),
    "characters": ("characters", logistic(lambda _, option: option, analyzer="char_wb", ngram_range=(2, 4))),
}


def text_only_votes(rows: Sequence[Row]) -> Matrix:
    """Whether each learner picks the answer; of options that tie for the best none is picked."""
    videos = partition([row["video"] for row in rows])
    fold = np.random.default_rng(0).permutation(videos.count)[videos.codes] % FOLDS
    scores = np.zeros((len(LEARNERS), len(rows)), dtype=np.int8)
    for part in range(FOLDS):
        train = [row for row, f in zip(rows, fold, strict=True) if f != part]
        test = [row for row, f in zip(rows, fold, strict=True) if f == part]
        answer = labels(test).reshape(-1, OPTIONS).argmax(axis=1)
        for number, (_, learner) in enumerate(LEARNERS.values()):
            found = learner(train, test).reshape(-1, OPTIONS)
            best = found == found.max(axis=1, keepdims=True)
            picked = best[np.arange(len(test)), answer] & (best.sum(axis=1) == 1)
            scores[number, fold == part] = np.where(best.sum(axis=1) == 1, picked, NO_VOTE)
    ids = tuple(f"{row['video']}/{row['qid']}" for row in rows)
    kin = tuple(family for family, _ in LEARNERS.values())
    return Matrix(scores, tuple(LEARNERS), kin, ids, videos, ("",) * len(ids), np.full(len(ids), 1 / OPTIONS))


def panels() -> str:
    """The least blind ability found in 80 % of cases at a cutoff of p <= .01 and margin .05, by panel and options."""
    rows = []
    for name, sizes, rho in [
        ("5 models, 5 families", [1] * 5, 0.0),
        ("10 models, 10 families", [1] * 10, 0.0),
        ("10 models, 6 families, correlation .3", [2, 2, 2, 2, 1, 1], 0.3),
        ("20 models, 20 families", [1] * 20, 0.0),
        ("40 models, 40 families", [1] * 40, 0.0),
    ]:
        nulls = [1 / options + 0.05 for options in (2, 3, 4, 5)]
        found = [detectable(sizes, critical_count(sizes, null, 0.01, rho), rho) for null in nulls]
        rows.append([name, *("none" if value is None else percent(value) for value in found)])
    return markdown_table(["panel", "2 options", "3", "4", "5"], rows)


def video_mme(data: Path) -> None:
    found = read_matrices(data / "responses" / "videomme_short")[Mode.TEXT]
    videos = partition([name.split("-")[0] for name in found.ids])
    text = replace(found, chance=np.full(len(found.ids), 0.25), videos=videos)
    print(f"## Video-MME, {len(text.ids)} items, {', '.join(text.models)}\n")
    print(f"Right of five: {np.bincount((text.scores == RIGHT).sum(axis=0)).tolist()} items with 0 to 5.\n")
    print(compare_rules(text), "\n")
    spec = RULES["chance_aware, margin 0.05, fdr 0.1"]
    for rule in (RULES["paper, more than 50 %"], spec):
        print(power_markdown(filter_power({Mode.TEXT: text}, rule, judge({Mode.TEXT: text}, rule))), "\n")


def next_qa(data: Path) -> None:
    rows = read_csv(data / "annotations" / "nextqa" / "val.csv")
    probes = read_csv(data / "annotations" / "nextqa_probes" / "nextqa-atphard.csv")
    named = {(row["video"], row["qid"]) for row in probes}
    hard = np.array([(row["video"], row["qid"]) in named for row in rows])
    text = text_only_votes(rows)
    print(f"## NExT-QA val, {len(rows)} items, {hard.sum()} of them ATP-hard\n")
    accuracy = {name: mean_accuracy_of(text, [i]) for i, name in enumerate(text.models)}
    print("; ".join(f"{name} {with_interval(value)}" for name, value in accuracy.items()), "\n")
    print(f"correlation within the family of words: {spread(text.scores, text.families).correlation:.2f}\n")
    print(compare_rules(text), "\n")
    print(against_atp(text, hard))


def mean_accuracy_of(votes: Matrix, models: Sequence[int]) -> Estimate:
    part = votes.of(models)
    return mean_accuracy(part.at((part.scores != NO_VOTE).any(axis=0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    print(panels(), "\n")
    video_mme(data)
    next_qa(data)


if __name__ == "__main__":
    main()
