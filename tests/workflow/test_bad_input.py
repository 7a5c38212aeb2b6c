"""A user's own dataset by config alone; and every bad input is one line that names file and place."""

import gzip
import os

import anndata
import numpy as np
import pandas as pd
import pytest
from own_data import GROUPS, SAMPLES, block, changed, count_rows, deseq2, prepare, put, sheet_rows, text
from runs import good, refused, run

C, S = count_rows(), sheet_rows()
ROWS = len(C) - 1


def cell(value, row=4, column=2):
    """The count table with one other cell: by default line 5, sample s2."""
    return text(changed(C, row, column, value))


def column(values, name):
    """The sample sheet with other values in a column."""
    place = S[0].index(name)
    return text([S[0], *(r[:place] + [v] + r[place + 1 :] for r, v in zip(S[1:], values, strict=True))])


def tpm():
    numbers = np.array([row[1:] for row in C[1:]], float)
    scaled = numbers / numbers.sum(axis=0) * 1e6
    return text(
        [C[0], *([row[0], *(f"{v:.4f}" for v in line)] for row, line in zip(C[1:], scaled, strict=True))]
    )


def without(rows, place):
    return [row[:place] + row[place + 1 :] for row in rows]


def zero_in_each():
    return text([C[0], *(row[: i % 6 + 1] + ["0"] + row[i % 6 + 2 :] for i, row in enumerate(C[1:]))])


CELL = ("counts.csv", "line 5", "s2")
BAD_COUNTS = {
    "negative": (cell("-3"), CELL),
    "fractional": (cell("12.5"), CELL),
    "missing": (cell(""), CELL),
    "missing as NA": (cell("NA"), CELL),
    "not a number": (cell("many"), CELL),
    "scientific": (cell("1e+05"), CELL),
    "above 2^31": (cell("2147483648"), CELL),
    "decimal comma": (text(changed(C, 4, 2, "12,5"), "\t"), CELL),
    "thousands": (text(changed(C, 4, 2, "1,234"), ";"), CELL),
    "duplicate gene": (cell("g1", column=0), ("counts.csv", "line 5", "g1")),
    "empty gene": (cell("", column=0), ("counts.csv", "line 5")),
    "spreadsheet's gene": (cell("1-Mar", column=0), ("counts.csv", "line 5", "1-Mar")),
    "duplicate sample": (text(changed(C, 0, 2, "s1")), ("counts.csv", "line 1", "s1")),
    "empty": ("", ("counts.csv", "empty")),
    "header only": (text(C[:1]), ("counts.csv",)),
    "wrong delimiter": (text(C, "|"), ("counts.csv", "line 1")),
    "short line": (text([*C[:4], C[4][:-1], *C[5:]]), ("counts.csv", "line 5")),
    "not UTF-8": (text(changed(C, 4, 0, "gène")).encode("latin-1"), ("counts.csv", "line 5", "UTF-8")),
    "UTF-16": (text(C).encode("utf-16"), ("counts.csv", "UTF-16")),
    "TPM": (tpm(), ("counts.csv", "TPM")),
    "all-zero sample": (text([C[0], *([*r[:2], "0", *r[3:]] for r in C[1:])]), ("counts.csv", "s2")),
    "zero in every gene": (zero_in_each(), ("poscounts",)),
    "sample not in the sheet": (text(changed(C, 0, 6, "s7")), ("samples.csv", "s7")),
    "sample without counts": (text(without(C, 6)), ("samples.csv", "s6")),
    "an HTML page": ("<!DOCTYPE html>\n<html><body>503</body></html>\n", ("counts.csv",)),
    "one row of nothing": ("\n", ("counts.csv",)),
}
BAD_SHEETS = {
    "empty": ("", ("samples.csv", "empty")),
    "duplicate sample": (text(changed(S, 3, 0, "s2")), ("samples.csv", "s2", "line 3")),
    "no sample name": (text(changed(S, 3, 0, "")), ("samples.csv", "line 4")),
    "NA in the design": (text(changed(S, 3, 1, "NA")), ("samples.csv", "group", "s3")),
    "empty in the design": (text(changed(S, 3, 1, "")), ("samples.csv", "group", "s3")),
    "unknown column": (text(changed(S, 0, 1, "grp")), ("samples.csv", "group", "grp")),
    "one level": (column(["same"] * 6, "group"), ("group",)),
    "not UTF-8": (text(changed(S, 3, 1, "früh")).encode("latin-1"), ("samples.csv", "line 4", "UTF-8")),
    "short line": (text([*S[:3], S[3][:1], *S[4:]]), ("samples.csv", "line 4")),
    "UTF-16": (text(S).encode("utf-16"), ("samples.csv", "UTF-16")),
}
YOUNG = ["group", "2 young", "old-fed"]
BAD_CONTRASTS = {
    "unknown level": ("~ group", ["group", "3 young", "old-fed"], ("young", "3 young", "2 young")),
    "unknown factor": ("~ group", ["grp", "2 young", "old-fed"], ("young", "grp")),
    "same level twice": ("~ group", ["group", "2 young", "2 young"], ("young", "2 young")),
    "factor outside the design": ("~ lane", YOUNG, ("young", "group")),
    "confounded": ("~ answer + lane", ["answer", "on", "NO"], ("young", "answer", "lane")),
    "unclear boolean": ("~ group", ["group", True, "old-fed"], ("group", "YAML")),
    "code": ("~ I(system('touch x'))", YOUNG, ("expected",)),
    "code of R": ("~ group; system('touch x')", YOUNG, ("expected",)),
    "code of Python": ("~ __import__('os').system('touch x')", YOUNG, ("expected",)),
}


