"""Text of data in pages: templates that escape, JSON that no page can mistake for markup, captions as HTML."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from docutils.core import publish_parts
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from workflow_scripts.lib.errors import LatentomeError

# In a script element `<` could end the element; the two separators end a line of JavaScript.
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_DOCUTILS = {"raw_enabled": False, "file_insertion_enabled": False, "report_level": 5, "halt_level": 4}
_LEADS = ("Expected", "A concern")


def to_script(value: Any) -> str:
    """Return `value` as JSON that may stand in a script file or element: `<`, `>`, `&` and U+2028, U+2029 escaped.

    Raises
    ------
    ValueError
        If a number is not finite; JSON has none such.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029]", lambda found: _UNSAFE[found.group()], text)


def templates(folder: Path) -> Environment:
    """Return the templates of `folder`; every value that they print is escaped, a missing one is an error."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def caption_text(path: Path, wildcards: Mapping[str, str], config: Mapping[str, Any]) -> str:
    """Return a caption of ``report/`` in reStructuredText, as Snakemake's report fills it in.

    Parameters
    ----------
    path
        The caption.
    wildcards
        Of the figure: ``dataset``, perhaps ``model``.
    config
        The config of the run.

    Raises
    ------
    LatentomeError
        If there is no such caption.
    """
    if not path.is_file():
        raise LatentomeError(
            f"{path}: this caption does not exist; every figure has one, see CONTRIBUTING.md"
        )
    source = path.read_text(encoding="utf-8")
    values = SimpleNamespace(wildcards=SimpleNamespace(**wildcards), config=config)
    # reStructuredText, not HTML: docutils escapes what it prints.
    return Environment(undefined=StrictUndefined).from_string(source).render(snakemake=values)


def to_html(text: str) -> Markup:
    """Return reStructuredText as HTML; its own raw HTML and inclusions are refused.

    The paragraphs that say what is expected and what is a concern begin with these words in bold.
    """
    body = publish_parts(text, writer="html5", settings_overrides=_DOCUTILS)["body"]
    for lead in _LEADS:
        body = body.replace(f"<p>{lead}: ", f'<p><strong class="lead">{lead}:</strong> ')
    return Markup(body)  # docutils has escaped it


def plain(markup: str) -> str:
    """Return the text of some HTML on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def first_sentence(text: str) -> str:
    """Return the first sentence of a plain text, with its full stop."""
    found = re.match(r"(.+?[.?!])(?=\s+[A-Z]|\s*$)", text)
    return found.group(1) if found else text
