import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from nbsupport.restore.networks import artefact_remover, care, draw_stages, layers, noise2self, rcan, stages, time_unet

SMALL = {
    "U-Net": (lambda: artefact_remover("U-Net", "R-34"), (1, 32, 32)),
    "FPN": (lambda: artefact_remover("FPN", "R-34"), (1, 32, 32)),
    "RCAN": (lambda: rcan(2, 9, 9, groups=2, blocks=2, features=8), (9, 8, 8)),
    "CARE": (lambda: care(3, features=4), (1, 4, 8, 8)),
    "timeUnet": (lambda: time_unet(features=4), (11, 8, 8)),
    "Noise2Self": (lambda: noise2self(features=(4, 8)), (1, 8, 8)),
}


@pytest.mark.parametrize("name", SMALL)
def test_stages_and_layers_hold_every_parameter_of_the_network_once(name):
    build, size = SMALL[name]
    network = build()
    total = sum(p.numel() for p in network.parameters())
    assert sum(layer.parameters for layer in layers(network, size)) == total
    assert sum(stage.parameters for stage in stages(network, size)) == total


@pytest.mark.parametrize(
    ("encoder", "widths"), [("R-34", [64, 64, 128, 256, 512]), ("R-50", [64, 256, 512, 1024, 2048])]
)
def test_the_encoder_halves_five_times_with_the_widths_of_its_residual_network(encoder, widths):
    found = [s.shape for s in stages(artefact_remover("U-Net", encoder), (1, 64, 64)) if s.name.startswith("encoder")]
    assert found == [(width, 32 // 2**n, 32 // 2**n) for n, width in enumerate(widths)]


@pytest.mark.parametrize(("encoder", "depth"), [("R-34", 34), ("R-50", 50)])
def test_a_residual_encoder_has_the_layers_that_name_it(encoder, depth):
    network = artefact_remover("FPN", encoder)
    found = [layer for layer in layers(network, (1, 32, 32)) if layer.stage.startswith("encoder")]
    main = [layer for layer in found if layer.kind == "Conv2d" and "downsample" not in layer.name]
    assert len(main) == depth - 1  # the last of the 34 or 50 is the classifier, which an encoder has not


def test_the_unet_joins_each_decoder_with_the_encoder_of_its_scale_and_none_at_full_scale():
    decoders = [s for s in stages(artefact_remover("U-Net", "R-34"), (1, 64, 64)) if s.name.startswith("decoder")]
    assert [s.shape[0] for s in decoders] == [256, 128, 64, 32, 16]
    assert [s.inputs[1:] for s in decoders] == [("encoder 4",), ("encoder 3",), ("encoder 2",), ("encoder 1",), ()]


def test_the_pyramid_adds_laterals_from_coarse_to_fine_and_merges_four_branches():
    found = {s.name: s for s in stages(artefact_remover("FPN", "R-34"), (1, 64, 64))}
    assert [found[f"lateral {n}"].inputs for n in (5, 4, 3)] == [
        ("encoder 5",),
        ("lateral 5", "encoder 4"),
        ("lateral 4", "encoder 3"),
    ]
    assert {found[f"lateral {n}"].shape[0] for n in (2, 3, 4, 5)} == {256}
    assert [found[f"branch {n}"].shape for n in (2, 3, 4, 5)] == [(128, 16, 16)] * 4
    assert [found[f"branch {n}"].convolutions for n in (5, 4, 3, 2)] == [3, 2, 1, 1]
    assert set(found["merge"].inputs) == {f"branch {n}" for n in (2, 3, 4, 5)}


def test_the_long_skip_of_rcan_reaches_from_the_first_convolution_to_the_tail():
    found = {s.name: s.inputs for s in stages(rcan(2, 1, 1, groups=2, blocks=1, features=8), (1, 8, 8))}
    assert found == {
        "input": (),
        "group 1": ("input",),
        "group 2": ("group 1",),
        "tail": ("group 2", "input"),
        "output": ("tail",),
    }


def test_time_unet_keeps_eleven_frames_until_its_head():
    found = stages(time_unet(features=4), (11, 16, 16))
    assert [s.shape[1] for s in found[:-1]] == [11] * 5
    assert [s.shape[2] for s in found[:-1]] == [16, 8, 4, 8, 16]
    assert found[-1].shape == (1, 16, 16)


def test_looking_at_a_network_changes_nothing_in_it():
    network = artefact_remover("U-Net", "R-34")
    network.body.encoder.eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    stages(network, (1, 32, 32))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_layers_of_a_network_without_stages_are_listed_in_the_order_of_the_data():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.ReLU(), nn.Conv2d(2, 1, 1)))
    found = layers(network, (1, 5, 5))
    assert [(layer.name, layer.kind, layer.shape) for layer in found] == [
        ("0", "Conv2d", (2, 3, 3)),
        ("1.0", "ReLU", (2, 3, 3)),
        ("1.1", "Conv2d", (1, 3, 3)),
    ]


def test_stages_of_a_network_that_names_none_are_refused():
    with pytest.raises(ValueError, match="Linear without stage_modules"):
        stages(nn.Linear(1, 1), (1,))


def test_a_diagram_has_a_box_per_stage_and_an_arrow_per_connection():
    found = stages(artefact_remover("FPN", "R-34"), (1, 64, 64))
    figure, axes = plt.subplots()
    draw_stages(axes, found)
    boxes = [text.get_text() for text in axes.texts if text.get_text()]
    arrows = [text for text in axes.texts if not text.get_text()]
    plt.close(figure)
    assert [text.split("\n")[0] for text in boxes] == [stage.name for stage in found]
    assert len(arrows) == sum(len(stage.inputs) for stage in found) == 4 + 4 + 3 + 4 + 4 + 1


def test_the_branches_of_the_pyramid_work_at_the_scale_of_their_lateral():
    found = {s.name: s for s in stages(artefact_remover("FPN", "R-50"), (1, 128, 128))}
    assert [found[f"branch {n}"].works_at for n in (5, 4, 3, 2)] == [(4, 4), (8, 8), (16, 16), (32, 32)]


def test_a_diagram_of_no_stages_is_refused():
    with pytest.raises(ValueError, match="stages is empty"):
        draw_stages(None, [])
