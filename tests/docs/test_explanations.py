"""The pages on what was claimed: their numbers are of the project's tests and modules, and what they cite exists."""

import re

import pytest
from pages import DOCS, REPO

PAGES = sorted((DOCS / "explanation").glob("*.md"))
# Of the published works, as the module of the study's claims quotes them, or facts of their data that no test counts.
PUBLISHED = {"0.66", "0.861", "10.1038", "10.3389", "020-00158", "1.0.0", "1e-4"}
SOURCES = [
    path.read_text(encoding="utf-8").replace("_", "").replace(",", "")
    for folder in ("tests", "workflow_scripts/lib", "report")
    for path in sorted((REPO / folder).rglob("*"))
    if path.suffix in (".py", ".rst", ".tsv") and path.parent != REPO / "tests/docs"
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_numbers_are_found_elsewhere(page):
    """A number with a point or a comma is one that a test checks or a module writes."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    text = re.sub(r"doi \S+|\d\d? %", "", text)
    numbers = set(re.findall(r"(?<![\w.])-?\d+(?:,\d{3})+(?:\.\d+)?|(?<![\w.])-?\d+\.\d+(?![\w.]*\d)", text))
    wanted = {number.replace(",", "") for number in numbers} - PUBLISHED
    assert not [
        n for n in wanted if not any(re.search(rf"(?<![\d.]){re.escape(n.lstrip('-'))}", s) for s in SOURCES)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_cited_exists(page):
    text = page.read_text(encoding="utf-8")
    assert not [path for path in re.findall(r"`(tests/[\w/.]+)`", text) if not (REPO / path).is_file()]
    if page.stem != "index":
        study = page.stem
        assert f"<!-- claims: {study} -->" in text
        captions = {path.stem.removeprefix(f"{study}_") for path in (REPO / "report").glob(f"{study}_*.rst")}
        named = re.findall(r"figures?\s+((?:`\w+`(?:,\s+|\s+and\s+)?)+)", text)
        figures = set(re.findall(r"`(\w+)`", " ".join(named)))
        assert figures and figures <= captions
