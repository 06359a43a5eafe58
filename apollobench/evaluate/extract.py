"""Reads which option a model's text names, or says that it names none. One reader for every model and source.

The readings, in order; the first that finds anything decides:

1. whole     the whole text is an option's own text
2. letters   the text is nothing but a letter: `b`, `(B)`, `**B**`
3. marked    `\\boxed{B}` or `<answer>B</answer>`
4. claims    a statement of the answer: `Answer: B`, `B is correct`, `I think it's C`, a line that is only a letter
5. label     the text opens with a letter as a label: `B. the red car`, `B because ...`
6. sentence  one sentence is an option's own text, or says it of its subject (`The girls are waving`), and the text
             does not decline to answer

Whatever finds two different options, or a letter that no option has, is no answer. A statement that is negated
(`not A`), conditional (`if A`, `whether A`) or asked (`A?`) is not a statement of the answer. Nothing is drawn at
random.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from apollobench.types import LETTERS

_NOTHING = "?"
_ASCII = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-", 0x2192: ":"}
_NEAR = 400  # characters around a statement that can belong to its sentence

_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>|^.*</think(?:ing)?>|<think(?:ing)?>.*$", re.S | re.I)
_CONTROL = re.compile(r"<\|[^|<>]*\|>|</?s>")
_STYLED = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{([^{}]*)\}")
_DECORATION = re.compile(r"[*`#$]|(?<![^\W_])_+|_+(?![^\W_])")
_MARKED = re.compile(r"\\boxed\s*\{([^{}]*)\}|<answer>((?:(?!<answer>).)*?)</answer>", re.S | re.I)
_SENTENCE = re.compile(r"[\n;!?]|\.(?=\s|$)")
_ARTICLE = re.compile(r"^(?:a|an|the) ")
_DECLINES = re.compile(r"\bcannot\b|\bcan't\b|\bunable to\b|\bnot able to\b|\bdon't have\b|\bas an ai\b", re.I)

_OPEN = r"[\s(\[{<\"'«]{0,64}"
_LETTER = _OPEN + r"(?<![A-Za-z0-9])(?P<letter>[A-Za-z])(?![A-Za-z0-9&]|'[A-Za-z]|-[A-Za-z0-9])"
_NOUN = r"(?:options?|choices?|letters?|answer)"
_IS = r"(?:'s|is|was|(?:would|should|must|will|could|might|may|has to) be|seems to be|appears to be)"
_ADVERB = (
    r"(?:therefore|thus|hence|clearly|definitely|certainly|obviously|probably|possibly|likely|most likely|indeed|simply"
    r"|just|actually|in fact|the|my)"
)
_THINK = r"(?:think|believe|say|guess|choose|chose|pick|select|answer|conclude|vote|opt|go|going|lean|suggest|selected)"

# `The correct answer is (B)`, `Answer: b`, `best option - C`, `the answer is not A but B`
_STATED = re.compile(
    rf"(?<![a-z])(?:answer|ans\.?|choice|option|response|selection|prediction|guess|correct)(?: {_NOUN})?"
    rf"(?: (?:to|for) (?:the|this|your)(?: [a-z]+){{1,2}})?\s*"
    rf"(?:{_IS}(?![a-z])|[:=-]|->|=>)+\s*(?::\s*)?(?:{_ADVERB}[ ,:]+)*(?:{_NOUN}\s*:?\s*)?",
    re.I,
)
# `It's C`, `so B.`, `I would go with option D`
_OPINED = re.compile(
    rf"(?<![a-z])(?:i|we)(?:'d|'ll|'m| would| will| am| must)?(?: {_ADVERB})? {_THINK}"
    rf"(?: (?:with|for|that|to|towards?|on|it'?s?|would|be|is|the|answer|option|choice|letter|{_ADVERB}))*[ :,]*"
    rf"|(?<![a-z])(?:(?:it|that|this)(?:'s| {_IS}| looks like| seems like)"
    rf"|so|thus|hence|therefore|finally|overall|probably|perhaps|maybe"
    rf"|definitely|clearly|certainly|likely|choose|select|pick|must be|should be|would be"
    rf"|is (?:option|choice))(?![a-z])[ :,]*"
    rf"(?:{_ADVERB}[ ,:]+)*(?:{_NOUN}\s*:?\s*)?",
    re.I,
)
# `Option B`, `Answer (c)` at the start of a line
_NAMED = re.compile(rf"^ *(?:the )?(?:final |correct |best )?{_NOUN}(?![a-z]) *", re.I | re.M)
_CHINESE = re.compile(r"(?:答案|选择|应选|选)(?:是|为|应该是|应为|选|项)?[:\s]*")
_ENDORSED = re.compile(
    rf"{_LETTER}[)\]}}\"'>]*\s+(?:is|was|would be|should be|must be|seems|appears|looks)\s+(?:to be )?"
    rf"(?:{_ADVERB} |also |more |most |a |an )*(?:single |only |best |final |most )*"
    r"(?:correct|right|best|answer|accurate|appropriate|true|choice|likely|plausible|suitable|option)(?![a-z])"
    r"(?! (?:wrong|incorrect|not|false|to be))"
)
_LONE = re.compile(r"\W*[A-Za-z]\W*")
_ALONE = re.compile(r"^[^\w\n]*([A-Za-z])[^\w\n]*$", re.M)
_CONTRAST = re.compile(r"not (?:\(?[A-Za-z]\)?),? but (?:rather |instead )?(?:option )?", re.I)
_LETTER_HERE = re.compile(_LETTER)

_CONDITION = re.compile(
    r"\b(?:if|whether|unless|suppose|assuming|once|neither|nor"
    r"|no (?:indication|evidence|sign))\b",
    re.I,
)
_DENIED = re.compile(r"(?:\bnot|n't|\bnever|\bnor|\bthan|\bunlike|instead of)(?: [a-z']+){0,2}[\s(\"']*$", re.I)
_SHARED = re.compile(r"(?<![A-Za-z0-9'])([A-Z])[)\]]?\s*(?:,|/|&|\band\b|\bor\b)+\s*(?:options? )?[(\[]?$")
_LIST = re.compile(
    r"[)\]\"']*(?:\s*(?:,|/|&|,?\s*\band\b|,?\s*\bor\b)\s*(?:options? )?[(\[\"']*"
    r"(?<![A-Za-z0-9])[A-Za-z](?![A-Za-z0-9'])[)\]\"']*)+"
)
_ANY = re.compile("")
_CLAUSE_END = re.compile(
    r"[)\]}>\"',:;.!]*(?:\s*$|\s*[\n;.!:)]|\s*[,(-]|\s+(?:because|since|as|due|given|based|for|and|but)\b)"
)
_SENTENCE_END = re.compile(r"[)\]}>\"']*\s*(?:$|\n|[.;!](?:\s|$)|,?\s*(?:because|since|as|due|given|based)\b)")
# What may follow the letter A or I where the article or the pronoun could not stand.
_FUNCTION_WORD = re.compile(
    r"[ \t]+(?:because|since|as|due|for|based|given|which|where|when|while|and|or|not|but|is|are|was|if|with|from"
    r"|rather|instead|the|this|that|it|he|she|they|there|in|on|by|at|according|would|seems|so)\b"
)
_LABEL = re.compile(rf"^\W*?{_LETTER}(?:\s*[.):\]}}]+|\s+-+\s|,?(?=\s+(?:because|since|as|due|given|based)\b))")
_LISTED = re.compile(r"(?<![A-Za-z0-9'])([A-Z])\s*[.):\]]\s*")
_INNER_LABEL = re.compile(r"(?:(?:^|[\n.;,:])\s{0,64}|[(\[])([A-Z])(?:[.:](?=\s)|[)\]])")


def extract(text: str, options: Sequence[str]) -> int | None:
    """The index of the option that `text` names, None when it names none, several, or one that does not exist."""
    said = _plain(text)
    lone = _LONE.fullmatch(said) and not said.endswith("?")  # the second reading takes it, whatever options say
    wordings = [] if lone else [_words(option) for option in options]
    for reading in (_whole, _letters, _marked, _claims, _label, _sentence):
        found = set(reading(said, wordings))
        if found:
            index = LETTERS.find(found.pop())
            return index if not found and 0 <= index < len(options) else None
    return None


def _plain(text: str) -> str:
    """`text` without thoughts, control tokens and typographic dress."""
    text = unicodedata.normalize("NFKC", text).translate(_ASCII)
    text = _CONTROL.sub(" ", _THOUGHT.sub(" ", text))
    return _DECORATION.sub("", _STYLED.sub(r"\1", text)).strip()


def _words(text: str) -> str:
    """Lower-case words of `text`, one space between: how two wordings are compared."""
    return " ".join(re.findall(r"[^\W_]+(?:[.:][0-9]+)*", _plain(text).casefold()))


def _named(text: str, wordings: Sequence[str]) -> Iterator[str]:
    """Letters of the options whose wording is `text`; a leading article matters only if one option has it as said."""
    said = _words(text)
    exact = [i for i, wording in enumerate(wordings) if wording and wording == said]
    bare = _ARTICLE.sub("", said)
    loose = [i for i, wording in enumerate(wordings) if wording and _ARTICLE.sub("", wording) == bare]
    yield from (LETTERS[i] for i in exact or loose)


def _whole(said: str, wordings: Sequence[str]) -> Iterator[str]:
    if not _LONE.fullmatch(said):
        yield from _named(said, wordings)


def _letters(said: str, wordings: Sequence[str]) -> Iterator[str]:
    tokens = re.findall(r"[^\W_]+", said)
    if all(re.fullmatch("[A-Za-z]", token) for token in tokens) and not said.endswith("?"):
        yield from (token.upper() for token in tokens)


def _marked(said: str, wordings: Sequence[str]) -> Iterator[str]:
    for match in _MARKED.finditer(said):
        inner = (match[1] or match[2] or "").strip()
        found = {*_whole(inner, wordings)} or {*_letters(inner, wordings)} or {*_label(inner, wordings)}
        yield from found or {_NOTHING}


def _claims(said: str, wordings: Sequence[str]) -> Iterator[str]:
    stated = set(_statements(said, wordings))
    opening = _LABEL.match(said)
    if stated and opening and not _restates(said[opening.end() :], wordings):
        stated.add(opening["letter"].upper())
    yield from stated


def _statements(said: str, wordings: Sequence[str]) -> Iterator[str]:
    if "\n" in said:
        yield from (match[1].upper() for match in _ALONE.finditer(said))
    for match in _ENDORSED.finditer(said):
        if _is_asserted(said, match.start("letter")) and _is_label(said, match):
            yield from _with_neighbours(said, match)
    for cue, end in ((_STATED, _ANY), (_CHINESE, _ANY), (_OPINED, _CLAUSE_END), (_NAMED, _SENTENCE_END)):
        for match in cue.finditer(said):
            if _is_asserted(said, match.start()):
                yield from _after_cue(said, match.end(), wordings, end)


def _after_cue(said: str, start: int, wordings: Sequence[str], end: re.Pattern[str]) -> Iterator[str]:
    """What is named at `start`: words, or a letter before `end` or its own wording (`so B.`, not `so B falls`)."""
    contrast = _CONTRAST.match(said, start)
    start = contrast.end() if contrast else start
    letter = _LETTER_HERE.match(said, start)
    if letter and _is_label(said, letter):
        name, rest = letter["letter"].upper(), said[letter.end() : letter.end() + _NEAR]
        if end.match(said, letter.end()) or _opens_with(rest, name, wordings):
            yield from _with_neighbours(said, letter, strict=end is not _ANY)
            yield from _contradicted(rest, name, wordings)
        return
    yield from _named(_SENTENCE.split(said[start : start + _NEAR], maxsplit=1)[0], wordings)


def _is_asserted(said: str, start: int) -> bool:
    """Whether what stands at `start` is said outright: not under `if` or `whether`, not denied just before."""
    sentence = _SENTENCE.split(said[max(0, start - _NEAR) : start])[-1]
    return not _CONDITION.search(sentence) and not _DENIED.search(sentence)


def _is_label(said: str, match: re.Match[str]) -> bool:
    """Whether the letter is an option's and not the word `a` or `I`, and is not put as a question."""
    after = said[match.end("letter") : match.end("letter") + _NEAR]
    if re.match(r"[)\]\"']*\?", after):
        return False
    if match["letter"] in "AaIi" and re.match(r"[ \t]+[A-Za-z]", after):
        return match["letter"].isupper() and bool(_FUNCTION_WORD.match(after))
    return not re.match(r"\.[A-Za-z]\.", after)


