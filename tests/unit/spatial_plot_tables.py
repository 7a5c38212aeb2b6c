"""Synthetic tables in the forms that the spatial study's figures read."""

import numpy as np
import pandas as pd

KINDS = {
    "gmm_vgae": "model",
    "gmm_vgae_expected": "model",
    "gmm_vgae_own": "control",
    "gmm_vgae_shuffled": "control",
    "scvi": "rival",
    **dict.fromkeys(
        [
            *("gene_mean", "observed", "smooth_1", "smooth_2", "smooth_4"),
            *("log_svd_5", "log_svd_15", "smooth_log_svd", "knn"),
        ],
        "baseline",
    ),
}
GAINS = {
    "gmm_vgae": 0.045, "gmm_vgae_expected": 0.041, "gmm_vgae_own": 0.03, "gmm_vgae_shuffled": 0.029, "scvi": 0.022,
    "gene_mean": 0.0, "observed": -0.93, "smooth_1": -0.37, "smooth_2": -0.17, "smooth_4": -0.08, "log_svd_5": 0.02,
    "log_svd_15": 0.008, "smooth_log_svd": 0.014, "knn": 0.012,
}  # fmt: skip
DOMAIN_METHODS = {
    "gmm_vgae": "model", "smoothed_mixture": "baseline", "smoothed_kmeans": "baseline", "leiden": "baseline",
    "raw_mixture": "baseline",
}  # fmt: skip
LAYERS = ("WM", "L6", "L5", "L4", "L3", "L2", "L1")
MARKERS = ("MBP", "PLP1", "PCP4", "ENC1", "AQP4", "SNAP25")


def seeds_of(kind, model=3):
    return [str(seed) for seed in range(model if kind == "model" else 1)]


def hexagonal(spots=900, pitch=137.0):
    """Places of a Visium lattice."""
    side = int(np.ceil(spots**0.5))
    row, column = np.divmod(np.arange(spots), side)
    return np.c_[(column + 0.5 * (row % 2)) * pitch + 5000, row * pitch * 3**0.5 / 2 + 3000]


def layers(xy, count=6):
    """Curved layers, from the bottom to the top."""
    depth = xy[:, 1] + 0.08 * np.ptp(xy[:, 1]) * np.sin(xy[:, 0] / np.ptp(xy[:, 0]) * 5)
    share = (depth.max() - depth) / np.ptp(depth)
    return np.minimum((share * count).astype(int), count - 1)


def spots(count=900, sections=1, labelled=True, counts=True, seed=0):
    rng = np.random.default_rng(seed)
    parts = []
    for place in range(sections):
        xy = hexagonal(count)
        table = pd.DataFrame({"barcode": [f"B{place}_{k}" for k in range(count)]})
        table["section"] = f"{151507 + place}" if sections > 1 else ""
        table["x"], table["y"] = xy.T
        names = np.array(LAYERS)[layers(xy)]
        names[rng.random(count) < 0.02] = ""
        table["label"] = names if labelled else ""
        table["umis"] = rng.lognormal(8, 0.5, count).round() if counts else np.nan
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def graph():
    rows = [
        ("spots", "900"),
        ("sections", "1"),
        ("directed_edges", "5164"),
        ("edges_per_spot", "5.737777778"),
        ("isolated_spots", "0"),
        ("connected_pieces", "1"),
        ("nearest_neighbour_distance", "1136.955842"),
    ]
    return pd.DataFrame(rows, columns=["item", "value"])


def degrees():
    return pd.DataFrame({"degree": [2, 3, 4, 5, 6], "spots": [4, 20, 40, 60, 776]})


def edges(table):
    from scipy.spatial import cKDTree

    xy = table.loc[table["section"] == table["section"].iloc[0], ["x", "y"]].to_numpy()
    pairs = cKDTree(xy).query_pairs(150, output_type="ndarray")
    return pd.DataFrame(np.c_[xy[pairs[:, 0]], xy[pairs[:, 1]]], columns=["x1", "y1", "x2", "y2"])


