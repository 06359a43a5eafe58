"""Can the key be told from the text alone? What a simple learner finds across questions, which no blind run shows.

A model that answers without the video is asked one question at a time. A regularity of the whole set (the key is the
longest option, or says `because`) is seen only by who has read other questions with their keys. So a logistic
regression reads pairs of question and option, learns on some videos which are keys, and is tried on the others. What it
gets right above chance can be had without any video, by whoever trains on such questions.

Fixed rules beside it need no learning, and say what the learner may have found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.categorize import by_label, read_categories
from apollobench.curate.textmodel import WORD, fold_of, logistic, tfidf
from apollobench.stats.clusters import Floats, Partition
from apollobench.stats.interval import Estimate, clustered_mean
from apollobench.types import Item

WORDS, MIN_PAIRS, PENALTY = 2, 2, 1.0  # runs of words, pairs that a feature occurs in, inverse strength of the penalty
LEARNED = "learned"
Options = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Shortcut:
    """What can be told of each item [items] without its video, by a learner that has not seen the item's video.

    chance: 1 / options. probability: what the learner gives to the key. choice: the option that it gives the most.
    right: 1 where that is the key, or the key's share of a tie. rules: the same for every fixed rule by name.
    """

    chance: Floats
    probability: Floats
    choice: NDArray[np.intp]
    right: Floats
    rules: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Line:
    """One predictor on one group of items. accuracy, above: share right, and that minus chance, clustered by video."""

    group: str
    predictor: str
    chance: float
    accuracy: Estimate
    above: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Questions with their options as pairs [pairs]. item: whose pair it is, ascending from 0."""

    item: NDArray[np.intp]
    questions: Sequence[str]
    options: Sequence[str]
    is_key: NDArray[np.bool_]


def pairs_of(questions: Sequence[str], options: Options, keys: Sequence[int]) -> Pairs:
    """Lists [items] as pairs. Raises ValueError for lists of different lengths and for a key that is no option."""
    if not len(questions) == len(options) == len(keys):
        raise ValueError(f"{len(questions)} questions, {len(options)} lists of options, {len(keys)} keys")
    if any(not 0 <= key < len(each) for each, key in zip(options, keys, strict=True)):
        raise ValueError("a key is not among the options")
    item = np.repeat(np.arange(len(options)), [len(each) for each in options])
    is_key = np.concatenate([np.arange(len(each)) == key for each, key in zip(options, keys, strict=True)])
    return Pairs(item, [questions[i] for i in item.tolist()], [option for each in options for option in each], is_key)


def find_shortcut(pairs: Pairs, videos: Partition, *, folds: int, seed: int) -> Shortcut:
    """Out-of-fold predictions of which option is the key; `videos` are those of the items.

    Features of a pair: TF-IDF of the option's words and runs of two, the same of its words joined with the question's
    first, and how the option stands among its rivals (`standing`). The probabilities of an item's options are the
    softmax of the regression's log-odds. No video is in two of the `folds`, which `seed` draws.
    Raises InputError for fewer videos than folds, and where scikit-learn is not installed.
    """
    fold = fold_of(videos, folds, seed)[pairs.item]
    joined = [_joined(q, option) for q, option in zip(pairs.questions, pairs.options, strict=True)]
    stand = np.column_stack(list(standing(pairs).values()))
    odds = np.zeros(len(pairs.item))
    for part in range(folds):
        odds[fold == part] = _log_odds(pairs, joined, stand, fold == part)
    right, choice = _score(odds, pairs)
    chance = 1 / np.bincount(pairs.item)
    return Shortcut(chance, _softmax(odds, pairs)[pairs.is_key], choice, right, fixed_rules(pairs))


def standing(pairs: Pairs) -> dict[str, Floats]:
    """How each option stands among its rivals: what the fixed rules go by, and the learner sees too; arrays [pairs].

    longest: log of its characters, less the item's mean. like the others: mean over its rivals of the share of words
    that both have (Jaccard). like the question: share of its words that the question has, less the item's mean.
    """
    words = [frozenset(_words(option)) for option in pairs.options]
    asked = [frozenset(_words(question)) for question in pairs.questions]
    starts = np.flatnonzero(np.diff(pairs.item, prepend=-1))
    ends = [*starts[1:].tolist(), len(pairs.item)]
    like = np.zeros(len(words))
    for start, end in zip(starts.tolist(), ends, strict=True):
        for i in range(start, end):
            like[i] = np.mean([_jaccard(words[i], words[j]) for j in range(start, end) if j != i] or [0.0])
    share = np.array([len(own & all_) / max(1, len(own)) for own, all_ in zip(words, asked, strict=True)])
    length = np.log1p([len(option) for option in pairs.options])
    return {
        "longest": length - _means(length, pairs),
        "like the others": like,
        "like the question": share - _means(share, pairs),
    }


