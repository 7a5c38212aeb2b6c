"""Count tables: every good form is read exactly, every bad one is refused by file and place."""

import gzip
import logging
import subprocess

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from workflow_scripts.lib.data.counts import check_counts, read_counts
from workflow_scripts.lib.errors import LatentomeError

GOOD = "gene\ta\tb\ng1\t1\t2\ng2\t0\t4\n"
FORMS = {
    "tab": GOOD,
    "comma": GOOD.replace("\t", ","),
    "semicolon": GOOD.replace("\t", ";"),
    "crlf": GOOD.replace("\n", "\r\n"),
    "old mac": GOOD.replace("\n", "\r"),
    "bom": "\ufeff" + GOOD,
    "no last newline": GOOD.rstrip(),
    "blank lines at the end": GOOD + "\n\n",
    "spreadsheet's empty rows": GOOD + "\t\t\n\t\t\n",
    "R header": "a\tb\ng1\t1\t2\ng2\t0\t4\n",
    "empty first cell": '"","a","b"\n"g1",1,2\n"g2",0,4\n',
    "quoted": '"gene"\t"a"\t"b"\n"g1"\t"1"\t"2"\n"g2"\t"0"\t"4"\n',
    "whole floats": "gene\ta\tb\ng1\t1.0\t2.00\ng2\t0.\t4\n",
    "spaces around": "gene, a, b\ng1 , 1, 2\ng2, 0 , 4\n",
    "trailing delimiter": "gene,a,b,\ng1,1,2,\ng2,0,4,\n",
    "trailing delimiter below": "gene,a,b\ng1,1,2,\ng2,0,4,\n",
    "comment": "# made by hand; on a Monday\n" + GOOD,
    "commented header": "# from biom\n#gene\ta\tb\ng1\t1\t2\ng2\t0\t4\n",
    "sep=": "sep=;\n" + GOOD.replace("\t", ";"),
    "tallies": GOOD + "__no_feature\t9\t9\n__ambiguous\t9\t9\n",
    "STAR": "gene\ta\tb\nN_unmapped\t7\t7\ng1\t1\t2\ng2\t0\t4\n",
}


