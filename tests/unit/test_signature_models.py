"""Trained models of signatures: what training may look at, and what a saved model gives again."""

import numpy as np
import pandas as pd
import pytest
import torch

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models.svqvae import SVQVAE
from workflow_scripts.lib.models.vae import PublishedVAE, SignatureVAE, VAEShape
from workflow_scripts.lib.training import signature_models
from workflow_scripts.lib.training.export import load_model, names_digest, save_model
from workflow_scripts.lib.training.fit_signatures import MIN_OF_LINE, train_signature_model
from workflow_scripts.lib.training.seeds import seed_all
from workflow_scripts.lib.training.signature_models import (
    SignatureModel,
    architecture,
    load_models,
    one_hot_lines,
    restore,
)

MODELS = ("vae", "vae_linear", "vae_published", "svqvae", "svqvae_published")
GENES = [f"g{k}" for k in range(12)]
N = 160
VAE = {
    "hidden": 16, "latent": 3, "blocks": 1, "learning_rate": 1e-2, "weight_decay": 0.1, "epochs": 2,
    "batch_size": 32, "patience": 5, "warm_up": 2, "free_nats": 0.0,
}  # fmt: skip
CODED = {
    "hidden": 20, "learning_rate": 1e-2, "epochs": 2, "batch_size": 32, "patience": 5, "margin": 0.05,
    "decay": None,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data():
    """Half training; cell line C has few of its signatures there, and class S none."""
    rng = np.random.default_rng(0)
    parts = pd.Series(np.repeat(["train", "validation", "test"], [80, 30, 50]))
    cells = np.tile(["A", "B"], N // 2).astype(object)
    cells[: MIN_OF_LINE - 1] = "C"
    cells[100:130] = "C"
    classes = rng.choice(["P", "Q", "R", ""], N).astype(object)
    classes[85:90], classes[120:140] = "S", "S"
    sheet = pd.DataFrame({"cell_id": cells, "pcl_id": classes}, index=[f"s{k}" for k in range(N)])
    parts.index = sheet.index
    return rng.normal(size=(N, len(GENES))).astype(np.float32), sheet, parts


def settings_of(model):
    if model.endswith("_published"):
        return {"epochs": 2}
    return CODED if model == "svqvae" else VAE


def train(model, data, seed=0, **more):
    matrix, sheet, parts = data
    seed_all(seed)
    settings = {**settings_of(model), **more}
    return train_signature_model(model, matrix, sheet, parts, settings, seed, device="cpu")[0]


def bytes_of(trained):
    return {name: value.numpy().tobytes() for name, value in trained.network.state_dict().items()}


@pytest.fixture(scope="module")
def trained(data):
    return {model: train(model, data) for model in MODELS}


def other_values(data, part, seed=9):
    """Values, cell lines and classes of one part are others."""
    matrix, sheet, parts = (piece.copy() for piece in data)
    here = (parts == part).to_numpy()
    matrix[here] = 5 * np.random.default_rng(seed).normal(size=(here.sum(), len(GENES)))
    sheet.loc[here, "cell_id"] = sheet.cell_id[here].to_numpy()[::-1]
    sheet.loc[here, "pcl_id"] = sheet.pcl_id[here].to_numpy()[::-1]
    return matrix, sheet, parts


def test_a_line_that_is_not_known_has_no_indicator():
    found = one_hot_lines(["B", "x", "A", "B"], ["A", "B"])
    assert found.tolist() == [[0, 1], [0, 0], [1, 0], [0, 1]] and found.dtype == np.float32
    assert one_hot_lines(["B", "x"], []).shape == (2, 0)


@pytest.mark.parametrize("model", MODELS)
def test_a_saved_model_computes_the_same(tmp_path, data, trained, model):
    values, cells = data[0], data[1].cell_id.tolist()
    one = trained[model]
    card = {
        "model": model, "seed": 0, "genes_digest": names_digest(GENES), "architecture": architecture(one.network),
        "cell_lines": one.cell_lines, "classes": one.classes,
    }  # fmt: skip
    save_model(tmp_path, one.network.state_dict(), card)
    (two,) = load_models([tmp_path / "model.safetensors"], GENES)
    assert (two.name, two.seed, two.cell_lines, two.classes) == (model, 0, one.cell_lines, one.classes)
    assert type(two.network) is type(one.network) and not two.network.training
    assert (two.latent, two.is_vae) == (one.latent, one.is_vae)
    for mine, again in zip(one.encode(values, cells), two.encode(values, cells), strict=True):
        assert (mine is None) == (again is None)
        np.testing.assert_array_equal(mine, again)
    latent = np.random.default_rng(1).normal(size=(N, one.latent))
    np.testing.assert_array_equal(one.decode(latent, cells), two.decode(latent, cells))
    np.testing.assert_array_equal(one.reconstruct(values, cells), two.reconstruct(values, cells))
    with pytest.raises(LatentomeError, match="genes_digest is .* use a model trained on this data"):
        load_models([tmp_path / "model.safetensors"], GENES[::-1])


def test_a_card_of_another_kind_is_refused(tmp_path):
    save_model(tmp_path, {"w": torch.zeros(2)}, {"model": "x", "architecture": {"class": "NBVAE"}})
    state, card = load_model(tmp_path)
    with pytest.raises(LatentomeError, match="here: architecture 'NBVAE' is no model of signatures"):
        restore(state, card, "here")


@pytest.mark.parametrize("model", MODELS)
def test_batches_make_no_difference(monkeypatch, data, trained, model):
    values, cells = data[0], data[1].cell_id.tolist()
    one = trained[model]

    def work():
        latent = np.random.default_rng(1).normal(size=(N, one.latent))
        found = [*one.encode(values, cells), one.decode(latent, cells), one.reconstruct(values, cells)]
        found += [] if one.is_vae else [one.distances(values)]
        return [part for part in found if part is not None]

    whole = work()
    monkeypatch.setattr(signature_models, "BATCH", 7)
    for found, expected in zip(work(), whole, strict=True):
        assert len(found) == N
        np.testing.assert_allclose(found, expected, atol=2e-5)
    assert one.encode(values[:0], [])[0].shape == (0, one.latent)


@pytest.mark.parametrize("model", MODELS)
def test_only_the_seed_and_training_signatures_make_the_weights(data, trained, model):
    first = bytes_of(trained[model])
    assert bytes_of(train(model, data)) == first
    assert bytes_of(train(model, other_values(data, "test"))) == first
    assert bytes_of(train(model, data, seed=1)) != first
    assert bytes_of(train(model, other_values(data, "train"))) != first


@pytest.mark.parametrize("model", ["vae_published", "svqvae_published"])
def test_published_models_do_not_look_at_validation(data, model):
    matrix, sheet, parts = data[0] + 3, data[1], data[2]
    away = np.where((parts == "validation").to_numpy()[:, None], -8, matrix).astype(np.float32)
    one, two = (bytes_of(train(model, (values, sheet, parts), epochs=5)) for values in (matrix, away))
    assert one == two


@pytest.mark.parametrize("model", ["vae", "vae_linear", "svqvae"])
def test_ours_are_those_of_the_best_validation(data, model):
    matrix, sheet, parts = (piece.copy() for piece in data)
    # Training drifts away from such a validation.
    matrix[(parts == "train").to_numpy()] += 3
    matrix[(parts == "validation").to_numpy()] = -8 if model == "svqvae" else 0
    hasty = {"epochs": 30, "patience": 2}
    one = train(model, (matrix, sheet, parts), **hasty)
    seed_all(0)
    settings = {**settings_of(model), **hasty}
    _, result = train_signature_model(model, matrix, sheet, parts, settings, 0, device="cpu")
    scores = [row["validation"] for row in result.history]
    assert result.best_epoch == int(np.argmin(scores)) + 1
    assert result.stopped_early and result.epochs_run == result.best_epoch + 2 < 30
    shorter = train(model, (matrix, sheet, parts), epochs=result.best_epoch, patience=2)
    assert bytes_of(shorter) == bytes_of(one)


def test_without_validation_ours_train_to_the_end(data):
    matrix, sheet, parts = data
    none = parts.replace("validation", "test")
    seed_all(0)
    trained, result = train_signature_model("vae", matrix, sheet, none, VAE, 0, device="cpu")
    assert result.epochs_run == 2 and result.best_validation is None
    assert np.isfinite(trained.reconstruct(matrix, sheet.cell_id.tolist())).all()


def test_conditions_and_classes_are_those_of_the_training_part(data, trained):
    _, sheet, parts = data
    assert (sheet.cell_id == "C").sum() > MIN_OF_LINE and (sheet.pcl_id == "S").sum() > 20
    for model in ("vae", "vae_linear"):
        assert trained[model].cell_lines == ["A", "B"] and trained[model].classes == []
        assert trained[model].network.shape.cell_lines == 2
    assert trained["vae_published"].cell_lines == []
    for model in ("svqvae", "svqvae_published"):
        assert trained[model].classes == ["P", "Q", "R"] and len(trained[model].codes) == 3
    more = sheet.copy()
    more.loc[more.index[MIN_OF_LINE], "cell_id"] = "C"
    assert train("vae", (data[0], more, parts)).cell_lines == ["A", "B", "C"]


@pytest.mark.parametrize("model", ["svqvae", "svqvae_published"])
def test_signatures_without_a_class_are_not_trained_on(data, trained, model):
    matrix, sheet, parts = data
    changed = np.where((sheet.pcl_id == "").to_numpy()[:, None], 50, matrix).astype(np.float32)
    assert bytes_of(train(model, (changed, sheet, parts))) == bytes_of(trained[model])


def test_nothing_to_train_on_is_said(data):
    matrix, sheet, parts = data
    with pytest.raises(LatentomeError, match="no training signature; check the split"):
        train("vae", (matrix, sheet, parts.replace("train", "test")))
    with pytest.raises(LatentomeError, match="no training signature of a known class"):
        train("svqvae", (matrix, sheet.assign(pcl_id=sheet.pcl_id.where(parts != "train", "")), parts))


def test_an_unknown_cell_line_is_decoded_as_none_and_known_ones_apart(data, trained):
    model, latent = trained["vae"], np.ones((1, 3))
    assert (model.decode(latent, ["C"]) == model.decode(latent, ["never"])).all()
    assert (model.decode(latent, ["A"]) != model.decode(latent, ["B"])).any()
    assert (model.encode(data[0][:1], ["A"])[0] != model.encode(data[0][:1], ["C"])[0]).any()


@pytest.fixture(scope="module")
def linear():
    """An affine VAE with known noise, and its decoder as a matrix [latent x genes] for line A."""
    shape = VAEShape(5, 1, 8, 2, 1, linear=True)
    draws = torch.Generator().manual_seed(0)
    network = SignatureVAE(shape, torch.linspace(0.5, 2, 5), draws)
    log_noise = torch.tensor([-2.0, -1.0, 0.0, 0.5, 1.0])
    with torch.no_grad():
        for weights in network.parameters():
            weights.normal_(0, 0.7, generator=draws)
        network.log_noise.copy_(log_noise)
        zero, *ends = network.decode(torch.tensor([[0.0, 0], [1, 0], [0, 1]]), torch.ones(3, 1)).numpy()
    loadings, noise = ends - zero, log_noise.exp().numpy()
    return SignatureModel("vae_linear", 0, network.eval(), ["A"], []), loadings, noise


def test_noise_has_the_models_variance(linear):
    model, _, noise = linear
    centre = np.tile(np.arange(5, dtype=np.float32), (40_000, 1))
    found = model.with_noise(centre, np.random.default_rng(0))
    np.testing.assert_allclose(found.var(axis=0), noise, rtol=0.04)
    np.testing.assert_allclose(found.mean(axis=0), np.arange(5), atol=0.04)


def test_samples_of_an_affine_model_have_its_covariance(linear):
    model, loadings, noise = linear
    sample = model.sample(60_000, ["A"] * 60_000, np.random.default_rng(0))
    np.testing.assert_allclose(np.cov(sample.T), loadings.T @ loadings + np.diag(noise), atol=0.12)


def test_resampled_signatures_have_the_posteriors_covariance(linear):
    model, loadings, noise = linear
    one = np.array([[1.0, -2.0, 0.5, 0.0, 3.0]], np.float32)
    mean, log_variance = model.encode(one, ["A"])
    drawn = model.resample(np.repeat(one, 60_000, axis=0), ["A"] * 60_000, np.random.default_rng(0))
    expected = loadings.T @ np.diag(np.exp(log_variance[0])) @ loadings + np.diag(noise)
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.12)
    np.testing.assert_allclose(drawn.mean(axis=0), model.decode(mean, ["A"])[0], atol=0.03)


@pytest.fixture(scope="module")
def published():
    torch.manual_seed(0)
    return SignatureModel("vae_published", 0, PublishedVAE(9, 7, 3).eval(), [], [])


def test_layers_are_a_forward_pass_by_hand(published):
    x = np.random.default_rng(0).normal(size=(6, 9)).astype(np.float32)
    w = {name: value.double().numpy() for name, value in published.network.state_dict().items()}

    def layer(name, inputs):
        return inputs @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    e1 = np.tanh(layer("encoder.0", x))
    e2 = np.tanh(layer("encoder.2", e1))
    e3 = layer("mu", e2)
    d2 = np.tanh(layer("decoder.0", e3))
    d1 = np.tanh(layer("decoder.2", d2))
    found = published.layers(x)
    assert list(found) == ["e1", "e2", "e3", "d2", "d1"]
    for name, expected in zip(found, (e1, e2, e3, d2, d1), strict=True):
        np.testing.assert_allclose(found[name], expected, atol=1e-6)
    decoded = 10 * np.tanh(layer("decoder.4", d1))
    np.testing.assert_allclose(published.reconstruct(x, [""] * 6), decoded, atol=1e-5)
    np.testing.assert_allclose(published.encode(x, [""] * 6)[1], layer("logvar", e2), atol=1e-6)
    np.testing.assert_array_equal(published.mean_weight, w["mu.weight"].astype(np.float32))


def test_published_samples_are_decoded_normal_draws_without_noise(published):
    values = np.ones((3, 9), np.float32)
    assert published.with_noise(values, np.random.default_rng(0)) is values
    latent = np.random.default_rng(4).normal(size=(5, 3))
    expected = published.decode(latent, [""] * 5)
    np.testing.assert_array_equal(published.sample(5, [""] * 5, np.random.default_rng(4)), expected)


def test_an_svqvae_reconstructs_by_the_nearest_code():
    torch.manual_seed(0)
    network = SVQVAE(6, 9, 8)
    with torch.no_grad():
        network.codebook.weight.normal_(0, 0.6)
    model = SignatureModel("svqvae", 0, network.eval(), [], list("abcdef"))
    x = 2 * np.random.default_rng(0).normal(size=(50, 9)).astype(np.float32)
    w = {name: value.double().numpy() for name, value in network.state_dict().items()}
    encoded = np.tanh(x @ w["encoder.0.weight"].T + w["encoder.0.bias"])
    codes = w["codebook.weight"]
    distance = np.array([[((z - code) ** 2).sum() for code in codes] for z in encoded])
    nearest = distance.argmin(axis=1)
    assert len(set(nearest)) > 3
    np.testing.assert_allclose(model.distances(x), distance, atol=1e-5)
    expected = 10 * np.tanh(codes[nearest] @ w["decoder.0.weight"].T + w["decoder.0.bias"])
    np.testing.assert_allclose(model.reconstruct(x, [""] * 50), expected, atol=1e-5)
    assert model.encode(x, [""] * 50)[1] is None and model.mean_weight is None


def test_what_a_model_does_not_have_is_refused(published):
    coded = SignatureModel("svqvae", 0, SVQVAE(2, 9, 4).eval(), [], ["a", "b"])
    with pytest.raises(TypeError, match="svqvae has no published layers"):
        coded.layers(np.zeros((1, 9)))
    with pytest.raises(TypeError, match="vae_published has no codes"):
        published.distances(np.zeros((1, 9)))
    with pytest.raises(TypeError, match="vae_published has no codes"):
        _ = published.codes
