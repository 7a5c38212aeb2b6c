"""The results page: one static site from a run's figures, tables and config."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment

from workflow_scripts.lib.datasets import block_files
from workflow_scripts.lib.files import write_atomic
from workflow_scripts.lib.tables import read_table

from .charts import Interactive, write_charts, write_library
from .claims import Claim, page_claims
from .figures import Download, PageFigure, copied, page_figure
from .markup import templates
from .methods import OWN_KEYS, flat, licences, versions
from .molecules import Deck, deck
from .studies import STUDIES, Study, interactive

ASSETS = ("site.css", "site.js", "charts.js")
_CLAIMS = ("study", "claim", "as_published", "reproduced", "corrected", "interval", "verdict", "figure")


@dataclass(frozen=True)
class Source:
    """What the pages are made from.

    Attributes
    ----------
    results
        Folder of the results.
    project
        Folder of the workflow: captions, templates, scripts, registry.
    config
        The resolved config of the run.
    figures
        Names of the figures by study and data set, in order; a study that is missing was not built.
    """

    results: Path
    project: Path
    config: Mapping[str, Any]
    figures: Mapping[str, Mapping[str, list[str]]]


@dataclass
class DatasetPart:
    """A data set's part of a study's page."""

    name: str
    title: str
    simulated: bool
    interactive: list[Interactive]
    deck: Deck | None
    figures: list[PageFigure]

    @property
    def number(self) -> int:
        """Number of its figures."""
        return len(self.figures)


@dataclass
class StudyPage:
    """A study's page; `datasets` is empty if it was not built."""

    study: Study
    datasets: list[DatasetPart] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    tables: list[Download] = field(default_factory=list)

    @property
    def built(self) -> bool:
        """Whether the run has this study."""
        return bool(self.datasets)

    @property
    def lead(self) -> PageFigure:
        """The figure that stands for the study on the overview."""
        figures = [one for part in self.datasets for one in part.figures]
        return next((one for one in figures if one.anchor.endswith(f"-{self.study.lead}")), figures[0])

    @property
    def charts(self) -> bool:
        """Whether the page draws charts."""
        return any(part.interactive for part in self.datasets)


def _dataset(source: Source, site: Path, study: Study, name: str, figures: list[str]) -> DatasetPart:
    block = source.config["datasets"][study.name].get(name, {})
    folder = source.results / "figures" / study.name / name
    charts = interactive(folder, name, figures)
    for chart in charts:
        write_charts(chart, site)
    cards = deck(read_table(folder / "molecule_grid.tsv"), name, site) if "molecule_grid" in figures else None
    drawn = [
        page_figure(folder / figure, site, study.name, name, source.project / "report", source.config)
        for figure in figures
    ]
    for figure in drawn:
        _copy_code(source, site, figure.code)
    return DatasetPart(name, block.get("title", name), bool(block.get("simulated")), charts, cards, drawn)


def _copy_code(source: Source, site: Path, place: str) -> None:
    target = site / f"code/{place}.txt"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source.project / "workflow_scripts" / place, target)


def _study(source: Source, site: Path, study: Study) -> StudyPage:
    datasets = source.figures.get(study.name, {})
    page = StudyPage(study)
    page.datasets = [_dataset(source, site, study, name, figures) for name, figures in datasets.items()]
    folder = source.results / study.name
    if page.built and (folder / "claims.tsv").is_file():
        table = read_table(folder / "claims.tsv", _CLAIMS, text=_CLAIMS)
        page.claims = page_claims(table, study.name, list(datasets))
        _copy_code(source, site, f"lib/metrics/{study.name}_claims.py")
    if page.built:
        paths = sorted([*folder.rglob("*.tsv"), *folder.rglob("*.tsv.gz"), *folder.rglob("*.graphml")])
        for path in paths:
            place = path.relative_to(source.results).as_posix()
            page.tables.append(copied(path, site, f"tables/{place}", place))
    return page


def _used_files(source: Source) -> list[str]:
    blocks = [
        source.config["datasets"][study][name] for study, names in source.figures.items() for name in names
    ]
    return [file for block in blocks for file in block_files(block)]


def _methods(source: Source) -> dict[str, Any]:
    registry = pd.read_csv(source.project / "resources/datasets.tsv", sep="\t", dtype=str)
    shared = {
        key: value
        for key, value in source.config.items()
        if key != "datasets" and not isinstance(value, Mapping)
    }
    return {
        "versions": versions(),
        "shared": flat(shared),
        "parameters": {study: flat(source.config[study]) for study in source.figures},
        "blocks": {
            study: {
                name: flat(
                    {
                        key: value
                        for key, value in source.config["datasets"][study].get(name, {}).items()
                        if key not in OWN_KEYS
                    }
                )
                for name in names
            }
            for study, names in source.figures.items()
        },
        "licences": licences(registry, _used_files(source)),
    }


def size_text(size: int) -> str:
    """Return a file's size for people: kB and MB are powers of 1,000."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"


def _render(environment: Environment, site: Path, name: str, template: str, **values: Any) -> None:
    write_atomic(site / name, environment.get_template(template).render(page=name, **values))


def build_site(source: Source, site: Path) -> None:
    """Write all pages and what they show into the empty folder `site`; ``index.html`` comes last.

    Parameters
    ----------
    source
        What the pages are made from.
    site
        Where they go; works from a file and from any static host.

    Raises
    ------
    LatentomeError
        If a figure, its caption or a table is missing.
    """
    folder = source.project / "resources/site"
    environment = templates(folder)
    environment.filters["size"] = size_text
    for name in ASSETS:
        copied(folder / name, site, name, name)
    pages = [_study(source, site, study) for study in STUDIES]
    shared = [
        copied(source.results / name, site, f"tables/{name}", name)
        for name in ("config.yaml", "claims.tsv", "benchmarks.tsv")
        if (source.results / name).is_file()
    ]
    if any(page.charts for page in pages):
        write_library(site)
    simulated = [part.simulated for page in pages for part in page.datasets]
    common = {
        "pages": pages,
        "config": source.config,
        "simulated": "all" if all(simulated) else "some" if any(simulated) else "",
    }
    for page in pages:
        _render(environment, site, f"{page.study.name}.html", "study.html.jinja", this=page, **common)
    _render(environment, site, "methods.html", "methods.html.jinja", **_methods(source), **common)
    _render(environment, site, "downloads.html", "downloads.html.jinja", shared=shared, **common)
    _render(environment, site, "index.html", "index.html.jinja", **common)
