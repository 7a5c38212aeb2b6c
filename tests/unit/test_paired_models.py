"""BiAAE and its rivals: sizes as published, closed forms, who gets a gradient from what, whose turn it is."""

import math

import pytest
import torch

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.models.image_coders import ImageDecoder, ImageEncoder
from workflow_scripts.lib.models.latent import draw, kl_gaussians, kl_standard_normal
from workflow_scripts.lib.models.paired import (
    View,
    discriminator,
    shuffled_rows,
    tells_apart,
    wants_prior,
)
from workflow_scripts.lib.models.paired_models import TITLES, build
from workflow_scripts.lib.training.paired import AdversarialObjective, VariationalObjective, turn

IMAGES = View(ImageEncoder, lambda width: ImageEncoder(width, short=True), ImageDecoder)
SETTINGS = {
    "biaae": {"latent": 16, "shared": 4},
    "uniaae": {"latent": 16, "shared": 4},
    "saae": {"private": 4, "condition": 4},
    "latent_saae": {"private": 4, "condition": 4},
    "cvae": {"latent": 8},
    "jmvae": {"latent": 16},
    "vcca": {"latent": 16, "shared": 4},
    "vib": {"latent": 16},
}
PARAMETERS = {
    "biaae": 1_862_309,
    "uniaae": 1_306_784,
    "latent_saae": 722_059,
    "saae": 657_002,
    "cvae": 138_729,
    "jmvae": 244_322,
    "vcca": 200_378,
    "vib": 100_705,
}
"""Counted in the published code."""


def count(network):
    return sum(p.numel() for p in network.parameters())


def model_of(name, seed=0, **more):
    torch.manual_seed(seed)
    return build(name, IMAGES, IMAGES, {**SETTINGS[name], **more})


def pairs(number=64, seed=1):
    rng = torch.Generator().manual_seed(seed)
    return tuple(torch.rand(number, 1, 28, 28, generator=rng) for _ in range(2))


def rng(seed=2):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", TITLES)
def test_models_have_the_published_sizes(name):
    assert count(model_of(name)) == PARAMETERS[name]


@pytest.mark.parametrize(
    ("network", "number"),
    [
        (ImageEncoder(4), 30_500),
        (ImageEncoder(12), 31_532),
        (ImageEncoder(16), 32_048),
        (ImageEncoder(32), 34_112),
        (ImageEncoder(8, short=True), 5_416),
        (ImageDecoder(16), 66_593),
        (ImageDecoder(8), 65_569),
        (discriminator(28), 555_009),
        (discriminator(4), 530_433),
    ],
)
def test_parts_have_the_published_sizes(network, number):
    assert count(network) == number


def test_divergence_of_two_gaussians_has_its_closed_form():
    zeros, fives = torch.zeros(1, 3), torch.full((1, 3), 5.0)
    assert kl_gaussians(zeros, zeros, fives, zeros).sum() == pytest.approx(37.5)
    assert kl_gaussians(fives, zeros, fives, zeros).sum() == 0
    mean, log_variance = torch.randn(2, 5, generator=rng())
    there = torch.distributions.Normal(mean, torch.exp(log_variance / 2))
    other = torch.distributions.Normal(log_variance, torch.exp(mean / 2))
    reference = torch.distributions.kl_divergence(there, other)
    torch.testing.assert_close(kl_gaussians(mean, log_variance, log_variance, mean), reference)
    torch.testing.assert_close(
        kl_standard_normal(mean, log_variance),
        kl_gaussians(mean, log_variance, torch.zeros(5), torch.zeros(5)),
    )
    prior = torch.zeros(5, requires_grad=True)
    kl_gaussians(mean, log_variance, prior, log_variance).sum().backward()
    assert (prior.grad != 0).all()


def test_drawing_has_the_mean_and_variance_asked_for():
    found = draw(torch.full((200_000,), 2.0), torch.full((200_000,), math.log(9.0)), rng())
    assert found.mean() == pytest.approx(2, abs=0.03)
    assert found.var() == pytest.approx(9, rel=0.02)


