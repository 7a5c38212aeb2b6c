"""The registry of raw files, `resources/datasets.tsv`: where each comes from and what its bytes must be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.wording import close_match, shown, unknown

COLUMNS = ("dataset", "accession", "file", "url", "bytes", "sha256", "md5", "licence", "added", "note")
# A part of a path that can neither leave its folder nor be hidden.
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"


@dataclass(frozen=True)
class Entry:
    """One raw file.

    Attributes
    ----------
    dataset, accession, file
        The dataset it belongs to and its place, ``<accession>/<file>``, in a mirror as in the raw folder.
        `file` may name subfolders.
    url
        The https address that serves it, or None if there is none.
    bytes
        Its size in bytes, or None if not known.
    sha256, md5
        Lower-case hex digests of what `url` serves (without a url: of the only known copy), or None.
    licence, added, note
        The terms of its source, the day the row was added, and what a reader should know.
    """

    dataset: str
    accession: str
    file: str
    url: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None
    licence: str = ""
    added: date | None = None
    note: str = ""

    @property
    def key(self) -> str:
        """``<accession>/<file>``."""
        return f"{self.accession}/{self.file}"


class Registry:
    """The rows of a registry file.

    Parameters
    ----------
    entries
        The rows, with unique keys.
    source
        The file they were read from, for error messages.
    """

    def __init__(self, entries: Sequence[Entry], source: str) -> None:
        self.source = source
        self._entries = {entry.key: entry for entry in entries}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def get(self, key: str) -> Entry:
        """Return the entry called `key`, ``<accession>/<file>``; a `LatentomeError` if there is none."""
        if key not in self._entries:
            raise LatentomeError(
                f"{self.source}: raw file {shown(key)} has no row{close_match(key, self._entries)}; expected "
                "<accession>/<file> of one of its rows; add a row, or correct the config that asks for it"
            )
        return self._entries[key]

    def dataset(self, name: str) -> list[Entry]:
        """Return the entries of dataset `name`, by file; a `LatentomeError` if there are none."""
        found = [entry for entry in self if entry.dataset == name]
        if not found:
            known = sorted({entry.dataset for entry in self})
            raise LatentomeError(f"{self.source}: {unknown('dataset', name, known)}; add rows for it")
        return found


def _text(pattern: str, expected: str) -> pa.Column:
    return pa.Column(str, pa.Check.str_matches(rf"^(?:{pattern})\Z", error=expected))


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _in_order(table: pd.DataFrame) -> pd.Series:
    rows = list(zip(table["dataset"], table["file"], strict=True))
    return pd.Series(
        [i == 0 or rows[i - 1] <= rows[i] for i in range(len(rows))], index=table.index, dtype=bool
    )


SCHEMA = pa.DataFrameSchema(
    {
        "dataset": _text("[a-z0-9_]+", "small letters, digits and _"),
        "accession": _text(_NAME, "one folder name of letters, digits and _ . + -"),
        "file": pa.Column(
            str,
            [
                pa.Check.str_matches(
                    rf"^{_NAME}(/{_NAME})*\Z", error="a relative path of letters, digits and _ . + -"
                ),
                pa.Check(
                    lambda names: ~names.str.endswith((".part", ".part.json", ".sha256")),
                    error="a name that does not end in .part, .part.json or .sha256, which downloads use",
                ),
            ],
        ),
        "url": _text(r"https://[^\s/?#@]+/[^\s#]+|", "an https:// address, or nothing"),
        "bytes": _text("[1-9][0-9]{0,17}|", "a positive whole number, or nothing"),
        "sha256": _text("[0-9a-f]{64}|", "64 lower-case hex digits, or nothing"),
        "md5": _text("[0-9a-f]{32}|", "32 lower-case hex digits, or nothing"),
        "licence": _text(r"\S.*", "the licence, or 'none stated'"),
        "added": pa.Column(
            str, pa.Check(_is_date, element_wise=True, error="a day as YYYY-MM-DD, such as 2026-11-21")
        ),
        "note": _text(r"\S.*", "a word on what the file is or why a field is empty"),
    },
    checks=pa.Check(_in_order, error="order"),
    unique=["accession", "file"],
    report_duplicates="exclude_first",
    strict=True,
    ordered=True,
)


def _rows(source: str, text: str) -> list[list[str]]:
    lines = text.removesuffix("\n").split("\n")
    if tuple(lines[0].split("\t")) != COLUMNS:
        raise LatentomeError(
            f"{source}, line 1: the header is {shown(lines[0])}; expected the tab-separated columns "
            f"{', '.join(COLUMNS)}; restore them in this order"
        )
    rows = [line.split("\t") for line in lines[1:]]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(COLUMNS):
            raise LatentomeError(
                f"{source}, line {number}: {len(row)} field{'s' * (len(row) != 1)}; expected {len(COLUMNS)} "
                "separated by tabs; leave unknown ones empty but keep their tabs"
            )
    return rows


def _first_failure(source: str, table: pd.DataFrame, failures: pd.DataFrame) -> LatentomeError:
    of_row = failures["check"].isin(["order", "multiple_fields_uniqueness"])
    # pandera reports a check of whole rows once for every column.
    failures = failures[~of_row | (failures["column"] == "file")]
    failures = failures.assign(of_row=of_row, position=[COLUMNS.index(name) for name in failures["column"]])
    first = failures.sort_values(["index", "of_row", "position"], kind="stable").iloc[0]
    row = table.loc[first["index"]]
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    where = f"{source}, line {first['index'] + 2}, column {first['column']}"
    if first["check"] == "order":
        problem = (
            f"dataset {shown(row['dataset'])}, file {shown(row['file'])} stands below a later one; expected "
            "rows sorted by dataset, then file; move the row"
        )
    elif first["check"] == "multiple_fields_uniqueness":
        key = f"{row['accession']}/{row['file']}"
        problem = f"{shown(key)} is there twice; expected one row a file; delete one"
    else:
        problem = f"{shown(first['failure_case'])} found; expected {first['check']}; correct it"
    return LatentomeError(f"{where}: {problem}{more}")


def read_registry(path: str | Path) -> Registry:
    """Read and check a registry file.

    Parameters
    ----------
    path
        A UTF-8 tab-separated table with the columns `COLUMNS`, sorted by dataset and file; url, bytes
        [bytes], sha256 and md5 may be empty.

    Raises
    ------
    LatentomeError
        If the file cannot be read, or names file, line and column of the first thing wrong in it.
    """
    source = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LatentomeError(
            f"{source} does not exist; expected the registry of raw files; restore it from the repository"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise LatentomeError(
            f"{source} cannot be read ({error}); expected UTF-8 text; restore it from the repository"
        ) from None
    table = pd.DataFrame(_rows(source, text), columns=list(COLUMNS), dtype=str)
    try:
        SCHEMA.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise _first_failure(source, table, error.failure_cases) from None
    entries = [
        Entry(
            dataset=row["dataset"],
            accession=row["accession"],
            file=row["file"],
            url=row["url"] or None,
            bytes=int(row["bytes"]) if row["bytes"] else None,
            sha256=row["sha256"] or None,
            md5=row["md5"] or None,
            licence=row["licence"],
            added=date.fromisoformat(row["added"]),
            note=row["note"],
        )
        for row in table.to_dict("records")
    ]
    return Registry(entries, source)
