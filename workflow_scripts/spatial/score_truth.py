"""Imputed rates against the planted ones of a simulated dataset, beside every baseline."""

from functools import partial

import anndata
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import norm

from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.stats.rate_rivals import baseline_rates
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.dispersion_factor import dispersion_factor
from workflow_scripts.lib.training.export import load_model
from workflow_scripts.lib.training.spot_model import restore
from workflow_scripts.lib.training.spot_rates import OwnRates, estimate_uncertainty, rates_with_sd

LEVEL = 0.9


def correlations(rates: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Median over genes of the correlation over spots, and correlation of all log rates."""
    a, b = rates - rates.mean(axis=0), truth - truth.mean(axis=0)
    scale = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    by_gene = np.divide((a * b).sum(axis=0), scale, out=np.zeros(len(scale)), where=scale > 1e-20)
    logs = np.corrcoef(np.log(rates).ravel(), np.log(truth).ravel())[0, 1]
    return {"pearson": float(np.median(by_gene)), "pearson_log": float(logs)}


def main(snakemake) -> None:
    given = snakemake.input
    spots, graph = read_spots(given.spots), sparse.load_npz(given.graph)
    planted = anndata.read_h5ad(given.truth)[spots.obs_names, spots.var_names]
    truth = np.asarray(planted.X, dtype=np.float64)
    truth /= truth.sum(axis=1, keepdims=True)
    depths = np.asarray(spots.X.sum(axis=1), dtype=np.float64).ravel()
    rows = []
    for method, rates in baseline_rates(spots.X, graph, 0):
        found = correlations(rates.block(0, spots.n_obs), truth)
        rows.append({"method": method, "kind": "baseline", "seed": 0, **found})
    for weights in given.weights:
        folder = weights.rsplit("/", 1)[0]
        state, card = load_model(folder)
        model = restore(state, card, f"{folder}/model.json")
        expected = model.rates(spots.X, graph)
        factor = dispersion_factor(partial(model.rates, graph=graph), spots.X, card["seed"])
        known = estimate_uncertainty(expected, spots.X)
        rate, sd = (
            part.astype(np.float64) for part in rates_with_sd(expected, known, depths, 0, spots.n_obs)
        )
        width = norm.ppf(0.5 + LEVEL / 2) * np.sqrt(np.log1p((sd / rate) ** 2))
        covered = float((np.abs(np.log(truth) - np.log(rate)) <= width).mean())
        row = {"kind": "model", "seed": card["seed"]}
        rows.append(
            {"method": "gmm_vgae_expected", **row, **correlations(rate, truth), "coverage_90": covered}
        )
        own = OwnRates(expected, spots.X, known.residuals.dispersion(factor)).block(0, spots.n_obs)
        rows.append({"method": "gmm_vgae", **row, **correlations(own, truth)})
    write_table(pd.DataFrame(rows), snakemake.output.truth)


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "anndata")):
        main(snakemake)