def test_decoding_one_code_has_the_loss_of_both_on_average():
    x, y = pairs(32)
    both, one = (model_of("biaae", decoded=which).eval() for which in ("both", "one"))
    with torch.no_grad():
        # shared codes that differ, so that it matters which is decoded
        for model in (both, one):
            model.encoder_y.head[-1].bias[12:] += 8
        wanted = both.generator_losses(x, y, rng())
        drawn = [one.generator_losses(x, y, rng(seed)) for seed in range(60)]
    for name in ("reconstruction_x", "reconstruction_y", "prior"):
        values = torch.stack([losses[name] for losses in drawn])
        assert values.std() > 0
        assert abs(values.mean() - wanted[name]) < 4 * values.std() / 60**0.5


def test_discriminators_start_undecided():
    torch.manual_seed(0)
    network, points = discriminator(28), torch.randn(256, 28, generator=rng())
    loss = tells_apart(network, points, points.flip(0)).detach()
    assert float(loss) == pytest.approx(math.log(2), abs=0.01)
    assert float(wants_prior(network, points)) == pytest.approx(math.log(2), abs=0.05)


def test_a_discriminator_learns_which_points_are_which():
    torch.manual_seed(0)
    network = discriminator(2)
    encoded, prior = torch.randn(256, 2, generator=rng()) + 4, torch.randn(256, 2, generator=rng(3))
    adam = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(60):
        adam.zero_grad()
        tells_apart(network, encoded, prior).backward()
        adam.step()
    assert float(tells_apart(network, encoded, prior)) < 0.1
    # the encoder's points are told from the prior: they want what they do not get
    assert float(wants_prior(network, encoded)) > 2
    assert float(wants_prior(network, prior)) < 0.2


def test_shuffling_keeps_the_marginals_and_breaks_the_pairing():
    values = torch.randn(100, 3, generator=rng())
    found = shuffled_rows(values, rng(5))
    torch.testing.assert_close(found.sort(dim=0).values, values.sort(dim=0).values)
    assert (found != values).any()


@pytest.mark.parametrize("name", ["biaae", "uniaae", "saae", "latent_saae"])
def test_every_discriminator_starts_undecided(name):
    losses = model_of(name).discriminator_losses(*pairs(256), rng())
    for part, value in losses.items():
        if part != "loss":
            assert float(value) == pytest.approx(math.log(2), abs=0.01), part


def gradients(model, loss, weights):
    """Whether each part of the latent space gets a gradient from one loss alone."""
    model.zero_grad()
    loss.backward()
    last = {"x": model.encoder_x.head[-1].weight.grad, "y": model.encoder_y.head[-1].weight.grad}
    private = model.private
    rows = {"z_x": last["x"][:private], "s_x": last["x"][private:]} if last["x"] is not None else {}
    if last["y"] is not None:
        rows |= {"z_y": last["y"][:private], "s_y": last["y"][private:]}
    return {name for name, value in rows.items() if value.numel() and value.abs().max() > 0}


@pytest.mark.parametrize(
    ("chosen", "reached"),
    [
        ("independent_x", {"z_x"}),
        ("independent_y", {"z_y"}),
        ("prior", {"z_x", "s_x", "z_y", "s_y"}),
        ("shared", {"s_x", "s_y"}),
    ],
)
def test_each_loss_of_biaae_reaches_its_codes_only(chosen, reached):
    none = dict.fromkeys(("x", "y", "prior", "independent_x", "independent_y", "shared"), 0.0)
    model = model_of("biaae", weights={**none, chosen: 1.0}).eval()
    found = gradients(model, model.generator_losses(*pairs(), rng())["loss"], None)
    assert found == reached


def test_the_independence_loss_of_uniaae_reaches_both_private_codes():
    none = {"x": 0.0, "y": 0.0, "prior": 0.0, "independent": 1.0}
    model = model_of("uniaae", weights=none).eval()
    assert gradients(model, model.generator_losses(*pairs(), rng())["loss"], None) == {"z_x", "z_y"}


