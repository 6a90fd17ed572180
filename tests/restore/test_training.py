import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn
from torch.nn import functional

from nbsupport.restore.training import Divergence, crops, fit, halve_at, one_cycle, supervised


def toy(seed=0, width=8):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Dropout2d(0.1),
            nn.Conv2d(width, 1, 3, padding=1),
        )


def noisy_pairs(seed=0):
    rng = np.random.default_rng(seed)
    clean = [gaussian_filter(rng.random((40, 40 + 8 * i)), 2) for i in range(3)]
    return crops([image + rng.normal(0, 0.05, image.shape) for image in clean], clean, size=16, batch=4, seed=seed)


def squared(restored, target):
    return functional.mse_loss(restored.float(), target)


def train(network=None, **options):
    options = {"steps": 12, "every": 4, "precision": "float32"} | options
    return fit(network or toy(), supervised(squared), noisy_pairs(), **options)


def weights(fitted):
    return torch.cat([tensor.flatten().double() for tensor in fitted.network.state_dict().values()])


def test_adam_is_that_of_a_plain_float32_loop():
    ours, plain, batches = nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3), noisy_pairs()
    plain.load_state_dict(ours.state_dict())
    optimiser = torch.optim.Adam(plain.parameters(), lr=1e-2)
    losses = []
    for step in range(20):
        degraded, target = batches.batch(step)
        loss = functional.mse_loss(plain(degraded), target[..., 1:-1, 1:-1])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    fitted = fit(
        ours,
        lambda network, batch: squared(network(batch[0]), batch[1][..., 1:-1, 1:-1]),
        batches,
        steps=20,
        learning_rate=1e-2,
        precision="float32",
    )
    assert fitted.history.loss == pytest.approx(losses, rel=1e-4)
    assert torch.allclose(ours.weight, plain.weight, atol=1e-5)


def test_loss_in_bfloat16_differs_from_float32_by_less_than_seeds_differ():
    runs = {
        p: [train(toy(s), steps=80, precision=p).history.loss[-20:].mean() for s in range(4)]
        for p in ("bf16", "float32")
    }
    between_precisions = abs(np.mean(runs["bf16"]) - np.mean(runs["float32"]))
    assert between_precisions < np.std(runs["float32"], ddof=1)


def test_equal_arguments_give_equal_weights_whatever_torch_drew_before():
    first = weights(train())
    torch.rand(7)
    assert torch.equal(weights(train()), first)


def test_training_leaves_the_random_stream_of_torch_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(steps=3)
    assert torch.equal(torch.rand(3), expected)


SCRIPT = """
import sys, time
from pathlib import Path
from test_training import train, validator
def slowly(fraction):
    print(fraction, flush=True)
    time.sleep(0.2)
train(checkpoint=Path(sys.argv[1]), validate=validator, progress=slowly)
"""


def validator(network):
    degraded, target = noisy_pairs(seed=9).batch(0)
    return squared(network(degraded), target).item()


def test_a_training_that_was_killed_goes_on_to_the_same_weights(tmp_path):
    unbroken = train(validate=validator)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as killed:
        while float(killed.stdout.readline()) < 0.5:
            pass
        killed.send_signal(signal.SIGKILL)
    done = []
    resumed = train(validate=validator, checkpoint=tmp_path, progress=done.append)
    assert 0.3 < done[0] < 0.6
    assert torch.equal(weights(resumed), weights(unbroken))
    assert np.array_equal(resumed.history.loss, unbroken.history.loss)
    assert np.array_equal(resumed.history.validation, unbroken.history.validation, equal_nan=True)
    assert resumed.best_step == unbroken.best_step


def test_a_finished_training_is_not_done_again(tmp_path):
    first = train(checkpoint=tmp_path)
    done = []
    again = train(toy(seed=3), checkpoint=tmp_path, progress=done.append)
    assert done == []
    assert torch.equal(weights(again), weights(first))
    assert again.seconds == first.seconds


