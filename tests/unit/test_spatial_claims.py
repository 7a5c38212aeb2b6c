"""Whether imputation is worth using, and the audit of the published claims, from small tables."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workflow_scripts.lib.metrics.imputation_verdict import imputation_verdict, paired_gain
from workflow_scripts.lib.metrics.spatial_claims import COLUMNS, NONE, audit

KINDS = {
    "gmm_vgae": "model", "gmm_vgae_own": "control", "gmm_vgae_shuffled": "control", "gene_mean": "baseline",
    "knn": "baseline", "scvi": "rival",
}  # fmt: skip
LEVELS = {
    "gmm_vgae": -1.0, "gmm_vgae_own": -1.01, "gmm_vgae_shuffled": -1.012, "gene_mean": -1.2, "knn": -1.1,
    "scvi": -1.15,
}  # fmt: skip


def scores(seeds=5, **levels):
    """Held-out scores whose seeds differ by more than the methods do."""
    rng = np.random.default_rng(0)
    shift = rng.normal(0, 0.3, seeds)
    rows = [
        {"method": name, "kind": KINDS[name], "seed": seed,
         "log_likelihood": level + shift[seed] + rng.normal(0, 0.001)}
        for name, level in {**LEVELS, **levels}.items()
        for seed in range(1 if name == "scvi" else seeds)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def of(table, method):
    return table[table.method == method].set_index("seed").log_likelihood


def test_the_gain_is_paired_by_seed_with_a_student_interval():
    table = scores().sample(frac=1, random_state=0)
    found = paired_gain(table, "gmm_vgae", "knn")
    gain = (of(table, "gmm_vgae") - of(table, "knn")).to_numpy()
    test = stats.ttest_rel(of(table, "gmm_vgae").sort_index(), of(table, "knn").sort_index())
    interval = test.confidence_interval(0.95)
    assert found["value"] == pytest.approx(gain.mean())
    assert (found["lower"], found["upper"]) == pytest.approx((interval.low, interval.high))
    # far narrower than the spread of the seeds
    assert found["upper"] - found["lower"] < 0.01


def test_seeds_that_only_one_has_are_left_out():
    table = scores()
    found = paired_gain(table, "gmm_vgae", "scvi")
    assert found["value"] == pytest.approx(of(table, "gmm_vgae")[0] - of(table, "scvi")[0])
    assert np.isnan(found["lower"]) and np.isnan(found["upper"])
    other = table.assign(seed=np.where(table.method == "scvi", 9, table.seed))
    assert np.isnan(list(paired_gain(other, "gmm_vgae", "scvi").values())).all()


def test_a_model_that_wins_every_seed_is_to_be_used():
    table = scores()
    expected = table[table.method == "gmm_vgae"].assign(method="gmm_vgae_expected")
    found = imputation_verdict(pd.concat([table, expected])).set_index("item")
    assert found.value["verdict"] == "use the imputation"
    assert (
        found.note["verdict"]
        == "rates given counts best in 5 of 5 seeds, expected rates best in 5 of 5 seeds"
    )
    assert found.note["gain_over_best_baseline"] == "gmm_vgae - knn"
    assert found.value["gain_over_best_baseline"] == pytest.approx(0.1, abs=0.005)
    assert found.value["expected_gain_over_best_baseline"] == pytest.approx(0.1, abs=0.005)
    assert found.value["spatial_gain"] == pytest.approx(0.01, abs=0.005)
    assert found.value["shuffled_gain"] < 0


def test_rates_given_counts_may_be_the_only_ones_that_gain():
    table = scores()
    expected = table[table.method == "gmm_vgae"].assign(method="gmm_vgae_expected")
    expected["log_likelihood"] -= 0.2
    found = imputation_verdict(pd.concat([table, expected])).set_index("item")
    assert found.value["verdict"] == "use the rates given counts"
    assert found.value["expected_gain_over_best_baseline"] < 0


def test_like_is_compared_with_like():
    table = scores()
    expected = table[table.method == "gmm_vgae"].assign(method="gmm_vgae_expected")
    strong = table[table.method == "knn"].assign(method="knn_given_counts")
    strong["log_likelihood"] += 0.5
    found = imputation_verdict(pd.concat([table, expected, strong])).set_index("item")
    assert found.note["gain_over_best_baseline"] == "gmm_vgae - knn_given_counts"
    assert found.note["expected_gain_over_best_baseline"] == "gmm_vgae_expected - knn"
    assert (
        found.value["verdict"] == "use the imputation"
        and "rates given counts best in 0 of 5" in found.note["verdict"]
    )


def test_one_lost_seed_is_no_gain_though_the_mean_is_above():
    table = scores()
    lost = (table.method == "gmm_vgae") & (table.seed == 3)
    table.loc[lost, "log_likelihood"] -= 0.12
    found = imputation_verdict(table).set_index("item")
    assert found.value["gain_over_best_baseline"] > 0.05
    assert found.value["verdict"] == "no gain, use raw" and "best in 4 of 5 seeds" in found.note["verdict"]


def test_a_gain_whose_interval_holds_zero_is_none():
    table = scores()
    ours = table.method == "gmm_vgae"
    knn = of(table, "knn")
    table.loc[ours, "log_likelihood"] = table.loc[ours, "seed"].map(
        lambda k: knn[k] + (0.5 if k == 0 else 0.001)
    )
    found = imputation_verdict(table).set_index("item")
    assert "best in 5 of 5 seeds" in found.note["verdict"] and found.lower["gain_over_best_baseline"] < 0
    assert found.value["verdict"] == "no gain, use raw"


def test_every_baseline_and_rival_counts_controls_do_not():
    better = imputation_verdict(scores(gmm_vgae_own=-0.5)).set_index("item")
    assert better.value["verdict"] == "use the rates given counts" and better.value["spatial_gain"] < 0
    # better in the one seed that it has
    found = imputation_verdict(scores(scvi=-0.9)).set_index("item")
    assert found.value["verdict"] == "no gain, use raw"
    tie = scores()
    tie.loc[tie.method == "gmm_vgae", "log_likelihood"] = of(tie, "knn").to_numpy()
    assert imputation_verdict(tie).set_index("item").value["verdict"] == "no gain, use raw"


# claims


def as_text(table):
    """As a table comes back from disk."""
    return table.astype(object).where(table.notna(), "").astype(str)


def verdict(**levels):
    return as_text(imputation_verdict(scores(**levels)))


def findings(runs=1):
    values = {"max_asymmetry": 0.0, "edge_auc": 0.91234, "correlation_with_own_gene": 0.02, "ari_selected_epoch": 0.4,
              "ari_last_epoch": 0.31, "imputation_mode_runs": runs}  # fmt: skip
    return pd.DataFrame({"finding": list(values), "value": list(map(str, values.values()))})


def tables():
    autocorrelation = pd.DataFrame(
        {
            "moran_raw": ["0.2", "0.4"],
            "moran_imputed": ["0.7", "0.9"],
            "moran_null": ["0.5", "0.6"],
            "net": ["0.2", "0.3"],
        }
    )
    domains = pd.DataFrame(
        [
            {"section": "", "method": method, "seed": str(seed), "ari": str(ari), "tuned": "False"}
            for method, aris in (("gmm_vgae", (0.5, 0.52, 0.54)), ("smoothed_mixture", (0.4,)))
            for seed, ari in enumerate(aris)
        ]
    )
    after = pd.DataFrame({"input": ["raw", "imputed"], "seed": "0", "ari": ["0.3", "0.35"]})
    masked = pd.DataFrame({"method": ["gmm_vgae", "library_only"], "seed": "0", "pearson": ["0.6", "0.86"]})
    return {
        "visium": {"verdict": verdict(), "findings": findings(), "autocorrelation": autocorrelation,
                   "domains": domains, "after_imputation": after, "masked": masked},
        "beads": {"verdict": verdict(knn=-0.9, gmm_vgae_own=-0.99), "findings": findings(0)},
    }  # fmt: skip


def test_every_claim_has_a_row_of_text():
    found = audit(tables())
    assert tuple(found) == COLUMNS and (found.study == "spatial").all() and len(found) == 8
    assert found.claim.is_unique and not found.isna().any().any()
    assert found.map(lambda cell: isinstance(cell, str)).all().all()
    assert not found.apply(lambda column: column.str.contains(r"\bnan\b|None")).any().any()


def test_rows_say_what_the_tables_say():
    found = audit(tables()).set_index(audit(tables()).claim.str.split().str[0])
    matrix = found.loc["Missing"]
    assert matrix.reproduced.startswith(
        "visium: largest |M - M'| 0, AUC of edges 0.912, correlation with its own gene 0.02; beads: "
    )
    assert matrix.corrected.startswith("visium: +0.1") and "; beads: -0.0995 nats" in matrix.corrected
    assert matrix.figure == "spatial/visium/published_matrix.svg"
    held_out = found.loc["Imputation"]
    assert held_out.verdict == "no gain on 1 of 2 data sets"
    assert "visium: use the rates given counts (rates given counts best in 5 of 5 seeds" in held_out.corrected
    low, high = held_out.interval.split(";")[0].removeprefix("visium: ").split(" to ")
    expected = paired_gain(scores(), "gmm_vgae", "knn")
    assert (low, high) == (f"{expected['lower']:+.4f}", f"{expected['upper']:+.4f}")
    space = found.loc["Spatial"]
    assert (
        space.verdict
        == "neighbours help on 1 of 2 data sets, shuffled ones, which must not, on 0 of 2 data sets"
    )
    assert space.corrected.startswith("visium: +0.0") and "with shuffled neighbours -0.0" in space.corrected
    pattern = found.loc["Imputed"].set_index(found.loc["Imputed"].claim.str.split().str[1])
    assert pattern.reproduced["genes"] == "visium: mean Moran's I 0.300 to 0.800"
    assert pattern.corrected["genes"] == "visium: 0.550 of genes without a pattern, net 0.250"
    assert pattern.corrected["data"] == "visium: ARI raw 0.300, imputed 0.350"
    domains = found.loc["Domains"]
    assert domains.corrected == "visium: ARI 0.520, smoothed mixture 0.400"
    assert found.loc["Hidden"].corrected == "visium: Pearson correlation 0.600, of the rule 0.860"
    assert domains.interval == "visium: largest sd over seeds 0.020"
    assert domains.reproduced.startswith("visium: selected 0.4, last epoch 0.31")
    works = found.loc["Works"]
    assert works.reproduced == "visium: runs; beads: cannot run: fewer genes than spots"


def test_sections_that_choices_were_made_on_are_told_apart():
    given = tables()
    other = given["visium"]["domains"].assign(tuned="True", section="b", ari="0.9")
    given["visium"]["domains"] = pd.concat([given["visium"]["domains"], other])
    found = audit(given).set_index("claim").corrected["Domains agree with the annotation"]
    assert found == (
        "visium: ARI 0.520, smoothed mixture 0.400 on other sections, "
        "ARI 0.900, smoothed mixture 0.900 on those that choices were made on"
    )


def test_a_run_without_tables_says_so():
    for nothing in ({}, {"visium": {}}, {"visium": {"domains": pd.DataFrame(columns=["method", "ari"])}}):
        found = audit(nothing)
        assert len(found) == 8 and (found.corrected == NONE).all() and (found.figure == "").all()
        assert set(found.reproduced) == {NONE, "no score to reproduce"} and (found.interval == "").all()
        by_run = found[found.claim.str.contains("improve")]
        assert len(by_run) == 2 and (by_run.verdict == NONE).all()


def test_a_table_without_an_item_leaves_it_out():
    short = as_text(imputation_verdict(scores().query("method in ['gmm_vgae', 'knn', 'gene_mean']")))
    found = audit({"visium": {"verdict": short}})
    space = found[found.claim.str.startswith("Spatial")].iloc[0]
    assert space.corrected == NONE and space.verdict == NONE and space.interval == ""


def verdict_of(values):
    """Of a table of method -> log-likelihood by seed; expected rates are the model's."""
    rows = [
        {"method": method, "kind": kind, "seed": seed, "log_likelihood": value}
        for (method, kind), of_seeds in values.items()
        for seed, value in enumerate(of_seeds)
    ]
    return imputation_verdict(pd.DataFrame(rows)).set_index("item")


