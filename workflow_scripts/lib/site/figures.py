"""The figures of a run as pages show them: caption, alternative text, files, a light preview, the numbers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup
from PIL import Image

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.plots.style import look
from workflow_scripts.lib.tables import read_table

from .markup import caption_text, first_sentence, plain, to_html
from .tables import MOST_ROWS, PageTable, page_table

_PREVIEW_FROM, _PREVIEW_WIDTH = 150_000, 1300
"""An SVG of more bytes, mostly a picture of points, is shown as WebP of so many pixels; the SVG is a download."""
_WORDS = {
    "ma": "MA",
    "pca": "PCA",
    "go": "GO",
    "kegg": "KEGG",
    "lfc": "log fold change",
    "na": "NA",
    "mnist": "MNIST",
    "smiles": "SMILES",
}


@dataclass(frozen=True)
class Download:
    """A file beside the pages: its name, its place, its size in bytes."""

    label: str
    href: str
    bytes: int


@dataclass(frozen=True)
class PageFigure:
    """One figure of a page; `width` and `height` in CSS pixels, `href` of the picture that is shown."""

    anchor: str
    title: str
    caption: Markup
    alt: str
    href: str
    width: int
    height: int
    downloads: list[Download]
    table: PageTable | None
    code: str


def title_of(name: str) -> str:
    """Return a figure's name as words: ``ma_plot`` is ``MA plot``."""
    words = [_WORDS.get(word, word) for word in name.split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def caption_of(captions: Path, study: str, name: str) -> tuple[Path, str]:
    """Return a figure's caption, and the model that its name ends in, if one caption serves several.

    Raises
    ------
    LatentomeError
        If no caption fits.
    """
    parts = name.split("_")
    for end in range(len(parts), 0, -1):
        path = captions / f"{study}_{'_'.join(parts[:end])}.rst"
        if path.is_file():
            return path, "_".join(parts[end:])
    raise LatentomeError(
        f"{captions}/{study}_{name}.rst does not exist; a figure needs a caption, see CONTRIBUTING.md"
    )


def _pixels(svg: str) -> tuple[int, int]:
    found = re.search(r'<svg[^>]*?\bwidth="([\d.]+)pt"[^>]*?\bheight="([\d.]+)pt"', svg)
    if not found:
        raise LatentomeError("an SVG figure has no width and height in points; make the figures anew")
    return round(float(found[1]) * 4 / 3), round(float(found[2]) * 4 / 3)


def _preview(png: Path, target: Path) -> None:
    with Image.open(png) as image:
        wide = image.convert("RGB")
        if wide.width > _PREVIEW_WIDTH:
            wide = wide.resize(
                (_PREVIEW_WIDTH, round(wide.height * _PREVIEW_WIDTH / wide.width)), Image.Resampling.LANCZOS
            )
        wide.save(target, "WEBP", quality=78, method=2)


def copied(source: Path, site: Path, place: str, label: str) -> Download:
    """Copy a file to `place` of the site and return its download."""
    target = site / place
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return Download(label, place, target.stat().st_size)


def drawn_table(path: Path) -> pd.DataFrame:
    """Return what a figure draws."""
    return read_table(path, text=("gene", "pcl_id", "pert_iname"))


def page_figure(
    source: Path, site: Path, study: str, dataset: str, captions: Path, config: Mapping[str, Any]
) -> PageFigure:
    """Copy a figure's files to the site and return what its page shows.

    Parameters
    ----------
    source
        The figure without its suffix: ``results/figures/<study>/<dataset>/<name>``.
    site
        Folder of the site.
    study, dataset
        Whose figure it is.
    captions
        Folder of the captions.
    config
        The config of the run.

    Raises
    ------
    LatentomeError
        If a file or the caption is missing.
    """
    name = source.name
    caption_path, model = caption_of(captions, study, name)
    caption = to_html(caption_text(caption_path, {"dataset": dataset, "model": model}, config))
    title = title_of(name.removesuffix(f"_{model}") if model else name) + (
        f", {look(model).title}" if model else ""
    )
    place = f"figures/{study}/{dataset}/{name}"
    downloads = [
        copied(source.with_suffix(f".{kind}"), site, f"{place}.{kind}", kind.upper())
        for kind in ("svg", "png", "tsv")
    ]
    width, height = _pixels(source.with_suffix(".svg").read_text(encoding="utf-8")[:2000])
    shown = downloads[0].href
    if downloads[0].bytes > _PREVIEW_FROM:
        shown = f"{place}.webp"
        _preview(source.with_suffix(".png"), site / shown)
        if (site / shown).stat().st_size > downloads[0].bytes:
            (site / shown).unlink()
            shown = downloads[0].href
    table = drawn_table(source.with_suffix(".tsv"))
    script = caption_path.stem.removeprefix(f"{study}_")
    return PageFigure(
        anchor=f"{dataset}-{name}",
        title=title,
        caption=caption,
        alt=f"{title}. {first_sentence(plain(caption))}",
        href=shown,
        width=width,
        height=height,
        downloads=downloads,
        table=page_table(table) if 0 < len(table) <= MOST_ROWS else None,
        code=f"{study}/plot_{script}.py",
    )
