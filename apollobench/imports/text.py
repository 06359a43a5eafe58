"""How two wordings are compared, and what a prompt shows: its options, and the lines that may be the question."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from apollobench.types import LETTERS

_WORD = re.compile(r"[^\W_]+")
_LINE = re.compile(r"^\s*\(?([A-J])[.):]\s*(\S.*?)\s*$")
_LABEL = re.compile(r"^\(?([A-J])[.):]\s*")
_PREFIX = re.compile(r"^\s*(?:question|q)\s*:\s*", re.I)
MOST_LINES = 5000


def words(text: str) -> str:
    """Lower-case words, one space between and around: what questions are compared by."""
    return f" {' '.join(_WORD.findall(unicodedata.normalize('NFKC', text).casefold()))} "


def wording(option: str) -> str:
    """An option without case, spacing and a final stop; signs count, since options may differ by nothing else."""
    plain = " ".join(unicodedata.normalize("NFKC", option).casefold().split())
    return plain.removesuffix(".").rstrip() or plain


def without_labels(options: Sequence[str]) -> tuple[str, ...]:
    """Options without `A. `, `(B) ` in front, if all have theirs."""
    labels = [_LABEL.match(option) for option in options]
    if all(label and label[1] == letter for label, letter in zip(labels, LETTERS, strict=False)):
        return tuple(_LABEL.sub("", option, count=1) for option in options)
    return tuple(options)


def shown_options(prompt: str) -> tuple[str, ...]:
    """The last list of options in `prompt` that stand on lines of their own, labelled from A on; empty without one."""
    found: tuple[str, ...] = ()
    run: list[str] = []
    for line in prompt.splitlines()[-MOST_LINES:]:
        match = _LINE.match(line)
        if match and match[1] == LETTERS[len(run) : len(run) + 1]:
            run.append(match[2])
        else:
            run = [match[2]] if match and match[1] == "A" else []
        if len(run) > 1:
            found = tuple(run)
    return found


def listed(options: Sequence[str]) -> str:
    """How a prompt that lists these options in this order with their letters has them among its words."""
    return words(" ".join(f"{letter} {option}" for letter, option in zip(LETTERS, options, strict=False)))


def question_lines(prompt: str) -> Iterator[str]:
    """Every line of `prompt` as words, once more without `Question:`."""
    for line in prompt.splitlines()[-MOST_LINES:]:
        yield words(line)
        bare = _PREFIX.sub("", line)
        if bare != line:
            yield words(bare)


def first_line(question: str) -> str:
    """The first line of a question that has words, as words."""
    return next((line for line in map(words, question.splitlines()) if line.strip()), "")
