"""Imputed rates of every gene in every spot at a fixed size, with their sd; which genes can be imputed at all."""

import logging
import time
from functools import partial

import numpy as np
import pandas as pd
from scipy import sparse

from workflow_scripts.lib.data.imputed import flag_genes, write_imputed
from workflow_scripts.lib.data.spots import read_spots
from workflow_scripts.lib.files import replacing
from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.metrics.imputability import GeneSums, imputable_genes
from workflow_scripts.lib.tables import write_table
from workflow_scripts.lib.training.dispersion_factor import dispersion_factor
from workflow_scripts.lib.training.export import load_model, names_digest
from workflow_scripts.lib.training.spot_model import restore
from workflow_scripts.lib.training.spot_rates import estimate_uncertainty, given_counts, rates_with_sd

log = logging.getLogger("latentome")


def main(snakemake) -> None:
    given, output, params = snakemake.input, snakemake.output, snakemake.params
    spots, graph = read_spots(given.spots), sparse.load_npz(given.graph)
    folder = given.model[0].rsplit("/", 1)[0]
    state, card = load_model(folder, {"genes_digest": names_digest(spots.var_names)})
    model = restore(state, card, f"{folder}/model.json")
    rates = model.rates(spots.X, graph)
    known = estimate_uncertainty(rates, spots.X)
    factor = dispersion_factor(partial(model.rates, graph=graph), spots.X, card["seed"])
    dispersion = known.residuals.dispersion(factor)
    depths = np.asarray(spots.X.sum(axis=1), dtype=np.float64).ravel()
    sums = GeneSums(spots.n_vars)
    told = time.monotonic()

    def block(start: int, stop: int):
        nonlocal told
        rate, sd = rates_with_sd(rates, known, depths, start, stop)
        own = given_counts(rate, spots.X[start:stop].toarray(), dispersion).astype(np.float32)
        sums.add(rate, sd)
        if time.monotonic() - told > 20:
            told = time.monotonic()
            log.info("%s: %d of %d spots imputed", snakemake.wildcards.dataset, stop, spots.n_obs)
        return tuple(params.fixed_size * part for part in (rate, sd, own / own.sum(axis=1, keepdims=True)))

    symbols = (
        spots.var["symbol"] if "symbol" in spots.var else pd.Series(spots.var_names, index=spots.var_names)
    )
    obs = spots.obs[[name for name in ("label", "section") if name in spots.obs]].assign(depth=depths)
    var = pd.DataFrame(
        {
            "symbol": symbols.astype(str),
            "dispersion": known.dispersion,
            "dispersion_given_counts": dispersion,
        },
        index=spots.var_names,
    )
    facts = {
        "unit": f"UMIs of a spot with {params.fixed_size} UMIs",
        "model": f"gmm_vgae seed {card['seed']}",
        "X": "expected rate, negative binomial noise removed",
        "sd": "posterior sd of X",
        "given_counts": "posterior mean of the rate given the spot's own counts too",
        "pooled_dispersion_factor": factor,
    }
    with replacing(output.imputed) as path:
        write_imputed(path, obs, var, spots.obsm["spatial"], block, facts)
        genes = imputable_genes(spots.X, sums, known.dispersion)
        flags = {"imputable": genes.imputable.to_numpy(), "reason": genes.reason.to_numpy().astype(str)}
        flag_genes(path, var.assign(**flags))
    write_table(genes.assign(gene=spots.var_names, symbol=symbols.to_numpy())[
        ["gene", "symbol", "mean_count", "share_detected", "dispersion", "rate", "sd", "imputable", "reason", "spread"]
    ], output.genes)  # fmt: skip
    log.info(
        "%s: %d of %d genes can be imputed", snakemake.wildcards.dataset, genes.imputable.sum(), len(genes)
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], ("torch", "anndata", "h5py")):
        main(snakemake)
