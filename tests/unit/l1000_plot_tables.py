"""Synthetic tables in the forms that the L1000 study's figures read."""

from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
PUBLISHED = pd.read_csv(ROOT / "resources/l1000/published_codes.tsv", sep="\t")["pcl_id"].tolist()
VAES = {"vae": 3, "vae_linear": 1, "vae_published": 1}


def classes(count):
    """Names of classes, the longest first."""
    return sorted(PUBLISHED, key=lambda name: (-len(name), name))[:count]


def runs(models=VAES):
    return [(model, str(seed)) for model, seeds in models.items() for seed in range(seeds)]


def counts(sources=("simulated compounds", "simulated knock-downs")):
    rows = [
        (source, step, *(np.array([12_000, 400, 390, 9]) // (k + 1)))
        for source in sources
        for k, step in enumerate(("read", "978 landmark genes", "clipped at 10", "kept"))
    ]
    return pd.DataFrame(rows, columns=["source", "step", "signatures", "perturbagens", "names", "cell_lines"])


def cell_lines(lines=40, seed=0):
    rng = np.random.default_rng(seed)
    rows = [
        ("a", f"LINE{k}", kind, int(rng.lognormal(6 - k / 12, 0.3)) + 1, 20)
        for k in range(lines)
        for kind in ("trt_cp", "trt_sh.cgs")[: 1 + k % 2]
    ]
    return pd.DataFrame(rows, columns=["source", "cell_id", "pert_type", "signatures", "perturbagens"])


def expression_points(n=2000, names=12, seed=0):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, names + 1, n)
    known = [*classes(names), ""]
    table = pd.DataFrame({"sig_id": [f"s{k}" for k in range(n)]})
    table["pc1"] = rng.normal(0, 5, n) + np.where(group == 0, 60, 0)
    table["pc2"] = rng.normal(0, 4, n)
    table["share1"], table["share2"] = 0.14, 0.06
    table["pert_type"] = np.where(group % 2, "trt_cp", "trt_sh.cgs")
    table["cell_id"] = [f"LINE{k % 14}" for k in range(n)]
    table["source"] = "a"
    table["pcl_id"] = [known[k] for k in group]
    table["pert_iname"] = [f"drug{k % 99}" for k in range(n)]
    return table


def histories():
    rows = []
    epoch = np.arange(1, 201)
    for model, seed in runs({**VAES, "svqvae": 2, "svqvae_published": 1}):
        kind = {"svqvae": 0.1, "svqvae_published": -40.0, "vae_published": 1.5}.get(model, 900.0)
        curves = {"loss": kind * (1 + np.exp(-epoch / 20)), "reconstruction": 0.8 * kind + 0 * epoch}
        curves["validation"] = kind * (1.05 + np.exp(-epoch / 20) + 1e-6 * (epoch - 120) ** 2)
        if model.startswith("svqvae"):
            curves |= {
                "accuracy": 1 - np.exp(-epoch / 40),
                "perplexity": epoch / 10.0,
                "with_label": 1 / epoch,
            }
            curves |= {"pull": 1 / epoch, "push": 0.1 * epoch}
        elif model != "vae_published":
            curves |= {"kl": 20 + 0 * epoch, "explained_variance": 0.5 * (1 - np.exp(-epoch / 30))}
        for name, values in curves.items():
            rows += [(model, seed, int(e), name, float(v)) for e, v in zip(epoch, values, strict=True)]
    return pd.DataFrame(rows, columns=["model", "seed", "epoch", "name", "value"])


def reconstruction():
    names = ["model", "seed", "units", "active", "explained_variance", "lower", "upper", "n", "compounds"]
    rows = [("zero", "", 0, 0, 0.0, 0.0, 0.0), ("mean", "", 0, 0, 0.04, 0.03, 0.05)]
    rows += [
        ("pca", "", k, k, v := 0.06 + 0.08 * np.log2(k), v - 0.03, v + 0.03)
        for k in (1, 2, 5, 10, 20, 50, 100)
    ]
    for model, seed in runs({**VAES, "weights_smgp": 1, "weights_gp": 1, "svqvae": 2}):
        v = {"vae": 0.55, "vae_linear": 0.5, "vae_published": 0.31, "weights_gp": -2.4}.get(model, 0.2)
        v += 0.01 * int(seed)
        units = {"vae": 32, "vae_linear": 32, "svqvae": 500}.get(model, 100)
        rows.append((model, "" if "weights" in model else seed, units, units // 2, v, v - 0.04, v + 0.04))
    return pd.DataFrame([(*row, 812, 60) for row in rows], columns=names)


def programmes():
    rng = np.random.default_rng(0)
    rows = [
        (model, seed, f"programme {k}", min(1.0, rng.normal(0.9 if k < 6 else 0.3, 0.05)), 500)
        for model, seed in [*runs(), ("pca", "")]
        for k in range(8)
    ]
    return pd.DataFrame(rows, columns=["model", "seed", "programme", "r2", "n"])


def latent_units(units=100):
    rng = np.random.default_rng(1)
    parts = []
    for model, seed in runs({**VAES, "weights_smgp": 1}):
        size = 32 if model in ("vae", "vae_linear") else units
        active = np.arange(size) < 12
        table = pd.DataFrame({"model": model, "seed": seed, "unit": np.arange(size).astype(str)})
        table["kl"] = np.where(active, rng.gamma(3, 0.5, size), rng.gamma(1, 0.002, size))
        table["weight_norm"] = np.where(active, rng.normal(8, 1, size), rng.normal(1, 0.1, size))
        table["mean_abs"] = np.where(active, rng.uniform(0.5, 1.4, size), rng.uniform(0, 0.05, size))
        for flag in ("active_kl", "active_weight", "signature_node"):
            table[flag] = active
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def class_nodes(count=21, nodes=12):
    rng = np.random.default_rng(2)
    rows = [
        (model, seed, name, str(unit * 3), rng.normal(0, 1), 150 + k)
        for model, seed in runs()
        for k, name in enumerate(classes(count))
        for unit in range(nodes)
    ]
    return pd.DataFrame(rows, columns=["model", "seed", "pcl_id", "unit", "mean", "n"])


def latent_sample(signatures=120, units=32):
    rng = np.random.default_rng(3)
    known = [*classes(9), ""]
    rows = []
    for model, seed in runs():
        values = rng.normal(0, 1, (signatures, units)) * (np.arange(units) < 12)
        for k in range(signatures):
            sheet = (model, seed, f"s{k}", f"drug{k % 30}", known[k % 10])
            rows += [(*sheet, str(unit), values[k, unit]) for unit in range(units)]
    return pd.DataFrame(rows, columns=["model", "seed", "sig_id", "pert_iname", "pcl_id", "unit", "value"])


def generated():
    rng = np.random.default_rng(4)
    rows = []
    scores = {"real": 0.02, "generated": 0.2, "aggregate": 0.15, "gaussian": 0.3, "shuffled": 0.6}
    for model, seed in [*runs({**VAES, "weights_smgp": 1}), ("real", ""), ("gaussian", ""), ("shuffled", "")]:
        for sample, value in scores.items():
            # The references stand by themselves, under their own names.
            if (model in scores or sample not in ("generated", "aggregate")) and sample != model:
                continue
            for metric in (
                "classifier_auc",
                "mmd",
                "wasserstein",
                "correlation_error",
                "precision",
                "recall",
            ):
                v = value + abs(rng.normal(0, 0.01))
                v = {"classifier_auc": 0.5 + v / 2, "precision": 1 - v, "recall": 1 - v}.get(metric, v)
                rows.append((model, seed, sample, metric, v, 800))
    return pd.DataFrame(rows, columns=["model", "seed", "sample", "metric", "value", "n"])


def generated_points(n=300):
    rng = np.random.default_rng(5)
    parts = []
    for model, seed in runs({**VAES, "weights_smgp": 1}):
        for sample, spread in (("real", 8.0), ("generated", 6.0)):
            part = pd.DataFrame(rng.normal(0, spread, (n, 2)), columns=["pc1", "pc2"])
            part["pc1"] += np.where(np.arange(n) < n // 5, 60, 0)
            part.insert(0, "sample", sample)
            part.insert(0, "seed", seed)
            part.insert(0, "model", model)
            parts.append(part.assign(share1=0.14, share2=0.06))
    return pd.concat(parts, ignore_index=True)


def class_generation(count=21):
    rng = np.random.default_rng(6)
    rows = []
    for model, seed in [*runs(), ("real", "")]:
        for method, share in (("posterior", 0.6), ("pattern", 0.4), ("prior", 0.05), ("real", 0.7)):
            if (method == "real") != (model == "real"):
                continue
            for k, name in enumerate(classes(count)):
                value = float(np.clip(share * rng.uniform(0.2, 1.3), 0, 1))
                rows.append((model, seed, method, name, value, 0.4 / (k + 1), 200, 1500))
    names = ["model", "seed", "method", "pcl_id", "share", "base_rate", "n_generated", "n_reference"]
    return pd.DataFrame(rows, columns=names)


def class_neighbours(count=21):
    names = classes(count)
    rows = []
    for model, seed in runs():
        for method in ("posterior", "pattern"):
            for k, name in enumerate(names):
                others = [n for n in (names[(k + 1) % count], names[(k + 2) % count]) if n != name][
                    : count - 1
                ]
                shares = [(name, 0.6), *zip(others, (0.2, 0.1), strict=False)]
                shares.append(("other", 1 - sum(s for _, s in shares)))
                rows += [(model, seed, method, name, neighbour, s) for neighbour, s in shares]
    return pd.DataFrame(rows, columns=["model", "seed", "method", "pcl_id", "neighbour", "share"])


def classification():
    rng = np.random.default_rng(7)
    sizes = {
        "raw": 978,
        "pca": 32,
        "e1": 1000,
        "e2": 1000,
        "e3": 100,
        "sig": 12,
        "d2": 1000,
        "d1": 1000,
        "vae": 32,
    }
    rows = []
    for split, n in (("signature", 1207), ("compound", 900), ("held_out", 200), ("cell_line", 1000)):
        for name, size in {**sizes, "svqvae": 500}.items():
            for classifier in ("logistic", "svm", "knn", "boosting"):
                for labels, value in (
                    ("true", rng.uniform(0.2, 0.45)),
                    ("permuted", rng.uniform(0.03, 0.08)),
                ):
                    scores = (
                        value,
                        value - 0.03,
                        value + 0.03,
                        value * 0.7,
                        value * 0.65,
                        value * 0.75,
                        value * 0.6,
                        value * 1.8,
                    )
                    rows.append((name, size, classifier, split, labels, *scores, n, 60, 25))
        rows.append(
            (
                "raw",
                978,
                "majority",
                split,
                "true",
                0.19,
                np.nan,
                np.nan,
                0.04,
                np.nan,
                np.nan,
                0.01,
                0.4,
                n,
                60,
                25,
            )
        )
    names = [
        *("representation", "features", "classifier", "split", "labels", "accuracy", "accuracy_lower"),
        *(
            "accuracy_upper",
            "balanced_accuracy",
            "balanced_lower",
            "balanced_upper",
            "macro_f1",
            "top5",
            "n",
            "units",
            "classes",
        ),
    ]
    return pd.DataFrame(rows, columns=names)


def codes():
    rows = []
    values = {
        "top1": 0.4,
        "top5": 0.7,
        "explained_with_label": 0.15,
        "explained_nearest": 0.12,
        "perplexity": 11.0,
    }
    for model, seed in runs({"svqvae": 2, "svqvae_published": 1, "weights_svqvae": 1}):
        for preparation in ("clipped", "robust_z", "as_is"):
            for labels in ("true", "permuted"):
                for metric, value in values.items():
                    v = value * (0.1 if labels == "permuted" else 1.0) + 0.02 * int(seed)
                    rows.append((model, seed, preparation, labels, metric, v, v * 0.9, v * 1.1, 300, 25))
    names = ["model", "seed", "preparation", "labels", "metric", "value", "lower", "upper", "n", "compounds"]
    return pd.DataFrame(rows, columns=names)


def targets():
    rows = []
    for k, name in enumerate(("raw", "pca", "e3", "vae", "permuted")):
        for cells in ("matched", "any"):
            for metric, chance in (
                *(
                    ("auroc", 0.5),
                    ("reciprocal_rank", 0.01),
                    ("recall_at_10", 0.02),
                    ("first_rank_over_null", 1.0),
                ),
            ):
                v = chance if name == "permuted" else chance * (1 + 0.1 * k)
                rows.append((name, cells, metric, v, v * 0.9, v * 1.1, 40))
    return pd.DataFrame(
        rows, columns=["representation", "cells", "metric", "value", "lower", "upper", "drugs"]
    )


def target_drugs(drugs=40, published=16):
    rng = np.random.default_rng(8)
    rows = []
    for name in ("raw", "pca", "e3", "vae", "permuted"):
        for cells in ("matched", "any"):
            for k in range(drugs):
                null = rng.lognormal(4, 1)
                rank = null * rng.lognormal(-0.3, 0.8)
                drug = f"mycophenolate-mofetil{k}" if k % 2 else f"drug{k}"
                scores = (30, 5, 9000, rank, 0.0, null, 0.6, 0.1, 0.2, k < published)
                rows.append((name, cells, drug, "HMGCR|TOP1", *scores))
    names = [
        *(
            "representation",
            "cells",
            "drug",
            "targets",
            "n_signatures",
            "n_relevant",
            "items",
            "mean_first_rank",
        ),
        *("best_first_rank", "null_rank", "auroc", "reciprocal_rank", "recall_at_10", "of_pabon"),
    ]
    return pd.DataFrame(rows, columns=names)


def network(count=75, seed=0):
    """Distances, edges and nodes of a network of classes."""
    from workflow_scripts.lib.metrics.class_network import correlation_distance, nearest_neighbours

    names = classes(count)
    codes = np.random.default_rng(seed).normal(size=(count, 12))
    distance = correlation_distance(codes)
    nodes = pd.DataFrame({"pcl_id": names, "norm": 1.0, "signatures": np.arange(count) * 20.0 + 3})
    edges = (
        nearest_neighbours(distance, names)
        if count > 1
        else nearest_neighbours(np.zeros((2, 2)), names * 2)[:0]
    )
    return pd.DataFrame(distance, index=names, columns=names), edges, nodes


def units():
    parts = []
    for k, model in enumerate(("weights_smp", "weights_gp", "weights_smgp")):
        active = np.arange(100) % 10 < k + 1
        norm = np.where(active, 9.0, 1.0) + np.random.default_rng(k).normal(0, 0.2, 100)
        row = {"model": model, "unit": np.arange(100).astype(str), "weight_norm": norm, "active": active}
        parts.append(pd.DataFrame(row))
    return pd.concat(parts, ignore_index=True)


def decoded(count=75):
    rng = np.random.default_rng(9)
    rows = [
        (name, f"GENE{rng.integers(100, 999)}A", sign * (4 - 0.3 * rank), rank, direction)
        for name in classes(count)
        for direction, sign in (("up", 1), ("down", -1))
        for rank in range(1, 11)
    ]
    return pd.DataFrame(rows, columns=["pcl_id", "symbol", "value", "rank", "direction"])


CARDS = [
    {"model": "vae", "architecture": {"class": "SignatureVAE", "genes": 978, "cell_lines": 9, "hidden": 512,
                                      "latent": 32, "blocks": 2, "linear": False}},
    {"model": "vae_linear", "architecture": {"class": "SignatureVAE", "genes": 978, "cell_lines": 0, "hidden": 512,
                                             "latent": 32, "blocks": 2, "linear": True}},
    {"model": "vae_published", "architecture": {"class": "PublishedVAE", "genes": 978, "hidden": 1000, "latent": 100}},
    {"model": "svqvae", "architecture": {"class": "SVQVAE", "classes": 75, "genes": 978, "hidden": 1000}},
]  # fmt: skip