def held_out(model_seeds=3):
    rng = np.random.default_rng(1)
    rows = []
    for name, kind in KINDS.items():
        for seed in seeds_of(kind, model_seeds):
            level = -2.86 + GAINS[name] + 0.001 * rng.normal()
            r = max(0.0, 0.06 + 1.2 * GAINS[name]) if name != "gene_mean" else 0.0
            rows.append((name, kind, seed, level, r, 812, 41_230))
    names = ["method", "kind", "seed", "log_likelihood", "pearson", "genes_scored", "held_out_umis"]
    return pd.DataFrame(rows, columns=names)


def verdict(word="gain over every baseline, also from the neighbours"):
    rows = [
        ("gain_over_best_baseline", "0.025", 0.019, 0.031, ""),
        ("spatial_gain", "0.015", 0.011, 0.019, ""),
        ("shuffled_gain", "-0.001", -0.004, 0.002, ""),
        ("verdict", word, np.nan, np.nan, "intervals above 0"),
    ]
    return pd.DataFrame(rows, columns=["item", "value", "lower", "upper", "note"])


def masked():
    left_out = ("observed", "gmm_vgae_expected")
    rows = [(name, seed) for name, kind in KINDS.items() for seed in seeds_of(kind) if name not in left_out]
    rows += [(name, str(seed)) for name in ("library_only", "gene_mean_nonzero") for seed in range(3)]
    table = pd.DataFrame(rows, columns=["method", "seed"])
    own = table["method"].map(GAINS).fillna(0.03)
    return table.assign(l1=0.3 - own / 2, cosine=0.98 + own / 10, pearson=0.8 + own, share_single=0.304)


def calibration():
    u = np.linspace(0, 1, 51)
    parts = []
    for name, bend in {"gmm_vgae": 0.01, "scvi": -0.03, "gene_mean": 0.09, "gmm_vgae_shuffled": 0.03}.items():
        gap = bend * np.sin(2 * np.pi * u)
        part = {"method": name, "u": u, "ecdf": u + gap, "deviation": np.abs(gap).max(), "by_chance": 0.02}
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def coverage():
    rows = [
        (name, level, level + shift, 5120)
        for name, shift in {"gmm_vgae": 0.004, "scvi": -0.02, "gene_mean": -0.1}.items()
        for level in (0.5, 0.8, 0.9, 0.95)
    ]
    return pd.DataFrame(rows, columns=["method", "level", "coverage", "counts"])


def gene_list(count):
    symbols = [*MARKERS, *(f"GENE{k}" for k in range(count))][:count]
    return pd.DataFrame({"gene": [f"ENSG{k:011d}" for k in range(count)], "symbol": symbols})


def autocorrelation(count=400):
    rng = np.random.default_rng(2)
    table = gene_list(count)
    table["moran_raw"] = np.clip(rng.gamma(1.2, 0.07, count), -0.01, 0.7)
    table["moran_imputed"] = np.clip(table["moran_raw"] * 1.5 + 0.35 + rng.normal(0, 0.08, count), 0, 0.98)
    table["moran_null"] = np.clip(0.3 + rng.normal(0, 0.06, count), 0, 1)
    for name in ("raw", "imputed", "null"):
        table[f"geary_{name}"] = 1 - table[f"moran_{name}"]
    table["net"] = table["moran_imputed"] - table["moran_null"]
    return table.assign(imputable=np.arange(count) % 5 != 4)


def domains(sections=1):
    rng = np.random.default_rng(3)
    base = {
        "gmm_vgae": 0.5,
        "smoothed_mixture": 0.43,
        "smoothed_kmeans": 0.4,
        "leiden": 0.25,
        "raw_mixture": 0.2,
    }
    rows = []
    for place in range(sections):
        section = f"{151507 + place}" if sections > 1 else ""
        for name, kind in DOMAIN_METHODS.items():
            for seed in seeds_of(kind):
                ari = base[name] + rng.normal(0, 0.06 if sections > 1 else 0.01)
                rows.append((section, name, kind, seed, 6, ari, ari + 0.1, ari + 0.08, ari + 0.12))
    names = ["section", "method", "kind", "seed", "k", "ari", "nmi", "homogeneity", "completeness"]
    return pd.DataFrame(rows, columns=names)


