"""The count table that every reader builds, and what is said of a wrong cell or gene id."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import listed, shown

from .text_table import numbers as read_numbers

log = logging.getLogger(__name__)

MAX_COUNT = 2**31 - 1  # R's integer, which DESeq2 uses
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec"
_MANGLED = re.compile(
    rf"[0-9]{{1,2}}-({_MONTH})|({_MONTH})-[0-9]{{1,2}}"
    r"|[0-9]+(\.[0-9]+)?e\+[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}.*",
    re.IGNORECASE,
)
WHOLE = r" *\+?0*[0-9]{1,10}(\.0*)? *"
NUMBER = r" *[+-]?[0-9.,]+(?:[eE][+-]?[0-9]+)? *"
MISSING = {"", "na", "n/a", "nan", "null", "none", "nil", "-", ".", "?", "<na>"}
_MISSING_ID = {"", "NA", "N/A", "NaN", "<NA>"}
_ANNOTATION = set(
    "length genelength effectivelength entrez entrezid entrezgene entrezgeneid ncbigeneid geneid ensembl "
    "ensemblid ensemblgeneid symbol genesymbol hgncsymbol mgisymbol genename name description biotype "
    "genebiotype genetype transcriptid".split()
)
_PLACE = set("chr chrom chromosome chromosomename seqname seqnames start end strand width".split())


@dataclass(frozen=True)
class CountTable:
    """Counts with what the file says of their genes.

    Attributes
    ----------
    ids
        Gene ids, unique, as text, in the file's order.
    counts
        int64 [genes x samples], indexed by `ids`.
    length
        Gene lengths in bp, indexed by `ids`; None without a ``Length`` column.
    annotation
        The other columns that are not samples, indexed by `ids`.
    source
        The path, as the user gave it.
    """

    ids: list[str]
    counts: pd.DataFrame
    length: pd.Series | None
    annotation: pd.DataFrame
    source: str


def _key(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def annotation_columns(names: Sequence[str]) -> list[str]:
    """Return those of the column `names` that describe genes: featureCounts' and common spellings."""
    keys = [_key(name) for name in names]
    placed = any(key.startswith(("chr", "seqname")) and key in _PLACE for key in keys)
    return [n for n, key in zip(names, keys, strict=True) if key in _ANNOTATION or (placed and key in _PLACE)]


def _checked_ids(ids: pd.Series, at: Callable[[int], str], altered: str) -> pd.Series:
    def place(row: int) -> str:
        return at(row).rsplit(", ", 1)[1]

    if len(rows := ids.index[ids.isin(_MISSING_ID)]):
        found = shown(ids[rows[0]]) if ids[rows[0]] else "empty"
        raise LatentomeError(
            f"{at(rows[0])}: the gene id is {found}; expected an id in each row; fill or remove the row"
        )
    if len(rows := ids.index[ids.str.fullmatch(_MANGLED)]):
        if altered != "keep":
            raise LatentomeError(
                f"{at(rows[0])}: the gene id {shown(ids[rows[0]])} was altered by a spreadsheet (a symbol "
                f"turned into a date or a number), one of {len(rows)} such; expected the original id; take "
                "the table from before it was opened in a spreadsheet, or set altered_ids: keep"
            )
        ids = ids.copy()
        ids[rows] = [f"{ids[row]} ({place(row)})" for row in rows]
        log.warning(
            "%d gene ids altered by a spreadsheet are kept under their places: %s", len(rows), ids[rows[0]]
        )
    twice = ids[ids.duplicated(keep=False)]
    if len(twice):
        rows = twice.index[twice == twice.iloc[0]]
        others = twice.nunique() - 1
        raise LatentomeError(
            f"{at(rows[0])}: the gene id {shown(twice.iloc[0])} stands {len(rows)} times, again at "
            f"{', '.join(place(row) for row in rows[1:6])}"
            + (f", and {others} other ids too" if others else "")
            + "; expected unique ids; sum or rename these rows"
        )
    return ids


