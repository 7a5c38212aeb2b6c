"""Scores of the L1000 study against brute force, closed forms and planted truths."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.metrics import r2_score, roc_auc_score
from torch.distributions import Normal, kl_divergence

from workflow_scripts.lib.metrics.class_prediction import choose_labelled, folds, pool_small_lines, unit_rows
from workflow_scripts.lib.metrics.code_assignment import code_rows, hit_rate, labels_of, perplexity
from workflow_scripts.lib.metrics.generation import (
    compare_samples,
    gaussian_like,
    neighbour_classes,
    shares,
    shuffled_genes,
)
from workflow_scripts.lib.metrics.latent_units import (
    active_by_kl,
    active_by_weight,
    class_means,
    programme_recovery,
    signature_nodes,
    unit_kl,
)
from workflow_scripts.lib.metrics.reconstruction import explained_by_units
from workflow_scripts.lib.metrics.target_ranking import METRICS, drug_rows, summary_rows


def correlated(n=300, genes=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, genes)) @ rng.normal(size=(genes, genes)) + np.arange(genes)


@pytest.mark.parametrize("n", [300, 4])
def test_a_gaussian_has_the_training_mean_and_covariance(n):
    training = correlated(n).astype(np.float32)
    drawn = gaussian_like(training, 30_000, np.random.default_rng(1))
    expected = np.cov(training.astype(float).T)
    largest = np.abs(expected).max()
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.04 * largest)
    np.testing.assert_allclose(drawn.mean(axis=0), training.mean(axis=0), atol=0.03 * largest**0.5)
    if n == 4:
        assert np.linalg.matrix_rank(drawn - training.mean(axis=0), tol=1e-3) == 3


def test_shuffled_genes_keep_marginals_and_lose_correlation():
    values = correlated(3000)
    before = values.copy()
    found = shuffled_genes(values, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(values, axis=0))
    np.testing.assert_array_equal(values, before)
    pairs = np.triu_indices(5, 1)
    assert np.abs(np.corrcoef(values.T)[pairs]).max() > 0.5
    assert np.abs(np.corrcoef(found.T)[pairs]).max() < 0.08


@pytest.mark.parametrize("metric", ["correlation", "euclidean"])
def test_neighbours_are_those_of_all_pairs(metric):
    reference, generated = correlated(60, seed=1), correlated(40, seed=2) * 3
    classes = np.array([f"class{k % 7}" for k in range(60)], object)
    expected = classes[cdist(generated, reference, metric).argmin(axis=1)]
    found = neighbour_classes(generated, reference, classes, metric)
    assert found.tolist() == expected.tolist()
    other = "euclidean" if metric == "correlation" else "correlation"
    assert found.tolist() != classes[cdist(generated, reference, other).argmin(axis=1)].tolist()


def test_rare_neighbours_are_shown_together():
    found = np.array(["a"] * 60 + ["b"] * 32 + ["c"] * 5 + ["d"] * 2 + ["e"])
    rows = shares(found, {"model": "vae"})
    table = pd.DataFrame(rows).set_index("neighbour")
    assert table.share.to_dict() == pytest.approx({"a": 0.6, "b": 0.32, "c": 0.05, "other": 0.03})
    assert set(table.model) == {"vae"} and table.share.sum() == pytest.approx(1)
    assert "other" not in pd.DataFrame(shares(found[:92], {})).neighbour.tolist()


def test_samples_are_compared_by_every_score():
    real = correlated(200)
    same = compare_samples(real, correlated(200, seed=0) + 1e-9, 0)
    apart = compare_samples(real, correlated(200) + 30, 0)
    assert same["wasserstein"] < 1e-6 and apart["wasserstein"] == pytest.approx(30)
    assert apart["classifier_auc"] > 0.99 and apart["precision"] == apart["recall"] == 0
    assert same["mmd"] < apart["mmd"] and same["correlation_error"] == pytest.approx(0, abs=1e-6)


SHEET = pd.DataFrame(
    {"pcl_id": ["A", "B", "", "Z", "A", ""], "hub_classes": ["", "A|C", "C", "", "Y", ""]},
    index=list("uvwxyz"),
)


def test_labels_are_places_of_the_classes():
    assert labels_of(SHEET, ["C", "A", "B"], with_hub=False) == [{1}, {2}, set(), set(), {1}, set()]
    assert labels_of(SHEET, ["C", "A", "B"], with_hub=True) == [set(), {0, 1}, {0}, set(), set(), set()]


@pytest.mark.parametrize("best", [1, 3])
def test_hits_by_brute_force(best):
    rng = np.random.default_rng(0)
    distance = rng.random((80, 9))
    labels = [set(rng.choice(9, rng.integers(1, 4), replace=False).tolist()) for _ in range(80)]
    expected = [any(sum(row < row[k]) < best for k in own) for row, own in zip(distance, labels, strict=True)]
    assert 0 < sum(expected) < 80
    assert hit_rate(distance, labels, best).tolist() == expected


def test_perplexity_counts_codes_in_use():
    assert perplexity(np.tile(np.arange(12), 3), 12) == pytest.approx(12)
    assert perplexity(np.zeros(40, int), 12) == pytest.approx(1)
    assert perplexity(np.array([0, 0, 0, 1]), 5) == pytest.approx(
        np.exp(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))
    )


@pytest.fixture(scope="module")
def coded():
    """120 compounds of 3 signatures and 10 classes; two of three signatures lie nearest to their class's code."""
    rng = np.random.default_rng(0)
    units = np.repeat([f"c{k:03d}" for k in range(120)], 3)
    truth = np.repeat(np.arange(120) % 10, 3)
    distance = 1 + rng.random((360, 10))
    near = np.where(np.arange(360) % 3 < 2, truth, (truth + 1) % 10)
    distance[np.arange(360), near] = 0.5
    decoded = rng.normal(size=(10, 6))
    values = decoded[truth] + 0.1 * rng.normal(size=(360, 6))
    rows = code_rows(distance, decoded, values, [{k} for k in truth], units, {"model": "svqvae"}, 30)
    return pd.DataFrame(rows), values, decoded, truth, near