@pytest.fixture
def put(tmp_path):
    def write(text, name="t.tsv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refusal(path, **options):
    with pytest.raises(LatentomeError) as caught:
        read_counts(path, **options)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(str(path)) and "expected" in message
    return message.removeprefix(str(path))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("zipped", [False, True])
def test_good_forms(put, form, zipped):
    data = FORMS[form].encode()
    table = read_counts(put(gzip.compress(data) if zipped else data, "t.txt.gz" if zipped else "t.txt"))
    assert table.ids == ["g1", "g2"] and list(table.counts) == ["a", "b"]
    assert table.counts.to_numpy().tolist() == [[1, 2], [0, 4]]
    assert (table.counts.dtypes == np.int64).all() and list(table.counts.index) == table.ids
    assert table.length is None and table.annotation.shape[1] == 0


def test_tallies_are_logged(put, caplog):
    caplog.set_level(logging.INFO)
    read_counts(put(FORMS["tallies"]))
    assert "__no_feature" in caplog.text


def test_ids_stay_text(put):
    assert read_counts(put("id\ta\n007\t1\n1e5x\t2\n12\t3\nNKX2-5\t1\nnan\t1\n")).ids == [
        "007", "1e5x", "12", "NKX2-5", "nan",
    ]  # fmt: skip


def test_feature_counts(put):
    text = (
        '# Program:featureCounts v2.0.1; Command:"featureCounts" "-a" "x.gtf"\n'
        "Geneid\tChr\tStart\tEnd\tStrand\tLength\ta.bam\tb.bam\n"
        "g1\tchr1;chr1\t1;20\t9;30\t+;+\t20\t5\t6\ng2\t2\t1\t9\t-\t9\t0\t3\n"
    )
    table = read_counts(put(text))
    assert list(table.counts) == ["a.bam", "b.bam"] and table.length.tolist() == [20, 9]
    assert list(table.annotation) == ["Chr", "Start", "End", "Strand"]
    assert table.annotation.loc["g1", "Chr"] == "chr1;chr1"


def test_annotation_is_kept(put, caplog):
    caplog.set_level(logging.INFO)
    text = "gene_id\tgene_name\twhat it does\ta\tdescription\ng1\tAbc\tx\t5\t12\ng2\tDef\tNA\t6\t5\n"
    table = read_counts(put(text))
    assert list(table.counts) == ["a"]
    assert list(table.annotation) == ["gene_name", "what it does", "description"]
    assert "what it does" in caplog.text


def test_gene_column(put):
    path = put("row\tsymbol\ta\n1\tAbc\t5\n2\tDef\t6\n")
    assert read_counts(path, gene_column="symbol").ids == ["Abc", "Def"]
    assert list(read_counts(path, gene_column="symbol").counts) == ["a"]
    message = refusal(path, gene_column="symbl")
    assert 'line 1: gene_column "symbl"' in message and 'did you mean "symbol"' in message


BAD = {
    "negative": (GOOD.replace("4", "-4"), ["line 3", 'sample "b"', 'gene "g2"', "-4 is negative"]),
    "fractional": (GOOD.replace("4", "1.5"), ["line 3", 'sample "b"', "1.5 is not a whole number"]),
    "NA": (GOOD.replace("4", "NA"), ["line 3", 'sample "b"', 'missing ("NA")']),
    "empty cell": (GOOD.replace("1\t2", "\t2"), ["line 2", 'sample "a"', 'gene "g1"', "empty"]),
    "all NA": ("gene\ta\tb\ng1\t1\tNA\ng2\t0\tNA\n", ["line 2", 'sample "b"', "missing"]),
    "error value": (GOOD.replace("4", "#REF!"), ["line 3", 'missing ("#REF!")']),
    "text": ("gene\ta\tb\ng1\t1\t2\ng2\tx\ty\n", ["line 3", 'sample "a"', '"x" is not a number']),
    "python's number": (GOOD.replace("4", "1_000"), ["line 3", '"1_000" is not a number']),
    "other digits": (GOOD.replace("4", "\uff14"), ["line 3", "is not a number"]),
    "boolean": ("gene\ta\tb\ng1\tTRUE\t1\ng2\t1\t1\n", ["line 2", '"TRUE" is not a number']),
    "first in file order": (GOOD.replace("2\n", "-1\n").replace("0", "x"), ["line 2", 'sample "b"']),
    "duplicate id": (GOOD + "g1\t1\t1\ng1\t2\t2\n", ["line 2", '"g1" stands 3 times', "line 4, line 5"]),
    "empty id": (GOOD.replace("g2", " "), ["line 3", "gene id is empty"]),
    "NA id": (GOOD.replace("g2", "NA"), ["line 3", 'gene id is "NA"']),
    "blank line": ("gene\ta\tb\ng1\t1\t2\n\ng2\t0\t4\n", ["line 3", "gene id is empty"]),
    "duplicate sample": (GOOD.replace("b", "a"), ["line 1", '"a" stands more than once (columns 2, 3)']),
    "unnamed sample": ("gene\t\tb\ng1\t1\t2\n", ["line 1", "column 2 has no name"]),
    "empty file": ("", ["the file is empty"]),
    "blank file": ("\n \n", ["the file is empty"]),
    "header only": ("gene\ta\tb\n", ["line 1", "no rows below the header"]),
    "comment only": ("# nothing\n", ["line 1", "no rows"]),
    "only tallies": ("gene\ta\n__no_feature\t4\n", ["no genes"]),
    "no samples": ("gene\tsymbol\ng1\tA\n", ["no sample column", '"symbol"']),
    "spaces": (GOOD.replace("\t", " "), ["line 1", "one column", "separated by spaces"]),
    "bars": (GOOD.replace("\t", "|"), ["line 1", "one column", "vertical bars"]),
    "one column": ("gene\ng1\n", ["line 1", "one column", "no separator"]),
    "mixed": ("gene\ta\tb\ng1,1,2\n", ["line 2", "1 field", "comma-separated", "3 tab-separated columns"]),
    "short line": (GOOD + "g3\t1\n", ["line 4", "2 fields", "3 tab-separated"]),
    "long line": (GOOD + "g3\t1\t2\t3\n", ["line 4", "4 fields"]),
    "no header": ("g1\t1\t2\ng2\t0\t4\n", ["line 1", "looks like data"]),
    "row numbers": (",gene,a\n0,g1,5\n1,g2,7\n", ["line 1", "only numbers the rows", "gene_column"]),
    "open quote": (GOOD.replace("g2", '"g2'), ["line 3", "quotation mark is not closed"]),
    "decimal comma": (GOOD.replace("4", "1,5"), ["line 3", 'sample "b"', "decimal comma"]),
    "decimal comma ;": ("gene;a;b\ng1;1;1,5\n", ["line 2", 'sample "b"', "decimal comma"]),
    "thousands": (GOOD.replace("4", "1,234"), ["line 3", "thousands separator"]),
    "scientific": (GOOD.replace("4", "1e+05"), ["line 3", 'sample "b"', "1e+05 is in scientific notation"]),
    "too large": (GOOD.replace("4", "2147483648"), ["line 3", 'sample "b"', "above 2^31-1"]),
    "far too large": (GOOD.replace("4", "9" * 30), ["line 3", "above 2^31-1"]),
    "exponent that crashes pandas": (GOOD.replace("4", "1e59999999999"), ["line 3", "above 2^31-1"]),
    "quotes that close too late": ('g\ta\tb\n"g1"\t"1""#"g2"\t"0""\t;\n', ["expected one line a row"]),
    "TPM": ("g\ta\tb\n1\t0\t999998.5\n2\t1000000\t1.5\n", ["line 2", "sums to about 1,000,000", "TPM"]),
    "rounded CPM": ("g\ta\tb\n1\t4\t999999\n2\t999996\t1\n", ["every sample sums to about 1,000,000", "CPM"]),
    "FPKM": ("g\ta\tb\n1\t0\t9.5\n2\t0.07\t1e-05\n", ["line 2", "most values have fractions", "FPKM"]),
    "date": (GOOD.replace("g2", "1-Mar"), ["line 3", '"1-Mar" was altered by a spreadsheet']),
    "date too": (GOOD.replace("g2", "2-Sep"), ["line 3", '"2-Sep"', "altered"]),
    "date reversed": (GOOD.replace("g2", "Mar-01"), ["line 3", '"Mar-01"', "altered"]),
    "RIKEN": (GOOD.replace("g2", "2.31E+13"), ["line 3", '"2.31E+13"', "altered"]),
    "web page": ("<!DOCTYPE html>\n<html></html>\n", ["line 1", "web page"]),
    "workbook": (b"PK\x03\x04" + bytes(40), ["workbook"]),
    "latin-1": (GOOD.replace("g2", "é").encode("latin-1"), ["line 3", "0xe9 at offset 16", "UTF-8"]),
    "utf-16": (GOOD.encode("utf-16"), ["line 1", "0xfffe first", "re-save the file as UTF-8"]),
    "utf-16, no mark": (GOOD.encode("utf-16-le"), ["line 1", "UTF-16", "re-save the file as UTF-8"]),
    "NUL": (GOOD.replace("4", "\0"), ["line 3", "NUL byte at offset 21", "UTF-8"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD)
def test_bad_text(put, fault):
    text, words = BAD[fault]
    message = refusal(put(text))
    for word in words:
        assert word in message


@pytest.mark.parametrize("cut", [15, -4, -9])
def test_truncated_gzip(put, cut):
    assert "truncated" in refusal(put(gzip.compress((GOOD * 50).encode())[:cut], "t.tsv.gz"))


@pytest.mark.parametrize("place", [14, -6])
def test_corrupt_gzip(put, place):
    data = bytearray(gzip.compress(GOOD.encode()))
    data[place] ^= 0xFF
    assert "damaged" in refusal(put(bytes(data), "t.tsv.gz"))


def test_missing_file(tmp_path):
    assert "No such file" in refusal(tmp_path / "absent.tsv")
    assert "directory" in refusal(tmp_path)


def test_altered_ids_can_be_kept(put, caplog):
    table = read_counts(put(GOOD + "1-Mar\t1\t1\n1-Mar\t2\t2\n"), altered_ids="keep")
    assert table.ids == ["g1", "g2", "1-Mar (line 4)", "1-Mar (line 5)"]
    assert "altered by a spreadsheet" in caplog.text


def test_all_zero_sample():
    counts = pd.DataFrame({"a": [1, 2], "b": [0, 0], "c": [0, 1]}, index=["g1", "g2"])
    with pytest.raises(LatentomeError, match=r'^x\.tsv: no read in sample "b" .*expected'):
        check_counts(counts, "x.tsv")
    check_counts(counts[["a", "c"]])


NAMES = st.text("abcXYZ019_-. é", min_size=1, max_size=6).map(lambda name: f"n{name.strip()}")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ids=st.lists(NAMES, min_size=1, max_size=8, unique=True),
    samples=st.lists(NAMES, min_size=1, max_size=5, unique=True),
    delimiter=st.sampled_from("\t,;"),
    zipped=st.booleans(),
    ends=st.sampled_from(["\n", "\r\n"]),
    style=st.sampled_from(["named", "empty", "R"]),
    data=st.data(),
)
def test_round_trip(put, ids, samples, delimiter, zipped, ends, style, data):
    size = len(ids) * len(samples)
    cells = data.draw(st.lists(st.integers(0, 400_000) | st.just(2**31 - 1), min_size=size, max_size=size))
    counts = pd.DataFrame(np.reshape(cells, (len(ids), -1)), index=ids, columns=samples)
    label = {"named": "gene id", "empty": "", "R": None}[style]
    text = counts.to_csv(sep=delimiter, lineterminator=ends, index_label=label or "")
    if style == "R":
        text = text.split(delimiter, 1)[1]
    if (abs(counts.sum() - 1e6) < 1e4).all():
        return
    path = put(gzip.compress(text.encode()) if zipped else text, "t.gz" if zipped else "t.csv")
    pd.testing.assert_frame_equal(read_counts(path).counts, counts.astype("int64"), check_names=False)


def test_h5ad(tmp_path):
    path = tmp_path / "t.h5ad"
    data = anndata.AnnData(
        sparse.csr_matrix(np.array([[1.0, 0], [2, 4]], dtype=np.float32)),
        obs=pd.DataFrame(index=["a", "b"]),
        var=pd.DataFrame({"symbol": ["A", "B"], "Length": [5, 6]}, index=["g1", "g2"]),
        layers={"raw": np.array([[3, 0], [2, 4]]), "tpm": np.array([[0.5, 0], [2, 4]])},
    )
    data.write_h5ad(path)
    table = read_counts(path)
    assert table.counts.to_numpy().tolist() == [[1, 2], [0, 4]] and table.ids == ["g1", "g2"]
    assert table.length.tolist() == [5, 6] and table.annotation["symbol"].tolist() == ["A", "B"]
    assert read_counts(path, layer="raw").counts.loc["g1", "a"] == 3
    assert read_counts(path, gene_column="symbol").ids == ["A", "B"]
    message = refusal(path, layer="tpm")
    assert 'layer "tpm", row 1' in message and 'sample "a"' in message and "0.5 is not a whole" in message
    assert 'did you mean "tpm"' in refusal(path, layer="tpmm")
    assert "symbol" in refusal(path, gene_column="symbols")


@pytest.mark.parametrize(
    "value, words",
    [(-1, "-1 is negative"), (np.nan, "missing"), (3e9, "above 2^31-1"), (np.inf, "is not a number")],
)
def test_bad_h5ad_values(tmp_path, value, words):
    path = tmp_path / "t.h5ad"
    anndata.AnnData(
        np.array([[1.0, 0], [2, value]]),
        obs=pd.DataFrame(index=["a", "b"]),
        var=pd.DataFrame(index=["g1", "g2"]),
    ).write_h5ad(path)
    message = refusal(path)
    assert words in message and "X, row 2" in message and 'sample "b"' in message and 'gene "g2"' in message


def test_broken_h5ad(put):
    assert "cannot be read as .h5ad" in refusal(put("text", "t.h5ad"))


@pytest.mark.filterwarnings("ignore::UserWarning:rdata")
@pytest.mark.needs_r
def test_rdata(tmp_path, put):
    script = """
    m <- matrix(c(1, 0, 2, 4), 2, dimnames = list(c("g1", "g2"), c("a", "b")))
    f <- data.frame(Feature = c("g1", "g2"), a = c(1L, 0L), b = c(2L, NA), stringsAsFactors = TRUE)
    r <- data.frame(a = c(1, 0), b = c(2, 1.5), row.names = c("g1", "g2"))
    s <- data.frame(id = c("g1", "g2"), symbol = c("A", "B"), a = 1:2)
    l <- list(1)
    save(m, f, r, s, l, file = "all.rda"); save(m, l, file = "one.RData", compress = "xz")
    """
    subprocess.run(["Rscript", "-e", script], check=True, cwd=tmp_path)
    assert read_counts(tmp_path / "one.RData").counts.to_numpy().tolist() == [[1, 2], [0, 4]]
    path = tmp_path / "all.rda"
    matrix = read_counts(path, object="m")
    assert matrix.ids == ["g1", "g2"] and (matrix.counts.dtypes == np.int64).all()
    message = refusal(path, object="f")
    assert 'object "f", row 2' in message and 'sample "b"' in message and "missing" in message
    assert "1.5 is not a whole number" in refusal(path, object="r")
    table = read_counts(path, object="s")
    assert table.ids == ["g1", "g2"] and table.annotation["symbol"].tolist() == ["A", "B"]
    assert read_counts(path, object="s", gene_column="symbol").ids == ["A", "B"]
    assert 'object "x" does not exist; expected one of: "m", "f"' in refusal(path, object="x")
    assert 'has "m", "f", "r", "s"' in refusal(path)
    (tmp_path / "cut.rda").write_bytes(path.read_bytes()[:90])
    assert "cannot be read as .RData" in refusal(tmp_path / "cut.rda")
    assert "cannot be read as .RData" in refusal(put("text", "t.rda"))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.sampled_from(sorted(FORMS)),
    place=st.integers(0, 60),
    cut=st.integers(0, 4),
    new=st.text('\t,;"#\n\r-.0e g_\ufeff', max_size=4).map(str.encode) | st.binary(max_size=3),
    zipped=st.booleans(),
)
def test_damage_is_refused_or_read_but_never_crashes(put, form, place, cut, new, zipped):
    data = FORMS[form].encode()
    data = gzip.compress(data) if zipped else data
    path = put(data[:place] + new + data[place + cut :])
    try:
        table = read_counts(path)
    except LatentomeError as error:
        assert "\n" not in str(error) and str(path) in str(error)
    else:
        assert (table.counts >= 0).all(axis=None) and table.counts.index.is_unique
