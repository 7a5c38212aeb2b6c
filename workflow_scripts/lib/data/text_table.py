"""Delimited text as people really save it, read without guessing silently: counts and sample sheets."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.output_cache import cache_entry, to_delete
from workflow_scripts.lib.wording import shown

DELIMITERS = {"\t": "tab", ";": "semicolon", ",": "comma"}
_OTHER_DELIMITERS = {" ": "spaces", "|": "vertical bars", ":": "colons"}


@dataclass(frozen=True)
class TextTable:
    """A delimited text file split into header and body.

    Attributes
    ----------
    source
        The path, as the user gave it.
    delimiter
        One character.
    header
        Column names, stripped. The first is empty where the file leaves it so, or has an R-style header
        with one field fewer than the rows.
    header_line
        Line number of the header, from 1.
    lines
        The lines below the header, without blank ones at the end.
    """

    source: str
    delimiter: str
    header: list[str]
    header_line: int
    lines: list[str]

    def at(self, row: int) -> str:
        """Name the place of data row `row` (from 0) in the file."""
        return f"{self.source}, line {self.header_line + 1 + row}"

    def fields(self, row: int) -> list[str]:
        """Return the cells of data row `row`."""
        return split(self.lines[row], self.delimiter)

    def frame(self, text: list[int] | None = None, only_text: bool = False) -> pd.DataFrame:
        """Parse the body.

        Parameters
        ----------
        text
            Column positions to leave as text; None leaves all. The others become int64 where every cell is
            a whole number.
        only_text
            Return the columns of `text` alone.

        Returns
        -------
        DataFrame [rows x columns], both labelled by position.

        Raises
        ------
        LatentomeError
            If a line has another number of fields than the header.
        """
        try:
            frame = pd.read_csv(
                io.StringIO("\n".join(self.lines)),
                sep=self.delimiter,
                header=None,
                dtype=str if text is None else dict.fromkeys(text, str),
                usecols=text if only_text else None,
                na_filter=False,
                skip_blank_lines=False,
                skipinitialspace=True,
                float_precision="round_trip",  # pandas' own parser crashes the process on 1e59999999999
                low_memory=False,
            )
        except pd.errors.ParserError:
            self.check_widths()
            frame = pd.DataFrame()
        if len(frame) != len(self.lines):
            raise LatentomeError(
                f"{self.source}: a quoted field runs over several lines; expected one line a row; "
                "remove the stray quotation mark"
            )
        return frame

    def check_widths(self, rows: range | None = None) -> None:
        """Raise a `LatentomeError` at the first of `rows` whose number of fields is not the header's."""
        for row in rows or range(len(self.lines)):
            found = len(self.fields(row))
            if found != len(self.header):
                raise LatentomeError(
                    f"{self.at(row)}: {found} field{'s' * (found != 1)}, but the header makes "
                    f"{len(self.header)} {DELIMITERS[self.delimiter]}-separated columns; expected the same "
                    "number on every line; complete the line, or fetch the file again if it was cut short"
                )


def numbers(cells: pd.Series) -> pd.Series:
    """Return text `cells` as float64, NaN where one is no number.

    `pandas.to_numeric` alone ends the process with a segmentation fault at an exponent beyond 2^31.
    """
    plain = cells.astype(str).str.fullmatch(r" *[+-]?[0-9.]+([eE][+-]?[0-9]{1,3})? *")
    return pd.to_numeric(cells.where(plain), errors="coerce").astype("float64")