def test_codes_are_scored_with_intervals_and_a_null(coded):
    table, values, decoded, truth, near = coded
    assert table.groupby("labels").metric.agg(list).to_dict() == {
        "true": ["top1", "top5", "explained_with_label", "explained_nearest", "perplexity"],
        "permuted": ["top1", "top5"],
    }
    assert set(table.model) == {"svqvae"} and set(table.n) == {360} and set(table.compounds) == {120}
    value = table.set_index(["labels", "metric"]).value
    assert value["true", "top1"] == pytest.approx(2 / 3) and value["true", "perplexity"] == pytest.approx(10)
    assert value["permuted", "top1"] == pytest.approx(0.1, abs=0.02)
    assert value["permuted", "top5"] == pytest.approx(0.5, abs=0.05)
    ranged = table.dropna(subset=["lower"])
    assert ((ranged.lower <= ranged.value) & (ranged.value <= ranged.upper)).all() and len(ranged) == 4
    null = ranged[ranged.labels == "permuted"].iloc[0]
    assert null.lower < null.value < null.upper < 2 / 3
    total = (values**2).sum()
    for metric, codes in (("explained_with_label", truth), ("explained_nearest", near)):
        expected = 1 - ((values - decoded[codes]) ** 2).sum() / total
        assert value["true", metric] == pytest.approx(expected)


def test_intervals_of_codes_take_compounds_whole():
    """Signatures of a compound are all right or all wrong: 20 compounds tell as much as 20 signatures."""
    hit = np.repeat(np.arange(20) < 10, 50)
    distance = np.column_stack([np.where(hit, 0.0, 2.0), np.ones(1000)])
    found = code_rows(
        distance, np.ones((2, 3)), np.ones((1000, 3)), [{0}] * 1000, np.arange(1000) // 50, {}, 1
    )
    assert found[0]["value"] == 0.5
    assert found[0]["upper"] - found[0]["lower"] == pytest.approx(2 * 1.96 * 0.5 / 20**0.5, rel=0.2)
    assert code_rows(distance[:0], np.ones((2, 3)), np.ones((0, 3)), [], np.empty(0), {}, 1) == []


