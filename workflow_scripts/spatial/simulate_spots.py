"""Simulate one tissue as Visium, Slide-seq and Stereo-seq would measure it, in their raw formats, with the truth."""

import gzip
import io
import logging

import anndata
import h5py
import numpy as np
import pandas as pd

from workflow_scripts.lib.data.simulate_spots import (
    PITCH,
    PLATFORMS,
    PROGRAMMES,
    SimulatedSpots,
    scatter_over_dnbs,
    simulate_spots,
)
from workflow_scripts.lib.files import replacing, write_atomic, write_json
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.seeds import derive_seed
from workflow_scripts.lib.tables import write_table

log = logging.getLogger("latentome")

UNLABELLED = 0.01
"""Share of the spots whose label is left out, as annotators do at the tissue's edge."""
SPOT_PX = 55 / 100 * PITCH  # a spot is 55 um wide, neighbours are 100 um apart


def write_10x(made: SimulatedSpots, path: str) -> None:
    """Write as Space Ranger's feature-barcode matrix."""
    genes = made.genes.index.to_numpy().astype("S")
    counts = made.counts.T.tocsc()
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["filetype"] = "matrix"
        file.attrs["version"] = 2
        file.attrs["software_version"] = "simulated"
        matrix = file.create_group("matrix")
        matrix["barcodes"] = made.spots.index.to_numpy().astype("S")
        matrix["shape"] = np.array(counts.shape, dtype=np.int32)
        for name in ("data", "indices", "indptr"):
            kind = np.int32 if name == "data" else np.int64
            matrix.create_dataset(name, data=getattr(counts, name).astype(kind), compression="gzip")
        features = matrix.create_group("features")
        features["id"], features["name"] = genes, genes
        features["feature_type"] = np.full(len(genes), b"Gene Expression")
        features["genome"] = np.full(len(genes), b"simulated")
        features["_all_tag_keys"] = np.array([b"genome"])


def write_positions(made: SimulatedSpots, path: str) -> None:
    """Write as Space Ranger 2 does: with a header, and the spots outside the tissue too."""
    table = pd.concat([made.spots.assign(in_tissue=1), made.background.assign(in_tissue=0)])
    table = table.sort_values(["array_row", "array_col"]).reset_index(names="barcode")
    table = table[["barcode", "in_tissue", "array_row", "array_col", "y", "x"]].astype({"y": int, "x": int})
    table = table.set_axis([*table.columns[:4], "pxl_row_in_fullres", "pxl_col_in_fullres"], axis=1)
    write_atomic(path, table.to_csv(index=False, lineterminator="\n"))


def write_gem(lines: pd.DataFrame, path: str) -> None:
    """Write as a gzipped GEM with its comment lines."""
    text = "#FileFormat=GEMv0.1\n#BinSize=1\n#Stereo-seqChip=simulated\n"
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as stream:
        stream.write((text + lines.to_csv(sep="\t", index=False, lineterminator="\n")).encode())
    write_atomic(path, buffer.getvalue())


def write_truth(made: SimulatedSpots, path: str) -> None:
    """Write the noise-free rates, with every programme's loadings and activities."""
    names = list(PROGRAMMES)
    truth = anndata.AnnData(
        made.rates.astype(np.float32),
        obs=made.spots[["label", "depth"]].astype({"label": "category"}),
        var=made.genes[["abundance", "shape"]],
        obsm={
            "spatial": made.spots[["x", "y"]].to_numpy(float),
            "activity": made.spots[names].to_numpy(float),
        },
        varm={"loadings": made.genes[names].to_numpy(float)},
        uns={"programmes": np.array(names, dtype=object)},
    )
    with replacing(path) as temporary:
        truth.write_h5ad(temporary)


def write_labels(made: SimulatedSpots, seed: int, path: str) -> None:
    """Write the domains of nearly all spots."""
    rng = np.random.default_rng(derive_seed(seed, "spatial", "unlabelled", len(made.spots)))
    known = made.spots[rng.random(len(made.spots)) >= UNLABELLED]
    write_table(known.label.reset_index(), path)


def main(snakemake) -> None:
    output, seed, sizes = snakemake.output, snakemake.params.seed, snakemake.params.spots or {}
    made = {name: simulate_spots(name, seed, sizes.get(name)) for name in PLATFORMS}
    for name, found in made.items():
        umis = np.median(np.asarray(found.counts.sum(axis=1)))
        log.info("%s: %d spots x %d genes, median %d UMIs a spot", name, *found.counts.shape, umis)
        write_truth(found, output[f"{name}_truth"])
        write_labels(found, seed, output[f"{name}_labels"])
    write_10x(made["visium"], output.visium)
    write_positions(made["visium"], output.visium_positions)
    scales = {"tissue_hires_scalef": 0.15, "tissue_lowres_scalef": 0.045}
    sizes_px = {"spot_diameter_fullres": SPOT_PX, "fiducial_diameter_fullres": SPOT_PX * 1.6154}
    write_json(output.visium_scalefactors, {**scales, **sizes_px})
    beads = made["slideseq"]
    dense = pd.DataFrame(beads.counts.T.toarray(), index=beads.genes.index, columns=beads.spots.index)
    write_table(dense.rename_axis("GENE").reset_index(), output.slideseq)
    places = beads.spots[["x", "y"]].rename(columns={"x": "xcoord", "y": "ycoord"}).reset_index()
    write_atomic(output.slideseq_positions, places.to_csv(index=False, lineterminator="\n"))
    write_gem(scatter_over_dnbs(made["stereo"], seed), output.stereo)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("numpy", "pandas", "anndata", "h5py"), seed=snakemake.params.seed):
        main(snakemake)
