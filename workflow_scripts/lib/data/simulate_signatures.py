"""Simulated L1000 signatures with known programmes, written as GEO and CLUE write theirs.

A perturbation switches on a few gene programmes. How far, follows its class, its dose (Hill), its potency and the cell
line's sensitivity; what a gene does then, bends: it answers to the programme's activity with its own half-maximum. So
the signatures of a class lie on a curve in gene space, which a linear method needs several components for. Added to
it: a shift of each plate, the cell line's own noise, and the measurement's. Knock-downs of a class's target switch on
the class's programmes; a hairpin's seed adds an effect of its own, the same for every gene that it is meant for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

DOSES = (0.04, 0.12, 0.37, 1.11, 3.33, 10.0)
CELL_LINES = ("A375", "HT29", "MCF7", "PC3")
CLASSES = (
    "MEK", "PROTEASOME", "HDAC", "HSP", "MTOR", "TUBULIN", "TOPOISOMERASE", "HMGCR", "CDK", "BROMODOMAIN", "SRC",
    "AURORA_KINASE",
)  # fmt: skip
PLATE_SD, NOISE_SD, LARGEST = 0.35, 0.8, 5.0


@dataclass(frozen=True)
class SimulatedSignatures:
    """What the simulator made.

    Attributes
    ----------
    matrix
        Level-5 z-scores, float32, [signatures x genes of the file]; landmarks are among other genes.
    sig_info
        As GEO's, one row a signature.
    gene_info
        As GEO's, one row a gene of the file.
    classes
        Members of the perturbagen classes, as CLUE's table.
    drugs
        Name, mechanism and targets, as the Repurposing Hub's table.
    activity
        Truth: activity of each programme, [signatures x programmes].
    loadings
        Truth: each landmark gene's largest response to each active programme, [landmarks x programmes].
    """

    matrix: np.ndarray
    sig_info: pd.DataFrame
    gene_info: pd.DataFrame
    classes: pd.DataFrame
    drugs: pd.DataFrame
    activity: pd.DataFrame
    loadings: pd.DataFrame


def gene_table(landmarks: int, others: int, rng: np.random.Generator) -> pd.DataFrame:
    """A gene_info table with the landmarks scattered among the other genes."""
    total = landmarks + others
    is_landmark = np.zeros(total, int)
    is_landmark[np.sort(rng.choice(total, landmarks, replace=False))] = 1
    ids = np.sort(rng.choice(np.arange(10, 90_000), total, replace=False))
    return pd.DataFrame(
        {
            "pr_gene_id": ids.astype(str),
            "pr_gene_symbol": [f"GENE{k + 1}" for k in range(total)],
            "pr_gene_title": "simulated gene",
            "pr_is_lm": is_landmark.astype(str),
            "pr_is_bing": "1",
        }
    )


def respond(activity: np.ndarray, up: np.ndarray, down: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Genes' answers, summed over programmes, [signatures x genes].

    loading x |a|^3 / (|a|^3 + half^3), with the loadings `up` of an active programme and `down` of a repressed one.
    """
    total = np.zeros((len(activity), len(up)))
    for k in range(activity.shape[1]):
        cubed = np.abs(activity[:, [k]]) ** 3
        loading = np.where(activity[:, [k]] > 0, up[:, k], down[:, k])
        total += loading * cubed / (cubed + half[:, k] ** 3)
    return total