@pytest.mark.parametrize("name", ["biaae", "uniaae", "saae", "latent_saae"])
def test_the_discriminators_turn_leaves_encoders_alone(name):
    model = model_of(name)
    model.discriminator_losses(*pairs(), rng())["loss"].backward()
    assert all(p.grad is None for p in model.generators())
    assert all(p.grad is not None for p in model.discriminators.parameters())


def test_the_prior_mean_of_the_cvae_learns_only_if_it_counts():
    grads = {}
    for counts in (True, False):
        model = model_of("cvae", prior_mean_counts=counts).eval()
        model.losses(*pairs(), rng())["loss"].backward()
        grads[counts] = model.prior.head[-1].weight.grad[:8].abs().max()
    assert grads[True] > 0
    assert grads[False] == 0


def test_vcca_draws_from_the_shared_code_of_y_and_from_no_private_one():
    model = model_of("vcca").eval()
    _, y = pairs(8)
    with torch.no_grad():
        # the private outputs of y's encoder decide nothing of what is generated
        before = model.generate(y, rng())
        model.encoder_y.head[-1].bias[:12] += 100.0
        after = model.generate(y, rng())
        model.encoder_y.head[-1].bias[12:16] += 3.0
        moved = model.generate(y, rng())
    torch.testing.assert_close(before, after)
    assert (moved - after).abs().max() > 1e-3


def test_jmvae_rebuilds_both_views_from_the_joint_posterior():
    weights = {"x": 1.0, "y": 1.0, "divergence": 0.0, "alignment": 0.0}
    model = model_of("jmvae", weights=weights).eval()
    model.losses(*pairs(), rng())["loss"].backward()
    assert all(p.grad is None or p.grad.abs().max() == 0 for p in model.encoder_x.parameters())
    assert model.encoder.layers[-1].weight.grad.abs().max() > 0


@pytest.mark.parametrize("name", TITLES)
def test_every_model_generates_images_of_its_condition(name):
    model = model_of(name).eval()
    x, y = pairs(6)
    with torch.no_grad():
        first, again, other = (model.generate(y, rng(seed)) for seed in (1, 1, 2))
        codes, latents = model.condition_code(y, rng()), model.latents(x, y)
    assert first.shape == x.shape
    assert ((first >= 0) & (first <= 1)).all()
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert (first != other).any()
    assert len(codes) == len(latents["s_y"]) == 6
    assert set(latents) <= {"z_x", "s_x", "z_y", "s_y", "code_x"}


@pytest.mark.parametrize(("steps", "order"), [((3, 1), "DDDG" * 2), ((1, 1), "DG" * 4), ((1, 3), "DGGG" * 2)])
def test_adversaries_take_turns_exactly(steps, order):
    found = "".join("D" if turn(step, *steps) == "discriminators" else "G" for step in range(8))
    assert found == order


def test_the_loops_updates_are_those_of_the_turns():
    from workflow_scripts.lib.training.loop import fit
    from workflow_scripts.lib.training.settings import TrainingSettings

    x, y = (torch.randint(0, 256, (64, 1, 28, 28), generator=rng(), dtype=torch.uint8) for _ in range(2))
    model = model_of("biaae")
    objective = AdversarialObjective(model, {"x": x, "y": y}, discriminator_steps=3, generator_steps=1)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    made = objective.optimizers
    seen = {}
    objective.optimizers = lambda: seen.setdefault("all", made())
    fit(objective, TrainingSettings(epochs=1, batch_size=8, seed=0, device="cpu", tensorboard=False))
    steps = {
        name: {int(state["step"]) for state in optimizer.state.values()}
        for name, optimizer in seen["all"].items()
    }
    assert steps == {"discriminators": {6}, "generators": {2}}
    assert all((p != before[name]).any() for name, p in model.named_parameters())


