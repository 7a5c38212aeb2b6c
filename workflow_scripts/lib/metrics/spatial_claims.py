"""The published claims of the spatial study against what the tables of this run say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

Tables = Mapping[str, Mapping[str, pd.DataFrame]]
"""Tables by data set and name; a data set has those that its files allow."""
COLUMNS = ("study", "claim", "as_published", "reproduced", "corrected", "interval", "verdict", "figure")
NONE = "not in this run"


def _each(tables: Tables, needed: str, say: Callable[[Mapping[str, pd.DataFrame]], str]) -> str:
    told = [(name, say(found)) for name, found in tables.items() if needed in found and len(found[needed])]
    return "; ".join(f"{name}: {text}" for name, text in told if text)


def _row(
    claim: str, published: str, reproduced: str, corrected: str, interval: str, verdict: str, figure: str
) -> dict:
    said = (claim, published, reproduced or NONE, corrected or NONE, interval, verdict, figure)
    return dict(zip(COLUMNS, ("spatial", *said), strict=True))


def _figure(tables: Tables, needed: str, name: str) -> str:
    first = next((data for data, found in tables.items() if needed in found and len(found[needed])), None)
    return f"spatial/{first}/{name}.svg" if first else ""


def _mean(table: pd.DataFrame, column: str, **where: object) -> float:
    for name, wanted in where.items():
        table = table[table[name].astype(str) == str(wanted)]
    return float(pd.to_numeric(table[column], errors="coerce").mean())


def _finding(found: Mapping[str, pd.DataFrame], name: str) -> str:
    rows = found["findings"][found["findings"].finding == name].value
    if rows.empty:
        return "none"
    value = pd.to_numeric(rows, errors="coerce").iloc[0]
    return str(rows.iloc[0]) if pd.isna(value) else f"{value:.3g}"


def _item(found: Mapping[str, pd.DataFrame], name: str, column: str = "value") -> str:
    rows = found["verdict"][found["verdict"]["item"] == name]
    return str(rows[column].iloc[0]) if len(rows) else ""


def _gain(found: Mapping[str, pd.DataFrame], name: str) -> str:
    value = pd.to_numeric(_item(found, name) or "nan", errors="coerce")
    return "" if pd.isna(value) else f"{value:+.4f}"


def _spread(found: Mapping[str, pd.DataFrame], name: str) -> str:
    low, high = (
        pd.to_numeric(_item(found, name, side) or "nan", errors="coerce") for side in ("lower", "upper")
    )
    return "" if pd.isna(low) else f"{low:+.4f} to {high:+.4f}"


def _gaining(tables: Tables, name: str) -> str:
    """Return on how many data sets an item of the verdict is above 0, by its interval where it has one."""
    lows = []
    for found in tables.values():
        if "verdict" in found and _gain(found, name):
            value, low = (pd.to_numeric(_item(found, name, side) or "nan") for side in ("value", "lower"))
            lows.append(value if pd.isna(low) else low)
    return f"{sum(low > 0 for low in lows)} of {len(lows)} data sets" if lows else ""


def matrix_claim(tables: Tables) -> dict:
    """The layer of imputed genes."""
    reproduced = _each(
        tables, "findings",
        lambda found: f"largest |M - M'| {_finding(found, 'max_asymmetry')}, AUC of edges "
        f"{_finding(found, 'edge_auc')}, correlation with its own gene {_finding(found, 'correlation_with_own_gene')}",
    )  # fmt: skip
    corrected = _each(
        tables,
        "verdict",
        lambda found: (
            _gain(found, "gain_over_best_baseline")
            and f"{_gain(found, 'gain_over_best_baseline')} nats per held-out UMI"
        ),
    )
    return _row(
        "Missing genes are imputed (layer Recons_features)", "a matrix of spots x genes",
        reproduced, corrected, _each(tables, "verdict", lambda found: _spread(found, "gain_over_best_baseline")),
        "the published matrix is the decoded graph: symmetric, blind to the order of genes; ours decodes counts",
        _figure(tables, "findings", "published_matrix"),
    )  # fmt: skip


def held_out_claim(tables: Tables) -> dict:
    """Imputation is better than raw data."""
    verdicts = [_item(found, "verdict") for found in tables.values() if "verdict" in found]
    raw = sum(text.startswith("no gain") for text in verdicts)
    return _row(
        "Imputation improves the data", "figures before and after; no held-out score",
        "no score to reproduce",
        _each(tables, "verdict", lambda found: f"{_item(found, 'verdict')} ({_item(found, 'verdict', 'note')})"),
        _each(tables, "verdict", lambda found: _spread(found, "gain_over_best_baseline")),
        f"no gain on {raw} of {len(verdicts)} data sets" if verdicts else NONE,
        _figure(tables, "verdict", "held_out_likelihood"),
    )  # fmt: skip


def space_claim(tables: Tables) -> dict:
    """The neighbours help."""
    true, shuffled = (_gaining(tables, name) for name in ("spatial_gain", "shuffled_gain"))
    return _row(
        "Spatial neighbours improve imputation", "assumed", "no score to reproduce",
        _each(tables, "verdict", lambda found: _gain(found, "spatial_gain") and
              f"{_gain(found, 'spatial_gain')}, with shuffled neighbours "
              f"{_gain(found, 'shuffled_gain') or 'none'} nats per UMI"),
        _each(tables, "verdict", lambda found: _spread(found, "spatial_gain")),
        f"neighbours help on {true}, shuffled ones, which must not, on {shuffled or 'none'}" if true else NONE,
        _figure(tables, "verdict", "held_out_likelihood"),
    )  # fmt: skip


def pattern_claim(tables: Tables) -> dict:
    """Clearer patterns."""

    def raw(found: Mapping[str, pd.DataFrame]) -> str:
        table = found["autocorrelation"]
        return f"mean Moran's I {_mean(table, 'moran_raw'):.3f} to {_mean(table, 'moran_imputed'):.3f}"

    def net(found: Mapping[str, pd.DataFrame]) -> str:
        table = found["autocorrelation"]
        return f"{_mean(table, 'moran_null'):.3f} of genes without a pattern, net {_mean(table, 'net'):.3f}"

    return _row(
        "Imputed genes show clearer spatial patterns", "maps before and after, by eye",
        _each(tables, "autocorrelation", raw), _each(tables, "autocorrelation", net), "",
        "imputation raises Moran's I of genes without any pattern too; only the net counts",
        _figure(tables, "autocorrelation", "spatial_autocorrelation"),
    )  # fmt: skip


def domain_claim(tables: Tables) -> dict:
    """Tissue domains, with the epoch chosen by the annotation."""

    def ours(found: Mapping[str, pd.DataFrame]) -> str:
        table = found["domains"]
        tuned = table.tuned.astype(str) == "True"
        parts = [("", table)]
        if tuned.any():
            parts = [
                (" on other sections", table[~tuned]),
                (" on those that choices were made on", table[tuned]),
            ]
        return ", ".join(
            f"ARI {_mean(some, 'ari', method='gmm_vgae'):.3f}, smoothed mixture "
            f"{_mean(some, 'ari', method='smoothed_mixture'):.3f}{which}"
            for which, some in parts
        )

    def spread(found: Mapping[str, pd.DataFrame]) -> str:
        table = found["domains"]
        table = table[table.method == "gmm_vgae"]
        by_seed = pd.to_numeric(table.ari).groupby([table.section.astype(str), table.seed.astype(str)]).mean()
        deviation = by_seed.groupby(level=0).std().max()
        return "" if pd.isna(deviation) else f"largest sd over seeds {deviation:.3f}"

    return _row(
        "Domains agree with the annotation", "ARI of the epoch with the highest ARI",
        _each(tables, "findings", lambda found: f"selected {_finding(found, 'ari_selected_epoch')}, last epoch "
              f"{_finding(found, 'ari_last_epoch')}"),
        _each(tables, "domains", ours), _each(tables, "domains", spread),
        "selection by the labels it is scored with; ours is told only how many classes there are",
        _figure(tables, "domains", "domain_agreement"),
    )  # fmt: skip


def clustering_claim(tables: Tables) -> dict:
    """Clustering after imputation."""

    def change(found: Mapping[str, pd.DataFrame]) -> str:
        table = found["after_imputation"]
        return f"ARI raw {_mean(table, 'ari', input='raw'):.3f}, imputed {_mean(table, 'ari', input='imputed'):.3f}"

    return _row(
        "Imputed data cluster better", "implied by the figures", "no score to reproduce",
        _each(tables, "after_imputation", change), "", "read beside raw; literature: imputation often hurts",
        _figure(tables, "after_imputation", "clustering_after_imputation"),
    )  # fmt: skip


def masked_claim(tables: Tables) -> dict:
    """The masked-value protocol."""

    def scores(found: Mapping[str, pd.DataFrame]) -> str:
        table = found["masked"]
        ours, rule = (_mean(table, "pearson", method=name) for name in ("gmm_vgae", "library_only"))
        return f"Pearson correlation {ours:.3f}, of the rule {rule:.3f}"

    return _row(
        "Hidden values are predicted", "correlation of masked nonzero values", "no score to reproduce",
        _each(tables, "masked", scores), "",
        "a rule that knows the library size alone scores nearly as high, or higher; held-out UMIs tell methods apart",
        _figure(tables, "masked", "masked_protocol"),
    )  # fmt: skip


def platform_claim(tables: Tables) -> dict:
    """Every platform."""
    return _row(
        "Works on Visium, Slide-seqV2 and Stereo-seq", "stated",
        _each(tables, "findings", lambda found: "runs" if _finding(found, "imputation_mode_runs") == "1"
              else "cannot run: fewer genes than spots"),
        _each(tables, "verdict", lambda found: _item(found, "verdict")), "",
        "the published code needs as many genes as spots, and memory for spots x spots",
        _figure(tables, "findings", "published_matrix"),
    )  # fmt: skip


def audit(tables: Tables) -> pd.DataFrame:
    """Return one row a claim; columns `COLUMNS`.

    Parameters
    ----------
    tables
        By data set and name: ``domains, verdict, autocorrelation, after_imputation, masked, findings``.
    """
    claims = (
        matrix_claim, held_out_claim, space_claim, pattern_claim, domain_claim, clustering_claim, masked_claim,
        platform_claim,
    )  # fmt: skip
    return pd.DataFrame([claim(tables) for claim in claims], columns=list(COLUMNS))
