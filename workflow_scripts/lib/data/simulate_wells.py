"""Simulated level-3 wells of enumerated molecules, whose effect depends on their substructures, for a demo."""

from __future__ import annotations

from dataclasses import dataclass

import anndata
import numpy as np
import pandas as pd
from rdkit import Chem

from .simulate_signatures import gene_table

CORES = (
    "c1ccc({a})cc1{b}", "c1cc({a})ncc1{b}", "c1c({a})scc1{b}", "c1cc({a})oc1{b}", "c1cn({a})nc1{b}",
    "O=C(N{a})c1ccc({b})cc1", "O=C(Cc1ccc({a})cc1)N{b}", "C1CN({a})CCC1{b}", "c1ccc2c(c1)nc({a})n2{b}",
    "O=S(=O)(N{a})c1ccc({b})cc1", "c1ccc({a})c(OC{b})c1", "O=C1CCC({a})N1{b}",
)  # fmt: skip
"""Scaffolds with two places; atoms and bonds as MOSES has them."""
ACTIVE = {
    "fluorine": "CC(F)(F)F", "chlorine": "c3ccc(Cl)cc3", "nitrile": "CCC#N", "pyridine": "c3ccncc3",
    "morpholine": "CCN3CCOCC3", "sulfonamide": "CCS(N)(=O)=O",
}  # fmt: skip
"""Substituents that change expression, each by a programme of its own."""
INERT = ("C", "CC", "C(C)C", "CCC", "CC(C)C", "CCO", "CCOC", "c3ccccc3", "Cc3ccccc3", "C3CC3", "C3CCCC3")
TARGETS, LIGANDS = ("pyridine", "sulfonamide"), 200
DOSES, HALF = (10.0, 3.33, 1.11), 2.0
"""uM, and the dose of half the effect."""
CELLS, PLATES, CONTROLS = ("SIM1", "SIM2"), 2, 12
GENES_HIT, EFFECT, COMMON, WELL_SD, PLATE_SD = 0.12, 2.0, 0.35, 0.6, 0.3


@dataclass(frozen=True)
class SimulatedWells:
    """What is simulated.

    Attributes
    ----------
    wells
        Values log2 [wells x 978 genes], observations named as LINCS names them.
    gene_info
        Table of the landmarks.
    truth
        Changes without noise, [treated wells x 978 genes].
    knock_downs
        Programme of each of `TARGETS`, [targets x 978 genes]: as if the substituent inhibited a protein.
    ligands
        Molecules that have the substituent, by target.
    """

    wells: anndata.AnnData
    gene_info: pd.DataFrame
    truth: anndata.AnnData
    knock_downs: pd.DataFrame
    ligands: dict[str, list[str]]


def enumerate_molecules() -> pd.DataFrame:
    """Smiles (canonical) and one column a programme: how many of its substituents the molecule has."""
    options = [*ACTIVE.values(), *INERT]
    rows: dict[str, list[int]] = {}
    for core in CORES:
        for a in options:
            for b in options:
                molecule = Chem.MolFromSmiles(core.format(a=a, b=b.replace("3", "4")))
                number = [[a, b].count(part) for part in ACTIVE.values()]
                rows.setdefault(Chem.MolToSmiles(molecule), number)
    return (
        pd.DataFrame.from_dict(rows, orient="index", columns=list(ACTIVE)).rename_axis("smiles").reset_index()
    )


def simulate_wells(molecules: int, seed: int) -> SimulatedWells:
    """Draw molecules, their effects and two replicate wells of each.

    A programme moves 12 % of the genes by N(0, 2) log2 each, times the number of its substituents, times
    dose / (dose + 2 uM). Every molecule also has the effect that all have in common, N(0, 0.35) a gene, which the
    training mean finds. A plate shifts every gene of all its wells by N(0, 0.3); a well adds N(0, 0.6).

    Parameters
    ----------
    molecules
        Drawn from those that `enumerate_molecules` gives; half of them in either cell line.
    seed
        Of all draws.
    """
    rng = np.random.default_rng(seed)
    gene_info = gene_table(978, 0, rng)
    genes = len(gene_info)
    known = enumerate_molecules()
    # Half of those drawn have an active substituent on either side or both.
    drawn = known.iloc[np.sort(rng.choice(len(known), molecules, replace=False))].reset_index(drop=True)
    programmes = rng.normal(0, EFFECT, (len(ACTIVE), genes)) * (rng.random((len(ACTIVE), genes)) < GENES_HIT)
    common, base = rng.normal(0, COMMON, genes), rng.uniform(5, 12, genes)
    dose = rng.choice(DOSES, molecules)
    effect = (drawn[list(ACTIVE)].to_numpy() @ programmes + common) * (dose / (dose + HALF))[:, None]
    cell = rng.integers(0, len(CELLS), molecules)
    sheets, values, truths = [], [], []
    for number, name in enumerate(CELLS):
        own = np.flatnonzero(cell == number)
        for plate in range(PLATES):
            shift = base + rng.normal(0, PLATE_SD, genes)
            mean = np.concatenate([effect[own], np.zeros((CONTROLS, genes))])
            values.append(mean + shift + rng.normal(0, WELL_SD, mean.shape))
            truths.append(effect[own])
            sheet = pd.DataFrame(
                {
                    "pert_id": [f"BRD-K{k:08d}" for k in own] + ["DMSO"] * CONTROLS,
                    "pert_type": ["trt_cp"] * len(own) + ["ctl_vehicle"] * CONTROLS,
                    "canonical_smiles": [*drawn["smiles"].iloc[own], *["-666"] * CONTROLS],
                    "pert_dose": [*dose[own], *[-666.0] * CONTROLS],
                    "pert_dose_unit": ["um"] * len(own) + ["-666"] * CONTROLS,
                }
            )
            sheets.append(sheet.assign(rna_plate=f"SIM_{name}_X{plate + 1}", cell_id=name, pert_time=6))
    obs = pd.concat(sheets, ignore_index=True)
    obs.index = pd.Index([f"{plate}:{k}" for k, plate in enumerate(obs["rna_plate"])], name="distil_id")
    ids = pd.Index(gene_info["pr_gene_id"], name="pr_gene_id")
    wells = anndata.AnnData(np.concatenate(values).astype(np.float32), obs, pd.DataFrame(index=ids))
    treated = (obs["pert_type"] == "trt_cp").to_numpy()
    truth = anndata.AnnData(
        np.concatenate(truths).astype(np.float32),
        pd.DataFrame(index=obs.index[treated]),
        pd.DataFrame(index=ids),
    )
    effects = pd.DataFrame(programmes, index=list(ACTIVE), columns=ids)
    ligands = {
        name: known["smiles"][known[name] > 0].sample(LIGANDS, random_state=seed).tolist() for name in TARGETS
    }
    return SimulatedWells(wells, gene_info, truth, effects.loc[list(TARGETS)], ligands)
