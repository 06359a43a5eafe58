"""TF-IDF and logistic regression, for those who learn something from the text of questions.

scikit-learn does the work and is imported only here, when it is needed (`pip install 'apollobench[text]'`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollobench.errors import InputError
from apollobench.stats.clusters import Floats, Partition

WORD = r"(?u)\b\w+\b"  # also those of one letter: `I` tells who holds the camera
MOST_STEPS = 1000


def fold_of(clusters: Partition, folds: int, seed: int) -> NDArray[np.intp]:
    """The fold of each item [n], by a seeded shuffle of the clusters, so that no cluster is in two folds.

    Raises InputError for fewer clusters than folds.
    """
    if clusters.count < folds:
        raise InputError(f"{folds} folds need as many videos, and there are {clusters.count}")
    turn = np.random.default_rng(seed).permutation(clusters.count) % folds
    return np.asarray(turn[clusters.codes], dtype=np.intp)


def tfidf(words: int, min_items: int) -> Any:
    """A vectorizer of runs of up to `words` words, each in at least `min_items` texts; rows of length 1, log counts.

    Raises InputError where scikit-learn is not installed.
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ImportError as error:
        raise InputError("learning from text needs scikit-learn; pip install 'apollobench[text]'") from error
    return TfidfVectorizer(ngram_range=(1, words), min_df=min_items, sublinear_tf=True, token_pattern=WORD)


def logistic(c: float, *, two: bool) -> Any:
    """A logistic regression with an L2 penalty of inverse strength `c`, of `two` classes or multinomial.

    LIBLINEAR's trust region needs far fewer steps on sparse rows, and knows two classes only.
    """
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, max_iter=MOST_STEPS, solver="liblinear" if two else "lbfgs")


def classify(
    texts: Sequence[str], labels: Sequence[str], others: Sequence[str], *, words: int, min_items: int, c: float
) -> tuple[list[str], Floats]:
    """For each of `others` the likeliest label, and its probability, after learning from `texts` with `labels`.

    Raises InputError when no word occurs in `min_items` texts.
    """
    names = sorted(set(labels))
    if len(names) == 1:
        return names * len(others), np.ones(len(others))
    features = tfidf(words, min_items)
    try:
        seen = features.fit_transform(texts)
    except ValueError as error:
        raise InputError(f"no word occurs in {min_items} of {len(texts)} questions: nothing to learn from") from error
    model = logistic(c, two=len(names) == 2).fit(seen, np.array(labels))
    likely = model.predict_proba(features.transform(others))
    best = likely.argmax(axis=1)
    return [str(model.classes_[i]) for i in best], likely[np.arange(len(best)), best]
