from __future__ import annotations

import csv
import logging
import math
import os
import random
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from training_toys import Adversarial, Line, Scripted, global_numpy_draw, settings, train_adversarial

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.training import progress
from workflow_scripts.lib.training.device import fits, resolve_device, set_determinism
from workflow_scripts.lib.training.loop import fit
from workflow_scripts.lib.training.objective import Objective
from workflow_scripts.lib.training.seeds import derive_seed, seed_all


def weights(objective) -> bytes:
    return b"".join(value.numpy().tobytes() for value in objective.network.state_dict().values())


def test_loss_falls_and_history_holds_the_means():
    objective = Line()
    result = fit(objective, settings(epochs=60))
    assert result.epochs_run == 60 and len(result.history) == 60
    assert result.history[-1]["loss"] < 0.2 * result.history[0]["loss"]
    assert list(result.history[0]) == ["epoch", "step", "loss", "largest"]
    assert (result.history[-1]["epoch"], result.history[-1]["step"]) == (60, 180)
    assert result.best_epoch is None and result.best_validation is None
    assert result.samples_per_second > 0 and "cpu" in result.device


def test_epoch_mean_weighs_batches_by_their_samples():
    class Counting(Line):
        def losses(self, turn, index, rng):
            return {**super().losses(turn, index, rng), "first": index.double().mean()}

    row = fit(Counting(n=10), settings(epochs=1, batch_size=4)).history[0]
    assert row["first"] == pytest.approx(4.5)


@pytest.mark.parametrize("n, size, drop_last, lengths", [(10, 4, False, [4, 4, 2]), (10, 4, True, [4, 4])])
def test_batches_cover_each_epoch_once_in_a_new_order(n, size, drop_last, lengths):
    objective = Line(n)
    fit(objective, settings(epochs=3, batch_size=size, drop_last=drop_last))
    per_epoch = len(lengths)
    epochs = [objective.seen[i : i + per_epoch] for i in range(0, 3 * per_epoch, per_epoch)]
    assert len(objective.seen) == 3 * per_epoch
    for batches in epochs:
        flat = [i for batch in batches for i in batch]
        assert [len(batch) for batch in batches] == lengths
        assert len(set(flat)) == len(flat) == sum(lengths)
    assert epochs[0] != epochs[1] != epochs[2]


def test_full_batch_is_all_samples_in_order():
    objective = Line(7)
    fit(objective, settings(epochs=2, batch_size=None))
    assert objective.seen == [list(range(7))] * 2


def test_an_objective_may_give_its_own_order():
    class Backwards(Line):
        def order(self, rng):
            return torch.arange(self.n_samples - 1, -1, -1)

    objective = Backwards(5)
    fit(objective, settings(epochs=1, batch_size=3))
    assert objective.seen == [[4, 3, 2], [1, 0]]


def test_same_seed_same_bytes_other_seed_other_bytes():
    runs = [Line() for _ in range(3)]
    for objective, seed in zip(runs, (5, 5, 6), strict=True):
        fit(objective, settings(seed=seed))
    assert weights(runs[0]) == weights(runs[1]) != weights(runs[2])


def test_optimisers_alternate_exactly():
    seed_all(1)
    objective = Adversarial()
    fit(objective, settings(epochs=2, batch_size=8))
    even, odd = ["critic", "critic", "generator"], ["critic"]
    assert objective.played == [(step, turn) for step in range(6) for turn in (odd if step % 2 else even)]
    assert objective.epochs == [0, 1]


def test_default_turns_are_all_optimisers_in_order():
    class Plain(Adversarial):
        def turns(self, step):
            return None

    seed_all(1)
    objective = Plain()
    result = fit(objective, settings(epochs=1, batch_size=None))
    assert [turn for _, turn in objective.played] == ["critic", "generator"]
    assert {"critic/loss", "generator/loss", "generator/judged"} <= set(result.history[0])


def test_a_turn_gives_gradients_and_steps_to_its_own_parameters_only():
    seen = {}

    class Watched(Adversarial):
        def turns(self, step):
            return ["critic"]

        def losses(self, turn, index, rng):
            seen["gradients"] = [p.grad for p in self.network["generator"].parameters()]
            return super().losses(turn, index, rng)

    seed_all(1)
    objective = Watched()
    generator = [p.clone() for p in objective.network["generator"].parameters()]
    critic = [p.clone() for p in objective.network["critic"].parameters()]
    fit(objective, settings(epochs=2, keep_best=False))
    assert all(map(torch.equal, generator, objective.network["generator"].parameters()))
    assert not any(map(torch.equal, critic, objective.network["critic"].parameters()))
    assert seen["gradients"] == [None] * len(generator)


