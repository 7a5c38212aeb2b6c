"""Does the sheet fit the counts? A planted swap is found, a clean sheet is not accused, confounding is named."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.lib.stats.sample_sanity import (
    confounding,
    marked_split,
    marker_scores,
    nearest_group,
    principal_components,
    separation,
)

MARKERS = {"cell": {"basal": ["Krt5", "Krt14"], "luminal": ["Krt18", "Krt8"]}}


def expression(seed, samples, effect=3.0, genes=300):
    """log2 counts: 60 genes follow the cell type, 20 the stage; the first four rows are the markers."""
    rng = np.random.default_rng(seed)
    luminal = np.where(samples.cell == "luminal", 0.5, -0.5)
    late = np.where(samples.stage == "late", 0.5, -0.5)
    slope, stage = np.zeros(genes), np.zeros(genes)
    slope[:60] = effect * np.where(np.arange(60) % 2 == 0, -1, 1)
    slope[:4] = effect * np.array([-1, -1, 1, 1])
    stage[60:80] = effect / 2
    values = 8 + np.outer(slope, luminal) + np.outer(stage, late) + rng.normal(0, 0.4, (genes, len(samples)))
    ids = [f"g{i}" for i in range(genes)]
    symbols = pd.Series(["Krt5", "Krt14", "Krt18", "Krt8", *(f"S{i}" for i in range(genes - 4))], index=ids)
    return pd.DataFrame(values, index=ids, columns=samples.index), symbols


@pytest.fixture
def samples():
    return pd.DataFrame(
        {
            "cell": ["basal"] * 6 + ["luminal"] * 6,
            "stage": ["early", "late"] * 6,
            "lane": ["L2"] * 6 + ["L1"] * 6,
            "rep": [f"r{i // 2 % 3}" for i in range(12)],
            "name": [f"n{i}" for i in range(12)],
        },
        index=[f"s{i}" for i in range(12)],
    )


def swapped(samples, *pair):
    wrong = samples.copy()
    wrong.loc[list(pair), "cell"] = samples.loc[list(pair[::-1]), "cell"].to_numpy()
    return wrong


def suspects(rows):
    return {row["sample"] for row in rows if row["check"] == "swap"}


def test_components_are_those_of_a_plain_decomposition(samples):
    values = expression(0, samples)[0].to_numpy()
    scores, share = principal_components(values, top=50)
    chosen = values[np.argsort(-values.var(axis=1))[:50]]
    covariance = np.cov(chosen)
    eigen = np.sort(np.linalg.eigvalsh(covariance))[::-1]
    np.testing.assert_allclose(share, eigen[:4] / eigen.sum(), rtol=1e-9)
    np.testing.assert_allclose(scores.var(axis=0, ddof=1), eigen[:4], rtol=1e-9)
    largest = scores[np.abs(scores).argmax(axis=0), np.arange(4)]
    assert scores.shape == (12, 4) and (largest > 0).all()


def test_components_of_constant_data_are_zero():
    scores, share = principal_components(np.ones((20, 5)))
    assert np.isfinite(share).all() and np.abs(scores).max() < 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_a_clean_sheet_is_not_accused(seed, samples):
    values, symbols = expression(seed, samples)
    scores, _ = principal_components(values.to_numpy())
    assert suspects(nearest_group(scores, samples, "cell")) == set()
    rows = marker_scores(values, symbols, samples, MARKERS)
    assert suspects(rows) == set() and {row["verdict"] for row in rows} == {"ok"}


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_swap_is_found_in_the_components(seed, samples):
    values, _ = expression(seed, samples)
    scores, _ = principal_components(values.to_numpy())
    rows = nearest_group(scores[:, :2], swapped(samples, "s1", "s9"), "cell")
    assert suspects(rows) == {"s1", "s9"}
    (first,) = (row for row in rows if row["sample"] == "s1")
    assert first["verdict"] == "warning" and first["factor"] == "cell"
    assert "labelled luminal but lies with basal" in first["message"]


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_swap_is_found_by_its_markers(seed, samples):
    values, symbols = expression(seed, samples)
    rows = marker_scores(values, symbols, swapped(samples, "s1", "s9"), MARKERS)
    assert suspects(rows) == {"s1", "s9"}


def test_markers_against_the_labels_are_a_warning(samples):
    values, symbols = expression(0, samples)
    turned = samples.assign(cell=samples.cell.map({"basal": "luminal", "luminal": "basal"}))
    rows = [row for row in marker_scores(values, symbols, turned, MARKERS) if row["check"] == "markers"]
    assert [row["verdict"] for row in rows] == ["warning", "warning"] and all(
        row["value"] < -2 for row in rows
    )


def test_missing_markers_are_named(samples):
    values, symbols = expression(0, samples)
    rows = marker_scores(
        values, symbols, samples, {"cell": {"basal": ["Nope1", "Nope2"], "luminal": ["Krt8"]}}
    )
    assert any("no marker of basal" in row["message"] and "Nope1, Nope2" in row["message"] for row in rows)


def test_markers_may_be_gene_ids(samples):
    values, symbols = expression(0, samples)
    rows = marker_scores(values, symbols, samples, {"cell": {"basal": ["g0", "g1"]}})
    assert [row["verdict"] for row in rows] == ["ok"] and rows[0]["value"] == pytest.approx(3, abs=0.6)


def test_confounded_columns_are_named(samples):
    rows = confounding(samples, ["cell", "stage"])
    assert [row["factor"] for row in rows] == ["cell, lane"]
    assert rows[0]["verdict"] == "warning" and "cell and lane are the same split" in rows[0]["message"]


def test_no_confounding_is_said(samples):
    for sheet, factors in ((samples.drop(columns="lane"), ["cell"]), (samples, ["stage"])):
        (row,) = confounding(sheet, factors)
        assert row["verdict"] == "ok"


def test_separation_is_the_best_share_between_levels(samples):
    values, _ = expression(1, samples)
    scores, share = principal_components(values.to_numpy())
    rows = {
        row["factor"]: row for row in separation(scores, share, samples, ["cell", "stage", "rep", "name"])
    }
    assert set(rows) == {"cell", "stage", "rep"}  # every sample has a name of its own
    for factor, found in rows.items():
        between = np.zeros(scores.shape[1])
        for level in set(samples[factor]):
            inside = (samples[factor] == level).to_numpy()
            between += inside.sum() * scores[inside].mean(axis=0) ** 2
        assert found["value"] == pytest.approx((between / (scores**2).sum(axis=0)).max())
    assert [rows[name]["verdict"] for name in ("cell", "stage", "rep")] == ["ok", "ok", "warning"]
    assert "component 1 lies between levels of cell" in rows["cell"]["message"]


def test_a_factor_under_another_name(samples):
    values, symbols = expression(0, samples)
    wrong = samples.assign(condition=np.where(samples.cell == "basal", "virgin", "lactation"))
    rows = marked_split(values, symbols, wrong, ["condition", "stage", "cell"], MARKERS)
    assert [row["factor"] for row in rows] == ["condition"]
    assert "condition is cell under another name" in rows[0]["message"]
    assert marked_split(values, symbols, samples, ["stage", "cell"], MARKERS) == []


def test_one_level_or_a_level_a_sample_is_passed_over(samples):
    scores = np.random.default_rng(0).normal(size=(12, 2))
    assert nearest_group(scores, samples, "name") == []
    assert nearest_group(scores, samples.assign(cell="basal"), "cell") == []


def test_a_factor_that_the_components_do_not_show_gives_no_suspects():
    """A cohort: pairs of samples of 30 patients, all alike."""
    scores = np.random.default_rng(0).normal(size=(60, 2))
    patients = pd.DataFrame(
        {"patient": [f"p{k // 2}" for k in range(60)]}, index=[f"s{k}" for k in range(60)]
    )
    (only,) = nearest_group(scores, patients, "patient")
    assert only["verdict"] == "ok" and "cannot be told" in only["message"]
