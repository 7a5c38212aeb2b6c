"""From a data set's block and its files to spots: the right reader, labels joined by barcode, filters."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anndata
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed, shown, unknown

from .gem import read_gem
from .slideseq import read_slideseq
from .spaceranger import read_spaceranger
from .spot_features import read_features, read_h5ad_spots
from .spot_filters import filter_spots
from .spot_tables import read_count_table
from .spots import check_spots, note, set_labels
from .text_table import read_text

log = logging.getLogger(__name__)

PLATFORMS = {
    "spaceranger": "visium",
    "slideseq": "slideseq",
    "gem": "stereo",
    "count_table": "st",
    "h5ad": "unknown",
    "features": "visium",
}
"""Each format's platform, unless the block tells."""
NEEDS_POSITIONS = ("spaceranger", "slideseq")
USED_BY = {
    "positions": ("spaceranger", "slideseq", "count_table"),
    "barcodes": ("spaceranger", "slideseq", "count_table"),
    "scalefactors": ("spaceranger",),
}
"""Formats that use a file beside the counts."""


def read_spots_source(block: Mapping[str, Any], paths: Mapping[str, str]) -> anndata.AnnData:
    """Read a data set of any format: counts, coordinates, labels; filtered and checked.

    Parameters
    ----------
    block
        The data set's block of the config: ``spots`` (``format`` and the format's own keys), ``platform``,
        ``labels``, ``min_spots``, ``min_counts``.
    paths
        Path of each file: ``counts``, and ``positions``, ``scalefactors``, ``barcodes``, ``labels`` if there are any.

    Returns
    -------
    AnnData, see `check_spots`; ``uns["reading"]`` counts what was read and dropped.

    Raises
    ------
    LatentomeError
        If a key is wrong, a file is missing or bad, or too little is left.
    """
    given = block.get("spots") or {}
    form = given.get("format")
    if form not in PLATFORMS:
        raise LatentomeError(
            f"config: spots: format: {unknown('format', form, PLATFORMS)}; mend the data set's block"
        )
    for key, forms in USED_BY.items():
        if given.get(key) and form not in forms:
            raise LatentomeError(
                f"config: spots: {key}: the format {form} does not use it; expected {' or '.join(forms)}; "
                "drop the key, and choose spots by keep, or beforehand"
            )
    for key in ("counts", "positions") if form in NEEDS_POSITIONS else ("counts",):
        if not paths.get(key):
            raise LatentomeError(
                f"config: spots: {key} is missing; expected a file for the format {form}; name it"
            )
    names = {key: Path(path).name for key, path in sorted(paths.items()) if path}
    source = {"format": form, "platform": block.get("platform") or PLATFORMS[form], **names}
    if given.get("library"):
        source["library"] = str(given["library"])
    spots = _read(form, given, paths, source)
    if block.get("labels"):
        join_labels(spots, block["labels"], paths["labels"])
    where = Path(paths["counts"]).name
    if spots.uns["source"]["values"] == "counts":
        spots = filter_spots(
            spots, int(block.get("min_spots") or 1), int(block.get("min_counts") or 1), where
        )
    for column in ("label", "section"):
        if column in spots.obs:
            spots.obs[column] = spots.obs[column].cat.remove_unused_categories()
    check_spots(spots, where)
    return spots


def _read(
    form: str, given: Mapping[str, Any], paths: Mapping[str, str], source: Mapping[str, str]
) -> anndata.AnnData:
    if form == "spaceranger":
        return read_spaceranger(paths, source)
    if form == "slideseq":
        return read_slideseq(paths, source)
    if form == "gem":
        return read_gem(paths["counts"], given.get("bin", 20), source)
    if form == "count_table":
        return read_count_table(paths, source, given.get("orientation"))
    if form == "features":
        return read_features(paths["counts"], source)
    return read_h5ad_spots(
        paths["counts"],
        source,
        given.get("label"),
        given.get("unlabelled") or (),
        given.get("keep"),
        given.get("section"),
    )


def read_labels(path: str | Path, options: Mapping[str, Any]) -> pd.Series:
    """Read labels, indexed by barcode.

    Parameters
    ----------
    path
        Tab- or comma-separated text, gzipped or not.
    options
        ``barcode`` and ``label``: columns, by name (default ``barcode`` and ``label``), or by number from 0 for a
        file without a header; ``where``: column -> value, the rows that belong to the data set.

    Raises
    ------
    LatentomeError
        If a column is missing, no row is left, or a barcode comes twice.
    """
    columns = {key: options.get(key, key) for key in ("barcode", "label")}
    where = dict(options.get("where") or {})
    by_number = all(str(name).isdigit() for name in [*columns.values(), *where])
    text = read_text(path)
    if not text.strip():
        raise LatentomeError(f"{path}: the file is empty; expected labels of the spots")
    delimiter = max("\t,;", key=text.split("\n", 1)[0].count)
    try:
        with warnings.catch_warnings():
            # Lines longer than the header (row names, as R writes them) would move every column by one.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                io.StringIO(text), sep=delimiter, dtype=str, na_filter=False, header=None if by_number else 0,
                index_col=False,
            )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise LatentomeError(
            f"{path}: {str(error).strip()}; expected as many columns on every line"
        ) from None
    table.columns = [str(name) for name in table.columns]
    for name in [*columns.values(), *where]:
        if str(name) not in table:
            raise LatentomeError(
                f"{path}: {unknown('column', name, table.columns)}; mend labels in the data set's block (numbers "
                "from 0 if the file has no header)"
            )
    for name, value in where.items():
        found = table[str(name)].unique()
        table = table[table[str(name)] == str(value)]
        if table.empty:
            raise LatentomeError(
                f"{path}: column {shown(name)} is never {shown(value)} (it has {listed(found)}); mend labels: where"
            )
    barcodes = table[str(columns["barcode"])].str.strip()
    if barcodes.duplicated().any():
        raise LatentomeError(
            f"{path}: the barcode {shown(barcodes[barcodes.duplicated()].iloc[0])} has more than one label; expected "
            "one for each spot; choose the section's rows by labels: where"
        )
    labels = table[str(columns["label"])].str.strip()
    return labels.where(labels != "").set_axis(pd.Index(barcodes))


def join_labels(spots: anndata.AnnData, options: Mapping[str, Any], path: str | Path) -> None:
    """Give the spots the labels of a file, joined by barcode; spots that it does not name have none.

    Parameters
    ----------
    spots
        Changed in place.
    options
        See `read_labels`; ``unlabelled`` lists values that mean that a spot has no label.
    path
        The file.

    Raises
    ------
    LatentomeError
        If the file cannot be read or names none of the spots.
    """
    labels = read_labels(path, options)
    strange = int((~labels.index.isin(spots.obs_names)).sum())
    if strange == len(labels):
        raise LatentomeError(
            f"{path}: none of its {len(labels)} barcodes is among the spots ({shown(labels.index[0])}; spots are "
            f"{listed(spots.obs_names[:2])}, ...); expected the barcodes of this section"
        )
    note(spots, "labels of no spot", strange)
    set_labels(spots, labels.reindex(spots.obs_names), options.get("unlabelled") or ())
