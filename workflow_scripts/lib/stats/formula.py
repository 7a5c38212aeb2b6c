"""Design formulas, parsed by an allow-list before R or formulaic sees anything of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import shown

MAX_LENGTH = 1000
MAX_TERMS = 256
MAX_DEPTH = 20
_TOKEN = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_.]*)|(?P<number>[0-9]+)|(?P<sign>[-+:*()~])")
_RESERVED = set(
    "if else repeat while function for next break in TRUE FALSE T F NULL Inf NaN NA NA_integer_ NA_real_ "
    "NA_character_".split()
)

Term = tuple[str, ...]


@dataclass(frozen=True)
class Formula:
    """A checked design formula.

    Attributes
    ----------
    terms
        Each a tuple of column names, one for a main effect and more for an interaction; ordered as R orders
        them, by degree and then by appearance.
    intercept
        Whether there is one.
    """

    terms: tuple[Term, ...]
    intercept: bool

    @property
    def names(self) -> list[str]:
        """The columns used, in order of appearance."""
        return list(dict.fromkeys(name for term in self.terms for name in term))

    def written(self, rename: dict[str, str] | None = None) -> str:
        """Return the expanded formula without the tilde, its columns renamed where `rename` says so."""
        rename = rename or {}
        terms = [":".join(rename.get(name, name) for name in term) for term in self.terms]
        return " + ".join(["1" if self.intercept else "0", *terms])

    def __str__(self) -> str:
        return f"~ {self.written()}"


class _Parser:
    """Recursive descent over ``+ -``, then ``*``, then ``:``, as in R, where ``:`` binds tightest."""

    def __init__(self, text: str):
        self.text = text
        self.tokens: list[tuple[str, str, int]] = []
        self.next = 0
        self.intercept = True
        self.depth = 0
        place = 0
        while place < len(text):
            if text[place].isspace():
                place += 1
                continue
            match = _TOKEN.match(text, place)
            if match is None:
                raise self.error(f"{shown(text[place])} is not allowed", place)
            self.tokens.append((str(match.lastgroup), match[0], place))
            place = match.end()

    def error(self, wrong: str, place: int | None = None) -> LatentomeError:
        if place is None:
            place = self.tokens[self.next][2] if self.next < len(self.tokens) else len(self.text)
        return LatentomeError(
            f"design formula {shown(self.text)}, column {place + 1}: {wrong}; expected column names joined "
            "by + : * with ( ), and 0 or 1 for the intercept, such as ~ batch + condition; rewrite it so, "
            "and put computed values into a column of the sample sheet"
        )

    def peek(self) -> str:
        return self.tokens[self.next][1] if self.next < len(self.tokens) else ""

    def take(self, *signs: str) -> str:
        if self.peek() not in signs or not self.peek():
            return ""
        self.next += 1
        return self.tokens[self.next - 1][1]

    def formula(self) -> Formula:
        self.take("~")
        terms = self.sum(outermost=True)
        if self.next < len(self.tokens):
            raise self.error(f"{shown(self.peek())} is not expected here")
        if not terms and not self.intercept:
            raise self.error("the model has no term")
        # R writes the columns of an interaction in the order in which the formula first names them.
        order = list(dict.fromkeys(text for kind, text, _ in self.tokens if kind == "name"))
        terms = [tuple(sorted(term, key=order.index)) for term in terms]
        return Formula(tuple(sorted(terms, key=len)), self.intercept)

    def sum(self, outermost: bool = False) -> list[Term]:
        terms: list[Term] = []
        sign = self.take("+", "-") or "+"
        while sign:
            if self.peek() in ("0", "1"):
                if not outermost:
                    raise self.error(f"{self.peek()} stands inside parentheses")
                if sign == "-" and self.peek() == "0":
                    raise self.error("- 0 is unclear")
                self.intercept = (self.take("0", "1") == "1") == (sign == "+")
                if self.peek() in (":", "*"):
                    raise self.error("0 and 1 cannot interact")
            elif sign == "-":
                raise self.error("only 1 can be taken out with -")
            else:
                terms = _merge(terms, self.product())
            sign = self.take("+", "-")
        return terms

    def product(self) -> list[Term]:
        terms = self.interaction()
        while self.take("*"):
            other = self.interaction()
            terms = self.limited(_merge(terms, other, _cross(terms, other)))
        return terms

    def interaction(self) -> list[Term]:
        terms = self.atom()
        while self.take(":"):
            terms = self.limited(_cross(terms, self.atom()))
        return terms

    def atom(self) -> list[Term]:
        if self.take("("):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.error(f"more than {MAX_DEPTH} pairs of parentheses")
            terms = self.sum()
            if not self.take(")"):
                raise self.error("a parenthesis is not closed")
            return terms
        if self.next >= len(self.tokens):
            raise self.error(
                "the formula ends where a column name is needed" if self.tokens else "it is empty"
            )
        kind, text, _ = self.tokens[self.next]
        if kind == "number" and text in ("0", "1"):
            raise self.error("0 and 1 cannot interact")
        if kind == "number":
            raise self.error(f"the number {shown(text)} is not allowed")
        if kind != "name":
            raise self.error(f"a column name is needed before {shown(text)}")
        if text in _RESERVED:
            raise self.error(f"{shown(text)} is a reserved word of R; rename the column")
        self.next += 1
        if self.peek() == "(":
            raise self.error(f"function calls such as {text}() are not allowed")
        return [(text,)]

    def limited(self, terms: list[Term]) -> list[Term]:
        if len(terms) > MAX_TERMS:
            raise self.error(f"it expands to more than {MAX_TERMS} terms")
        return terms


def _merge(*groups: list[Term]) -> list[Term]:
    found: dict[frozenset[str], Term] = {}
    for term in (term for group in groups for term in group):
        found.setdefault(frozenset(term), term)
    return list(found.values())


def _cross(left: list[Term], right: list[Term]) -> list[Term]:
    return _merge([tuple(dict.fromkeys((*a, *b))) for a in left for b in right])


def parse_formula(text: str) -> Formula:
    """Parse a design formula; nothing in it is ever evaluated.

    Parameters
    ----------
    text
        Column names joined by ``+``, ``:`` and ``*``, with parentheses; ``0 +`` or ``- 1`` takes the
        intercept out; a leading ``~`` may be left out.

    Raises
    ------
    LatentomeError
        For anything else: functions, ``I()``, backticks, ``^``, ``%in%``, ``.``, quotes, other numbers,
        R's reserved words, or more than `MAX_TERMS` terms. The column of the fault is named.
    """
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        raise LatentomeError(
            f"design formula {shown(text)}: expected text of at most {MAX_LENGTH} characters, such as ~ "
            "batch + condition; write it so"
        )
    return _Parser(text).formula()
