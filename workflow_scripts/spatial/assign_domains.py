"""Domains of the spots by the model and by every baseline, with one seed; of the labels, only their number."""

import logging

import numpy as np
import pandas as pd
from scipy import sparse

from workflow_scripts.lib.data.spot_positions import side_by_side
from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.domains import (
    agreement,
    choose_components,
    k_means,
    leiden_domains,
    mixture,
    smoothed_features,
    smoothed_mixture,
)
from workflow_scripts.lib.stats.spatial_domains import spatial_domains
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.export import load_model
from workflow_scripts.lib.training.spot_ensemble import shared_latent, train_ensemble
from workflow_scripts.lib.training.spot_model import restore
from workflow_scripts.lib.training.spot_scores import component_scores, rate_scores

log = logging.getLogger("latentome")
KINDS = {"gmm_vgae": "model"}
COMPONENTS = 20
CANDIDATES = range(3, 13)


def domains_of(snakemake, observed, graph, k, seed, label, compared):
    """Domains by every method, int [spots] by name; components of counts and of imputed rates, if to be compared."""
    params, given = snakemake.params, snakemake.input
    if given.model:
        folder = given.model[0].rsplit("/", 1)[0]
        state, card = load_model(folder)
        models = [restore(state, card, f"{folder}/model.json")]
    else:
        models = train_ensemble(
            observed, graph, {**params.settings, "components": k}, seed, device=params.device,
            compute_threads=params.compute_threads, label=label,
        )  # fmt: skip
    mean, space = shared_latent(models, observed, graph)
    features = component_scores(observed, COMPONENTS, 0)
    # Smoothed spots are no independent ones: the criterion would always ask for more.
    k = k or choose_components(features, CANDIDATES, 0)
    if k == CANDIDATES[-1]:
        log.warning("%s: %d domains, the most that are tried; give domains in the config", label, k)
    found = {
        "gmm_vgae": spatial_domains(mean, space, graph, k, seed),
        "smoothed_mixture": smoothed_mixture(features, graph, k, seed),
        "smoothed_kmeans": k_means(smoothed_features(features, graph, seed), k, seed),
        "leiden": leiden_domains(features, seed, k),
        "raw_mixture": mixture(features, k, seed),
    }
    if not compared:
        return k, found, {}
    depth = float(np.median(np.asarray(observed.sum(axis=1))))
    return (
        k,
        found,
        {"raw": features, "imputed": rate_scores(models[0].rates(observed, graph), depth, COMPONENTS)},
    )


def main(snakemake) -> None:
    params, seed, dataset = snakemake.params, int(snakemake.wildcards.seed), snakemake.wildcards.dataset
    spots, graph = read_spots(snakemake.input.spots), sparse.load_npz(snakemake.input.graph)
    labels = spots.obs["label"] if "label" in spots.obs else None
    sections = spots.obs["section"].astype(str).to_numpy() if params.by_section else np.full(spots.n_obs, "")
    drawn = (
        spots.obsm["spatial"]
        if params.by_section
        else side_by_side(spots.obsm["spatial"], spots.obs.get("section"))
    )
    scores, maps, after = [], [], []
    for section in pd.unique(sections):
        rows = np.flatnonzero(sections == section)
        own = None if labels is None else labels.iloc[rows]
        k = params.domains.get(section) if isinstance(params.domains, dict) else params.domains
        k = k or (own.nunique() if own is not None and own.nunique() > 1 else None)
        part = graph[rows][:, rows]
        annotated = own is not None and own.notna().any()
        k, found, spaces = domains_of(
            snakemake, spots.X[rows], part, k, seed, f"{dataset} {section} seed {seed}",
            compared=annotated and not params.by_section,
        )  # fmt: skip
        log.info("%s %s seed %d: %d domains", dataset, section, seed, k)
        xy = drawn[rows]
        text = "" if own is None else own.astype(object).fillna("")
        maps.append(pd.DataFrame({"barcode": spots.obs_names[rows], "section": section, "x": xy[:, 0],
                                  "y": xy[:, 1], "label": text, **found}))  # fmt: skip
        if not annotated:
            continue
        for method, value in found.items():
            scores.append({"section": section, "method": method, "kind": KINDS.get(method, "baseline"),
                           "seed": seed, "k": k, **agreement(own, value)})  # fmt: skip
        after += [
            {"input": name, "seed": seed, "ari": agreement(own, k_means(values, k, seed))["ari"]}
            for name, values in spaces.items()
        ]
    columns = ["section", "method", "kind", "seed", "k", "ari", "nmi", "homogeneity", "completeness"]
    write_table(pd.DataFrame(scores, columns=columns), snakemake.output.scores)
    write_table(pd.concat(maps), snakemake.output.domains)
    write_table(pd.DataFrame(after, columns=["input", "seed", "ari"]), snakemake.output.after)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "scikit-learn", "scanpy"), seed=snakemake.wildcards.seed):
        main(snakemake)