def test_early_stopping_restores_the_best_epoch():
    objective = Scripted([5.0, 3.0, 4.0, 3.5, 3.2, 0.0])
    result = fit(objective, settings(epochs=6, patience=3))
    assert (result.epochs_run, result.best_epoch, result.best_validation) == (5, 2, 3.0)
    assert result.stopped_early
    assert torch.equal(objective.network.weight, objective.weights[1])
    assert not torch.equal(objective.network.weight, objective.weights[-1])
    assert result.history[1]["validation"] == 3.0 and result.history[1]["validation/other"] == 1.0
    assert not objective.network.training


def test_without_keep_best_the_last_weights_stay():
    objective = Scripted([1.0, 2.0, 3.0])
    result = fit(objective, settings(epochs=3, keep_best=False))
    assert torch.equal(objective.network.weight, objective.weights[-1])
    assert (result.best_epoch, result.stopped_early) == (1, False)


def test_min_delta_does_not_count_a_smaller_gain():
    result = fit(Scripted([1.0, 0.95, 0.9, 0.85]), settings(epochs=4, patience=2, min_delta=0.2))
    assert (result.epochs_run, result.best_epoch) == (3, 1)


def test_validation_is_every_nth_epoch_and_the_last_in_eval_mode_on_the_same_noise():
    objective = Scripted([3.0, 2.0, 1.0])
    result = fit(objective, settings(epochs=5, validate_every=2, log_every=4))
    assert [row["epoch"] for row in result.history] == [2, 4, 5]
    assert len(set(objective.noise)) == 1
    assert objective.modes == [False] * 3


def test_patience_without_validation_is_an_error():
    with pytest.raises(LatentomeError, match="patience is 2, but this model has no validation"):
        fit(Line(), settings(patience=2))


def test_gradient_clip_limits_the_step():
    class Steep(Line):
        def optimizers(self):
            return {"sgd": torch.optim.SGD(self.network.parameters(), lr=1.0)}

        def losses(self, turn, index, rng):
            return {"loss": 1000 * super().losses(turn, index, rng)["loss"]}

    moved = []
    for clip in (None, 0.01):
        objective = Steep()
        before = torch.cat([p.detach().flatten().clone() for p in objective.network.parameters()])
        fit(objective, settings(epochs=1, batch_size=None, gradient_clip=clip))
        moved.append(
            (torch.cat([p.detach().flatten() for p in objective.network.parameters()]) - before).norm()
        )
    assert moved[0] > 1 and moved[1] == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_non_finite_loss_names_epoch_step_and_term(bad):
    class Breaking(Line):
        def losses(self, turn, index, rng):
            term = torch.tensor(bad if len(self.seen) == 4 else 1.0)
            return {**super().losses(turn, index, rng), "kl": term}

    objective = Breaking()
    with pytest.raises(LatentomeError, match="toy: loss term kl is (nan|inf) in epoch 2, step 5; expected"):
        fit(objective, settings(), label="toy")


def test_losses_read_late_as_on_a_gpu_name_the_right_step_and_give_the_same_means(monkeypatch):
    from workflow_scripts.lib.training import loop

    plain = fit(Line(), settings())
    late = loop.LossMeter
    monkeypatch.setattr(loop, "LossMeter", lambda label, prefix, every: late(label, prefix, 64))
    assert fit(Line(), settings()).history == plain.history

    class Breaking(Line):
        def losses(self, turn, index, rng):
            terms = super().losses(turn, index, rng)
            return {**terms, "kl": torch.tensor(math.nan if len(self.seen) == 2 else 1.0)}

    with pytest.raises(LatentomeError, match="kl is nan in epoch 1, step 2"):
        fit(Breaking(), settings())


def test_non_finite_validation_is_an_error():
    with pytest.raises(LatentomeError, match="validation is nan in epoch 2, step 6"):
        fit(Scripted([1.0, math.nan]), settings())


def test_the_loop_draws_nothing_from_the_global_generators(tmp_path):
    objective = Scripted([3.0, 2.0, 1.0, 0.5])
    seed_all(11)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()  # noqa: NPY002
    changes = {"checkpoint_every_epochs": 1, "tensorboard": True, "gradient_clip": 1.0}
    fit(objective, settings(**changes), checkpoint_dir=tmp_path / "c", log_dir=tmp_path / "log")
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()
    after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(before[2], after, strict=True))
    assert list((tmp_path / "log" / "tensorboard").glob("events.*"))


def test_global_draws_of_the_objective_come_in_the_seeds_order():
    class Drawing(Line):
        def losses(self, turn, index, rng):
            drawn.append(torch.rand(1).item())
            return super().losses(turn, index, rng)

    drawn: list[float] = []
    objective = Drawing()
    torch.manual_seed(9)
    fit(objective, settings())
    torch.manual_seed(9)
    assert drawn == [torch.rand(1).item() for _ in range(12)]


