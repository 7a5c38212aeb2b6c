"""The molecules study of the tiny workflow: every file is there and keeps its contract."""

import json

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.lib.data.image_pairs import read_digits, read_pairs

FIGURES = ("image_samples", "conditional_generation", "latent_probes", "accuracy_curves")
MODELS = ("biaae", "saae", "cvae", "vib")


def table(path):
    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""])


@pytest.fixture(scope="module")
def folder(demo):
    return demo.folder / "results/molecules/demo_digits"


@pytest.mark.parametrize("name", FIGURES)
def test_figures(demo, name):
    stem = demo.folder / f"results/figures/molecules/demo_digits/{name}"
    for kind, magic in {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n"}.items():
        data = stem.with_suffix(f".{kind}").read_bytes()
        assert data.startswith(magic) and len(data) > 3000
    assert len(table(stem.with_suffix(".tsv")))
    svg = stem.with_suffix(".svg").read_bytes()
    assert b"imulated" in svg and len(svg) < 2e6


def test_pairs_are_of_the_raw_images(demo, folder):
    raw = demo.folder / "results/raw/demo/molecules"
    images, digits = read_digits([raw / f"train-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")])
    pairs = read_pairs(folder / "image_pairs.safetensors")
    assert [len(pairs[split].x) for split in ("train", "valid", "test")] == [500, 100, 200]
    assert (pairs["train"].digit == digits[:500]).all()
    assert (pairs["valid"].digit == digits[500:]).all()
    noise = pairs["train"].y.astype(int) - images[pairs["train"].source]
    assert noise.min() >= -1
    facts = table(folder / "statistics.tsv").set_index("split")
    assert (facts["digits_agree"] == 1).all()
    assert facts.loc["train", "saturated_y"] == pytest.approx((pairs["train"].y == 255).mean())


def test_ceilings_are_of_both_views(folder):
    found = table(folder / "ceilings.tsv")
    test = found[found["split"] == "test"]
    assert set(zip(test["trained_on"], test["applied_to"], strict=True)) == {
        (a, b) for a in "xy" for b in "xy"
    }
    assert found["accuracy"].between(0, 1).all()


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_scored_on_the_test_pairs(folder, model):
    one = folder / f"models/{model}/seed0"
    scores = table(one / "scores.tsv").set_index("metric")["value"]
    wanted = {"accuracy", "agreement_with_classifier", "diversity", "information", "information_permuted"}
    assert wanted <= set(scores.index)
    assert np.isfinite(scores).all()
    assert scores["accuracy"] == pytest.approx(round(scores["accuracy"] * 200) / 200)
    samples = table(one / "samples.tsv")
    assert samples.groupby(["kind", "pair"]).size().eq(28 * 28).all()
    assert samples["value"].between(0, 1).all()
    history, metrics = table(one / "history.tsv"), json.loads((one / "metrics.json").read_text())
    assert metrics["updates"] == metrics["epochs"] * (500 // 64)
    assert "validation/accuracy" in set(history["name"])
