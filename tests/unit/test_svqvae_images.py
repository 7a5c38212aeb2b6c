"""The S-VQ-VAE of images: sizes by hand, gradients, learning on a toy, and its figure."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from workflow_scripts.l1000.plot_mnist_codes import main as plot
from workflow_scripts.l1000.train_mnist import main as train
from workflow_scripts.l1000.train_mnist import read_digits
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models.svqvae import straight_through
from workflow_scripts.lib.models.svqvae_images import ImageSVQVAE, class_means, nearest_mean, scaled
from workflow_scripts.lib.plots.mnist import mnist_codes
from workflow_scripts.lib.plots.style import save_figure
from workflow_scripts.lib.training.signatures import SVQVAEObjective


def idx(values):
    head = bytes([0, 0, 8, values.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in values.shape)
    return head + values.tobytes()


def bars(count, seed):
    """Bright horizontal bars; the digit says where."""
    rng = np.random.default_rng(seed)
    digits = np.arange(count) % 10
    images = rng.integers(0, 60, (count, 28, 28))
    for image, digit in zip(images, digits, strict=True):
        image[2 + 2 * digit : 6 + 2 * digit] += 180
    return images.astype(np.uint8), digits.astype(np.uint8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What the script leaves after a few epochs on bars."""
    folder = tmp_path_factory.mktemp("mnist")
    paths = {}
    for part, count, seed in (("train", 1000, 0), ("test", 200, 1)):
        paths[part] = [str(folder / f"{part}-{kind}") for kind in ("images", "labels")]
        for path, values in zip(paths[part], bars(count, seed), strict=True):
            with open(path, "wb") as file:
                file.write(idx(values))
    out = folder / "seed3"
    names = {"weights": "model.safetensors", "card": "model.json", "metrics": "metrics.json"}
    names |= {"runtime": "runtime.json"} | {
        k: f"{k}.tsv" for k in ("history", "codes", "distances", "decoded")
    }
    job = SimpleNamespace(
        input=SimpleNamespace(**paths),
        output=SimpleNamespace(**{key: str(out / name) for key, name in names.items()}),
        wildcards=SimpleNamespace(dataset="mnist", seed="3"),
        params=SimpleNamespace(
            settings={"epochs": 14, "images": 900}, code="x", device="cpu", compute_threads=1,
            log_dir=str(folder / "log"),
        ),
        config={"checkpoint_dir": str(folder / "checkpoints")},
    )  # fmt: skip
    train(job)
    return out


def test_sizes_by_hand():
    network, images = ImageSVQVAE(), torch.rand(3, 1, 28, 28)
    convolutions = (25 * 1 * 20 + 20) + (25 * 20 * 50 + 50) + (9 * 50 * 20 + 20) + (25 * 20 * 1 + 1)
    assert sum(p.numel() for p in network.parameters()) == convolutions + 10 * 3200
    z = network.encode(images)
    assert z.shape == (3, 3200) and z.min() >= 0 and z.max() < 1
    decoded = network.decode(network.codebook(torch.tensor([1, 2])))
    assert decoded.shape == (2, 1, 28, 28) and decoded.abs().max() < 1
    assert network.codebook.weight.abs().max() <= 0.1
    expected = torch.cdist(z, network.codebook.weight)
    assert torch.equal(network.nearest(images), expected.argmin(dim=1))


def test_bytes_become_minus_one_to_one():
    found = scaled(torch.tensor([[[0, 255]]], dtype=torch.uint8))
    assert found.tolist() == [[[[-1.0, 1.0]]]]


def test_reconstruction_teaches_encoder_and_decoder_but_not_the_codebook():
    network, images = ImageSVQVAE(), torch.rand(4, 1, 28, 28)
    encoded = network.encode(images)
    decoded = network.decode(straight_through(encoded, network.codebook(torch.arange(4))))
    ((decoded - images) ** 2).mean().backward()
    assert network.codebook.weight.grad is None
    assert all(
        p.grad.abs().sum() > 0 for part in (network.encoder, network.decoder) for p in part.parameters()
    )


def test_the_objective_teaches_the_true_and_the_nearest_codes_alone():
    torch.manual_seed(0)
    network, images, classes = ImageSVQVAE(), torch.rand(6, 1, 28, 28), torch.tensor([0, 1, 2] * 2)
    data = {"signatures": images, "classes": classes}
    SVQVAEObjective(network, data).losses("adam", torch.arange(6), torch.Generator())["loss"].backward()
    taught = {*classes.tolist(), *network.nearest(images).tolist()}
    moved = network.codebook.weight.grad.abs().sum(dim=1) > 0
    assert set(torch.where(moved)[0].tolist()) == taught


def test_class_means_and_the_nearest():
    images, classes = torch.randn(30, 1, 4, 4), torch.arange(30) % 3
    means = class_means(images, classes, 4)
    for k in range(3):
        torch.testing.assert_close(means[k], images[classes == k].mean(dim=0))
    assert means[3].abs().sum() == 0
    expected = torch.cdist(images.flatten(1), means.flatten(1)).argmin(dim=1)
    assert torch.equal(nearest_mean(images, means), expected)