def _with_neighbours(said: str, match: re.Match[str], strict: bool = False) -> Iterator[str]:
    """The letter, and those it is listed with: `A or B`. A list that goes on (`C, A and B are wrong`) adds nothing;
    under `strict` it takes the letter with it (`so A, B and C are wrong`)."""
    start = match.start("letter")
    before = _SHARED.search(said[max(0, start - _NEAR) : start])
    if before:
        yield before[1]
    listed = _LIST.match(said, match.end("letter"))
    if listed:
        rest = said[listed.end() : listed.end() + _NEAR]
        if " or " in listed[0] or re.match(r"\s*(?:[.;!\n]|$)", rest):
            if not re.search(r"\b[aAiI]$", listed[0]) or not re.match(r"\s+[a-z]", rest):
                yield from re.findall(r"(?<![A-Za-z])[A-Z](?![A-Za-z])", listed[0].upper())
        elif strict:
            return
    yield match["letter"].upper()


def _contradicted(rest: str, letter: str, wordings: Sequence[str]) -> Iterator[str]:
    """Other options that the wording right after a letter names: `B. the red car` where the red car is A."""
    clause = _SENTENCE.split(rest.lstrip(" .):]}>-,\"'"), maxsplit=1)[0]
    named = set(_named(clause, wordings))
    yield from named if letter not in named else ()