def not_prepared(folder, own, words):
    refused(lambda: prepare(folder, own), words, folder)


@pytest.mark.parametrize("case", BAD_COUNTS)
def test_bad_counts(tmp_path, case):
    content, words = BAD_COUNTS[case]
    not_prepared(tmp_path, block(put(tmp_path, counts=content)), words)


@pytest.mark.parametrize("case", BAD_SHEETS)
def test_bad_sheets(tmp_path, case):
    content, words = BAD_SHEETS[case]
    not_prepared(tmp_path, block(put(tmp_path, samples=content)), words)


@pytest.mark.parametrize("case", BAD_CONTRASTS)
def test_bad_contrasts(tmp_path, case, monkeypatch):
    monkeypatch.chdir(tmp_path)
    design, contrast, words = BAD_CONTRASTS[case]
    own = block(put(tmp_path), contrasts={"young": {"design": design, "contrast": contrast}})
    (tmp_path / "results").mkdir()
    not_prepared(tmp_path, own, words)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("cut", [0.3, 0.9, 1.0])
def test_truncated_gz(tmp_path, cut):
    whole = gzip.compress(text(C).encode())
    put(tmp_path, counts=whole[: int(len(whole) * cut) - 6], name="counts.csv.gz")
    not_prepared(tmp_path, block(tmp_path, counts="counts.csv.gz"), ("counts.csv.gz",))


def test_one_replicate_a_group(tmp_path):
    put(tmp_path, counts=text([[row[0], row[1], row[4]] for row in C]), samples=text([S[0], S[1], S[4]]))
    not_prepared(tmp_path, block(tmp_path), ("young", "replicate"))


@pytest.mark.parametrize("separator, zipped", [(",", False), ("\t", True), (";", False)])
@pytest.mark.parametrize("bom", [False, True])
def test_good_forms(tmp_path, separator, zipped, bom):
    data = ("\ufeff" * bom + text(C, separator)).encode()
    name = "counts.txt.gz" if zipped else "counts.txt"
    put(tmp_path, counts=gzip.compress(data) if zipped else data, name=name)
    made = anndata.read_h5ad(prepare(tmp_path, block(tmp_path, counts=name)))
    assert made.X.T.astype(str).tolist() == [row[1:] for row in C[1:]]
    assert list(made.obs_names) == SAMPLES and list(made.obs.group.astype(str)) == GROUPS
    assert list(made.var_names) == [row[0] for row in C[1:]]