def test_a_checkpoint_is_one_whole_file_and_the_torn_one_of_a_kill_is_removed(tmp_path):
    (tmp_path / ".checkpoint.123.pt").write_bytes(b"half")
    train(checkpoint=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_checkpoint_of_other_settings_is_refused_by_name(tmp_path):
    train(checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"learning_rate=0\.001, not 0\.01; give another folder"):
        train(checkpoint=tmp_path, learning_rate=0.01)
    with pytest.raises(ValueError, match="belongs to a training with network="):
        train(toy(width=4), checkpoint=tmp_path)


def test_the_weights_that_validated_best_are_restored():
    values = iter([3.0, 1.0, 2.0])
    seen = {}

    def validate(network):
        value = next(values)
        seen[value] = torch.cat([tensor.flatten().double() for tensor in network.state_dict().values()])
        return value

    fitted = train(validate=validate)
    assert fitted.best_step == 8
    assert torch.equal(weights(fitted), seen[1.0])
    assert fitted.history.validation[[3, 7, 11]].tolist() == [3.0, 1.0, 2.0]
    assert np.isnan(fitted.history.validation).sum() == 9


def test_validation_sees_the_network_in_eval_mode_and_a_fit_ends_in_it():
    modes = []
    fitted = train(validate=lambda network: modes.append((network.training, torch.is_grad_enabled())) or 1.0)
    assert set(modes) == {(False, False)}
    assert not fitted.network.training


def exploding(network, batch):
    exploding.calls += 1
    return squared(network(batch[0]), batch[1]) * (float("nan") if exploding.calls > 5 else 1.0)


def test_a_loss_that_is_not_finite_ends_in_an_error_that_names_the_step():
    exploding.calls = 0
    with pytest.raises(Divergence, match="loss is nan at step 6"):
        fit(toy(), exploding, noisy_pairs(), steps=10)


def test_divergence_can_be_recorded_with_the_best_weights_before_it():
    exploding.calls = 0
    fitted = fit(toy(), exploding, noisy_pairs(), steps=10, every=2, validate=lambda network: 1.0, on_divergence="stop")
    assert (fitted.diverged, fitted.best_step) == (6, 2)
    assert np.isnan(fitted.history.loss[-1])
    assert len(fitted.history.loss) == 6
    assert torch.isfinite(weights(fitted)).all()


def test_one_cycle_is_that_of_torch():
    optimiser = torch.optim.Adam(toy().parameters())
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1.0, total_steps=57)
    rates = []
    for _ in range(57):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if len(rates) < 57:
            theirs.step()
    schedule = one_cycle(57)
    assert [schedule(step) for step in range(57)] == pytest.approx(rates)


def test_halving_is_the_multi_step_schedule_of_torch():
    optimiser = torch.optim.SGD(toy().parameters(), lr=1.0)
    theirs = torch.optim.lr_scheduler.MultiStepLR(optimiser, milestones=[4, 9], gamma=0.5)
    rates = []
    for _ in range(12):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        theirs.step()
    schedule = halve_at([4, 9])
    assert [schedule(step) for step in range(12)] == rates


def test_a_schedule_drives_the_training():
    still = train(steps=4, schedule=lambda step: 0.0)
    before = torch.cat([tensor.flatten().double() for tensor in toy().state_dict().values()])
    moved = weights(still) - before
    assert moved.abs().max() > 0  # statistics of the batch normalisation move all the same
    assert all(torch.equal(a, b) for a, b in zip(still.network.parameters(), toy().parameters(), strict=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps=0 must be at least 1"),
        ({"learning_rate": -1.0}, "learning_rate=-1.0 must be"),
        ({"precision": "fp16"}, "precision='fp16' is unknown; give one of auto, bf16, float32"),
        ({"on_divergence": "ignore"}, "on_divergence='ignore' is unknown"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        train(**options)


def test_nothing_is_written_but_the_checkpoint(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    train(checkpoint=tmp_path / "kept", precision="bf16")
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "checkpoint.pt"]
    assert capfd.readouterr() == ("", "")