def _label(said: str, wordings: Sequence[str]) -> Iterator[str]:
    match = _LABEL.match(said) or _worded(said, wordings)
    if not match:
        return
    letter, rest = match["letter"].upper(), said[match.end() :]
    yield letter
    yield from _contradicted(rest, letter, wordings)
    yield from _restates(rest, wordings)
    if not _opens_with(rest, letter, wordings):
        for other in _INNER_LABEL.finditer(rest):
            if _is_asserted(rest, other.start(1)):
                yield other[1]


def _restates(rest: str, wordings: Sequence[str]) -> list[str]:
    """Letters in `rest` that are labels of their own option's wording, as when the options are listed again."""
    labels = ((match[1], rest[match.end() : match.end() + _NEAR]) for match in _LISTED.finditer(rest))
    return [letter for letter, after in labels if _opens_with(after, letter, wordings)]


def _opens_with(text: str, letter: str, wordings: Sequence[str]) -> bool:
    """Whether `text` begins with the wording of option `letter`."""
    index = LETTERS.find(letter)
    if not 0 <= index < len(wordings) or not wordings[index]:
        return False
    return f"{_words(text[:_NEAR])} ".startswith(f"{wordings[index]} ")


def _worded(said: str, wordings: Sequence[str]) -> re.Match[str] | None:
    """A letter with its own option's wording right after it and nothing between: `C red car`, `A.red car`."""
    match = re.match(rf"{_LETTER}\W*", said)
    return match if match and _opens_with(said[match.end() :], match["letter"].upper(), wordings) else None


def _sentence(said: str, wordings: Sequence[str]) -> Iterator[str]:
    if _DECLINES.search(said):
        return
    for sentence in _SENTENCE.split(said):
        if not re.fullmatch(r"\W*[A-Za-z]?\W*", sentence):
            yield from _named(sentence, wordings)
            yield from _predicated(sentence, wordings)
    verdict = re.match(r"(yes|no|true|false),", said, re.I)
    if verdict:
        yield from _named(verdict[1], wordings)


def _predicated(sentence: str, wordings: Sequence[str]) -> Iterator[str]:
    """Options that a whole sentence says of its subject: `The girls are giving high five`, not `There is a girl`."""
    words = _words(sentence)
    if not re.match(r"there\b", words) and _is_asserted(sentence, len(sentence)):
        longest = 4 * max(map(len, wordings), default=0) + _NEAR
        for match in re.finditer(r"\b(?:is|are|was|were) ", words[-longest:]):
            yield from _named(words[-longest:][match.end() :], wordings)
