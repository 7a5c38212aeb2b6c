"""The real count tables of the mirror, read exactly. Set LATENTOME_MIRROR, or keep it in ../shared/mirror."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from workflow_scripts.lib.data.counts import check_counts, read_counts
from workflow_scripts.lib.data.samples import join_samples, read_samples
from workflow_scripts.lib.errors import LatentomeError

MIRROR = Path(os.environ.get("LATENTOME_MIRROR") or Path(__file__).parents[3] / "shared" / "mirror")
SEQC = "SEQC/SEQC_erccdashboard.RData"
LIBRARIES = {
    "DG": 23_227_641, "DH": 21_777_891, "DI": 24_100_765, "DJ": 22_665_371,
    "DK": 21_529_331, "DL": 20_015_386, "LA": 20_392_113, "LB": 21_708_152,
    "LC": 22_241_607, "LD": 21_988_240, "LE": 24_723_827, "LF": 24_657_293,
}  # fmt: skip


def mirrored(name):
    path = MIRROR / name
    if not path.exists():
        pytest.skip(f"{name} is not in the mirror ({MIRROR}); set LATENTOME_MIRROR to a folder that has it")
    return path


def test_gse60450():
    table = read_counts(mirrored("GSE60450/GSE60450_Lactation-GenewiseCounts.txt.gz"))
    counts = table.counts
    assert counts.shape == (27_179, 12)
    assert table.ids[:5] == ["497097", "100503874", "100038431", "19888", "20671"]
    assert counts.columns[0] == "MCL1-DG_BC2CTUACXX_ACTTGA_L002_R1"
    assert {name[5:7]: total for name, total in counts.sum().items()} == LIBRARIES
    assert (table.length.min(), table.length.median(), table.length.max()) == (9, 1976, 104_320)
    assert round(table.length.mean(), 1) == 2534.7 and table.annotation.shape[1] == 0
    assert counts.loc["110308"].tolist() == [
        58852, 43881, 47919, 51762, 87007, 69881, 105, 112, 88, 81, 102, 88,
    ]  # fmt: skip
    assert (counts.sum(axis=1) >= 10).sum() == 18_418 and (counts.sum(axis=1) == 0).sum() == 5_787
    check_counts(counts)


def test_gse91061():
    path = mirrored("GSE91061/GSE91061_BMS038109Sample.hg19KnownGene.raw.csv.gz")
    start = time.process_time()
    table = read_counts(path)
    assert time.process_time() - start < 2
    assert table.counts.shape == (22_187, 109) and table.length is None
    assert table.ids[:3] == ["1", "10", "100"] and table.counts.columns[0] == "Pt1_Pre_AD101148-6"
    assert table.counts.iloc[0, :4].tolist() == [436, 562, 306, 228]
    check_counts(table.counts)


def test_pasilla():
    table = read_counts(mirrored("pasilla/pasilla_gene_counts.tsv"))
    assert table.counts.shape == (14_599, 7) and table.ids[0] == "FBgn0000003"
    assert table.counts.loc["FBgn0000008"].tolist() == [92, 161, 76, 70, 140, 88, 70]
    sheet = read_samples(mirrored("pasilla/pasilla_sample_annotation.csv"))
    assert sheet.shape == (7, 5) and sheet.loc["treated1fb", "type"] == "single-read"
    with pytest.raises(LatentomeError, match='"untreated1".*did you mean "untreated1fb"'):
        join_samples(table.counts, sheet)


def test_seqc():
    path = mirrored(SEQC)
    table = read_counts(path, object="UHRR.HBRR.countDat")
    assert table.counts.shape == (43_919, 8) and (table.counts.dtypes == np.int64).all()
    assert table.counts.loc["ERCC-00002", "UHRR_1"] == 391_164
    assert sum(name.startswith("ERCC-") for name in table.ids) == 92
    with pytest.raises(LatentomeError, match='did you mean "UHRR.HBRR.countDat"'):
        read_counts(path, object="UHRR.countDat")


def test_seqc_rat_ids_were_altered_by_a_spreadsheet():
    path = mirrored(SEQC)
    with pytest.raises(
        LatentomeError, match='object "MET.CTL.countDat", row 7236: .*"1-Mar".* one of 23 such'
    ):
        read_counts(path, object="MET.CTL.countDat")
    table = read_counts(path, object="MET.CTL.countDat", altered_ids="keep")
    assert table.counts.shape == (16_590, 6) and "1-Mar (row 7236)" in table.ids
    assert table.counts.loc["ERCC-00002"].tolist() == [16629, 18798, 26568, 36600, 45436, 25163]
