"""Readers of every raw format of spatial data: right in every spelling, or refused in one line."""

import gzip
import io
import json
import tarfile

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from spot_files import read, refused

from workflow_scripts.lib.data.spaceranger import read_positions
from workflow_scripts.lib.data.spot_positions import read_coordinates, side_by_side
from workflow_scripts.lib.data.spot_tables import read_count_matrix
from workflow_scripts.lib.data.spots import set_labels
from workflow_scripts.lib.errors import LatentomeError

SPOTS, GENES = 12, 5
BARCODES = [f"ACGT{k:04d}-1" for k in range(SPOTS)]
IDS = [f"ENSG{k}" for k in range(GENES)]
HEADER = "barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres\n"


@pytest.fixture(scope="module")
def counts():
    """[spots x genes], no gene and no spot empty."""
    return np.random.default_rng(0).poisson(2.0, (SPOTS, GENES)) + np.eye(SPOTS, GENES, dtype=int)


def ten_x(path, values, barcodes=BARCODES, genes=IDS, kinds=None, dtype=np.int32):
    columns = sparse.csc_matrix(np.asarray(values).T)
    with h5py.File(path, "w") as file:
        file["matrix/barcodes"] = np.array(barcodes, "S")
        file["matrix/shape"] = np.array(columns.shape, np.int32)
        file["matrix/data"] = columns.data.astype(dtype)
        file["matrix/indices"], file["matrix/indptr"] = columns.indices, columns.indptr
        file["matrix/features/id"] = np.array(genes, "S")
        file["matrix/features/name"] = np.array([f"sym{k}" for k in range(len(genes))], "S")
        file["matrix/features/feature_type"] = np.array(kinds or ["Gene Expression"] * len(genes), "S")
    return path


def position_lines(barcodes=BARCODES, inside=lambda k: 1):
    return [
        f"{name},{inside(k)},{k // 4},{k % 4},{100 + k},{2000 + 3 * k}\n" for k, name in enumerate(barcodes)
    ]


@pytest.fixture
def visium(tmp_path, counts):
    matrix = ten_x(tmp_path / "m.h5", counts)
    positions = tmp_path / "tissue_positions_list.csv"
    positions.write_text("".join(reversed(position_lines())))
    return matrix, positions


VISIUM = {"spots": {"format": "spaceranger"}}


