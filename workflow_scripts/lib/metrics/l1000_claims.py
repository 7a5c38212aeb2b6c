"""The published claims of the L1000 study against what the tables of this run say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

Tables = Mapping[str, Mapping[str, pd.DataFrame]]
"""Tables by data set and name; a data set has those that its files allow."""
COLUMNS = ("study", "claim", "as_published", "reproduced", "corrected", "interval", "verdict", "figure")


def _each(tables: Tables, needed: str, say: Callable[[Mapping[str, pd.DataFrame]], str]) -> str:
    told = [(name, say(found)) for name, found in tables.items() if needed in found and len(found[needed])]
    return "; ".join(f"{name}: {text}" for name, text in told if text)


def _row(
    claim: str, published: str, reproduced: str, corrected: str, interval: str, verdict: str, figure: str
) -> dict:
    said = (
        claim,
        published,
        reproduced or "not in this run",
        corrected or "not in this run",
        interval,
        verdict,
        figure,
    )
    return dict(zip(COLUMNS, ("l1000", *said), strict=True))


def _figure(tables: Tables, needed: str, name: str) -> str:
    first = next(
        (dataset for dataset, found in tables.items() if needed in found and len(found[needed])), None
    )
    return f"l1000/{first}/{name}.svg" if first else ""


def _number(table: pd.DataFrame, column: str = "value", **where: object) -> str:
    for name, wanted in where.items():
        table = table[table[name] == wanted]
    return f"{table[column].mean():.2f}" if len(table) and table[column].notna().any() else "none"


def _interval(table: pd.DataFrame, lower: str = "lower", upper: str = "upper", **where: object) -> str:
    for name, wanted in where.items():
        table = table[table[name] == wanted]
    table = table.dropna(subset=[lower, upper])
    return f"{table[lower].iloc[0]:.2f} to {table[upper].iloc[0]:.2f}" if len(table) else ""


def nodes_claim(tables: Tables) -> dict:
    """Twelve signature nodes."""

    def weights(found: Mapping[str, pd.DataFrame]) -> str:
        active = found["units"].groupby("model").active.sum()
        return ", ".join(f"{name.removeprefix('weights_').upper()} {n} of 100" for name, n in active.items())

    def ours(found: Mapping[str, pd.DataFrame]) -> str:
        units = (
            found["latent_units"]
            .groupby(["model", "seed"])
            .agg(n=("signature_node", "sum"), size=("unit", "size"))
        )
        units = units.groupby("model").mean().round(0).astype(int)
        return ", ".join(
            f"{row.Index} {row.n} of {row.size}" for row in units.itertuples() if row.Index != "vae_linear"
        )

    return _row(
        "a dozen signature nodes hold the cell's state", "12 of 100 nodes, mean |mu| > 0.5",
        _each(tables, "units", weights), _each(tables, "latent_units", ours), "",
        "the published models' other units are dead: their loss weighs the KL 4.89 times",
        _figure(tables, "latent_units", "signature_nodes") or _figure(tables, "units", "published_units"),
    )  # fmt: skip


def reconstruction_claim(tables: Tables) -> dict:
    """The VAE captures the signatures."""

    def best(found: Mapping[str, pd.DataFrame], model: str) -> str:
        table = found["reconstruction"]
        part = table[table.model == model]
        if part.empty:
            return ""
        active = round(part.active.mean())
        # Ours is told the cell line, and so is the PCA beside it.
        rival, name = ("pca_by_line", "PCA by line") if model == "vae" else ("pca", "PCA")
        pca = table[table.model == rival]
        if pca.empty:
            return f"{part.explained_variance.mean():.3f}"
        near = pca.loc[(pca.units - active).abs().idxmin()]
        return (
            f"{part.explained_variance.mean():.3f}, {name} of {int(near.units)} {near.explained_variance:.3f}"
        )

    return _row(
        "the VAE learns a compact representation of the signatures", "MSE 0.861 on knock-downs, no baseline",
        _each(tables, "reconstruction", lambda f: best(f, "vae_published")),
        _each(tables, "reconstruction", lambda f: best(f, "vae")),
        _each(tables, "reconstruction", lambda f: _interval(f["reconstruction"], model="vae")),
        "explained variance of held-out perturbagens, beside as many principal components as there are active units",
        _figure(tables, "reconstruction", "reconstruction"),
    )  # fmt: skip


def generation_claim(tables: Tables) -> dict:
    """Generated data look like real data."""

    def auc(found: Mapping[str, pd.DataFrame], model: str, sample: str = "generated") -> str:
        return _number(found["generated"], metric="classifier_auc", model=model, sample=sample)

    return _row(
        "generated signatures are like real ones", "two principal components overlap, no statistic",
        _each(tables, "generated", lambda f: f"AUC of real against generated {auc(f, 'vae_published')}"),
        _each(
            tables, "generated",
            lambda f: f"ours {auc(f, 'vae')}, Gaussian {auc(f, 'gaussian', 'gaussian')}, real {auc(f, 'real', 'real')}",
        ),
        "0.5 cannot be told apart, 1 always can",
        "two components hide what a classifier sees at once", _figure(tables, "generated", "generated_vs_real"),
    )  # fmt: skip


def class_generation_claim(tables: Tables) -> dict:
    """Class-conditioned generation."""

    def share(found: Mapping[str, pd.DataFrame], model: str, method: str) -> str:
        return _number(found["class_generation"], "share", model=model, method=method)

    def base(found: Mapping[str, pd.DataFrame]) -> str:
        return f"base rate {found['class_generation'].drop_duplicates('pcl_id').base_rate.mean():.2f}"

    return _row(
        "signatures generated for a class have neighbours of that class", "500 of 500 for the proteasome, all MG-132",
        _each(tables, "class_generation", lambda f: f"{share(f, 'vae_published', 'pattern')} on held-out compounds"),
        _each(
            tables, "class_generation",
            lambda f: (
                f"{share(f, 'vae', 'posterior')}, any z {share(f, 'vae', 'prior')}, real {share(f, 'real', 'real')}"
            ),
        ),
        _each(tables, "class_generation", base),
        "on compounds that the pattern was not tuned on", _figure(tables, "class_generation", "class_generation"),
    )  # fmt: skip


def prediction_claim(tables: Tables) -> dict:
    """Class prediction."""

    def of(
        found: Mapping[str, pd.DataFrame], split: str, name: str, labels: str = "true", by: str = "logistic"
    ) -> str:
        where = {"split": split, "representation": name, "classifier": by, "labels": labels}
        measure = "accuracy" if split == "signature" else "balanced_accuracy"
        return _number(found["classification"], measure, **where)

    def published(found: Mapping[str, pd.DataFrame]) -> str:
        return f"raw {of(found, 'signature', 'raw')}, signature nodes {of(found, 'signature', 'sig')}"

    def corrected(found: Mapping[str, pd.DataFrame]) -> str:
        majority = of(found, "compound", "raw", by="majority")
        return (
            f"balanced accuracy on other compounds: raw {of(found, 'compound', 'raw')}, "
            f"VAE {of(found, 'compound', 'vae')}, permuted {of(found, 'compound', 'raw', 'permuted')}, "
            f"majority {majority}"
        )

    def interval(found: Mapping[str, pd.DataFrame]) -> str:
        where = {"split": "compound", "representation": "vae", "classifier": "logistic", "labels": "true"}
        return _interval(found["classification"], "balanced_lower", "balanced_upper", **where)

    return _row(
        "the class of a drug can be predicted from its signature", "0.41 raw, 0.39 from 12 nodes, split by signature",
        _each(tables, "classification", published), _each(tables, "classification", corrected),
        _each(tables, "classification", interval),
        "a split by signature asks whether a compound is recognised",
        _figure(tables, "classification", "class_prediction"),
    )  # fmt: skip


def network_claim(tables: Tables) -> dict:
    """The network of classes."""

    def nearest(found: Mapping[str, pd.DataFrame]) -> str:
        edge = found["edges"].sort_values("distance").iloc[0]
        names = [name.removeprefix("CP_") for name in (edge.target, edge.source)]
        return f"{names[0]} and {names[1]} {edge.distance:.4f}, {int(found['edges'].mutual.sum()) // 2} mutual pairs"

    published = {name: found for name, found in tables.items() if "units" in found and "edges" in found}
    own = {name: found for name, found in tables.items() if name not in published}
    return _row(
        "codes of related classes lie together", "MTOR and PI3K 0.2638, 13 mutual pairs",
        _each(published, "edges", nearest), _each(own, "edges", nearest), "",
        ("reproduced from the published weights alone; " if published else "") + "Gephi's weights were 50 - distance",
        _figure(published or own, "edges", "network_graph_" + ("weights_svqvae" if published else "svqvae")),
    )  # fmt: skip


def code_claim(tables: Tables) -> dict:
    """Label-free codes."""

    def top(found: Mapping[str, pd.DataFrame], model: str, labels: str = "true") -> str:
        return _number(found["codes"], metric="top1", model=model, labels=labels)

    def published(found: Mapping[str, pd.DataFrame]) -> str:
        table = found["codes"]
        part = table[(table.model == "weights_svqvae") & (table.metric == "top1")]
        said = [f"{row.preparation} {row.labels} {row.value:.3f}" for row in part.itertuples()]
        return ", ".join(said)

    return _row(
        "the S-VQ-VAE maps signatures to their classes", "validated with the true label given",
        _each(tables, "codes", published),
        _each(tables, "codes", lambda f: f"top-1 {top(f, 'svqvae')}, permuted {top(f, 'svqvae', 'permuted')}"),
        _each(tables, "codes", lambda f: _interval(f["codes"], metric="top1", model="svqvae", labels="true")),
        "by the nearest code, no label given; ours on held-out compounds, the published on its own training data where "
        "a data set is part of it", _figure(tables, "codes", "code_assignment"),
    )  # fmt: skip


def target_claim(tables: Tables) -> dict:
    """Drug targets."""

    def scores(found: Mapping[str, pd.DataFrame]) -> str:
        if not len(found["target_drugs"]):
            return "no drug's target is knocked down"
        return ", ".join(f"{name} {auroc(found, name)}" for name in ("vae", "raw", "pca", "permuted"))

    def auroc(found: Mapping[str, pd.DataFrame], name: str) -> str:
        return _number(found["targets"], metric="auroc", representation=name, cells="any")

    def ranks(found: Mapping[str, pd.DataFrame]) -> str:
        table = found["target_drugs"]
        table = table[(table.representation == "e3") & (table.cells == "any")]
        if table.of_pabon.any():
            table = table[table.of_pabon == 1]
        chance = table.null_rank.mean()
        return f"{table.mean_first_rank.mean():.0f} of e3 where chance gives {chance:.0f}, {len(table)} drugs"

    return _row(
        "latent representations find a drug's target among knock-downs",
        "mean first-hit rank 3,495 of 116,782; no null",
        _each(tables, "target_drugs", ranks),
        _each(tables, "targets", scores),
        _each(tables, "targets", lambda f: _interval(f["targets"], metric="auroc", representation="vae", cells="any")),
        "AUROC by gene; a first-hit rank means nothing without the number of targets",
        _figure(tables, "targets", "drug_targets"),
    )  # fmt: skip


CLAIMS = (
    *(
        reconstruction_claim,
        nodes_claim,
        generation_claim,
        class_generation_claim,
        prediction_claim,
        target_claim,
    ),
    *(network_claim, code_claim),
)


def audit(tables: Tables) -> pd.DataFrame:
    """One row a claim; those of which the run has no table at all are left out.

    Parameters
    ----------
    tables
        By data set and name, see `lib.l1000_study.L1000Dataset.claim_inputs`.
    """
    rows = [claim(tables) for claim in CLAIMS]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table[table.figure != ""].reset_index(drop=True)
