"""A user's own small signatures in the raw formats, and prepare_signatures run on them in this process."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np

LANDMARKS, OTHERS, SIGNATURES = 978, 12, 24
COLUMNS = ["sig_id", "pert_id", "pert_iname", "pert_type", "cell_id", "pert_idose", "pert_itime"]
GENES = [str(100 + k) for k in range(LANDMARKS + OTHERS)]
IDS = [f"P1_A375_24H:BRD-K{k:08d}" for k in range(SIGNATURES)]


def values() -> np.ndarray:
    """z-scores [signatures x genes]."""
    return np.random.default_rng(3).normal(0, 1, (SIGNATURES, len(GENES))).astype(np.float32)


def gene_rows() -> list[list[str]]:
    """gene_info: all but every 80th gene are landmarks."""
    marks = ["0" if k % 80 == 5 and k // 80 < OTHERS else "1" for k in range(len(GENES))]
    head = ["pr_gene_id", "pr_gene_symbol", "pr_gene_title", "pr_is_lm", "pr_is_bing"]
    return [head, *([gene, f"G{gene}", "a gene", mark, "1"] for gene, mark in zip(GENES, marks, strict=True))]


def sheet_rows() -> list[list[str]]:
    """sig_info: six compounds in two cell lines."""
    return [
        COLUMNS,
        *(
            [name, f"BRD-K{k % 6:08d}", f"drug {k % 6}", "trt_cp", ("A375", "MCF7")[k % 2], "10 um", "24 h"]
            for k, name in enumerate(IDS)
        ),
    ]


def class_lines() -> list[str]:
    """CLUE's table; a name with an unquoted comma is in it."""
    return [
        ",pert_id,pert_iname,pcl_id,pcl_name,pcl_type,pcl_source",
        "1,BRD-K00000000,drug 0,CP_MEK_INHIBITOR,MEK inhibitor,CP,Broad_moa",
        "2,BRD-K00000001,drug 1,CP_MEK_INHIBITOR,MEK inhibitor,CP,Broad_moa",
        "3,BRD-K00000002,2,3-drug, twice,CP_SRC_INHIBITOR,SRC inhibitor, v-src,CP,Broad_moa",
    ]


def write_gctx(path: Path, matrix: np.ndarray, signatures: list[str], genes: list[str]) -> None:
    """A GCTX as LINCS writes it."""
    with h5py.File(path, "w") as file:
        file["/0/DATA/0/matrix"] = matrix
        file["/0/META/ROW/id"] = np.array(genes, "S")
        file["/0/META/COL/id"] = np.array(signatures, "S")


def put(
    folder: Path, matrix=None, signatures=IDS, genes=GENES, sheet=None, gene_info=None, classes=None
) -> Path:
    """Write all files; what is not given is good."""
    write_gctx(folder / "mine.gctx", values() if matrix is None else matrix, signatures, genes)
    for name, rows, default in (("sig_info.txt", sheet, sheet_rows), ("gene_info.txt", gene_info, gene_rows)):
        rows = default() if rows is None else rows
        (folder / name).write_text("".join("\t".join(row) + "\n" for row in rows))
    (folder / "pcls.csv").write_text("\n".join(class_lines() if classes is None else classes) + "\n")
    return folder


def prepare(folder: Path, matrix: str = "mine.gctx", expected=None, labelled=None, **source) -> Path:
    """Run prepare_signatures in this process; returns the folder of its outputs."""
    from workflow_scripts.l1000 import prepare_signatures

    resources = Path(__file__).parents[2] / "resources/l1000"
    out = folder / "results"
    names = ("signatures.h5ad", "counts.tsv", "cell_lines.tsv", "unmatched.tsv")
    prepare_signatures.main(
        SimpleNamespace(
            input=SimpleNamespace(
                matrix=[str(folder / matrix)], sig_info=[str(folder / "sig_info.txt")],
                gene_info=str(folder / "gene_info.txt"), classes=str(folder / "pcls.csv"),
                pert_info=[], hub_drugs=[], hub_samples=[],
                codes=str(resources / "published_codes.tsv"), synonyms=str(resources / "moa_synonyms.tsv"),
            ),
            output=SimpleNamespace(**{name.split(".")[0]: str(out / name) for name in names}),
            wildcards=SimpleNamespace(dataset="mine"),
            params=SimpleNamespace(
                sources=[{"matrix": matrix, "sig_info": "sig_info.txt", **source}], expected=expected,
                labelled=labelled, by_name=True, unmatched=0.05
            ),
        )
    )  # fmt: skip
    return out
