import hashlib

import numpy as np
import pytest
import torch
import yaml

from nbsupport.restore import cards, networks
from nbsupport.restore.cards import Card
from nbsupport.restore.limits import CardError, Limits
from nbsupport.restore.normalisation import Normalisation

ARGUMENTS = {"dimensions": 2, "depth": 1, "features": 4}


def card(**changed):
    fields = {
        "constructor": "care",
        "arguments": ARGUMENTS,
        "training": {"data": "toys", "seeds": (0, 1), "learning_rate": np.float64(1e-3)},
        "normalisation": Normalisation("percentiles", 1.0, 99.0),
        "limits": Limits(pixel_um=(0.0065, 0.012), numerical_aperture=(1.2, 1.49), values=(0, None), smallest_px=32),
        "quality": {"psnr_truth_range_db": 31.5},
    }
    return Card(**(fields | changed))


@pytest.fixture
def folder(tmp_path):
    cards.save(card(), networks.care(2, depth=1, features=4, seed=3), tmp_path / "restorer")
    return tmp_path / "restorer"


def test_a_restorer_comes_back_as_it_was_saved(folder):
    restorer = cards.load(folder)
    original = networks.care(2, depth=1, features=4, seed=3)
    images = torch.rand(1, 1, 20, 20)
    with torch.no_grad():
        assert torch.equal(restorer.network(images), original.eval()(images))
    assert restorer.card.limits == card().limits
    assert restorer.card.normalisation == card().normalisation
    assert restorer.card.training == {"data": "toys", "seeds": [0, 1], "learning_rate": 1e-3}
    assert sorted(path.name for path in folder.iterdir()) == ["card.yaml", "weights.pt"]


def test_the_hash_on_the_card_is_that_of_sha256sum(folder):
    stated = yaml.safe_load((folder / "card.yaml").read_text())["weights_sha256"]
    assert stated == hashlib.sha256((folder / "weights.pt").read_bytes()).hexdigest()


def test_weights_that_were_changed_are_refused(folder):
    network = networks.care(2, depth=1, features=4, seed=4)
    torch.save(network.state_dict(), folder / "weights.pt")
    with pytest.raises(CardError, match="weights.pt is not the file of the card"):
        cards.load(folder)


class Trap:
    def __reduce__(self):
        return print, ("sprung",)


def test_weights_that_would_run_code_are_refused(folder, capsys):
    torch.save({"weight": Trap()}, folder / "weights.pt")
    change(folder, weights_sha256=hashlib.sha256((folder / "weights.pt").read_bytes()).hexdigest())
    with pytest.raises(CardError, match="holds more than weights"):
        cards.load(folder)
    assert capsys.readouterr().out == ""


def change(folder, **changed):
    described = yaml.safe_load((folder / "card.yaml").read_text())
    (folder / "card.yaml").write_text(yaml.safe_dump(described | changed))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"constructor": "cares"}, "no network is called 'cares'; did you mean 'care'"),
        ({"constructor": "eval"}, "no network is called 'eval'"),
        ({"arguments": {"dimensions": 2, "dept": 1}}, "arguments that it does not take: .*'dept'"),
        ({"arguments": {"dimensions": 2, "depth": 1, "features": 8}}, "weights.pt is not what the card builds"),
        ({"limits": {"pixel": [1, 2]}}, "card.yaml, limits: no field 'pixel'; did you mean 'pixel_um'"),
        ({"normalisation": {"kind": "max"}}, "kind='max' is no normalisation; give one of maximum"),
        ({"schema": 2}, "no card of schema 1"),
        ({"autor": "x"}, "card.yaml: no field 'autor'"),
    ],
)
def test_a_card_that_says_something_else_is_refused_with_what_would_be_right(folder, changed, message):
    change(folder, **changed)
    with pytest.raises(ValueError, match=message):
        cards.load(folder)


def test_a_missing_card_or_file_of_weights_is_named(folder, tmp_path):
    with pytest.raises(CardError, match="there is no card 'nowhere'"):
        cards.load(tmp_path / "nowhere")
    (folder / "weights.pt").unlink()
    with pytest.raises(CardError, match="lies without its weights.pt"):
        cards.load(folder)


def test_a_network_that_the_card_does_not_build_is_not_saved(tmp_path):
    with pytest.raises(CardError, match="the network is not what the card builds"):
        cards.save(card(), networks.care(2, depth=1, features=8), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_card_keeps_no_file_of_this_machine():
    with pytest.raises(CardError, match="arguments has 'weights'"):
        card(constructor="artefact_remover", arguments={"weights": "resnet.pth"})


@pytest.mark.parametrize(
    ("shape", "optics", "message"),
    [
        ((31, 60), {"pixel_um": 0.008, "numerical_aperture": 1.4}, "31 × 60 pixels; this restorer needs 32"),
        ((60, 60), {"pixel_um": 0.08, "numerical_aperture": 1.4}, "pixel size of 0.08 µm; .* 0.0065 to 0.012 µm"),
        ((60, 60), {"pixel_um": 0.008, "numerical_aperture": 0.9}, "numerical aperture of 0.9; .* 1.2 to 1.49"),
        ((60, 60), {"numerical_aperture": 1.4}, "pixel size of the image is not known"),
    ],
)
def test_an_image_outside_the_limits_is_refused_with_the_reason(shape, optics, message):
    card().limits.check((60, 60), pixel_um=0.008, numerical_aperture=1.4)
    with pytest.raises(CardError, match=message):
        card().limits.check(shape, **optics)


@pytest.mark.parametrize(
    ("value", "message"), [(-1.0, "holds -1 at index .2, 3.; .* from 0 to ∞"), (np.nan, "holds nan")]
)
def test_values_outside_the_limits_are_refused_with_their_place(value, message):
    image = np.ones((5, 5))
    image[2, 3] = value
    with pytest.raises(CardError, match=message):
        card().limits.check_values(image)


@pytest.mark.parametrize("kind", ["maximum", "percentiles", "mean and deviation", "none"])
def test_every_normalisation_has_a_way_back(kind):
    image = np.random.default_rng(0).gamma(2, 50, (30, 30))
    scaled, back = Normalisation(kind).scale(image)
    np.testing.assert_allclose(back(scaled), image, rtol=1e-5)
    blank, back = Normalisation(kind).scale(np.zeros((4, 4)))
    assert np.array_equal(back(blank), np.zeros((4, 4)))


def test_normalisations_do_what_their_names_say():
    image = np.random.default_rng(0).gamma(2, 50, (100, 100))
    assert Normalisation("maximum").scale(image)[0].max() == 1.0
    scaled = Normalisation("percentiles", 5, 95).scale(image)[0]
    assert [np.mean(scaled < 0), np.mean(scaled > 1)] == pytest.approx([0.05, 0.05], abs=1e-3)
    scaled = Normalisation("mean and deviation").scale(image)[0]
    assert [scaled.mean(), scaled.std()] == pytest.approx([0, 1], abs=1e-5)


def test_a_scale_of_the_image_comes_back_as_a_scale_of_the_result(folder):
    restorer = cards.load(folder)
    image = np.random.default_rng(0).random((40, 40))
    np.testing.assert_allclose(restorer.restore(7 * image), 7 * restorer.restore(image), rtol=1e-4, atol=1e-4)