def test_a_rival_of_one_seed_does_not_stand_in_for_the_interval():
    values = {
        ("gmm_vgae", "model"): [-1.90, -1.99, -2.00],
        ("gmm_vgae_expected", "model"): [-1.90, -1.99, -2.00],
        ("gmm_vgae_own", "control"): [-1.90, -1.99, -2.00],
        ("gene_mean", "baseline"): [-2.5, -2.5, -2.5],
        ("log_svd_5", "baseline"): [-1.99, -1.9901, -2.0001],
    }
    before = verdict_of(values)
    assert before.value["verdict"] == "no gain, use raw" and "interval not above 0" in before.note["verdict"]
    # a stronger rival cannot make it a gain
    after = verdict_of({**values, ("scvi", "rival"): [-1.95]})
    assert after.value["verdict"] == "no gain, use raw"
    one = verdict_of({key: of_seeds[:1] for key, of_seeds in values.items()})
    assert one.value["verdict"] == "no gain, use raw"
    steady = {**values, ("log_svd_5", "baseline"): [-2.00, -2.09, -2.10], ("scvi", "rival"): [-1.95]}
    assert verdict_of(steady).value["verdict"] == "use the imputation"
    assert verdict_of({**steady, ("scvi", "rival"): [-1.85]}).value["verdict"] == "no gain, use raw"
