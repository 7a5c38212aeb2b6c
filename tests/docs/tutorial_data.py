"""Small data of the tutorials, in the files that their text names, with the first lines that it shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import own_signatures
import own_spots

GENES, COMPOUNDS = 300, 40
SAMPLES = ["a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4"]
LINES = ("A375", "MCF7", "PC3")


def put_counts(folder: Path) -> None:
    """Negative binomial counts; the first 30 genes are four times higher in `b`."""
    rng = np.random.default_rng(5)
    mean = rng.uniform(20, 800, GENES)[:, None] * np.ones(len(SAMPLES))
    mean[:30, 4:] *= 4
    values = rng.negative_binomial(10, 10 / (10 + mean))
    rows = [["gene", *SAMPLES], *([f"g{k + 1}", *map(str, row)] for k, row in enumerate(values))]
    (folder / "counts.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    sheet = [["sample", "condition", "batch"]]
    sheet += [[s, "control" if s[0] == "a" else "treated", "xy"[k % 2]] for k, s in enumerate(SAMPLES)]
    (folder / "samples.csv").write_text("".join(",".join(row) + "\n" for row in sheet))


def put_signatures(folder: Path) -> None:
    """z-scores of six hidden programmes that a compound drives; DMSO and a third line are there to be left out."""
    rng = np.random.default_rng(3)
    rows = [
        (f"drug {k}", f"BRD-K{k:08d}", "trt_cp", line)
        for k in range(COMPOUNDS)
        for line in LINES
        for _ in range(2)
    ]
    rows += [("DMSO", "DMSO", "ctl_vehicle", line) for line in LINES for _ in range(4)]
    names = [f"P{k}_{line}_24H:{number}" for number, (_, _, k, line) in enumerate(rows)]
    activity = rng.normal(size=(COMPOUNDS, 6))
    genes = own_signatures.GENES
    loadings = rng.normal(size=(6, len(genes)))
    values = rng.normal(0, 1, (len(rows), len(genes)))
    for place, (_, identity, _, _) in enumerate(rows):
        if identity != "DMSO":
            values[place] += activity[int(identity[-8:])] @ loadings
    own_signatures.write_gctx(
        folder / "signatures.gctx", np.clip(values, -10, 10).astype(np.float32), names, genes
    )
    sheet = [own_signatures.COLUMNS]
    sheet += [
        [name, identity, drug, kind, line, "10 um", "24 h"]
        for name, (drug, identity, kind, line) in zip(names, rows, strict=True)
    ]
    for file, lines in (("sig_info.txt", sheet), ("gene_info.txt", own_signatures.gene_rows())):
        (folder / file).write_text("".join("\t".join(line) + "\n" for line in lines))


def put_section(folder: Path) -> None:
    """A Space Ranger folder, two sides of the section with genes of their own."""
    outs = folder / "outs"
    (outs / "spatial").mkdir(parents=True)
    own_spots.write_10x(outs / "filtered_feature_bc_matrix.h5")
    (outs / "spatial/tissue_positions.csv").write_text("\n".join(own_spots.position_lines()) + "\n")
    (outs / "spatial/scalefactors_json.json").write_text('{"spot_diameter_fullres": 55.0}\n')