def simulate_signatures(
    seed: int,
    programmes: int = 10,
    compounds: int = 60,
    knock_downs: int = 40,
    replicates: int = 2,
    landmarks: int = 978,
    others: int = 322,
) -> SimulatedSignatures:
    """Simulate compounds in every class, cell line and dose, knock-downs and vehicle controls.

    Parameters
    ----------
    seed
        Of everything.
    programmes
        Gene programmes.
    compounds
        Compounds, the same number in each class.
    knock_downs
        Genes knocked down, three hairpins each; the targets of the classes are among them.
    replicates
        Signatures of each compound, cell line and dose, on different plates.
    landmarks, others
        Genes in the file.

    Returns
    -------
    SimulatedSignatures
    """
    rng = np.random.default_rng(seed)
    genes = gene_table(landmarks, others, rng)
    up, down = (
        np.where(
            rng.random((landmarks, programmes)) < 0.12, rng.normal(0, LARGEST, (landmarks, programmes)), 0.0
        )
        for _ in range(2)
    )
    half = np.exp(rng.normal(np.log(0.6), 0.9, (landmarks, programmes)))
    # Each class has a programme of its own, up or down, and shares others.
    shape = (len(CLASSES), programmes)
    profile = np.where(rng.random(shape) < 0.25, rng.choice([-1, 1], shape), 0) * rng.uniform(0.5, 1.0, shape)
    for k in range(len(CLASSES)):
        profile[k, k % programmes] = (1.0 if k < programmes else -1.0) * rng.uniform(0.9, 1.2)
    sensitivity = np.exp(rng.normal(0, 0.3, (len(CELL_LINES), programmes)))
    drugs, rows, activity = _compounds(rng, profile, sensitivity, compounds, replicates)
    targets, more_rows, more_activity = _knock_downs(rng, profile, sensitivity, genes, knock_downs)
    rows += more_rows
    off_target = np.array([row.pop("seed_effect", -1) for row in rows])
    activity = np.vstack([activity, more_activity])
    controls = 24 * len(CELL_LINES)
    for k in range(controls):
        cell, plate = CELL_LINES[k % len(CELL_LINES)], k // len(CELL_LINES) % 8
        rows.append(_row("DMSO", "DMSO", "ctl_vehicle", cell, None, plate, k))
    activity = np.vstack([activity, np.zeros((controls, programmes))])
    off_target = np.concatenate([off_target, np.full(controls, -1)])
    order = rng.permutation(len(rows))
    sheet = pd.DataFrame([rows[k] for k in order])
    activity, off_target = activity[order], off_target[order]
    clean = respond(activity, up, down, half)
    seeds = rng.normal(0, 0.6, (off_target.max() + 2, landmarks))
    seeds[-1] = 0.0
    plates = {plate: rng.normal(0, PLATE_SD, landmarks) for plate in sheet.plate.unique()}
    values = clean + seeds[off_target] + np.array([plates[plate] for plate in sheet.plate])
    values += rng.normal(0, NOISE_SD, values.shape)
    matrix = rng.normal(0, 1, (len(sheet), landmarks + others)).astype(np.float32)
    matrix[:, genes.pr_is_lm.to_numpy() == "1"] = values
    names = [f"programme{k + 1}" for k in range(programmes)]
    members = drugs.assign(
        pcl_id="CP_" + drugs.class_name + "_INHIBITOR", pcl_name=drugs.class_name + " inhibitor"
    )
    hub = drugs.assign(moa=drugs.class_name.str.replace("_", " ") + " inhibitor")
    hub["target"] = hub.class_name.map(targets)
    return SimulatedSignatures(
        np.clip(matrix, -10, 10),
        sheet.drop(columns="plate"),
        genes,
        members[["pert_id", "pert_iname", "pcl_id", "pcl_name"]],
        hub[["pert_id", "pert_iname", "moa", "target"]],
        pd.DataFrame(activity, columns=names, index=pd.Index(sheet.sig_id, name="sig_id")),
        pd.DataFrame(up, columns=names, index=genes.pr_gene_id[genes.pr_is_lm == "1"]),
    )


def _row(pert_id: str, name: str, kind: str, cell: str, dose: float | None, plate: int, well: int) -> dict:
    plate_name = f"SIM{plate + 1:03d}_{cell}_24H"
    return {
        "sig_id": f"{plate_name}:{pert_id}:{well}",
        "pert_id": pert_id,
        "pert_iname": name,
        "pert_type": kind,
        "cell_id": cell,
        "pert_dose": "-666" if dose is None else f"{dose:g}",
        "pert_dose_unit": "-666" if dose is None else "um",
        "pert_idose": "-666" if dose is None else f"{dose:g} um",
        "pert_itime": "96 h" if kind == "trt_sh" else "24 h",
        "plate": plate_name,
    }


def _compounds(
    rng: np.random.Generator, profile: np.ndarray, sensitivity: np.ndarray, count: int, replicates: int
) -> tuple[pd.DataFrame, list[dict], np.ndarray]:
    rows: list[dict] = []
    activity, drugs = [], []
    for k in range(count):
        kind = k % len(CLASSES)
        drug = {
            "pert_id": f"BRD-K{10_000_000 + k}",
            "pert_iname": f"compound-{k + 1}",
            "class_name": CLASSES[kind],
        }
        drugs.append(drug)
        own = profile[kind] * np.exp(rng.normal(0, 0.15, profile.shape[1]))
        potency, efficacy = np.exp(rng.normal(np.log(1.0), 0.8)), rng.uniform(0.9, 1.4)
        for line, cell in enumerate(CELL_LINES):
            for dose in DOSES:
                strength = 2.0 * efficacy * dose / (dose + potency)
                for replicate in range(replicates):
                    plate = 4 * (k // 8) + replicate
                    rows.append(
                        _row(drug["pert_id"], drug["pert_iname"], "trt_cp", cell, dose, plate, len(rows))
                    )
                    activity.append(strength * own * sensitivity[line] * np.exp(rng.normal(0, 0.1)))
    return pd.DataFrame(drugs), rows, np.array(activity)


def _knock_downs(
    rng: np.random.Generator, profile: np.ndarray, sensitivity: np.ndarray, genes: pd.DataFrame, count: int
) -> tuple[dict[str, str], list[dict], np.ndarray]:
    symbols = rng.choice(genes.pr_gene_symbol, count, replace=False)
    targets = dict(zip(CLASSES, symbols, strict=False))
    rows: list[dict] = []
    activity = []
    for k, symbol in enumerate(symbols):
        if k < len(CLASSES):
            own = profile[k]
        else:
            own = np.where(rng.random(profile.shape[1]) < 0.1, rng.uniform(-1, 1, profile.shape[1]), 0.0)
        for hairpin in range(3):
            seed_effect = int(rng.integers(0, 30))
            knocked = rng.uniform(0.5, 0.9)
            for line, cell in enumerate(CELL_LINES):
                row = _row(f"TRCN{k:04d}{hairpin}", symbol, "trt_sh", cell, None, 100 + k % 5, len(rows))
                rows.append({**row, "seed_effect": seed_effect})
                activity.append(1.8 * knocked * own * sensitivity[line])
    return targets, rows, np.array(activity)
