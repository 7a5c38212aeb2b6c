"""Synthetic tables in the forms that the bulk study's figures read."""

import numpy as np
import pandas as pd

METHODS = ("deseq2", "deseq2_shrunken", "nbvae", "nbvae_permuted", "log_ratio", "mean_log")
EVIL = ["$x^2$", "</script>", "_hidden", "a very long label " * 6, "tab\there", 'quo"te', "naïve & <b>", ""]


def _bh(p):
    order = np.argsort(np.where(np.isnan(p), 2, p))
    n = np.isfinite(p).sum()
    out = np.full(len(p), np.nan)
    ranked = p[order][:n] * n / np.arange(1, n + 1)
    out[order[:n]] = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 1)
    return out


def de_tables(genes=600, contrasts=("treated_vs_control",), na=8, seed=0, symbols=True):
    """By method, by contrast; with `published` for the first contrast."""
    from scipy.stats import norm

    rng = np.random.default_rng(seed)
    tables = {method: {} for method in METHODS}
    mean = np.exp(rng.normal(5, 2.4, genes))
    mean[: genes // 50] = 0
    names = np.array([f"Gene{i}" if i % 7 else "" for i in range(genes)], dtype=object)
    names[: len(EVIL)] = EVIL
    for contrast in contrasts:
        truth = np.where(rng.random(genes) < 0.4, rng.normal(0, 2, genes), rng.normal(0, 0.1, genes))
        truth[: len(EVIL)] = rng.choice([-6, 6], len(EVIL))
        se = np.sqrt(0.02 + 2 / (mean + 1))
        lfc = truth + rng.normal(0, se)
        lfc[-1] = 22.4
        p = np.clip(2 * norm.sf(np.abs(lfc / se)), 0, 1)
        missing = rng.choice(np.arange(genes // 2, genes), na, replace=False)
        reason = np.full(genes, "", dtype=object)
        reason[missing] = np.where(np.arange(na) % 3 == 0, "cooks_outlier", "low_mean")
        reason[mean == 0] = "empty" if na else ""
        p[reason != ""] = np.nan
        base = pd.DataFrame({"gene_id": [str(1000 + i) for i in range(genes)], "baseMean": mean})
        base.insert(1, "symbol", names if symbols else np.nan)
        deseq2 = base.assign(log2FoldChange=lfc, lfcSE=se, pvalue=p, padj=_bh(p), na_reason=reason)
        tables["deseq2"][contrast] = deseq2
        ours = truth * 0.97 + rng.normal(0, se * 0.5)
        local = np.clip(2 * norm.sf(np.abs(ours / se / 0.7)), 0, 1)
        order = np.argsort(local)
        fdr = np.empty(genes)
        fdr[order] = np.cumsum(local[order]) / np.arange(1, genes + 1)
        generative = {"lfc_lower": ours - 1.96 * se, "lfc_upper": ours + 1.96 * se, "prob_de": 1 - local}
        nbvae = base.assign(log2FoldChange=ours, lfcSE=se, pvalue=np.nan, padj=fdr, **generative)
        tables["nbvae"][contrast] = nbvae
        null = rng.normal(0, 0.3, genes)
        tables["nbvae_permuted"][contrast] = nbvae.assign(log2FoldChange=null, padj=rng.random(genes))
        for method, noise in (("deseq2_shrunken", 0.05), ("log_ratio", 0.5), ("mean_log", 0.8)):
            tables[method][contrast] = deseq2.assign(log2FoldChange=truth + rng.normal(0, se * noise + 0.05))
    first = tables["deseq2"][contrasts[0]]
    rows = []
    for run in ("42", "0", "1"):
        for epochs, share in ((800, 0.15), (1600, 0.4)):
            value = share * first["log2FoldChange"].clip(-6, 6) + rng.normal(0, 0.8, genes) - 0.3
            part = first[["gene_id", "symbol", "baseMean"]].assign(log2FoldChange=value, seed=run)
            rows.append(part.assign(epochs=epochs, lfc_nats=value * np.log(2)))
    tables["published"] = {contrasts[0]: pd.concat(rows, ignore_index=True)}
    return tables


def benchmark_table(contrasts=("treated_vs_control",), seeds=5, simulation=True, published=True, seed=0):
    rng = np.random.default_rng(seed)
    rows = []

    def add(benchmark, contrast, method, run, bin_, metric, value, n=1000):
        rows.append((benchmark, contrast, method, str(run), str(bin_), metric, value, n))

    bins = ["all", "0-5", "5-20", "20-100", "100-1000", ">1000"]
    level = {"nbvae": 0.985, "log_ratio": 0.97, "mean_log": 0.96, "nbvae_permuted": 0.05}
    if published:
        level |= {"published_800": 0.4, "published_1600": 0.6}
    for place, contrast in enumerate(contrasts):
        for method, r in level.items():
            if method.startswith("published") and place:
                continue
            for run in range(1 if method in ("log_ratio", "mean_log") else seeds):
                for i, bin_ in enumerate(bins):
                    drop = 0.1 * i if method.startswith("published") else 0.02 * (5 - i)
                    noise = rng.normal(
                        0, 0.08 if method[:9] == "published" or method == "nbvae_permuted" else 0.004
                    )
                    add(
                        "concordance",
                        contrast,
                        method,
                        run,
                        bin_,
                        "pearson",
                        r - drop + noise,
                        900 + 1234 * i,
                    )
                    add("concordance", contrast, method, run, bin_, "slope", 1.0)
    if simulation:
        for method in ("deseq2", "deseq2_shrunken", "nbvae", "nbvae_without_latent", "nbvae_permuted"):
            for run in range(seeds):
                for q in (0.01, 0.05, 0.1, 0.2):
                    add(
                        "simulation",
                        "",
                        method,
                        run,
                        q,
                        "observed_fdr",
                        max(0, q * 1.1 + rng.normal(0, 0.01)),
                    )
                for q in (0.5, 0.8, 0.9, 0.95):
                    add(
                        "simulation", "", method, run, q, "observed_coverage", min(1, q + rng.normal(0, 0.02))
                    )
                add("simulation", "", method, run, "all", "power", 0.6 + rng.normal(0, 0.02))
                add("simulation", "", method, run, "all", "rmse", 0.5 + rng.normal(0, 0.02))
        for method in ("deseq2", "nbvae"):
            for run in range(seeds):
                add(
                    "permutation", contrasts[0], method, run, "", "called_fraction", abs(rng.normal(0, 0.004))
                )
    for method, value in (
        ("gene_mean", 3.41),
        ("nbvae", 2.93),
        ("nbvae_linear", 2.98),
        ("nbvae_zinb", 2.95),
        ("scvi", 3.1),
    ):
        for run in range(1 if method in ("gene_mean", "scvi") else seeds):
            add("held_out", "", method, run, "", "nats_per_count", value + rng.normal(0, 0.01), 54_321)
    return pd.DataFrame(
        rows, columns=["benchmark", "contrast", "method", "seed", "bin", "metric", "value", "n"]
    )


def sample_table(samples=12, patients=False, seed=0):
    rng = np.random.default_rng(seed)
    half = np.arange(samples) < samples // 2
    third = np.arange(samples) * 6 // samples % 3
    cell = np.where(half, "basal", "luminal")
    status = np.array(["virgin", "pregnant", "lactating"])[third]
    pcs = rng.normal(0, 3, (samples, 4)) + np.column_stack(
        [np.where(half, -40, 40), (third - 1) * 15, 0 * third, 0 * third]
    )
    table = pd.DataFrame({"sample": [f"MCL1-D{i}_BC2CTUACXX_L00{i % 3}" for i in range(samples)]})
    library = rng.uniform(20e6, 25e6, samples)
    table["size_factor"] = (
        library / 22e6 * np.where((third == 2) & ~half, 0.55, 1) * rng.normal(1, 0.03, samples)
    )
    table["library_size"] = library
    for i in range(4):
        table[f"pc{i + 1}"] = pcs[:, i]
        table[f"share{i + 1}"] = [0.7, 0.2, 0.05, 0.02][i]
    table["cell_type"], table["status"] = cell, status
    table["group"] = [f"{a}_{b}" for a, b in zip(cell, status, strict=True)]
    table["condition"] = np.where(half, "virgin", "lactation")
    if patients:
        table["patient"] = [f"Pt{i // 2}" for i in range(samples)]
    return table


def sanity_table(samples, warnings=2):
    rows = [
        ("marker", "cell_type", s, "1", "1", "ok", "Krt14 and Krt5 agree with the sheet")
        for s in samples["sample"][:4]
    ]
    rows.append(
        ("confounding", "cell_type", "", "1.0", "< 0.9", "ok", "no factor is confounded with the contrast")
    )
    for s in samples["sample"][-warnings:] if warnings else []:
        text = "labelled virgin by the sheet, but Wap and Csn2 are as high as in lactating samples"
        rows.append(("marker", "condition", s, "8.1", "< 2", "warning", text))
    return pd.DataFrame(
        rows, columns=["check", "factor", "sample", "value", "expected", "verdict", "message"]
    )


def histories(seeds=5, published=True):
    tables = {}
    for model in ("nbvae", "nbvae_linear", "nbvae_zinb"):
        rows = []
        for seed in range(seeds):
            for epoch in range(1, 301):
                rows.append((model, str(seed), epoch, "loss", 3 + 6 * np.exp(-epoch / 20) + 0.01 * seed))
                rows.append((model, str(seed), epoch, "kl", 1.0))
                if epoch % 10 == 0:
                    value = 3.1 + 5 * np.exp(-epoch / 20) + 2e-6 * (epoch - 150) ** 2 + 0.01 * seed
                    rows.append((model, str(seed), epoch, "validation", value))
        tables[model] = pd.DataFrame(rows, columns=["model", "seed", "epoch", "name", "value"])
    if published:
        epoch = np.arange(0, 1601, 10)
        rows = []
        for place, seed in enumerate(("42", "0", "1", "2", "3")):
            loss = 1.3e6 + 3.3e5 * np.exp(-epoch / 1000) + 6.4e8 * np.exp(-epoch / 3) + 3000 * place
            rows.append(
                pd.DataFrame(
                    {"model": "published", "seed": seed, "epoch": epoch, "name": "loss", "value": loss}
                )
            )
        tables["published"] = pd.concat(rows, ignore_index=True)
    return tables


def latents(samples, seeds=5, published=True, dimensions=4, seed=0):
    rng = np.random.default_rng(seed)
    tables = {}
    for model in ["nbvae"] + ["published"] * published:
        k = 2 if model == "published" else dimensions
        rows = []
        for run in ["42", *range(seeds - 1)] if model == "published" else range(seeds):
            turn = rng.normal(0, 1, (2, k))
            z = samples[["pc1", "pc2"]].to_numpy() / 30 @ turn + rng.normal(0, 0.1, (len(samples), k))
            part = pd.DataFrame(z, columns=[f"z{i + 1}" for i in range(k)])
            part[[f"sd{i + 1}" for i in range(k)]] = 0.1
            part.insert(0, "sample", samples["sample"])
            part.insert(0, "seed", str(run))
            part.insert(0, "model", model)
            rows.append(part)
        tables[model] = pd.concat(rows, ignore_index=True)
    return tables


def marker_tables(samples, contrasts, seed=0):
    rng = np.random.default_rng(seed)
    genes = ["Krt14", "Krt5", "Acta2", "Krt18", "Krt8", "Wap", "Csn2"]
    counts, changes = [], []
    for i, gene in enumerate(genes):
        status, cell = samples["status"].eq("lactating"), samples["cell_type"].eq("basal")
        high = status if i > 4 else cell == (i < 3)
        for contrast in contrasts:
            for s, up in zip(samples["sample"], high, strict=True):
                value = rng.lognormal(10 if up else 4, 0.5)
                counts.append((contrast, "status", "lactating", str(i), gene, s, value))
            for method in ("deseq2", "nbvae"):
                lfc = rng.normal(0, 4)
                changes.append((gene, contrast, method, lfc, lfc - 0.7, lfc + 0.7, 0.01))
    names = ["contrast", "factor", "level", "gene_id", "symbol", "sample", "normalised_count"]
    lfc_names = ["symbol", "contrast", "method", "log2FoldChange", "lower", "upper", "padj"]
    return pd.DataFrame(counts, columns=names), pd.DataFrame(changes, columns=lfc_names)


def spike_table(seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for group, truth in (("A", 2.0), ("B", 0.0), ("C", -0.585), ("D", -1.0)):
        for i in range(23):
            mean = rng.lognormal(4, 3)
            for method in ("deseq2", "deseq2_shrunken", "nbvae", "log_ratio", "mean_log"):
                se = 0.1 + 1 / np.sqrt(mean + 1)
                value = truth + rng.normal(0, se)
                interval = (
                    (value - 2 * se, value + 2 * se) if method in ("deseq2", "nbvae") else (np.nan, np.nan)
                )
                rows.append((f"ERCC-{group}{i}", group, truth, mean, method, value, *interval))
    names = ["gene_id", "group", "true_lfc", "baseMean", "method", "log2FoldChange", "lower", "upper"]
    return pd.DataFrame(rows, columns=names)


def enrichment_tables(contrasts=("treated_vs_control",), terms=60, seed=0):
    rng = np.random.default_rng(seed)
    tables = {}
    for contrast in contrasts:
        rows = []
        for method in ("deseq2", "nbvae"):
            for analysis in ("ora_up", "ora_down", "gsea"):
                for collection in ("GO_BP", "KEGG"):
                    for i in range(terms):
                        overlap, selected = int(rng.integers(0, 120)), 1800
                        p = 10 ** -rng.gamma(2, 3) if i < terms / 2 else rng.random()
                        name = [
                            "fatty acid metabolic process",
                            "$x^2$ </script>",
                            "very long name of a process " * 4,
                        ][i % 3]
                        row = (
                            method,
                            collection,
                            analysis,
                            f"{collection}:{i:04d}",
                            f"{name} {i}",
                            200,
                            overlap,
                            selected,
                        )
                        rows.append((*row, overlap / selected, 1.5, p, min(1, p * 3)))
        names = ["method", "collection", "analysis", "term", "name", "size", "overlap", "selected"]
        tables[contrast] = pd.DataFrame(rows, columns=[*names, "gene_ratio", "nes", "pvalue", "padj"])
    return tables