def test_space_ranger_joins_positions_by_barcode(visium, counts, tmp_path):
    """The file lies in reverse; x is its last column."""
    (tmp_path / "s.json").write_text(json.dumps({"spot_diameter_fullres": 89.4}))
    spots = read(VISIUM, counts=visium[0], positions=visium[1], scalefactors=tmp_path / "s.json")
    assert spots.obs_names.tolist() == BARCODES and spots.var_names.tolist() == IDS
    assert np.array_equal(spots.X.toarray(), counts) and spots.X.dtype == np.int32
    assert spots.obsm["spatial"].tolist() == [[2000 + 3 * k, 100 + k] for k in range(SPOTS)]
    assert spots.obs.array_row.tolist() == [k // 4 for k in range(SPOTS)]
    assert spots.var.symbol.tolist() == [f"sym{k}" for k in range(GENES)]
    assert spots.uns["scalefactors"] == {"spot_diameter_fullres": 89.4}


@pytest.mark.parametrize("name", ["tissue_positions.csv", "tissue_positions_list.csv", "list.txt"])
@pytest.mark.parametrize("header", ["", HEADER])
def test_a_header_is_told_by_the_first_cell_not_by_the_name(tmp_path, name, header):
    (tmp_path / name).write_text(header + "".join(position_lines()))
    found = read_positions(tmp_path / name)
    assert found.index.tolist() == BARCODES and found.x.tolist() == [2000 + 3 * k for k in range(SPOTS)]


def test_positions_are_found_in_a_folder_and_in_an_archive(tmp_path):
    folder = tmp_path / "spatial"
    folder.mkdir()
    (folder / "tissue_positions.csv").write_text(HEADER + "".join(position_lines()))
    with tarfile.open(tmp_path / "spatial.tar.gz", "w:gz") as archive:
        archive.add(folder, "spatial")
    one, two = read_positions(folder), read_positions(tmp_path / "spatial.tar.gz")
    assert one.equals(two) and len(one) == SPOTS
    (tmp_path / "cut.tar.gz").write_bytes((tmp_path / "spatial.tar.gz").read_bytes()[:100])
    with pytest.raises(LatentomeError, match=r"archive cannot be read.*download it again"):
        read_positions(tmp_path / "cut.tar.gz")


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("/elsewhere/tissue_positions.csv", tarfile.REGTYPE, "lies outside it"),
        ("../tissue_positions.csv", tarfile.REGTYPE, "lies outside it"),
        ("spatial/../../tissue_positions.csv", tarfile.REGTYPE, "lies outside it"),
        ("spatial/tissue_positions.csv", tarfile.SYMTYPE, "is no file"),
        ("spatial/tissue_positions.csv", tarfile.LNKTYPE, "is no file"),
        ("spatial/image.png", tarfile.FIFOTYPE, "is no file"),
        ("spatial/image.png", tarfile.CHRTYPE, "is no file"),
    ],
)
def test_archives_with_links_or_members_outside_are_refused(tmp_path, name, kind, told):
    text = (HEADER + "".join(position_lines())).encode()
    with tarfile.open(tmp_path / "spatial.tar.gz", "w:gz") as archive:
        for member, of in (("spatial/tissue_positions_list.csv", tarfile.REGTYPE), (name, kind)):
            header = tarfile.TarInfo(member)
            header.type, header.linkname = of, "/etc/passwd"
            header.size = len(text) if of == tarfile.REGTYPE else 0
            archive.addfile(header, io.BytesIO(text))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LatentomeError, match=told) as caught:
        read_positions(tmp_path / "spatial.tar.gz")
    assert name in str(caught.value) and "passwd" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_spots_outside_the_tissue_and_other_features_are_left_out(tmp_path, counts):
    matrix = ten_x(tmp_path / "m.h5", counts, kinds=["Gene Expression"] * 4 + ["Antibody Capture"])
    positions = tmp_path / "p.csv"
    positions.write_text("".join(position_lines(inside=lambda k: int(k != 3))))
    spots = read(VISIUM, counts=matrix, positions=positions)
    assert spots.obs_names.tolist() == BARCODES[:3] + BARCODES[4:] and spots.n_vars == 4
    assert spots.uns["reading"]["spots in tissue"] == SPOTS - 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["the file is empty"]),
        ("".join(position_lines()[:9]), ["3 of the 12 barcodes", "have no position", '"ACGT0009-1"']),
        ("".join(position_lines()).replace("-1,", "-2,"), ["12 of the 12 barcodes", "ACGT0000-2"]),
        ("".join(line.rsplit(",", 2)[0] + "\n" for line in position_lines()), ["line 1: 4 columns", "the 6"]),
        ("".join(position_lines()).replace(",2006\n", "\n"), ["line 3: 5 columns"]),
        ("".join(position_lines()).replace(",2006\n", ",NaN\n"), ["line 3", '"ACGT0002-1"', '"NaN"']),
        ("".join(position_lines() + position_lines()[4:5]), ["line 13", '"ACGT0004-1"', "again"]),
        (HEADER.replace("pxl_row_in_fullres", "row") + "".join(position_lines()), ["line 1", "pxl_row_in_fullres"]),
        ("".join(position_lines(inside=lambda k: 0)), ["in_tissue is 1 for 0 of 12"]),
    ],
)  # fmt: skip
def test_bad_positions(visium, text, told):
    visium[1].write_text(text)
    refused(VISIUM, str(visium[1]), *told, counts=visium[0], positions=visium[1])


def test_bad_matrices(tmp_path, visium, counts):
    positions = visium[1]
    path = tmp_path / "bad.h5"
    for data, told in ((b"", "the file is empty"), (b"no HDF5 at all", "no 10x feature-barcode matrix")):
        path.write_bytes(data)
        refused(VISIUM, told, "downloaded whole", counts=path, positions=positions)
    path.write_bytes(visium[0].read_bytes()[:3000])
    refused(VISIUM, "no 10x feature-barcode matrix", counts=path, positions=positions)
    with h5py.File(path, "w") as file:
        file["other"] = np.arange(3)
    refused(VISIUM, "no 10x feature-barcode matrix", counts=path, positions=positions)
    refused(VISIUM, "no such file", counts=tmp_path / "none.h5", positions=positions)
    ten_x(path, counts, [*BARCODES[:-1], BARCODES[0]])
    refused(VISIUM, 'barcode "ACGT0000-1" stands 2 times', counts=path, positions=positions)
    for wrong, told in ((-1, "is negative"), (1.5, "is not a whole number"), (np.nan, "missing or infinite")):
        values = counts.astype(float)
        values[7, 2] = wrong
        ten_x(path, values, dtype=np.float64)
        refused(VISIUM, '"ACGT0007-1"', '"ENSG2"', told, counts=path, positions=positions)
    ten_x(path, counts * 0)
    refused(VISIUM, "5 genes have no count at all", counts=path, positions=positions)
    ten_x(path, counts[:1], BARCODES[:1])
    refused(VISIUM, "there is one spot", counts=path, positions=positions)