def fixed_rules(pairs: Pairs) -> dict[str, Floats]:
    """By name of the rule, per item 1 where its option is the key, or the key's share of a tie."""
    stand = standing(pairs)
    values = {
        "longest option": stand["longest"],
        "shortest option": -stand["longest"],
        "option most like the others": stand["like the others"],
        "option most like the question": stand["like the question"],
    }
    return {name: _score(value, pairs)[0] for name, value in values.items()}


def shortcut_lines(
    found: Shortcut, groups: Mapping[str, NDArray[np.bool_]], videos: Partition, level: float
) -> list[Line]:
    """The learner and the rules on all named groups, each a mask [items]; groups without an item are left out."""
    lines = []
    for group, mask in groups.items():
        if not mask.any():
            continue
        inside = videos.where(mask)
        for name, right in {LEARNED: found.right, **found.rules}.items():
            accuracy = clustered_mean(right[mask], inside, level)
            above = clustered_mean((right - found.chance)[mask], inside, level)
            lines.append(Line(group, name, float(found.chance[mask].mean()), accuracy, above))
    return lines


def groups_of(items: Sequence[Item]) -> dict[str, NDArray[np.bool_]]:
    """All items, and those of each source and category where there are several, as masks.

    The category is the item's own, else the one that its source's label leads to; an item without is in no category.
    """
    maps = read_categories().native
    labels = [by_label(item, maps)[0] for item in items]
    categories = [
        item.category or (label.item.category if label else "") for item, label in zip(items, labels, strict=True)
    ]
    found = {"all": np.ones(len(items), dtype=np.bool_)}
    for kind, names in (("source ", [item.source for item in items]), ("", categories)):
        several = [name for name in dict.fromkeys(names) if name]
        found |= {f"{kind}{name}": np.array(names) == name for name in several if len(several) > 1}
    return found


def _log_odds(pairs: Pairs, joined: Sequence[str], stand: Floats, inside: NDArray[np.bool_]) -> Floats:
    """Log-odds of being a key for the pairs `inside`, after learning from the others."""
    from scipy.sparse import hstack

    tried, taught = np.flatnonzero(inside).tolist(), np.flatnonzero(~inside).tolist()
    blocks: list[tuple[Any, Any]] = [(stand[taught], stand[tried])]
    for texts, runs in ((pairs.options, WORDS), (joined, 1)):
        features = tfidf(runs, MIN_PAIRS)
        try:
            blocks.append((features.fit_transform([texts[i] for i in taught]), [texts[i] for i in tried]))
        except ValueError:  # no word occurs twice, such as in a set of few items: nothing to learn from words
            continue
        blocks[-1] = (blocks[-1][0], features.transform(blocks[-1][1]))
    model = logistic(PENALTY, two=True).fit(hstack([seen for seen, _ in blocks]).tocsr(), pairs.is_key[taught])
    odds: Floats = model.decision_function(hstack([new for _, new in blocks]).tocsr())
    return odds


def _joined(question: str, option: str) -> str:
    """The option's words, each joined with the question's first: `why_because`."""
    first = next(iter(_words(question)), "")
    return " ".join(f"{first}_{word}" for word in _words(option))


def _words(text: str) -> list[str]:
    return re.findall(WORD, text.lower())


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    either = len(first | second)
    return len(first & second) / either if either else 1.0


def _means(values: Floats, pairs: Pairs) -> Floats:
    """For every pair the mean over its item's pairs."""
    mean: Floats = (np.bincount(pairs.item, weights=values) / np.bincount(pairs.item))[pairs.item]
    return mean


def _score(values: Floats, pairs: Pairs) -> tuple[Floats, NDArray[np.intp]]:
    """Per item: the key's share of the options with the highest value, and the first of these."""
    starts = np.flatnonzero(np.diff(pairs.item, prepend=-1))
    best = np.isclose(values, np.maximum.reduceat(values, starts)[pairs.item], rtol=0, atol=1e-12)
    share = (best & pairs.is_key)[pairs.is_key] / np.bincount(pairs.item, weights=best)
    place = np.arange(len(values)) - starts[pairs.item]
    return share, np.minimum.reduceat(np.where(best, place, len(values)), starts)


def _softmax(odds: Floats, pairs: Pairs) -> Floats:
    starts = np.flatnonzero(np.diff(pairs.item, prepend=-1))
    raised = np.exp(odds - np.maximum.reduceat(odds, starts)[pairs.item])
    share: Floats = raised / np.bincount(pairs.item, weights=raised)[pairs.item]
    return share