@pytest.fixture(scope="module")
def screen():
    """Drugs whose signatures are, but for noise, those of their target's knock-down in the same cell line."""
    rng = np.random.default_rng(0)
    genes = [f"GENE{k}" for k in range(12)]
    effect, line = rng.normal(size=(12, 40)), {"A": rng.normal(size=40), "B": rng.normal(size=40)}
    rows, values = [], []
    for (k, gene), cell, _ in itertools.product(enumerate(genes), "AB", range(2)):
        rows.append((gene, "trt_sh", cell))
        values.append(effect[k] + 0.3 * line[cell])
    for k, cell in itertools.product(range(4), "AB"):
        rows.append((f"Drug{k}", "trt_cp", cell))
        values.append(effect[k] + 0.3 * line[cell])
    rows.append(("Lost", "trt_cp", "A"))
    values.append(effect[0])
    sheet = pd.DataFrame(rows, columns=["pert_iname", "pert_type", "cell_id"])
    own = {f"Drug{k}": [f"GENE{k}", "NOT_KNOCKED_DOWN"] for k in range(4)} | {"Lost": ["NOT_KNOCKED_DOWN"]}
    targets = pd.Series([own.get(name, [""]) for name in sheet.pert_iname])
    values = np.array(values) + 0.2 * rng.normal(size=(len(values), 40))
    return values, sheet, (sheet.pert_type == "trt_sh").to_numpy(), targets


@pytest.mark.parametrize("matched", [True, False])
def test_a_planted_target_is_found(screen, matched):
    found = pd.DataFrame(drug_rows(*screen, ["drug1"], matched)).set_index("drug")
    assert found.index.tolist() == ["drug0", "drug1", "drug2", "drug3"]
    assert found.targets.tolist() == [f"GENE{k}" for k in range(4)]
    assert (found.auroc == 1).all() and (found.mean_first_rank == 0).all() and (found.recall_at_10 == 1).all()
    assert (found.reciprocal_rank == 1).all() and (found.first_rank_over_null == 0).all()
    assert (found.genes == 12).all() and (found.n_signatures == 2).all()
    assert found.of_pabon.tolist() == [0, 1, 0, 0]
    items, relevant = (24, 2) if matched else (48, 4)
    assert (found["items"] == items).all() and (found.n_relevant == relevant).all()
    np.testing.assert_allclose(found.null_rank, (items - relevant) / (relevant + 1))


@pytest.mark.parametrize("matched", [True, False])
def test_ranks_and_gene_scores_by_brute_force(screen, matched):
    _, sheet, knock_down, targets = screen
    values = np.random.default_rng(3).normal(size=(len(sheet), 6))
    targets = targets.copy()
    for place in np.flatnonzero(sheet.pert_iname == "Drug2"):
        targets.iloc[place] = ["GENE2", "GENE7"]
    found = pd.DataFrame(drug_rows(values, sheet, knock_down, targets, [], matched)).set_index("drug")
    similarity = np.corrcoef(values)
    ranks, by_gene = [], []
    for query in np.flatnonzero(sheet.pert_iname == "Drug2"):
        items = [
            k for k in np.flatnonzero(knock_down) if not matched or sheet.cell_id[k] == sheet.cell_id[query]
        ]
        ordered = sorted(items, key=lambda k: -similarity[query, k])
        names = [sheet.pert_iname[k] for k in ordered]
        ranks.append(min(names.index("GENE2"), names.index("GENE7")))
        by_gene.append(pd.Series(similarity[query, items]).groupby(sheet.pert_iname[items].to_numpy()).mean())
    assert max(ranks) > 0
    assert found.mean_first_rank["drug2"] == np.mean(ranks) and found.best_first_rank["drug2"] == min(ranks)
    score = pd.concat(by_gene, axis=1).mean(axis=1)
    hit = score.index.isin(["GENE2", "GENE7"])
    assert found.auroc["drug2"] == pytest.approx(roc_auc_score(hit, score))
    first = min(score.sort_values(ascending=False).index.get_loc(gene) for gene in ("GENE2", "GENE7"))
    assert found.reciprocal_rank["drug2"] == pytest.approx(1 / (1 + first))
    assert found.first_rank_over_null["drug2"] == pytest.approx(first / (10 / 3))