def table_text(counts, rows, columns, corner="GENE", sep="\t"):
    lines = [sep.join([*([corner] if corner is not None else []), *columns])]
    lines += [sep.join([name, *map(str, row)]) for name, row in zip(rows, counts.tolist(), strict=True)]
    return "\n".join(lines) + "\n"


BEADS = [f"ACGTAC{k:02d}" for k in range(SPOTS)]


@pytest.mark.parametrize("ending", [".txt", ".txt.gz"])
@pytest.mark.parametrize("header", ["barcode,xcoord,ycoord\n", "barcodes,x,y\n", "", ",X_coord,Y_coord\n"])
def test_slide_seq_with_every_header(tmp_path, counts, ending, header):
    path, places = tmp_path / f"digital_expression{ending}", tmp_path / "locations.csv"
    text = table_text(counts.T, IDS, BEADS)
    path.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())
    places.write_text(header + "".join(f"{name},{k}.5,{k}\n" for k, name in reversed(list(enumerate(BEADS)))))
    (tmp_path / "used.txt").write_text("\n".join([*BEADS[2:9], "NOBEAD"]) + "\n")
    block = {"spots": {"format": "slideseq"}}
    spots = read(block, counts=path, positions=places)
    assert np.array_equal(spots.X.toarray(), counts) and spots.obs_names.tolist() == BEADS
    assert spots.obsm["spatial"].tolist() == [[k + 0.5, k] for k in range(SPOTS)]
    used = read(block, counts=path, positions=places, barcodes=tmp_path / "used.txt")
    assert used.obs_names.tolist() == BEADS[2:9]
    assert used.uns["reading"]["barcodes wanted that are no spots"] == 1