def test_a_variational_model_learns_what_the_condition_says():
    from workflow_scripts.lib.training.loop import fit
    from workflow_scripts.lib.training.settings import TrainingSettings

    digit = torch.randint(0, 2, (256,), generator=rng())
    x = torch.zeros(256, 1, 28, 28)
    x[digit == 1, :, :14] = 1.0
    x[digit == 0, :, 14:] = 1.0
    y = (x.flip(2) + 0.3 * torch.rand(x.shape, generator=rng())).clamp(max=1)
    model = model_of("vib")
    settings = TrainingSettings(epochs=40, batch_size=32, seed=0, device="cpu", tensorboard=False)
    fit(VariationalObjective(model, {"x": x, "y": y}, learning_rate=2e-3), settings)
    with torch.no_grad():
        found = model.generate(y, rng())
    assert float(((found - x) ** 2).mean()) < 0.02


@pytest.mark.parametrize("name", ["biaae", "jmvae"])
def test_models_of_both_directions_generate_y_of_x(name):
    model = model_of(name).eval()
    x, _ = pairs(5)
    with torch.no_grad():
        first, again, other = (model.generate_y(x, rng(seed)) for seed in (1, 1, 2))
    assert first.shape == x.shape
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert (first != other).any()


@pytest.mark.parametrize("name", ["vib", "jmvae", "vcca", "cvae"])
def test_what_is_taken_from_y_is_what_generation_takes(name):
    """With its noise: a collapsed posterior says nothing, however its means may differ."""
    model = model_of(name).eval()
    _, y = pairs(64)
    first, second = (model.condition_code(y, rng(seed)) for seed in (1, 2))
    assert (first != second).any(dim=1).all()


def test_molecules_reach_their_encoder_whole():
    """Tokens are no images: nothing scales them."""
    from workflow_scripts.lib.data.notation import NOTATIONS
    from workflow_scripts.lib.data.smiles_tokens import TOKENS
    from workflow_scripts.lib.models.expression_coders import expression_view
    from workflow_scripts.lib.models.smiles_coders import SmilesShape, SmilesVAE, smiles_view

    torch.manual_seed(0)
    shape = SmilesShape(latent=6, embedding=16, hidden=16)
    x, y = smiles_view(SmilesVAE(shape), frozen=False), expression_view(30)
    tokens = torch.from_numpy(NOTATIONS["smiles"].encode_all(["CCO", "c1ccccc1", "CC(=O)N", "CN"] * 8))
    change = torch.cat([torch.randn(32, 30, generator=rng()), torch.ones(32, 1)], dim=1)
    for one, other, data in ((x, y, (tokens, change)), (y, x, (change, tokens))):
        model = build("biaae", one, other, {"latent": 8, "shared": 4})
        objective = AdversarialObjective(model, {"x": data[0], "y": data[1]})
        losses = objective.losses("generators", torch.arange(32), rng())
        name = "reconstruction_x" if one is x else "reconstruction_y"
        assert float(losses[name]) == pytest.approx(math.log(len(TOKENS)), rel=0.1)
        drawn = model.generate(data[1], rng())
        assert len(drawn) == 32 and drawn.dtype == data[0].dtype


def test_unknown_models_and_weights_are_named():
    with pytest.raises(LatentomeError, match="gan.*biaae"):
        build("gan", IMAGES, IMAGES, {})
    with pytest.raises(LatentomeError, match=r"vib: weights.*kl"):
        build("vib", IMAGES, IMAGES, {"latent": 4, "weights": {"kl": 1.0}})
    with pytest.raises(LatentomeError, match="biaae.*shared"):
        build("biaae", IMAGES, IMAGES, {"latent": 4})


@pytest.mark.parametrize("kind", [AdversarialObjective, VariationalObjective])
def test_the_learning_rate_falls_over_the_second_half_of_the_epochs(kind):
    model = model_of("biaae" if kind is AdversarialObjective else "cvae")
    x, y = pairs(4)
    rates = []
    for falls_over in (5, None):
        objective = kind(model, {"x": x, "y": y}, learning_rate=0.01, falls_over=falls_over)
        groups = [group for one in objective.optimizers().values() for group in one.param_groups]
        for epoch in range(5):
            objective.on_epoch(epoch)
            rates.append({group["lr"] for group in groups})
    expected = [0.01, 0.01, 0.01, 0.008, 0.004] + 5 * [0.01]
    assert [one for (one,) in rates] == pytest.approx(expected)
