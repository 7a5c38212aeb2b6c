"""A user's own level-3 wells and images in the raw formats, and the rules that read them run in this process."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd

LANDMARKS, TREATED, CONTROLS = 978, 24, 4
GENES = [str(100 + k) for k in range(LANDMARKS)]
SMILES = [
    f"{'C' * (1 + k // 6)}{ring}" for k in range(TREATED) for ring in [("c1ccccc1", "C1CC1", "c1ccncc1", "C1CCCC1",
    "c1ccsc1", "C1CCNCC1")[k % 6]]
]  # fmt: skip
IMAGES = {"train": 360, "t10k": 64}


def sheet() -> pd.DataFrame:
    """Wells of one plate as LINCS names their columns: treated ones, then vehicle controls."""
    treated = pd.DataFrame(
        {"pert_id": [f"BRD-K{k:08d}" for k in range(TREATED)], "pert_type": "trt_cp", "canonical_smiles": SMILES,
         "pert_dose": 10.0}
    )  # fmt: skip
    control = pd.DataFrame(
        {"pert_id": ["DMSO"] * CONTROLS, "pert_type": "ctl_vehicle", "canonical_smiles": "-666", "pert_dose": -666.0}
    )  # fmt: skip
    found = pd.concat([treated, control], ignore_index=True)
    found = found.assign(pert_dose_unit="um", rna_plate="P1", cell_id="A375", pert_time=6)
    return found.set_index(pd.Index([f"P1:{k}" for k in range(len(found))]))


def values() -> np.ndarray:
    """log2 expression [wells x genes]."""
    return np.random.default_rng(4).normal(8, 1, (TREATED + CONTROLS, LANDMARKS)).astype(np.float32)


def gene_lines() -> list[str]:
    """gene_info: every gene is a landmark."""
    head = "pr_gene_id\tpr_gene_symbol\tpr_gene_title\tpr_is_lm\tpr_is_bing"
    return [head, *(f"{gene}\tG{gene}\ta gene\t1\t1" for gene in GENES)]


def put(folder: Path, obs: pd.DataFrame | None = None, matrix: np.ndarray | None = None, genes=GENES) -> Path:
    """Write wells and gene_info; what is not given is good."""
    obs = sheet() if obs is None else obs
    data = anndata.AnnData(values() if matrix is None else matrix, obs, pd.DataFrame(index=genes))
    data.write_h5ad(folder / "wells.h5ad")
    (folder / "gene_info.txt").write_text("\n".join(gene_lines()) + "\n")
    return folder


def settings(**changes) -> dict:
    """Settings of the pairs."""
    return {
        "split": "molecule", "split_seed": 0, "held_out_cell": None, "most_unreadable": 0.05,
        "missing_landmarks": 60, **changes,
    }  # fmt: skip


def prepare(
    folder: Path,
    wells: str | None = "wells.h5ad",
    ready=(),
    smiles=(),
    signatures=(),
    notation="smiles",
    **changes,
) -> Path:
    """Run prepare_pairs in this process; returns the folder of its outputs."""
    from workflow_scripts.molecules import prepare_pairs

    out = folder / "results"
    prepare_pairs.main(
        SimpleNamespace(
            input=SimpleNamespace(
                gene_info=[str(folder / "gene_info.txt")], smiles=[str(folder / name) for name in smiles],
                ready_pairs=[str(folder / name) for name in ready], pretraining=[], inst_info=[],
                wells=[str(folder / wells)] if wells else [],
                signatures=[str(folder / name) for both in signatures for name in both],
            ),
            output=SimpleNamespace(
                pairs=str(out / "pairs.h5ad"),
                **{name: str(out / f"{name}.tsv") for name in ("splits", "left_out", "noise")},
            ),
            wildcards=SimpleNamespace(dataset="mine"),
            params=SimpleNamespace(
                settings=settings(**changes), notation=notation,
                sources=[{"file": wells}] if wells else [],
            ),
        )
    )  # fmt: skip
    return out


def idx(data: np.ndarray, kind: int = 8) -> bytes:
    """Bytes of an IDX file, gzipped."""
    head = bytes([0, 0, kind, data.ndim]) + b"".join(size.to_bytes(4, "big") for size in data.shape)
    return gzip.compress(head + data.astype(np.uint8).tobytes(), mtime=0)


def put_images(folder: Path, **changed: bytes) -> Path:
    """Write MNIST's four files, few images of noise; `changed` by name, dashes as underscores."""
    rng = np.random.default_rng(5)
    for part, number in IMAGES.items():
        files = {
            f"{part}-images-idx3-ubyte.gz": idx(rng.integers(0, 256, (number, 28, 28))),
            f"{part}-labels-idx1-ubyte.gz": idx(np.arange(number) % 10),
        }
        for name, data in files.items():
            key = name.split("-ubyte")[0].replace("-", "_")
            (folder / name).write_bytes(changed.get(key, data))
    return folder


def build(folder: Path, **changes) -> Path:
    """Run build_image_pairs in this process; returns the folder of its outputs."""
    from workflow_scripts.molecules import build_image_pairs

    out = folder / "results"
    files = {
        part: [str(folder / f"{name}-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1")]
        for part, name in (("train", "train"), ("test", "t10k"))
    }
    params = {"images": None, "seed": 7, "information": {"batch": 8}, "statistics": {}, **changes}
    build_image_pairs.main(
        SimpleNamespace(
            input=SimpleNamespace(**files), params=SimpleNamespace(**params),
            output=SimpleNamespace(pairs=str(out / "image_pairs.safetensors"), facts=str(out / "statistics.tsv")),
            wildcards=SimpleNamespace(dataset="mine"),
        )
    )  # fmt: skip
    return out
