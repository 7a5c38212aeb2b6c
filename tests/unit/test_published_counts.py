"""The published data sets' counts from sheets of the published structure, through the same filters and joins.

GEO's own sheets are not at hand; these have its numbers of signatures by cell line, control compound and class.
"""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.lib.data.perturbagen_classes import join_classes
from workflow_scripts.lib.data.signatures import Filters, apply_filters

SM_LINES = {
    "MCF7": 13_476, "A375": 12_740, "PC3": 12_719, "HT29": 12_529, "HA1E": 12_481, "YAPC": 10_621, "HELA": 10_617,
}  # fmt: skip
GP_LINES = {
    "VCAP": 17_098, "A375": 13_121, "PC3": 13_061, "HA1E": 12_957, "A549": 12_691, "HT29": 12_305, "HCC515": 11_985,
    "MCF7": 12_000, "HEPG2": 11_564,
}  # fmt: skip
BORTEZOMIB, MG132, PROTEASOME, LABELLED = 2_339, 2_310, 2_352, 12_079
LARGE = (531, 504, 486, 456, 408, 354, 345, 342, 332, 323, 264, 219, 210, 210, 201, 168, 168, 155, 150, 150)
WITHOUT = ["bortezomib", "MG-132"]


def lines(counts, others, total):
    """Cell lines of `total` signatures: those of `counts`, the rest elsewhere, mixed."""
    rest = total - sum(counts.values())
    cells = np.repeat([*counts, *others], [*counts.values(), *np.full(len(others), rest // len(others))])
    cells = np.concatenate([cells, np.repeat(others[0], total - cells.size)])
    return np.random.default_rng(0).permutation(cells)


@pytest.fixture(scope="module")
def small_molecules():
    """118,050 signatures: two proteasome inhibitors as controls, 204 compounds in 75 classes, others, DMSO."""
    cells = lines(SM_LINES, ["NPC", "ASC"], 118_050)
    places = np.random.default_rng(1).permutation(np.flatnonzero(np.isin(cells, list(SM_LINES))))
    pert_id = np.array([f"BRD-K{9_000_000 + k % 1_593}" for k in range(cells.size)], object)
    name = np.array([f"other-{k % 1_560}" for k in range(cells.size)], object)
    classes, rows = [], iter(np.split(places, np.cumsum([BORTEZOMIB, MG132])))
    for called, identity in (("bortezomib", "BRD-K88510285"), ("MG-132", "BRD-K60230970")):
        where = next(rows)
        pert_id[where], name[where] = identity, called
    classes.append(("BRD-K60230970", "MG-132", "CP_PROTEASOME_INHIBITOR"))
    sizes = [PROTEASOME - MG132, *LARGE]
    small = LABELLED - MG132 - sum(sizes)
    sizes += [small // 54 + (k < small % 54) for k in range(54)]
    left = next(rows)
    start, compound = 0, 0
    for k, size in enumerate(sizes):
        pcl = "CP_PROTEASOME_INHIBITOR" if k == 0 else f"CP_CLASS{k}_INHIBITOR"
        members = 1 if k == 0 else (12 if k == 2 else 2 + (k <= 43))
        where = left[start : start + size]
        for part in np.array_split(where, members):
            pert, called = f"BRD-L{compound:08d}", f"drug-{compound}"
            pert_id[part], name[part] = pert, called
            classes.append((pert, called, pcl))
            compound += 1
        start += size
    kind = np.full(cells.size, "trt_cp", object)
    where = left[start : start + 500]
    pert_id[where], name[where], kind[where] = "DMSO", "DMSO", "ctl_vehicle"
    sheet = pd.DataFrame(
        {"pert_id": pert_id, "pert_iname": name, "pert_type": kind, "cell_id": cells},
        index=[f"SM{k}" for k in range(cells.size)],
    )
    return sheet, pd.DataFrame(classes, columns=["pert_id", "pert_iname", "pcl_id"])


@pytest.fixture(scope="module")
def knock_downs():
    cells = lines(GP_LINES, ["SKL", "JURKAT"], 119_013)
    return pd.DataFrame(
        {
            "pert_id": [f"TRCN{k % 18_413}" for k in range(cells.size)],
            "pert_iname": [f"GENE{k % 4_314}" for k in range(cells.size)],
            "pert_type": "trt_sh",
            "cell_id": cells,
        },
        index=[f"GP{k}" for k in range(cells.size)],
    )


def test_counts_of_every_published_data_set(small_molecules, knock_downs):
    sheet, classes = small_molecules
    smp, steps = apply_filters(sheet, Filters(cell_lines=list(SM_LINES)), "sm")
    assert steps.signatures.tolist() == [118_050, 85_183]
    assert smp.cell_id.value_counts().to_dict() == SM_LINES
    gp, _ = apply_filters(knock_downs, Filters(cell_lines=list(GP_LINES)), "gp")
    assert len(gp) == 116_782 and gp.pert_iname.nunique() == 4_314
    joined = join_classes(smp, classes)
    smc = smp[joined.pcl_id != ""]
    labels = joined.pcl_id[smc.index]
    assert (len(smc), labels.nunique()) == (12_079, 75)
    assert labels.value_counts().max() == PROTEASOME
    assert (labels.value_counts() >= 150).sum() == 21
    assert labels.value_counts()[labels.value_counts() >= 150].sum() == 8_328
    smnp, _ = apply_filters(sheet, Filters(cell_lines=list(SM_LINES), without_names=WITHOUT), "sm")
    assert len(smp) - len(smnp) == 4_649 and len(smnp) == 80_534
    smcnp = smc[smc.pert_iname != "MG-132"]
    assert len(smcnp) == 9_769 and labels[smcnp.index].nunique() == 75
    assert len(pd.concat([smnp, gp])) == 197_316


def test_dmso_is_a_small_molecule_as_published_and_a_switch_away(small_molecules):
    sheet, _ = small_molecules
    smp, _ = apply_filters(sheet, Filters(cell_lines=list(SM_LINES)), "sm")
    clean, _ = apply_filters(sheet, Filters(cell_lines=list(SM_LINES), without_vehicles=True), "sm")
    assert (smp.pert_type == "ctl_vehicle").sum() == 500 and len(smp) - len(clean) == 500
