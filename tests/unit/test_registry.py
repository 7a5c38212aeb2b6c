"""The registry of raw files: the shipped one, and every way in which one can be wrong."""

import csv
import os
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_scripts.lib.data.registry import COLUMNS, Entry, read_registry
from workflow_scripts.lib.errors import LatentomeError

MIRROR = Path(os.environ.get("LATENTOME_MIRROR") or Path(__file__).parents[3] / "shared" / "mirror")
SHIPPED = Path(__file__).parents[2] / "resources" / "datasets.tsv"
GOOD = {
    "dataset": "toy",
    "accession": "TOY1",
    "file": "b/file.bin",
    "url": "https://data.example/b/file.bin?download=1",
    "bytes": "12",
    "sha256": "ab" * 32,
    "md5": "cd" * 16,
    "licence": "CC0",
    "added": "2026-11-21",
    "note": "a toy",
}


def written(folder, *rows):
    lines = ["\t".join(COLUMNS), *("\t".join({**GOOD, **row}.values()) for row in rows)]
    path = folder / "datasets.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shipped():
    return read_registry(SHIPPED)


def test_row_comes_back_as_written(tmp_path):
    empty = {"file": "c", "url": "", "bytes": "", "sha256": "", "md5": ""}
    registry = read_registry(written(tmp_path, {}, empty))
    first, second = registry
    expected = {**GOOD, "bytes": 12, "added": date(2026, 11, 21)}
    assert {name: getattr(first, name) for name in COLUMNS} == expected
    assert (second.url, second.bytes, second.sha256, second.md5) == (None, None, None, None)
    assert registry.get("TOY1/b/file.bin") is first
    assert registry.dataset("toy") == [first, second]
    assert len(registry) == 2 and "TOY1/c" in registry and "TOY1/d" not in registry


def test_registry_without_rows(tmp_path):
    assert len(read_registry(written(tmp_path))) == 0


def test_unknown_names_are_told_with_what_may_be_meant(tmp_path):
    registry = read_registry(written(tmp_path, {}))
    with pytest.raises(LatentomeError, match='"TOY1/b/file.bim" has no row .did you mean "TOY1/b/file.bin"'):
        registry.get("TOY1/b/file.bim")
    with pytest.raises(LatentomeError, match='dataset "toyy" does not exist .did you mean "toy"'):
        registry.dataset("toyy")


WRONG = [
    ("dataset", "Toy", "small letters"),
    ("dataset", "", "small letters"),
    ("accession", "a/b", "one folder name"),
    ("accession", "..", "one folder name"),
    ("file", "../secret", "relative path"),
    ("file", "/etc/passwd", "relative path"),
    ("file", "a//b", "relative path"),
    ("file", "a/.hidden", "relative path"),
    ("file", ".hidden", "relative path"),
    ("file", "a b", "relative path"),
    ("file", "b.part", "does not end in .part"),
    ("file", "b.part.json", "does not end in .part"),
    ("file", "b.sha256", "does not end in .part"),
    ("url", "http://data.example/b", "https"),
    ("url", "https://user@data.example/b", "https"),
    ("url", "https://data.example/a b", "https"),
    ("url", "https://data.example", "https"),
    ("url", "see the paper", "https"),
    ("bytes", "0", "positive whole number"),
    ("bytes", "-5", "positive whole number"),
    ("bytes", "1.5", "positive whole number"),
    ("bytes", "1,000", "positive whole number"),
    ("bytes", "1e6", "positive whole number"),
    ("sha256", "ab" * 31, "64 lower-case hex"),
    ("sha256", "AB" * 32, "64 lower-case hex"),
    ("sha256", "cd" * 16, "64 lower-case hex"),
    ("md5", "cd" * 32, "32 lower-case hex"),
    ("md5", "xy" * 16, "32 lower-case hex"),
    ("licence", "", "the licence"),
    ("added", "21.11.2026", "YYYY-MM-DD"),
    ("added", "2026-02-30", "YYYY-MM-DD"),
    ("added", "20261121", "YYYY-MM-DD"),
    ("note", "", "a word"),
]


@pytest.mark.parametrize(("column", "value", "expected"), WRONG)
def test_wrong_cell_is_told_with_line_and_column(tmp_path, column, value, expected):
    path = written(tmp_path, {"file": "a"}, {column: value})
    with pytest.raises(LatentomeError) as caught:
        read_registry(path)
    told = str(caught.value)
    assert told.startswith(f"{path}, line 3, column {column}: ")
    assert expected in told and f'"{value[:50]}' in told and "\n" not in told


def test_first_of_several_is_told(tmp_path):
    path = written(
        tmp_path, {"file": "a"}, {"file": "b", "md5": "x", "bytes": "x"}, {"file": "c", "url": "x"}
    )
    with pytest.raises(LatentomeError, match=r"line 3, column bytes: .*\(and 2 more\)"):
        read_registry(path)


