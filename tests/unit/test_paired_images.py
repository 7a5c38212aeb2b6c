"""Simulated digits, image pairs on disk, the judge, and the figures of Noisy MNIST."""

import gzip

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from workflow_scripts.lib.data.idx import read_idx
from workflow_scripts.lib.data.image_pairs import (
    check_statistics,
    read_digits,
    read_pairs,
    statistics,
    write_pairs,
)
from workflow_scripts.lib.data.noisy_mnist import noisy_pairs
from workflow_scripts.lib.data.simulate_digits import idx_bytes, simulate_digits
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models.image_coders import ImageEncoder
from workflow_scripts.lib.models.paired_models import build
from workflow_scripts.lib.plots.paired_images import (
    ENTROPY,
    conditional_generation,
    image_samples,
    latent_probes,
)
from workflow_scripts.lib.plots.paired_training import accuracy_curves
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.training.images import IMAGES, accuracy_on_the_way, classified, drawn


@pytest.fixture(scope="module")
def digits():
    return simulate_digits(1500, 0)


def test_simulated_digits_can_be_told_apart(digits):
    images, labels = digits
    assert images.shape == (1500, 28, 28)
    assert 0.05 < images.mean() / 255 < 0.25
    flat = images.reshape(1500, -1) / 255
    model = LogisticRegression(max_iter=300).fit(flat[:1000], labels[:1000])
    assert model.score(flat[1000:], labels[1000:]) > 0.85
    again, _ = simulate_digits(1500, 0)
    assert (images == again).all()
    assert (simulate_digits(50, 1)[0] != images[:50]).any()


def test_idx_files_are_read_back_the_same(tmp_path, digits):
    paths = [tmp_path / "images.gz", tmp_path / "labels.gz"]
    for path, values in zip(paths, digits, strict=True):
        path.write_bytes(idx_bytes(values))
    images, labels = read_digits([str(path) for path in paths])
    assert (images == digits[0]).all()
    assert (labels == digits[1]).all()
    assert idx_bytes(labels) == idx_bytes(labels)
    with pytest.raises(LatentomeError, match="images first and labels second"):
        read_digits([str(path) for path in paths[::-1]])
    wrong = gzip.decompress(idx_bytes(labels)).replace(b"\x00\x00\x08\x01", b"\x00\x00\x0d\x01", 1)
    (tmp_path / "wrong").write_bytes(wrong)
    with pytest.raises(LatentomeError, match="is no IDX file of bytes"):
        read_idx(tmp_path / "wrong")


def test_pairs_are_written_and_read_the_same(tmp_path, digits):
    images, labels = digits
    splits = {
        split: noisy_pairs(images[a:b], labels[a:b], 0, split)
        for split, a, b in (("train", 0, 1000), ("valid", 1000, 1200), ("test", 1200, 1500))
    }
    path = tmp_path / "image_pairs.safetensors"
    write_pairs(path, splits, 0)
    first = path.read_bytes()
    found = read_pairs(path)
    for split, pairs in splits.items():
        for name, values in vars(pairs).items():
            assert (getattr(found[split], name) == values).all()
    write_pairs(path, found, 0)
    assert path.read_bytes() == first
    parts = {"train": images[:1000], "valid": images[1000:1200], "test": images[1200:]}
    table = statistics(splits, parts)
    facts = table.set_index("split")
    assert (facts["digits_agree"] == 1).all()
    assert facts.loc["test", "mean_x"] == pytest.approx(splits["test"].x.mean() / 255)
    check_statistics(table, {"mean_y": facts.loc["train", "mean_y"] + 0.002}, "mine")
    with pytest.raises(
        LatentomeError, match="mine: sd_y of the training pairs is 0.*expected 0.5 within 0.003"
    ):
        check_statistics(table, {"sd_y": 0.5}, "mine")
    # images of another set: what y was made of is not there
    with pytest.raises(LatentomeError, match="some y is no image of x's digit"):
        check_statistics(statistics(splits, {**parts, "test": images[:300]}), {}, "mine")
    path.write_bytes(first[:1000])
    with pytest.raises(LatentomeError, match=r"image_pairs.safetensors: no image pairs.*run again"):
        read_pairs(path)