def test_columns_are_found_whatever_stands_between(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("index,barcode,y,in,x\n0,AAA,1,7,2\n1,CCC,3,7,4\n")
    path.write_text("\n".join(["name,barcode,y,in,x", "0,AAA,1,7,2", "1,CCC,3,7,4"]))
    assert read_coordinates(path).loc["CCC"].tolist() == [4, 3]


def test_bad_slide_seq(tmp_path, counts):
    block = {"spots": {"format": "slideseq"}}
    path, places = tmp_path / "dge.txt", tmp_path / "p.csv"
    good, located = (
        table_text(counts.T, IDS, BEADS),
        "".join(f"{name},{k},{k}\n" for k, name in enumerate(BEADS)),
    )

    def fails(*told, text=good, at=located):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        places.write_text(at)
        refused(block, *told, counts=path, positions=places)

    lines = good.split("\n")
    cells = lines[3].split("\t")
    for cell, told in (
        ("-2", '"-2"'),
        ("1.5", '"1.5"'),
        ("", '""'),
        ("NA", '"NA"'),
        ("1e99999999999", '"1e'),
    ):
        bad = [*lines[:3], "\t".join([*cells[:4], cell, *cells[5:]]), *lines[4:]]
        fails("line 4, column 5", BEADS[3], told, "whole count", text="\n".join(bad))
    fails("line 4: 5 fields", text="\n".join([*lines[:3], "\t".join(cells[:5]), *lines[4:]]))
    fails("the file is empty", text="")
    fails("no rows below the header", text=lines[0])
    fails("truncated", text=gzip.compress(good.encode())[:-12])
    fails("no UTF-8", text="G\u00e8ne".encode("latin-1") + good.encode())
    fails('gene "ENSG1" stands 2 times', text=good.replace("ENSG4", "ENSG1"))
    fails("barcode", "stands 2 times", text=good.replace(BEADS[2], BEADS[1]))
    fails("2 of the 12 barcodes", "have no position", at="".join(located.splitlines(True)[2:]))
    fails("line 2", "no coordinates", at=located.replace(",1,1", ",1,nan"))
    fails("line 13", "again", at=located + located.splitlines(True)[5])
    fails("not three columns", at="".join(f"{name},{k}\n" for k, name in enumerate(BEADS)))
    fails("no column y", at="barcode,xcoord\n" + "".join(f"{name},{k}\n" for k, name in enumerate(BEADS)))
    fails("the file is empty", at="")


def test_a_table_in_pieces_is_the_whole_table(tmp_path, monkeypatch):
    values = np.random.default_rng(1).poisson(0.5, (50, 7))
    path = tmp_path / "t.csv"
    path.write_text(table_text(values, [f"g{k}" for k in range(50)], list("abcdefg"), corner=None, sep=","))
    whole = read_count_matrix(path)
    monkeypatch.setattr("workflow_scripts.lib.data.spot_tables.CELLS_AT_ONCE", 24)
    pieces = read_count_matrix(path)
    assert np.array_equal(whole.values.toarray(), values) and np.array_equal(pieces.values.toarray(), values)
    assert whole.rows == pieces.rows and pieces.columns == list("abcdefg")


ARRAY = [f"{10 + k % 4}x{5 + k // 4}" for k in range(SPOTS)]


@pytest.mark.parametrize("across", [False, True])
def test_spatial_transcriptomics_tables_either_way(tmp_path, counts, across):
    path = tmp_path / "A1.tsv"
    path.write_text(table_text(counts.T, IDS, ARRAY) if across else table_text(counts, ARRAY, IDS, corner=""))
    spots = read({"spots": {"format": "count_table"}}, counts=path)
    assert np.array_equal(spots.X.toarray(), counts) and spots.obs_names.tolist() == ARRAY
    assert spots.obsm["spatial"].tolist() == [[10 + k % 4, 5 + k // 4] for k in range(SPOTS)]
    stated = {
        "spots": {"format": "count_table", "orientation": "genes_by_spots" if across else "spots_by_genes"}
    }
    assert np.array_equal(read(stated, counts=path).X.toarray(), counts)
    refused({"spots": {"format": "count_table", "orientation": "up"}}, "orientation", counts=path)


def test_stereo_seqs_published_tables_number_the_spots(tmp_path, counts):
    path, places, used = tmp_path / "RNA_counts.tsv", tmp_path / "position.tsv", tmp_path / "used.txt"
    path.write_text(table_text(counts.T, IDS, [str(k) for k in range(1, SPOTS + 1)]))
    places.write_text("x\ty\tlabel\n" + "".join(f"{k}.25\t{2 * k}\t{k}\n" for k in range(SPOTS + 3, 0, -1)))
    used.write_text("Spot_3\nSpot_1\n")
    block = {"spots": {"format": "count_table"}}
    spots = read(block, counts=path, positions=places)
    assert spots.obs_names.tolist() == [f"Spot_{k}" for k in range(1, SPOTS + 1)]
    assert spots.obsm["spatial"][2].tolist() == [3.25, 6] and np.array_equal(spots.X.toarray(), counts)
    assert read(block, counts=path, positions=places, barcodes=used).obs_names.tolist() == [
        "Spot_1",
        "Spot_3",
    ]


def test_a_count_table_that_does_not_say_which_way_it_lies(tmp_path, counts):
    path = tmp_path / "t.tsv"
    path.write_text(table_text(counts, BEADS, IDS))
    refused({"spots": {"format": "count_table"}}, "cannot tell spots from genes", "orientation", counts=path)
    stated = {"spots": {"format": "count_table", "orientation": "spots_by_genes"}}
    refused(stated, "12 spots are not called by their place", "positions", counts=path)


def test_an_h5ad_that_is_none(tmp_path):
    path = tmp_path / "a.h5ad"
    block = {"spots": {"format": "h5ad"}}
    for data in (b"", b"text"):
        path.write_bytes(data)
        refused(block, "no readable .h5ad file", counts=path)
    anndata.AnnData(np.ones((3, 2))).write_h5ad(path)
    refused(block, 'obsm["spatial"] is missing', counts=path)


def test_sections_are_laid_side_by_side_for_a_drawing():
    positions = np.array([[5.0, 1.0], [9.0, 3.0], [6.0, 0.0], [8.0, 2.0]])
    np.testing.assert_array_equal(side_by_side(positions, None), positions)
    np.testing.assert_array_equal(side_by_side(positions, pd.Series(["a"] * 4)), positions)
    found = side_by_side(positions, pd.Series(["a", "a", "b", "b"], dtype="category"), gap=0.5)
    np.testing.assert_array_equal(found, [[0, 0], [4, 2], [6, 0], [8, 2]])


def test_words_for_no_label_are_no_labels():
    spots = anndata.AnnData(np.ones((5, 1), np.float32), obs=pd.DataFrame(index=list("abcde")))
    set_labels(spots, pd.Series(["L1", "NA", "nan", "None", ""]))
    assert list(spots.obs.label.cat.categories) == ["L1"] and spots.obs.label.notna().sum() == 1
