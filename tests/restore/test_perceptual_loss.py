"""The perceptual loss: layers, weights and their origin."""

import pytest
import torch
from torchvision.models import vgg16

from nbsupport.restore import losses


@pytest.fixture(scope="module")
def random_loss():
    return losses.loss("VGG")


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def images(side=64, batch=2, seed=0):
    return torch.rand(batch, 1, side, side, generator=torch.Generator().manual_seed(seed))


def test_vgg_16_has_the_published_number_of_parameters(random_loss):
    assert parameters(losses.vgg16_features("random")[0]) == 14_714_688
    assert parameters(random_loss.network) == 7_635_264


def test_the_reading_from_1_takes_relus_and_the_one_from_0_max_pools(random_loss):
    pools = losses.loss("VGG", reading="max-pool")
    assert [type(random_loss.network[end - 1]).__name__ for end in random_loss.ends] == ["ReLU"] * 4
    assert [type(pools.network[end - 1]).__name__ for end in pools.ends] == ["MaxPool2d"] * 4


def test_the_loss_is_the_sum_of_mean_differences_at_relu1_2_to_relu4_3():
    loss, (restored, target) = losses.loss("VGG", balance=False), images(seed=1)[:, None]
    features, found = losses.vgg16_features("random")[0], []
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    for image in (restored, target):
        values = (image.repeat(1, 3, 1, 1) - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
        activations = []
        for layer in features[:23]:
            values = layer(values)
            activations.append(values.clone())
        found.append([activations[index] for index in (3, 8, 15, 22)])
    expected = sum((a - b).abs().mean() for a, b in zip(*found, strict=True))
    torch.testing.assert_close(loss(restored, target), expected)


def test_the_joint_loss_is_the_sum_of_its_single_layers(random_loss):
    restored, target = images(seed=1), images(seed=2)
    single = [losses.loss("VGG", layers=[layer])(restored, target) for layer in losses.LAYERS]
    torch.testing.assert_close(sum(single), random_loss(restored, target))


def test_balanced_layers_have_mean_activation_1_on_the_calibration_images(random_loss):
    target = losses.sparse_images()
    with torch.no_grad():
        activations = random_loss._activations(target)
    means = torch.stack([values.abs().mean() for values in activations])
    torch.testing.assert_close(means / random_loss.scales, torch.ones(4))


def test_balance_follows_the_calibration_images_given():
    bright = losses.loss("VGG", layers=[4], calibration=torch.ones(1, 1, 32, 32))
    assert bright.scales.item() != pytest.approx(losses.loss("VGG", layers=[4]).scales.item(), rel=0.01)


def test_equal_seeds_give_equal_random_weights_and_torchs_own_stream_stays_where_it_was():
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    first, again, other = (losses.loss("VGG", layers=[4], seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.network[0].weight, again.network[0].weight)
    assert not torch.equal(first.network[0].weight, other.network[0].weight)


@pytest.mark.parametrize("prefix", ["features.", ""])
def test_a_state_dict_of_torchvision_gives_torchvisions_activations(tmp_path, prefix):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        theirs = vgg16(weights=None).features[:4].eval()
    torch.save({f"{prefix}{key}": value for key, value in theirs.state_dict().items()}, tmp_path / "weights.pt")
    loss = losses.loss("VGG", weights="imagenet", path=tmp_path / "weights.pt", layers=[4])
    restored, target = images(seed=1), images(seed=2)
    with torch.no_grad():
        expected = (theirs(loss.as_photograph(restored)) - theirs(loss.as_photograph(target))).abs().mean()
    torch.testing.assert_close(loss(restored, target), expected)
    assert "ImageNet (weights.pt, sha256" in loss.description


def test_weights_that_end_before_the_layer_asked_for_are_refused(tmp_path):
    torch.save(losses.vgg16_features("random")[0][:9].state_dict(), tmp_path / "short.pt")
    with pytest.raises(ValueError, match="reach beyond the weights' 9 layers"):
        losses.loss("VGG", weights="simulated", path=tmp_path / "short.pt")


def test_a_file_of_another_network_is_refused(tmp_path):
    torch.save({"0.weight": torch.zeros(8, 3, 3, 3)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="other.pt is not a VGG-16: 0.weight"):
        losses.loss("VGG", weights="imagenet", path=tmp_path / "other.pt")


def test_missing_imagenet_weights_are_named_and_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(FileNotFoundError, match="vgg16-397923af.pth"):
        losses.loss("VGG", weights="imagenet")
    assert list(tmp_path.iterdir()) == []


def test_every_origin_of_weights_names_itself(random_loss):
    assert "random VGG-16 (Kaiming, seed 0), layers 4-9-16-23, layers balanced" in random_loss.description
    assert "max-pool reading" in losses.loss("VGG", layers=[4], reading="max-pool").description


def test_unknown_layers_readings_and_weights_are_refused():
    with pytest.raises(ValueError, match="layers=.5,. must be some of"):
        losses.loss("VGG", layers=[5])
    with pytest.raises(ValueError, match="reading='index' is unknown"):
        losses.loss("VGG", reading="index")
    with pytest.raises(ValueError, match="weights='photographs' is unknown"):
        losses.loss("VGG", weights="photographs")
    with pytest.raises(ValueError, match="needs path="):
        losses.loss("VGG", weights="simulated")


def test_train_mode_does_not_change_the_measuring_network(random_loss):
    assert not random_loss.train().training