def split(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line."""
    return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])


def read_text(path: str | Path) -> str:
    r"""Read a plain or gzipped UTF-8 file, with every line end as ``\n`` and no byte order mark.

    Raises
    ------
    LatentomeError
        If the file is missing, a truncated or damaged gzip file, a spreadsheet workbook, a web page,
        UTF-16, or not UTF-8 (line and byte are named).
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise LatentomeError(
            f"{path}: cannot be read ({error.strerror}); expected a file; check the path"
        ) from None
    if data[:2] == b"\x1f\x8b":
        again = "download or copy it again"
        if cache_entry(path):
            again = f"delete {to_delete(path)} and {again}"
        try:
            data = gzip.decompress(data)
        except EOFError:
            raise LatentomeError(
                f"{path}: the gzip file is truncated; expected a whole one; {again}"
            ) from None
        except (OSError, zlib.error) as error:
            raise LatentomeError(
                f"{path}: the gzip file is damaged ({error}); expected a whole one; {again}"
            ) from None
    if data[:4] == b"PK\x03\x04" or data[:4] == b"\xd0\xcf\x11\xe0":
        raise LatentomeError(
            f"{path}: this is a spreadsheet workbook or zip archive; expected text; save the sheet as "
            "tab-separated text"
        )
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data:
        nul = max(data.find(b"\0"), 0)
        raise LatentomeError(
            f"{path}, line {data.count(10, 0, nul) + 1}: this is UTF-16 text or a binary file (byte "
            f"0x{data[0]:02x}{data[1]:02x} first, a NUL byte at offset {nul}); expected UTF-8 text; re-save "
            "the file as UTF-8"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LatentomeError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8 "
            "(Latin-1, perhaps); expected UTF-8; re-save the file as UTF-8"
        ) from None
    if re.match(r"\s*<(!doctype|html)", text[:200], re.IGNORECASE):
        raise LatentomeError(f"{path}, line 1: this is a web page; expected a table; download the file again")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _delimiter(header: str, first: str, source: str, line: int) -> str:
    widths = {d: (len(split(header, d)), len(split(first, d))) for d in DELIMITERS}
    fitting = [d for d, (head, row) in widths.items() if row > 1 and row - head in (0, 1)]
    if fitting:
        return max(fitting, key=lambda d: widths[d][0])
    if max(max(pair) for pair in widths.values()) == 1:
        seen = [name for d, name in _OTHER_DELIMITERS.items() if d in header.strip() and d in first.strip()]
        saw = f"the fields seem to be separated by {seen[0]}" if seen else "no separator is seen"
        raise LatentomeError(
            f"{source}, line {line}: only one column found ({saw}); expected fields separated by tab, comma "
            "or semicolon; save the table with one of these"
        )
    best = max(widths, key=lambda d: widths[d][0])
    head, row = widths[best]
    other = max(widths, key=lambda d: widths[d][1])
    hint = (
        f" (it seems {DELIMITERS[other]}-separated)"
        if other != best and widths[other][1] in (head, head + 1)
        else ""
    )
    raise LatentomeError(
        f"{source}, line {line + 1}: {row} field{'s' * (row != 1)}{hint}, but the header on line {line} has "
        f"{head} {DELIMITERS[best]}-separated columns; expected as many, or one more as R writes row names; "
        "make header and rows alike"
    )


def _header_row(lines: list[str]) -> int:
    """Return the position of the header: below comments, unless the last comment itself fits the rows."""
    start = 0
    while start < len(lines) and (
        not lines[start].strip() or lines[start].startswith("#") or re.fullmatch("sep=.", lines[start])
    ):
        start += 1
    if start and start < len(lines) and lines[start - 1].startswith("#"):
        for delimiter in DELIMITERS:
            cells = split(lines[start], delimiter)
            alike = len(cells) == len(split(lines[start - 1], delimiter)) > 1
            if alike and all(re.fullmatch(r"\s*[0-9.]+\s*", cell) for cell in cells[1:]):
                lines[start - 1] = lines[start - 1].lstrip("# ")
                return start - 1
    return start


def _check_header(header: list[str], place: str) -> None:
    columns: dict[str, list[int]] = {}
    for column, name in enumerate(header, 1):
        columns.setdefault(name, []).append(column)
        if not name and column > 1:
            raise LatentomeError(f"{place}: column {column} has no name; expected a name for each; name it")
    for name, found in columns.items():
        if len(found) > 1:
            raise LatentomeError(
                f"{place}: the column name {shown(name)} stands more than once (columns "
                f"{', '.join(map(str, found))}); expected unique names; rename or merge the columns"
            )


def read_table(path: str | Path) -> TextTable:
    """Split a text table into header and rows: gzipped or not, tab, comma or semicolon.

    Leading ``#`` comments, a byte order mark, CRLF and blank lines at the end are tolerated, as is R's
    header with one field fewer than the rows.

    Raises
    ------
    LatentomeError
        If the text cannot be read (see `read_text`), is empty, has a header only, one column, an unclosed
        quotation mark, missing or duplicate column names, or another number of fields in the first row.
    """
    source = str(path)
    lines = read_text(path).split("\n")
    while lines and not lines[-1].strip("\t ,;"):
        lines.pop()
    if not lines:
        raise LatentomeError(f"{source}: the file is empty; expected a table with a header line")
    top = _header_row(lines)
    if top + 1 >= len(lines):
        raise LatentomeError(
            f"{source}, line {min(top + 1, len(lines))}: there are no rows below the header; expected a "
            "header line and at least one row; check that the whole table was saved"
        )
    for number, line in enumerate(lines[top:], top + 1):
        if line.count('"') % 2:
            raise LatentomeError(
                f"{source}, line {number}: a quotation mark is not closed; expected quotes in pairs, and one "
                "line a row; remove or close it"
            )
    delimiter = _delimiter(lines[top], lines[top + 1], source, top + 1)
    header = [name.strip() for name in split(lines[top], delimiter)]
    first = split(lines[top + 1], delimiter)
    if len(first) == len(header) + 1:
        # R leaves out the name of the row names; a spreadsheet ends every row with a delimiter instead.
        header = header + [""] if not first[-1].strip() else ["", *header]
    rows = lines[top + 1 :]
    while len(header) > 2 and not header[-1] and all(line.endswith(delimiter) for line in rows):
        header, rows = header[:-1], [line[:-1] for line in rows]
    _check_header(header, f"{source}, line {top + 1}")
    return TextTable(source, delimiter, header, top + 1, rows)
