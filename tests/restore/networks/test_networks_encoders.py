import pytest
import torch
import torchvision

from nbsupport.restore.networks import artefact_remover, is_dead


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def black(network):
    with torch.no_grad():
        network.body.segmentation_head[0].bias.fill_(-1e4)
    return network


@pytest.fixture(scope="module")
def unet():
    return artefact_remover("U-Net", "R-34").eval()


@pytest.fixture
def images():
    return torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize(
    ("architecture", "encoder", "count"),
    [
        ("U-Net", "R-34", 24_430_097),
        ("U-Net", "R-50", 32_514_833),
        ("FPN", "R-34", 23_149_121),
        ("FPN", "R-50", 26_109_761),
    ],
)
def test_each_remover_has_the_parameter_count_of_its_family(architecture, encoder, count):
    assert parameters(artefact_remover(architecture, encoder)) == count


@pytest.mark.parametrize("architecture", ["U-Net", "FPN"])
@pytest.mark.parametrize("size", [(32, 32), (41, 62), (5, 33)])
def test_an_image_of_any_size_comes_back_in_its_own_size(architecture, size):
    network = artefact_remover(architecture, "R-34").eval()
    with torch.no_grad():
        assert network(torch.rand(1, 1, *size)).shape == (1, 1, *size)


def test_padding_is_zeros_behind_the_last_pixel(unet, images):
    padded = torch.zeros(2, 1, 64, 64)
    padded[..., :50, :40] = images[..., :50, :40]
    with torch.no_grad():
        expected = unet.body(padded)[..., :50, :40].relu()
        restored = unet(images[..., :50, :40])
    torch.testing.assert_close(restored, expected / expected.amax(dim=(1, 2, 3), keepdim=True))


def test_every_output_is_non_negative_and_has_maximum_one(unet, images):
    with torch.no_grad():
        restored = unet(images)
    assert restored.min() >= 0
    torch.testing.assert_close(restored.amax(dim=(1, 2, 3)), torch.ones(2))


def test_the_relu_head_gives_the_same_image_before_division_by_its_maximum(unet, images):
    undivided = artefact_remover("U-Net", "R-34", head="relu").eval()
    with torch.no_grad():
        image = undivided(images)
        torch.testing.assert_close(unet(images), image / image.amax(dim=(1, 2, 3), keepdim=True))
    assert not torch.allclose(image.amax(dim=(1, 2, 3)), torch.ones(2))


def test_a_dead_output_is_black_finite_and_counted_while_training(images):
    network = black(artefact_remover("U-Net", "R-34"))
    restored = network(images)
    restored.sum().backward()
    assert restored.count_nonzero() == 0
    assert is_dead(restored).all()
    assert int(network.head.dead_outputs) == 2
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)
    network.eval()(images)
    assert int(network.head.dead_outputs) == 2


@pytest.mark.parametrize(("leak", "learns"), [(0.0, False), (0.25, True)])
def test_a_black_output_has_a_gradient_only_through_a_leak(images, leak, learns):
    network = black(artefact_remover("U-Net", "R-34", leak=leak))
    network(images).sum().backward()
    gradient = network.body.segmentation_head[0].bias.grad
    torch.testing.assert_close(gradient, torch.tensor([leak * images.numel() if learns else 0.0]))


def test_a_leak_changes_no_output(images):
    with torch.no_grad():
        one, other = (artefact_remover("U-Net", "R-34", leak=leak)(images) for leak in (0.0, 0.5))
    assert torch.equal(one, other)


def test_the_count_of_dead_outputs_is_not_a_weight(unet):
    assert not [name for name in unet.state_dict() if "dead" in name]


def test_only_an_output_with_structure_and_without_nan_is_alive():
    outputs = torch.zeros(4, 1, 3, 3)
    outputs[1] = 1.0
    outputs[2, 0, 1, 1] = float("nan")
    outputs[3, 0, 1, 1] = 0.5
    assert is_dead(outputs).tolist() == [True, True, True, False]


def test_given_weights_make_the_encoder_see_a_grey_image_as_torchvision_does_in_three_colours(tmp_path, images):
    reference = torchvision.models.resnet34(weights=None).eval()
    torch.save(reference.state_dict(), tmp_path / "resnet34.pt")
    network = artefact_remover("U-Net", "R-34", weights=tmp_path / "resnet34.pt").eval()
    trunk = torch.nn.Sequential(*list(reference.children())[:-2])
    with torch.no_grad():
        expected = trunk(images.repeat(1, 3, 1, 1))
        found = network.body.encoder(images)[-1]
    assert parameters(network) == 24_430_097
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_weights_of_another_depth_are_refused(tmp_path):
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), tmp_path / "resnet18.pt")
    with pytest.raises(ValueError, match=r"weights='resnet18.pt' holds no state dict of a torchvision resnet34"):
        artefact_remover("U-Net", "R-34", weights=tmp_path / "resnet18.pt")


def test_a_file_that_holds_more_than_weights_is_refused(tmp_path):
    torch.save({"encoder": pytest.approx}, tmp_path / "code.pt")
    with pytest.raises(ValueError, match=r"weights='code.pt' holds no state dict"):
        artefact_remover("FPN", "R-34", weights=tmp_path / "code.pt")


def test_a_missing_weights_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.pt"):
        artefact_remover("FPN", "R-34", weights=tmp_path / "nowhere.pt")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"architecture": "Unet", "encoder": "R-34"}, "architecture='Unet' is unknown; give one of U-Net, FPN"),
        ({"architecture": "FPN", "encoder": "R-18"}, "encoder='R-18' is unknown; give one of R-34, R-50"),
        ({"architecture": "FPN", "encoder": "R-34", "head": "sigmoid"}, "head='sigmoid' is unknown"),
        ({"architecture": "FPN", "encoder": "R-34", "leak": 2.0}, "leak=2.0 must be a share from 0 to 1"),
        ({"architecture": "FPN", "encoder": "R-34", "seed": -1}, "seed=-1 must not be negative"),
    ],
)
def test_unknown_names_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        artefact_remover(**given)


def test_a_batch_with_three_channels_is_refused(unet):
    with pytest.raises(
        ValueError, match=r"shape \(1, 3, 32, 32\): artefact_remover takes \(batch, channel = 1, y, x\)"
    ):
        unet(torch.rand(1, 3, 32, 32))


def test_weights_follow_the_seed_alone():
    torch.manual_seed(1)
    first = artefact_remover("FPN", "R-34", seed=3)
    torch.manual_seed(2)
    again, other = artefact_remover("FPN", "R-34", seed=3), artefact_remover("FPN", "R-34", seed=4)
    pairs = list(zip(first.parameters(), again.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.body.encoder.conv1.weight, other.body.encoder.conv1.weight)


def test_building_a_network_leaves_the_global_random_stream_alone():
    torch.manual_seed(7)
    undisturbed = torch.rand(3)
    torch.manual_seed(7)
    artefact_remover("FPN", "R-34", seed=3)
    assert torch.equal(torch.rand(3), undisturbed)