def _fault(cell: str, numbers: np.ndarray) -> str:
    """Say what is wrong with a cell, what was expected and what to do; `numbers` are all that were read."""
    text = cell.strip(" ")
    whole = "expected whole read counts"
    if text.lower() in MISSING or text.startswith("#"):
        found = "empty" if not text else f"missing ({shown(text)})"
        return (
            f"the count is {found}; {whole}; write 0 if the gene has none, else remove the row or the sample"
        )
    if "," in text and re.fullmatch(NUMBER, text):
        return (
            f"{shown(text)} has a decimal comma or a thousands separator; {whole} of digits only; save the "
            "table without them"
        )
    try:
        number = float(text) if re.fullmatch(NUMBER, text) else float("nan")
    except ValueError:
        number = float("nan")
    if np.isnan(number):
        return (
            f"{shown(text)} is not a number; {whole}; correct the cell, or drop the column if it is no sample"
        )
    if number < 0:
        return f"the count {text} is negative; {whole}, 0 or more; give raw, not log or normalised, values"
    if number != np.floor(number):
        seen = numbers[np.isfinite(numbers) & (numbers > 0)]
        if _sums_to_million(numbers):
            kind = "; every sample sums to about 1,000,000: these look like TPM or CPM"
        elif len(seen) and np.mean(seen != np.floor(seen)) > 0.5:
            kind = "; most values have fractions: these look like TPM, FPKM, CPM or the like"
        else:
            kind = ""
        return (
            f"{text} is not a whole number{kind}; {whole}; give raw counts (round salmon or RSEM estimates)"
        )
    if number > MAX_COUNT:
        return f"the count {text} is above 2^31-1 (2147483647), R's largest; {whole}; check the cell"
    return (
        f"{text} is in scientific notation, so a spreadsheet may have rounded it; {whole} written out; "
        "export again with all digits (in R: options(scipen=99))"
    )


def _sums_to_million(numbers: np.ndarray) -> bool:
    sums = np.nansum(numbers, axis=0)
    return len(sums) > 1 and bool(np.all(np.abs(sums - 1e6) <= 5e3))


def build(
    ids: pd.Series,
    numbers: np.ndarray,
    bad: np.ndarray,
    samples: list[str],
    annotation: pd.DataFrame,
    at: Callable[[int], str],
    cell: Callable[[int, int], str],
    source: str,
    altered_ids: str = "refuse",
) -> CountTable:
    """Check what a reader found and assemble the table.

    Parameters
    ----------
    ids
        Gene ids; the index numbers the rows of the file for `at`.
    numbers
        float64 [genes x samples]; not finite or 0 where a cell could not be read.
    bad
        bool [genes x samples], the cells that are no count.
    samples
        Sample names, in column order.
    annotation
        The columns that are not samples, rows as in `ids`.
    at
        Names the file and the place of a row.
    cell
        Gives the text of a cell by its position in `numbers`.
    source
        The path, as the user gave it.
    altered_ids
        ``keep`` names the rows whose ids a spreadsheet altered by their place, too, instead of refusing them.

    Raises
    ------
    LatentomeError
        For the first of: no samples, no genes, duplicate sample names, a gene id that is empty, altered by
        a spreadsheet or not unique, a bad cell, or columns that all sum to a million.
    """
    if not samples:
        raise LatentomeError(
            f"{source}: there is no sample column (beside the gene ids: {listed(annotation) or 'nothing'}); "
            "expected a column of counts for each sample; check the table"
        )
    if not len(ids):
        raise LatentomeError(f"{source}: there are no genes; expected a row for each gene; check the table")
    if len(twice := pd.Index(samples)[pd.Index(samples).duplicated()]):
        raise LatentomeError(
            f"{source}: the sample name {shown(twice[0])} stands {samples.count(twice[0])} times; expected "
            "unique names; rename or merge the samples"
        )
    ids = _checked_ids(ids, at, altered_ids)
    if bad.any():
        row, column = divmod(int(bad.ravel().argmax()), len(samples))
        raise LatentomeError(
            f"{at(ids.index[row])}, sample {shown(samples[column])}, gene {shown(ids.iloc[row])}: "
            + _fault(cell(row, column), np.where(bad & (numbers == 0), np.nan, numbers))
        )
    if _sums_to_million(numbers):
        raise LatentomeError(
            f"{source}: every sample sums to about 1,000,000 (the first, {shown(samples[0])}, to "
            f"{numbers[:, 0].sum():,.0f}): these look like rounded TPM or CPM; expected raw read counts; "
            "give the table from before normalisation"
        )
    index = pd.Index(ids.tolist(), name="gene_id")
    counts = pd.DataFrame(numbers.astype(np.int64), index=index, columns=pd.Index(samples, dtype=object))
    annotation = annotation.set_axis(index, axis=0)
    named = next((name for name in annotation.columns if _key(name) in ("length", "genelength")), None)
    length = None
    if named is not None:
        length = read_numbers(annotation.pop(named)).rename("length")
        if wrong := int(length.isna().sum()):
            log.warning("%s: column %s has no number for %d genes", source, shown(named), wrong)
    if len(annotation.columns):
        log.info("%s: kept as annotation, not samples: %s", source, listed(annotation.columns, 12))
    return CountTable(index.tolist(), counts, length, annotation, source)


def check_counts(counts: pd.DataFrame, source: str = "the count table") -> None:
    """Raise a `LatentomeError` naming the samples of `counts` [genes x samples] that have no read at all."""
    empty = counts.columns[(counts == 0).all(axis=0)]
    if len(empty):
        raise LatentomeError(
            f"{source}: no read in sample{'s' * (len(empty) > 1)} {listed(empty)} (every count is 0); "
            "expected sequenced samples; mark them excluded in the sample sheet, or mend the table"
        )