def test_importing_the_loop_and_making_fabric_draw_nothing():
    code = (
        "import random, numpy as np, torch\n"
        "torch.manual_seed(1); random.seed(1); np.random.seed(1)\n"
        "from workflow_scripts.lib.training import loop, device, export\n"
        "device.make_fabric(torch.device('cpu'), '32-true').launch()\n"
        "print(torch.rand(1).item(), random.random(), np.random.rand())\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    seed_all(1)
    assert out.split() == [str(v) for v in (torch.rand(1).item(), random.random(), global_numpy_draw())]


def test_mixed_precision_computes_in_bfloat16_and_keeps_float32_weights():
    seen = []

    class Watched(Line):
        def losses(self, turn, index, rng):
            seen.append(self.network(self.data["x"]).dtype)
            return super().losses(turn, index, rng)

    objective = Watched()
    fit(objective, settings(epochs=1, precision="bf16-mixed"))
    assert set(seen) == {torch.bfloat16} and objective.network.weight.dtype == torch.float32
    with pytest.raises(LatentomeError, match="16-mixed needs a GPU"):
        fit(Line(), settings(precision="16-mixed"))


def test_cuda_asked_for_and_missing_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == resolve_device("cpu") == torch.device("cpu")
    with pytest.raises(LatentomeError, match="cuda was asked for.*or set device: cpu"):
        fit(Line(), settings(device="cuda"))
    with pytest.raises(LatentomeError, match="expected auto, cpu or cuda"):
        resolve_device("tpu")


def test_data_too_large_for_the_device_stays_and_rows_are_brought(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 1000))
    assert fits(50, torch.device("cuda", 0)) and not fits(51, torch.device("cuda", 0))
    objective = Line(5)
    objective.to(torch.device("cuda", 0))
    assert objective.data["x"].device.type == "cpu"
    assert objective.rows("x", torch.tensor([3, 1])).equal(objective.data["x"][[3, 1]])

    class Elsewhere:
        # An index on another device, as the machine has only one.
        device = torch.device("meta")

        def to(self, device):
            return torch.tensor([3, 1]).to(device)

    assert objective.rows("x", Elsewhere()).device.type == "meta"


def test_determinism_settings(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    before = torch.get_num_threads()
    try:
        set_determinism(2)
        assert torch.get_num_threads() == 2 and torch.are_deterministic_algorithms_enabled()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    finally:
        torch.set_num_threads(before)
    with pytest.raises(LatentomeError, match="compute_threads: 0"):
        set_determinism(0)


def test_derived_seeds_do_not_meet_those_of_the_next_seed():
    seeds = {derive_seed(seed, name) for seed in range(50) for name in ("shuffle", "noise", "validation")}
    assert len(seeds) == 150 and derive_seed(1, "noise") == 3667877999


@pytest.mark.parametrize(
    "change",
    [{"epochs": 0}, {"batch_size": 0}, {"patience": 0}, {"gradient_clip": 0}, {"precision": "64-true"}],
)
def test_settings_out_of_range_are_named(change):
    with pytest.raises(LatentomeError, match=f"{next(iter(change))}: .*expected"):
        settings(**change)


def test_no_samples_is_an_error():
    with pytest.raises(LatentomeError, match="no samples to train on"):
        fit(Line(0), settings())


def test_csv_has_one_row_an_epoch_and_a_late_column(tmp_path):
    fit(Scripted([2.0, 1.0]), settings(epochs=3, validate_every=2), log_dir=tmp_path)
    rows = list(csv.DictReader((tmp_path / progress.CSV_NAME).open()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [row["validation"] for row in rows] == ["", "2.0", "1.0"]
    assert float(rows[0]["loss"]) > 0


def test_log_lines_tell_epoch_loss_rate_and_time_left(monkeypatch, caplog):
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    with caplog.at_level(logging.INFO, logger="latentome"):
        fit(Line(), settings(), label="toy")
    assert any(
        all(part in line for part in ("toy: epoch 2/4, loss ", " samples/s", "left"))
        for line in caplog.messages
    )


def test_no_bar_when_stderr_is_no_terminal(capfd):
    fit(Line(), settings())
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_handlers_are_put_back(tmp_path, number):
    before = signal.getsignal(number)
    train_adversarial(tmp_path)
    assert signal.getsignal(number) is before


def test_an_objective_is_abstract():
    with pytest.raises(TypeError):
        Objective(torch.nn.Linear(1, 1), {"x": torch.zeros(1, 1)})