def test_sheet_in_another_order_is_joined_by_name(tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, rows in zip(folders, (S, [S[0], *S[:0:-1]]), strict=True):
        folder.mkdir()
        put(folder, samples=text(rows))
    first, second = (anndata.read_h5ad(prepare(folder, block(folder))) for folder in folders)
    assert (first.X == second.X).all()
    pd.testing.assert_frame_equal(first.obs, second.obs)


@pytest.mark.needs_r
def test_poscounts_runs_where_every_gene_has_a_zero(tmp_path):
    own = block(put(tmp_path, counts=zero_in_each()), size_factors="poscounts")
    table = pd.read_csv(deseq2(prepare(tmp_path, own), own), sep="\t")
    assert len(table) == ROWS and table.pvalue.notna().sum() > ROWS / 2


# ---- through the real command line -------------------------------------------------------------------------------
TABLE = "results/bulk/mine/de/deseq2/young.tsv"
COUNTS = "results/bulk/mine/counts.h5ad"


def with_config(own, **bulk):
    return {"bulk": {"datasets": ["mine"], **bulk}, "datasets": {"bulk": {"mine": own}}}


def console_refusal(done, *words):
    """The run failed with one line of ours that has the words, and left nothing."""
    assert done.code != 0
    assert len(done.errors()) == 1, done.text[-3000:]
    for word in words:
        assert word in done.errors()[0]
    left = [path for path in (done.folder / "results/bulk/mine").rglob("*") if path.is_file()]
    assert [path.name for path in left] in ([], ["counts.h5ad"]), left
    return left


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A good run of an own dataset with levels that YAML, R and formulas stumble over."""
    folder = put(tmp_path_factory.mktemp("mine"), counts="\ufeff" + text(C))
    contrasts = {
        "young": {"design": "~ lane + group", "contrast": YOUNG},
        "answers": {"design": "~ answer", "contrast": ["answer", True, False]},  # as YAML reads on and NO
    }
    overlay = with_config(block(folder, contrasts=contrasts))
    return good(run(folder, TABLE, TABLE.replace("young", "answers"), overlays=("test", overlay))), overlay


@pytest.mark.needs_r
def test_own_dataset_by_config_alone(mine):
    done, _ = mine
    found = pd.read_csv(done.folder / TABLE, sep="\t", index_col="gene_id")
    assert found.index.tolist() == [row[0] for row in C[1:]]
    assert (found.log2FoldChange[:5] > 1).all() and (found.padj[:5] < 0.05).all()
    answers = pd.read_csv((done.folder / TABLE).with_name("answers.tsv"), sep="\t")
    assert answers.padj.min() > 0.01
    assert done.jobs()["run_deseq2"] == 2 and "train_nbvae" not in done.jobs()


@pytest.mark.needs_r
@pytest.mark.parametrize("lacks", ["R", "DESeq2"])
def test_without_r_or_deseq2(mine, tmp_path, lacks):
    _, overlay = mine
    gone = {
        "R": {"R_HOME": str(tmp_path / "no_r")},
        "DESeq2": {"R_LIBS_SITE": str(tmp_path), "R_LIBS_USER": "NULL"},
    }
    done = run(tmp_path, TABLE, overlays=("test", overlay), env={"R_LIBS": "", **gone[lacks]})
    assert len(console_refusal(done, lacks, "install", "r-bioc-deseq2")) == 1


def test_console_of_a_bad_count(tmp_path):
    overlay = with_config(block(put(tmp_path, counts=cell("-3"))))
    done = run(tmp_path, TABLE, overlays=("test", overlay))
    assert console_refusal(done, *CELL) == []
    assert "Traceback" in (tmp_path / "results/logs/prepare_counts/mine.log").read_text()


def test_console_of_code_in_a_design(tmp_path):
    code = {"young": {"design": "~ I(system('touch x'))", "contrast": YOUNG}}
    done = run(tmp_path, TABLE, overlays=("test", with_config(block(put(tmp_path), contrasts=code))))
    assert console_refusal(done, "system", "mine") == []
    assert not list(tmp_path.rglob("x")) and not os.path.exists("x")


def test_console_of_an_unknown_key(tmp_path):
    overlay = with_config(block(put(tmp_path), sample_colunm="sample"))
    done = run(tmp_path, COUNTS, overlays=("test", overlay))
    console_refusal(done, "datasets: bulk: mine", "sample_colunm", "sample_column")


def test_console_of_a_missing_mirror_file(tmp_path):
    (tmp_path / "mirror").mkdir()
    overlay = {"source": "mirror", "mirror": str(tmp_path / "mirror"), "bulk": {"datasets": ["gse60450"]}}
    done = run(tmp_path, "bulk", overlays=("test", overlay))
    console_refusal(done, "gse60450", "GSE60450_Lactation-GenewiseCounts.txt.gz", str(tmp_path / "mirror"))


def test_console_of_a_missing_own_file(tmp_path):
    own = block(put(tmp_path), counts="count.csv")
    done = run(tmp_path, COUNTS, overlays=("test", with_config(own)))
    console_refusal(done, "mine", "count.csv", "does not exist")