def test_duplicates_and_order(tmp_path):
    with pytest.raises(LatentomeError, match='line 3, column file: "TOY1/b/file.bin" is there twice'):
        read_registry(written(tmp_path, {}, {}))
    with pytest.raises(LatentomeError, match='line 3, column file: "TOY1/b/file.bin" is there twice'):
        read_registry(written(tmp_path, {"dataset": "other"}, {"dataset": "toy"}))
    with pytest.raises(LatentomeError, match="line 4, column file: .*sorted by dataset, then file"):
        read_registry(written(tmp_path, {"file": "a"}, {"file": "c"}, {"file": "b"}))
    with pytest.raises(LatentomeError, match="line 3, column file: .*sorted by dataset, then file"):
        read_registry(written(tmp_path, {"file": "a"}, {"dataset": "a", "file": "b"}))
    read_registry(written(tmp_path, {}, {"accession": "TOY2"}))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "line 1: the header is"),
        (b"dataset\tfile\n", "line 1: the header is .*expected the tab-separated columns dataset, accession"),
        ("\t".join(COLUMNS[::-1]).encode() + b"\n", "line 1: the header is"),
        ("\t".join(COLUMNS).encode() + b"\ntoy\tTOY1\n", "line 2: 2 fields; expected 10"),
        ("\t".join(COLUMNS).encode() + b"\n\n", "line 2: 1 field; expected 10"),
        ("\t".join(COLUMNS).encode() + b"\n\xff\xfe\n", "cannot be read .*expected UTF-8"),
    ],
)
def test_broken_file(tmp_path, content, match):
    path = tmp_path / "datasets.tsv"
    path.write_bytes(content)
    with pytest.raises(LatentomeError, match=match) as caught:
        read_registry(path)
    assert str(path) in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(LatentomeError, match="does not exist"):
        read_registry(tmp_path / "none.tsv")
    with pytest.raises(LatentomeError, match="cannot be read"):
        read_registry(tmp_path)


@given(column=st.sampled_from(COLUMNS), value=st.text(max_size=70))
def test_any_cell_is_either_taken_as_it_is_or_told(tmp_path_factory, column, value):
    path = written(tmp_path_factory.mktemp("any"), {column: value})
    try:
        (entry,) = read_registry(path)
    except LatentomeError as error:
        assert re.match(rf"{re.escape(str(path))},? (line \d+|cannot)", str(error))
        assert len(str(error).splitlines()) == 1
    else:
        assert str(getattr(entry, column) or "") == value.replace("\r", "\n")
        assert ".." not in Path(entry.key).parts and not Path(entry.key).is_absolute()


# the shipped registry


def test_every_study_has_its_files(shipped):
    datasets = {entry.dataset for entry in shipped}
    assert datasets >= {"gse60450", "pasilla", "seqc", "gse91061", "gene_sets"}
    assert datasets >= {"gse70138", "gse106127", "gse92742", "clue", "pretrained"}
    assert datasets >= {"dlpfc", "visium_hne", "breast_cancer", "slideseqv2", "stereoseq_mob"}
    assert datasets >= {"moses", "mnist", "fashion_mnist"}
    assert len([entry for entry in shipped.dataset("pretrained") if entry.file.endswith(".pth")]) == 15
    assert (
        len([e for e in shipped.dataset("dlpfc") if e.file.endswith("_filtered_feature_bc_matrix.h5")]) == 12
    )
    level3 = "GSE70138/GSE70138_Broad_LINCS_Level3_INF_mlr12k_n345976x12328_2017-03-06.gctx.gz"
    assert shipped.get(level3).bytes == 13_540_497_238


def test_what_is_not_known_is_said(shipped):
    for entry in shipped:
        checksum = entry.sha256 or entry.md5
        if not entry.url:
            assert re.search("only in a mirror|no plain https address known", entry.note), entry.key
        if not checksum:
            assert "checksum not known" in entry.note, entry.key
        if "re-compressed" in entry.note:
            assert entry.sha256 is None or entry.md5, f"{entry.key}: is that the mirror copy's checksum?"
        if "converted .h5ad" in entry.note:
            assert "X raw integer counts" in entry.note and "obsm spatial" in entry.note


def test_addresses_do_not_move(shipped):
    """GitHub files are pinned to a commit; GEO's are those of their own series."""
    for entry in shipped:
        if entry.url and "githubusercontent" in entry.url:
            assert re.search("/[0-9a-f]{40}/", entry.url), entry.key
        if entry.url and "ncbi.nlm.nih.gov/geo" in entry.url:
            stem = f"/geo/series/{entry.accession[:-3]}nnn/{entry.accession}/suppl/"
            assert entry.url == f"https://ftp.ncbi.nlm.nih.gov{stem}{entry.file}"
        assert entry.added == date(2026, 11, 21) or entry.added > date(2026, 11, 21)


def test_mirror_has_what_the_registry_says(shipped):
    manifest = MIRROR / "MANIFEST.tsv"
    if not manifest.exists():
        pytest.skip(f"there is no mirror in {MIRROR}; set LATENTOME_MIRROR to one")
    with manifest.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            entry = shipped.get(row["file"])
            same = row["sha256"] == entry.sha256 and int(row["bytes"]) == entry.bytes
            not_compared = entry.sha256 is None and entry.md5 is None and "not compared" in entry.note
            assert same or not_compared or "re-compressed" in entry.note, entry.key


def test_entry_is_a_value():
    assert Entry("a", "b", "c/d") == Entry("a", "b", "c/d")
    assert Entry("a", "b", "c/d").key == "b/c/d"