def test_accuracy_is_of_what_is_drawn():
    torch.manual_seed(0)
    judge, model = ImageEncoder(10).eval(), build("vib", IMAGES, IMAGES, {"latent": 4}).eval()
    y = torch.randint(0, 256, (300, 1, 28, 28), dtype=torch.uint8)
    images = drawn(model, y, torch.Generator().manual_seed(1))
    said = classified(judge, images, block=64).argmax(dim=1)
    found = accuracy_on_the_way(model, judge, {"y": y, "digit": said})(torch.Generator().manual_seed(1))
    assert found == {"validation": 0.0, "accuracy": 1.0}
    other = accuracy_on_the_way(model, judge, {"y": y, "digit": (said + 1) % 10})
    assert other(torch.Generator().manual_seed(1))["accuracy"] == 0


def scores(models=("biaae", "vib"), seeds=("0", "1")):
    rng = np.random.default_rng(0)
    metrics = [
        "accuracy",
        "diversity",
        "information",
        "information_permuted",
        "digit_from_s_y",
        "angle_from_z_x",
    ]
    return pd.DataFrame(
        [(model, seed, metric, rng.random()) for model in models for seed in seeds for metric in metrics],
        columns=["model", "seed", "metric", "value"],
    )


CEILINGS = pd.DataFrame(
    [
        ("x", "x", 3, "test", 0.95),
        ("y", "y", 3, "test", 0.86),
        ("x", "y", 3, "test", 0.2),
        ("x", "x", 1, "valid", 0.8),
    ],
    columns=["trained_on", "applied_to", "epoch", "split", "accuracy"],
)


def texts(figure):
    from matplotlib.text import Text

    return " ".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize("models", [("biaae",), ("biaae", "vib", "mine"), ()])
def test_scores_are_drawn_beside_their_ceilings(tmp_path, models):
    figure, table = conditional_generation(scores(models), CEILINGS, simulated=True, note="Half")
    ceiling = table[table["model"].str.startswith("classifier")]
    assert dict(zip(ceiling["model"], ceiling["value"], strict=True)) == {
        "classifier_x": 0.95,
        "classifier_y": 0.86,
    }
    assert len(table) == len(models) * 2 * 4 + 2
    lines = {
        round(float(line.get_xdata()[0]), 3)
        for line in figure.axes[0].lines
        if len(set(line.get_xdata())) == 1
    }
    assert {0.1, 0.86, 0.95} <= lines
    assert any(abs(line.get_xdata()[0] - ENTROPY) < 1e-9 for line in figure.axes[2].lines)
    assert "Simulated data" in texts(figure) and "Half" in texts(figure)
    save_figure(figure, table, [tmp_path / f"a.{kind}" for kind in ("svg", "png", "tsv")])
    figure, table = latent_probes(scores(models), simulated=False)
    assert set(table["metric"]) <= {"digit_from_s_y", "angle_from_z_x"}
    save_figure(figure, table, [tmp_path / f"b.{kind}" for kind in ("svg", "png", "tsv")])


def test_samples_are_images_in_their_places(tmp_path):
    rows = [
        (kind, pair, pixel, (pair + pixel) % 7 / 7)
        for kind in ("x", "y", "draw 1", "draw 2")
        for pair in range(3)
        for pixel in range(784)
    ]
    table = pd.DataFrame(rows, columns=["kind", "pair", "pixel", "value"])
    figure, out = image_samples({"vib": table, "biaae": table}, simulated=False)
    picture = figure.axes[0].images[0].get_array()
    assert picture.shape == (3 * 28, 4 * 28)
    assert picture[28 + 1, 2] == pytest.approx((1 + 30) % 7 / 7)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["BiAAE", "VIB"]
    assert len(out) == 2 * len(table)
    save_figure(figure, out, [tmp_path / f"a.{kind}" for kind in ("svg", "png", "tsv")])


def test_curves_are_against_updates_and_minutes(tmp_path):
    histories = pd.DataFrame({"model": "biaae", "seed": "0", "step": [100.0, 200.0], "accuracy": [0.1, 0.5]})
    runtimes = pd.DataFrame({"model": ["biaae"], "seed": ["0"], "seconds": [20.0], "updates": [200.0]})
    figure, table = accuracy_curves(histories, runtimes, 0.86, simulated=False)
    assert table["updates_per_second"].tolist() == [10, 10]
    np.testing.assert_allclose(table["minutes"], [1 / 6, 1 / 3])
    assert "10 updates/s" in texts(figure)
    figure, table = accuracy_curves(histories.head(0), runtimes.head(0), 0.86, simulated=False)
    assert "no training history" in texts(figure)
    save_figure(figure, table, [tmp_path / f"a.{kind}" for kind in ("svg", "png", "tsv")])
