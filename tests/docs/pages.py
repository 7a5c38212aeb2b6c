"""The documentation's pages as text: their fenced blocks, commands and paths."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).parents[2]
DOCS = REPO / "docs"
# What a reader copies commands from.
PAGES = sorted([*DOCS.rglob("*.md"), REPO / "README.md", REPO / "config/README.md", REPO / "CONTRIBUTING.md"])
FENCE = re.compile(r"^( *)```(\w*)([^\n]*)\n(.*?)^\1```", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, what else is in its first line, its text."""

    language: str
    options: str
    text: str

    def option(self, name: str) -> str | None:
        """Return an option of the first line, such as a title."""
        found = re.search(rf'{name}="([^"]*)"', self.options)
        return found.group(1) if found else None


def blocks(page: Path, language: str | None = None) -> list[Block]:
    """Return the fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    found = [Block(lang, options.strip(), body) for _, lang, options, body in FENCE.findall(text)]
    return [block for block in found if language is None or block.language == language]


def commands(block: Block) -> list[list[str]]:
    """Return the words of each line of a block of commands, comments and continued lines taken care of."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [words for words in (shlex.split(line, comments=True) for line in lines) if words]


def result_paths(page: Path) -> set[str]:
    """Return every file of results that a page names in full."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {path for path in re.findall(r"`(results/[^`]+?)`", text) if not re.search(r"[A-Z*{]", path)}
