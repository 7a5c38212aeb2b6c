"""Sources of a data set to signatures.h5ad: filters counted, ids matched, classes, mechanisms and targets joined."""

import logging
from pathlib import Path

import anndata
import pandas as pd

from workflow_scripts.lib.data.perturbagen_classes import (
    classes_by_mechanism,
    join_classes,
    read_classes,
    read_hub_drugs,
    read_hub_samples,
    targets_of,
)
from workflow_scripts.lib.data.signature_sources import join_sources, read_source, take_names
from workflow_scripts.lib.data.signatures import dose_um, read_landmarks
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.files import replacing
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import read_table, write_table

log = logging.getLogger("latentome")


def labels(snakemake, sheet: pd.DataFrame) -> pd.DataFrame:
    """Class, mechanism's classes and targets of every signature."""
    given = snakemake.input
    found = pd.DataFrame({"pcl_id": "", "pcl_route": "", "n_classes": 0}, index=sheet.index)
    known = set(read_table(given.codes).pcl_id)
    if given.classes:
        classes = read_classes(given.classes)
        found = join_classes(sheet, classes, snakemake.params.by_name).rename(columns={"route": "pcl_route"})
        known |= set(classes.pcl_id)
        log.info(
            "%d signatures have one of %d classes", (found.pcl_id != "").sum(), found.pcl_id.nunique() - 1
        )
    found["hub_classes"], found["targets"] = "", ""
    if given.hub_drugs:
        drugs, samples = read_hub_drugs(given.hub_drugs), read_hub_samples(given.hub_samples)
        synonyms = read_table(given.synonyms).set_index("moa").pcl_id
        found["hub_classes"] = classes_by_mechanism(sheet, drugs, samples, synonyms, known).map("|".join)
        found["targets"] = targets_of(sheet, drugs, samples).map("|".join)
    return found


def check_count(snakemake, key: str, found: int, expected: int | None) -> None:
    """Refuse another number than the config promises."""
    if expected is not None and found != expected:
        raise LatentomeError(
            f"config, datasets: l1000: {snakemake.wildcards.dataset}: {key}: {found} signatures; expected {expected}, "
            "the published number; the files are another release, or delete the key"
        )


def labelled_steps(obs: pd.DataFrame) -> pd.DataFrame:
    """How many signatures have a class, by id and by name as well."""
    rows = []
    for step, has in (("by pert_id", obs.pcl_route == "pert_id"), ("by pert_id or name", obs.pcl_id != "")):
        part = obs[has]
        counts = {
            "signatures": len(part),
            "perturbagens": part.pert_id.nunique(),
            "names": part.pert_iname.nunique(),
        }
        classes = part.pcl_id.nunique()
        rows.append(
            {
                "source": "all",
                "step": f"in one of {classes} classes {step}",
                **counts,
                "cell_lines": part.cell_id.nunique(),
            }
        )
    return pd.DataFrame(rows)


def main(snakemake) -> None:
    params, given, output = snakemake.params, snakemake.input, snakemake.output
    landmarks = read_landmarks(given.gene_info)
    sheets = iter(given.sig_info)
    parts = [
        read_source(
            source, matrix, next(sheets) if source.get("sig_info") else None, landmarks, params.unmatched
        )
        for source, matrix in zip(params.sources, given.matrix, strict=True)
    ]
    parts = [part for part in parts if part is not None]
    if not parts:
        raise LatentomeError(
            f"config, datasets: l1000: {snakemake.wildcards.dataset}: no source has a signature that passes its filters"
        )
    whole = join_sources(parts)
    sheet, unmatched = whole.sheet, whole.unmatched
    if given.pert_info:
        sheet, renamed = take_names(sheet, given.pert_info)
        unmatched = pd.concat([unmatched, renamed.assign(source=Path(given.pert_info).name)])
    obs = sheet.join(labels(snakemake, sheet))
    check_count(snakemake, "signatures", len(obs), params.expected)
    check_count(snakemake, "labelled", int((obs.pcl_id != "").sum()), params.labelled)
    if {"pert_dose", "pert_idose"} & set(obs):
        obs["dose_um"] = dose_um(obs)
    layers = {"clipped": whole.clipped} if whole.clipped is not None else None
    data = anndata.AnnData(whole.matrix, obs=obs, var=landmarks, layers=layers)
    with replacing(output.signatures) as path:
        data.write_h5ad(path)
    write_table(pd.concat([whole.steps, labelled_steps(obs)]), output.counts)
    write_table(unmatched, output.unmatched)
    lines = obs.groupby(["source", "cell_id", "pert_type"], sort=True)
    lines = lines.agg(signatures=("pert_id", "size"), perturbagens=("pert_id", "nunique")).reset_index()
    write_table(lines, output.cell_lines)
    log.info("%s: %d signatures of %d genes", snakemake.wildcards.dataset, *data.shape)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("anndata", "h5py", "pandas")):
        main(snakemake)