def domain_map(count=900, sections=1, labelled=True):
    rng = np.random.default_rng(4)
    table = spots(count, sections, labelled).drop(columns="umis")
    true = np.concatenate([layers(hexagonal(count))] * sections)
    for place, name in enumerate(DOMAIN_METHODS):
        wrong = rng.random(len(table)) < 0.08 * (place + 1)
        table[name] = (np.where(wrong, rng.integers(0, 6, len(table)), true) + 2) % 6
    return table.astype(dict.fromkeys(DOMAIN_METHODS, str))


def after_imputation(seeds=5):
    rng = np.random.default_rng(5)
    rows = [
        (name, str(seed), level + rng.normal(0, 0.01))
        for seed in range(seeds)
        for name, level in (("raw", 0.33), ("imputed", 0.41))
    ]
    return pd.DataFrame(rows, columns=["input", "seed", "ari"])


def patterns(count=900, genes=6, truth=True):
    rng = np.random.default_rng(6)
    xy = hexagonal(count)
    parts = []
    for rank in range(genes):
        level = 1 + 2.5 * (layers(xy) == rank % 6)
        raw = np.log1p(rng.poisson(np.expm1(level) / 4) * 4)
        part = pd.DataFrame({"barcode": [f"B{k}" for k in range(count)], "x": xy[:, 0], "y": xy[:, 1]})
        part["gene"], part["symbol"] = f"ENSG{rank}", MARKERS[rank]
        part["raw"], part["imputed"] = raw, level + rng.normal(0, 0.1, count)
        part["truth"] = level if truth else np.nan
        parts.append(part.assign(rank=rank + 1))
    return pd.concat(parts, ignore_index=True)


def markers():
    rows = []
    for place, symbol in enumerate(MARKERS):
        for k, name in enumerate(LAYERS):
            level = 1.0 + 2.0 * (k == place)
            # The highest layer of one gene moves.
            moved = 4.0 if symbol == "SNAP25" and name == "L1" else level
            rows.append((f"ENSG{place}", symbol, name, level, moved, 0.4))
    return pd.DataFrame(rows, columns=["gene", "symbol", "label", "raw", "imputed", "share_detected_raw"])


def violins(count=400):
    rng = np.random.default_rng(7)
    parts = []
    for place, symbol in enumerate(MARKERS):
        names = np.array([*LAYERS, ""])[rng.integers(0, 8, count)]
        level = 1.0 + 2.0 * (names == LAYERS[place])
        part = pd.DataFrame({"barcode": [f"B{k}" for k in range(count)], "label": names})
        part["gene"], part["symbol"] = f"ENSG{place}", symbol
        part["raw"] = np.log1p(rng.poisson(np.expm1(level)))
        part["imputed"] = np.abs(level + rng.normal(0, 0.15, count))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def genes(count=500):
    rng = np.random.default_rng(8)
    table = gene_list(count)
    table["mean_count"] = np.exp(rng.normal(-1.5, 1.7, count))
    table["share_detected"] = 1 - np.exp(-table["mean_count"])
    table["dispersion"], table["rate"] = 0.1, table["mean_count"] / table["mean_count"].sum()
    table["sd"] = 0.2 / (table["mean_count"] + 0.05) ** 0.4 * np.exp(rng.normal(0, 0.2, count))
    rare = table["mean_count"] < 0.03
    unsure = ~rare & (table["sd"] > 0.55)
    table["reason"] = np.select([rare, unsure], ["fewer than 50 UMIs", "interval wider than the rate"], "")
    return table.assign(imputable=~(rare | unsure))


def truth():
    rows = []
    for name, kind in KINDS.items():
        for seed in seeds_of(kind):
            level = 0.6 + 5 * max(GAINS[name], -0.1) + 0.002 * int(seed)
            inside = 0.89 if name == "gmm_vgae_expected" else np.nan
            rows.append((name, kind, seed, level, level + 0.1, inside))
    return pd.DataFrame(rows, columns=["method", "kind", "seed", "pearson", "pearson_log", "coverage_90"])


