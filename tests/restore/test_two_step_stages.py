import numpy as np
import pytest
import torch
from torch import nn

from nbsupport.restore import two_step
from nbsupport.restore.two_step import Chain, Chains, Fields, PlanarProtocol, Recipe

SMALL = PlanarProtocol(field_px=36)
TOY = Recipe(groups=1, blocks=1, features=8, steps=3, batch=1, patch=16, precision="float32")


class Mean(nn.Module):
    """Convolution by a box, which sees as far as `reach`."""

    def __init__(self, reach):
        super().__init__()
        side = 2 * reach + 1
        self.convolution = nn.Conv2d(1, 1, side, padding=reach, bias=False)
        self.convolution.weight.data = torch.full((1, 1, side, side), 1 / side**2)

    def forward(self, images):
        return self.convolution(images)


@pytest.fixture(scope="module")
def one():
    return two_step.acquire(SMALL, 0)


def test_a_network_that_changes_nothing_leaves_the_dim_reconstruction(one):
    images = two_step.stages(one, SMALL, nn.Identity())
    np.testing.assert_allclose(images["step 1"], images["low"], atol=1e-3 * 65535)


def test_frames_keep_the_order_of_their_phases(one):
    frames = two_step.restored_frames(nn.Identity(), one.low)
    ratio = [
        np.corrcoef(frames[a, p].values.ravel(), one.low[a, p].values.ravel())[0, 1] for a in range(3) for p in range(3)
    ]
    np.testing.assert_allclose(ratio, 1, atol=1e-6)


def test_clipped_and_plain_reconstructions_differ_where_they_are_negative(one):
    plain, clipped = (two_step.refined(nn.Identity(), one.low_image, normalisation=n) for n in ("plain", "clipped"))
    dark = one.low_image.values < 0
    assert np.ptp(clipped.values[dark]) == 0
    assert np.ptp(plain.values[dark]) > 0


@pytest.mark.parametrize("normalisation", two_step.NORMALISATIONS)
def test_a_second_network_that_changes_nothing_leaves_the_first_image_and_no_pedestal(one, normalisation):
    images = two_step.stages(one, SMALL, nn.Identity(), nn.Identity(), normalisation=normalisation)
    assert (one.low_image.values < 0).mean() > 0.05
    np.testing.assert_allclose(images["step 2"], images["step 1"], atol=1e-3 * 65535)
    assert np.percentile(images["step 2"], 5) == 0


def test_a_cut_answer_has_no_pixel_above_the_percentile_that_the_network_took_for_one(one):
    image = two_step.after_reconstruction(one.low_image)
    whole, cut = (two_step.refined(nn.Identity(), image, cut=flag).values for flag in (False, True))
    top = np.percentile(image, 99.9)
    np.testing.assert_allclose(cut, np.clip(whole, 0, top), atol=1e-3 * top)
    assert np.sum(cut >= 0.9999 * top) > 1


def test_an_unknown_normalisation_is_refused(one):
    with pytest.raises(ValueError, match="normalisation='raw'"):
        two_step.refined(nn.Identity(), one.low_image, normalisation="raw")


def test_a_chain_is_trained_once_and_read_again_from_its_files(tmp_path):
    fields = {"microtubules": Fields.of(tmp_path, "microtubules", SMALL, train=2, validation=1, test=1)}
    chain = Chain(("microtubules",), TOY)
    first = Chains(fields, tmp_path / "trainings").stages(chain, "microtubules")
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "trainings").rglob("*") if path.is_file()}
    again = Chains(fields, tmp_path / "trainings").stages(chain, "microtubules")
    np.testing.assert_array_equal(first[0]["step 2"], again[0]["step 2"])
    assert len(written) >= 2
    assert set(first[0]) == {"high", "low", "step 1", "step 2"}


def test_parts_of_a_set_share_no_sample(tmp_path):
    fields = Fields.of(tmp_path, "microtubules", SMALL, train=2, validation=1, test=2)
    numbers = [one.number for part in fields.parts.values() for one in part]
    assert sorted(numbers) == list(range(5))
    assert [one.number for one in fields.parts["test"]] == [0, 1]


def test_tiles_without_overlap_leave_seams_and_tiles_with_overlap_nothing_but_rounding():
    image = np.random.default_rng(0).random((1, 96, 96))
    far, near = (two_step.seam_ratio(Mean(4), image, tile=32, overlap=overlap) for overlap in (0, 16))
    assert far > 1.3
    assert near == pytest.approx(1, abs=0.05)


def test_a_seam_within_the_blending_is_seen():
    """A network that sees farther than the overlap disagrees with itself in the whole band, not at edges alone."""
    image = np.random.default_rng(0).random((1, 160, 160))
    assert two_step.seam_ratio(Mean(20), image, tile=80, overlap=16) > 1.3


def test_a_blank_image_has_no_seam():
    assert two_step.seam_ratio(nn.Identity(), np.zeros((1, 96, 96)), tile=32, overlap=16) == 1


def test_an_image_of_one_tile_has_no_border():
    with pytest.raises(ValueError, match="no border"):
        two_step.seam_ratio(Mean(1), np.zeros((1, 32, 32)), tile=32, overlap=8)