def test_training_beats_chance_and_the_scores_are_those_of_the_tables(trained):
    found = json.loads((trained / "metrics.json").read_text())
    assert found["test_accuracy"] > 0.5 > 3 * found["test_accuracy_permuted"]
    assert found["train_class_mean_with_label"] <= found["train_reconstruction_with_label"]
    codes = pd.read_csv(trained / "codes.tsv", sep="\t")
    assert list(codes) == ["split", "digit", "code", "count"] and len(codes) == 200
    for split, count in (("train", 900), ("test", 200)):
        part = codes[codes.split == split]
        right = part.loc[part.digit == part.code, "count"].sum()
        assert part["count"].sum() == count and right / count == pytest.approx(found[f"{split}_accuracy"])
    distances = pd.read_csv(trained / "distances.tsv", sep="\t").pivot(
        index="code_a", columns="code_b", values="distance"
    )
    assert np.allclose(distances, distances.T) and np.allclose(np.diag(distances), 0)
    assert len(pd.read_csv(trained / "decoded.tsv", sep="\t")) == 10 * 28 * 28
    history = pd.read_csv(trained / "history.tsv", sep="\t")
    errors = history[history.name == "validation/with_label"].sort_values("epoch").value.to_list()
    assert errors[-1] < 0.7 * errors[0]


def test_the_script_draws_what_training_left(trained, tmp_path):
    tables = {name: [str(trained / f"{name}.tsv")] for name in ("history", "codes", "distances", "decoded")}
    job = SimpleNamespace(
        input=SimpleNamespace(metrics=[str(trained / "metrics.json")], **tables),
        output=[str(tmp_path / f"a.{kind}") for kind in ("svg", "png", "tsv")],
        params=SimpleNamespace(note="Reduced from the paper: 14 of 25 epochs"),
        log=[str(tmp_path / "log")],
    )
    plot(job)
    svg = (tmp_path / "a.svg").read_text()
    assert "14 of 25 epochs" in svg and "Seed 3" in svg and "900 training and 200" in svg


def test_other_images_are_refused(tmp_path):
    images, digits = bars(10, 0)
    for name, values in (("a", images), ("b", digits), ("c", digits + 1)):
        (tmp_path / name).write_bytes(idx(values))
    assert read_digits([tmp_path / "a", tmp_path / "b"])[0].shape == (10, 1, 28, 28)
    for pair in ("ba", "ac"):
        with pytest.raises(LatentomeError, match="28 x 28"):
            read_digits([tmp_path / name for name in pair])


def toys(seeds=1):
    """Tables in the forms that the figure reads."""
    rng = np.random.default_rng(0)
    square = [(a, b) for a in range(10) for b in range(10)]
    names = ("reconstruction", "validation", "validation/with_label", "push")
    history = [(str(s), e, name, 1 / e) for s in range(seeds) for e in (1, 2, 3) for name in names]
    codes = [(split, a, b, 90 if a == b else 1) for split in ("train", "test") for a, b in square]
    scores = [
        *(
            "accuracy",
            "class_mean_accuracy",
            "accuracy_most_frequent",
            "accuracy_permuted",
            "mean_image",
            "images",
        ),
        *(
            "reconstruction_with_label",
            "reconstruction_nearest",
            "class_mean_with_label",
            "class_mean_nearest",
        ),
    ]
    metrics = [
        (str(s), f"{split}_{n}", rng.random())
        for s in range(seeds)
        for split in ("train", "test")
        for n in scores
    ]
    code, row, column = (axis.ravel() for axis in np.indices((10, 28, 28)))
    return (
        pd.DataFrame(history, columns=["seed", "epoch", "name", "value"]),
        pd.DataFrame(codes, columns=["split", "digit", "code", "count"]),
        pd.DataFrame([(a, b, abs(a - b)) for a, b in square], columns=["code_a", "code_b", "distance"]),
        pd.DataFrame({"code": code, "row": row, "column": column, "value": code / 10}),
        pd.DataFrame(metrics, columns=["seed", "name", "value"]),
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seeds", [1, 3])
def test_the_figure_has_the_same_bytes_twice(seeds, tmp_path):
    outputs = [[tmp_path / f"{place}.{kind}" for kind in ("svg", "png", "tsv")] for place in "ab"]
    for paths in outputs:
        save_figure(*mnist_codes(*toys(seeds), note="Reduced from the paper: 3 of 25 epochs"), paths)
    assert [p.read_bytes() for p in outputs[0]] == [p.read_bytes() for p in outputs[1]]
    svg = outputs[0][0].read_text()
    assert "3 of 25 epochs" in svg and ("b to e: seed 0" in svg) == (seeds > 1)


def test_the_table_is_what_is_drawn():
    history, codes, distances, decoded, metrics = toys()
    _, table = mnist_codes(history, codes, distances, decoded, metrics, note="")
    parts = dict(list(table.groupby("panel")))
    assert set(parts) == set("abcdefg")
    assert len(parts["a"]) == 9 and set(parts["a"].series) == set(history.name) - {"push"}
    square = parts["b"].pivot(index="y", columns="x", values="value").to_numpy()
    assert np.allclose(square.sum(axis=1), 1) and np.allclose(np.diag(square), 90 / 99)
    published = parts["c"][parts["c"].series == "published"].set_index("x").value
    assert published[9] == pytest.approx(4545 / 5949) and published.sum() == pytest.approx(1)
    assert parts["d"].value.sum() == distances.distance.sum()
    assert len(parts["e"]) == len(decoded)
    drawn = pd.concat([parts["f"], parts["g"]]).set_index("series").value
    expected = metrics.set_index("name").value.drop(["train_images", "test_images"])
    pd.testing.assert_series_equal(drawn[expected.index], expected, check_names=False)
    assert drawn["published test_accuracy"] == 0.826


def test_no_history_is_said():
    history, *others = toys()
    figure, table = mnist_codes(history[:0], *others, note="")
    assert "no training history" in [text.get_text() for text in figure.axes[0].texts]
    assert not (table.panel == "a").any()