def history(seed=0, epochs=200):
    epoch = np.arange(1, epochs + 1)
    table = pd.DataFrame({"epoch": epoch, "step": 4 * epoch})
    table["expression"] = 1500 + 400 * np.exp(-epoch / 20) + seed
    table["divergence"] = 14 * (1 - np.exp(-epoch / 30))
    table["edges"] = 0.4 + 0.3 * np.exp(-epoch / 25)
    table["loss"] = table[["expression", "divergence", "edges"]].sum(axis=1)
    held = 5.2 + 1.1 * np.exp(-epoch / 18) + 1e-6 * (epoch - 130) ** 2 + 0.001 * seed
    return table.assign(validation=np.where(epoch % 5 == 0, held, np.nan))


def histories(seeds=3):
    return pd.concat(
        [history(seed).assign(model="gmm_vgae", seed=str(seed)) for seed in range(seeds)], ignore_index=True
    )


def findings():
    rows = [
        ("spots", 400, "", "nearest to the tissue's centre"),
        ("imputation_mode_runs", 1, "1", "yes"),
        ("first_layer_parameters", 96_000, "", "240 x genes; genes = spots in imputation mode"),
        ("dense_bytes_of_50000_spots", 1.3e11, "", "the same, for a Stereo-seq section"),
        ("max_asymmetry", 0.0, "above 0", "largest |M - M^T|; 0 but for rounding"),
        ("edge_auc", 0.946, "0.5", "pairs with an edge against the others"),
        ("saturated_pairs", 0.0, "", "share of pairs at 0 or 1 exactly"),
        ("correlation_with_own_gene", 0.0022, "clearly above 0", "median over columns"),
        ("percentile_of_own_gene", 0.5017, "near 1", "its rank among all genes"),
        ("correlation_of_neighbours_mean", 0.018, "", "the gene's mean over a spot's neighbours"),
        ("change_when_genes_are_permuted", 3e-7, "0.768", "largest; genes and weights permuted alike"),
        ("difference_of_two_inferences", 0.554, "0", "largest; z is drawn at inference as well"),
        ("selected_epoch", 3, "no labels used", "highest ARI against the labels"),
        ("ari_selected_epoch", 0.424, "", ""),
        ("ari_last_epoch", 0.248, "", "no selection"),
        ("ari_mean_epoch", 0.247, "", ""),
        ("ari_gain_of_selection", 0.177, "0", ""),
        ("ari_shuffled_selected", 0.008, "0", ""),
        ("ari_shuffled_last", 0.0, "0", ""),
    ]
    return pd.DataFrame(rows, columns=["finding", "value", "expected_of_an_imputation", "note"])


def epochs():
    rng = np.random.default_rng(9)
    joint = pd.DataFrame({"stage": "joint", "epoch": range(1, 51), "loss": np.linspace(25, 21, 50)})
    joint["ari"] = 0.25 + rng.normal(0, 0.03, 50)
    joint.loc[2, "ari"] = 0.424
    joint["nmi"], joint["ari_published"] = joint["ari"] + 0.1, joint["ari"]
    first = pd.DataFrame({"stage": "pretraining", "epoch": [20, 40], "loss": [34.7, 32.9]})
    return pd.concat([first, joint], ignore_index=True)


def arrays(spots=120):
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(10)
    xy = hexagonal(spots)[rng.permutation(spots)]
    distance = cdist(xy, xy)
    graph = (distance < 150) & ~np.eye(spots, dtype=bool)
    matrix = 1 / (1 + np.exp(distance / 300 - 1))
    return {"matrix": matrix, "graph": graph.astype(float), "expression": rng.gamma(1, 1.2, (spots, spots))}


def scaling():
    rows = []
    for count in (1000, 4000, 16_000, 64_000):
        rows.append((count, 500, count / 500, 600 + count / 100, count / 20_000, "gmm_vgae", "training"))
        if count <= 4000:
            pairs = count**2
            rows.append(
                (count, 500, pairs / 1e5, 500 + pairs * 5e-5, pairs / 5e6, "dense_as_published", "training")
            )
    names = ["spots", "genes", "seconds", "peak_mb", "seconds_per_epoch", "model", "stage"]
    return pd.DataFrame(rows, columns=names)