def test_a_line_without_the_target_counts_where_any_line_does(screen):
    values, sheet, knock_down, targets = screen
    keep = ~((sheet.pert_iname == "GENE0") & (sheet.cell_id == "B")).to_numpy()
    part = (
        values[keep],
        sheet[keep].reset_index(drop=True),
        knock_down[keep],
        targets[keep].reset_index(drop=True),
    )
    matched, anywhere = (pd.DataFrame(drug_rows(*part, [], m)).set_index("drug") for m in (True, False))
    assert matched.n_signatures["drug0"] == 1 and anywhere.n_signatures["drug0"] == 2
    assert matched.auroc["drug0"] == anywhere.auroc["drug0"] == 1
    none = values, sheet, knock_down & (sheet.cell_id == "Z").to_numpy(), targets
    assert drug_rows(*none, [], True) == []


def test_summaries_are_means_over_drugs():
    rng = np.random.default_rng(0)
    drugs = pd.DataFrame(rng.random((50, len(METRICS))), columns=METRICS)
    drugs.loc[3, "auroc"] = np.nan
    found = pd.DataFrame(summary_rows(drugs, {"representation": "vae"}, 0)).set_index("metric")
    for name in METRICS:
        assert found.value[name] == pytest.approx(drugs[name].mean())
        assert found.lower[name] < found.value[name] < found.upper[name]
    assert found.value["median_first_rank_over_null"] == drugs.first_rank_over_null.median()
    assert set(found.drugs) == {50} and set(found.representation) == {"vae"}
    empty = pd.DataFrame(summary_rows(pd.DataFrame(), {}, 0))
    assert empty.value.isna().all() and (empty.drugs == 0).all()


def test_unit_kl_is_torchs():
    rng = np.random.default_rng(0)
    mean, log_variance = rng.normal(size=(30, 4)), rng.normal(size=(30, 4))
    mean[:, 3], log_variance[:, 3] = 0, 0
    own = Normal(torch.tensor(mean), torch.tensor(np.exp(0.5 * log_variance)))
    expected = kl_divergence(own, Normal(0.0, 1.0)).mean(dim=0).numpy()
    np.testing.assert_allclose(unit_kl(mean, log_variance), expected, atol=1e-12)
    assert active_by_kl(mean, log_variance).tolist() == [0, 1, 2]


def test_active_units_and_signature_nodes_are_above_their_thresholds():
    assert active_by_weight(np.array([[0.3, 0.3], [0.6, 0.0], [0.4, 0.4], [0, 0.5]])).tolist() == [1, 2]
    mean = np.array([[1.0, 0.2, -0.6, 0.5], [-1.0, 0.2, -0.6, 0.5]])
    assert signature_nodes(mean).tolist() == [0, 2]


def test_class_means_are_pandas_of_classes_that_are_large_enough():
    rng = np.random.default_rng(0)
    mean, classes = (
        rng.normal(size=(40, 5)),
        pd.Series(rng.choice(["P", "Q", "R", ""], 40, p=[0.4, 0.3, 0.1, 0.2])),
    )
    found = class_means(mean, classes, np.array([4, 1]), 8)
    count = classes.value_counts()
    assert sorted(set(found.pcl_id)) == ["P", "Q"] and count["R"] < 8 <= count[""]
    expected = pd.DataFrame(mean).groupby(classes).mean()
    for row in found.itertuples():
        assert row.mean == pytest.approx(expected.loc[row.pcl_id, row.unit]) and row.n == count[row.pcl_id]
    assert found.unit.tolist() == [4, 1, 4, 1]


@pytest.fixture(scope="module")
def programmes():
    rng = np.random.default_rng(0)
    lines = rng.choice(["A", "B"], 500).astype(object)
    return rng.normal(size=(500, 3)), lines, np.arange(500) < 350


def test_saturated_programmes_of_known_lines_are_recovered(programmes):
    latent, lines, train = programmes
    activity = np.column_stack(
        [np.tanh(latent[:, 0]), latent[:, 1] + 2 * (lines == "A"), np.sin(latent[:, 2])]
    )
    assert (programme_recovery(latent * [1, 50, 0.01] + 7, lines, activity, train, ~train) > 0.93).all()


def test_noise_recovers_no_programme(programmes):
    latent, lines, train = programmes
    activity = np.random.default_rng(1).normal(size=(500, 4))
    found = programme_recovery(latent, lines, activity, train, ~train)
    assert (found < 0.05).all()
    spoilt = np.where(train[:, None], activity, 0.0)
    spoilt[~train, 0] = np.linspace(-1, 1, (~train).sum())
    again = programme_recovery(latent, lines, spoilt, train, ~train)
    assert again[0] < 0.1, "test signatures' truth is not fitted"
    assert programme_recovery(latent[:, :0], lines, activity, train, ~train).tolist() == [0] * 4


def test_recovery_is_of_the_test_signatures(programmes):
    latent, lines, train = programmes
    activity = latent[:, :1] * np.where(train, 1, -1)[:, None]
    expected = r2_score(activity[~train], -activity[~train])
    assert programme_recovery(latent, lines, activity, train, ~train)[0] == pytest.approx(expected, abs=0.3)


def test_explained_variance_has_an_interval_over_units():
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(25), 4)
    inside, widths = 0, []
    for k in range(100):
        values = rng.normal(size=(100, 6)) * rng.gamma(3, size=25)[units][:, None]
        wrong = rng.normal(size=(25, 6))[units] * 0.6 * np.abs(values)
        found = explained_by_units(values, values + wrong, units, k, draws=300)
        assert found.value == pytest.approx(1 - (wrong**2).sum() / (values**2).sum())
        inside += found.lower <= 1 - 0.36 <= found.upper
        widths.append(found.upper - found.lower)
    assert 85 <= inside <= 100 and min(widths) > 0.05
    one = explained_by_units(values, values + wrong, np.zeros(100, int), 0)
    assert one.lower == pytest.approx(one.value) and one.upper == pytest.approx(one.value)


def test_classes_that_can_be_predicted_are_thinned_alike():
    classes = np.array(["big"] * 60 + ["mid"] * 20 + ["few"] * 9 + ["one"] * 30 + [""] * 40, object)
    compounds = np.array([f"c{k % 6}" for k in range(159)], object)
    compounds[89:119] = "alone"
    assert choose_labelled(classes, compounds, 9, 3, 1000, 0).tolist() == list(range(89))
    assert choose_labelled(classes, compounds, 10, 3, 1000, 0).tolist() == list(range(80))
    assert set(classes[choose_labelled(classes, compounds, 9, 1, 1000, 0)]) == {"big", "mid", "few", "one"}
    thinned = choose_labelled(classes, compounds, 9, 3, 45, 0)
    assert len(set(thinned)) == 45 and (np.diff(thinned) > 0).all()
    assert pd.Series(classes[thinned]).value_counts().to_dict() == {"big": 18, "mid": 18, "few": 9}
    assert choose_labelled(classes, compounds, 9, 3, 45, 0).tolist() == thinned.tolist()
    assert choose_labelled(classes, compounds, 9, 3, 45, 1).tolist() != thinned.tolist()


def test_small_lines_are_pooled():
    cells = np.array(["A"] * 5 + ["B"] * 2 + ["C"] + ["D"] * 4, object)
    assert pool_small_lines(cells, 4).tolist() == ["A"] * 5 + ["other lines"] * 3 + ["D"] * 4
    assert pool_small_lines(cells, 1).tolist() == cells.tolist()


def test_neighbours_of_unit_rows_are_those_by_correlation():
    values = correlated(40) * np.random.default_rng(1).gamma(2, size=40)[:, None]
    by_length = cdist(unit_rows(values), unit_rows(values)) + np.eye(40) * 9
    by_correlation = cdist(values, values, "correlation") + np.eye(40) * 9
    assert by_length.argmin(axis=1).tolist() == by_correlation.argmin(axis=1).tolist()
    assert np.isfinite(unit_rows(np.ones((1, 4)))).all()


def test_held_out_compounds_are_one_fold():
    parts = np.array(["train", "test", "validation", "test", "train"])
    given = (np.array(list("aabbb"), object), np.arange(5), np.array(["A"] * 5, object), 0)
    ((train, test),) = folds("held_out", *given, parts=parts)
    assert train.tolist() == [0, 2, 4] and test.tolist() == [1, 3]
    assert list(folds("held_out", *given, parts=np.where(parts == "train", "test", parts))) == []
    assert list(folds("held_out", *given, parts=np.full(5, "train"))) == []
    assert list(folds("cell_line", *given)) == []
