"""Pairs from point clouds: partition, Poisson means, independence, and geometry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbsupport.reconstruct.localisations import render
from nbsupport.restore.halves import AugmentedCleanPairs, DynamicPairs, FreshPairs, split
from nbsupport.simulate.blinks import SceneRules, blinks, expected_counts, point_cloud, scene

FIELD = ((0.0, 2.56), (0.0, 2.56))


def rng(seed=0):
    return np.random.default_rng(seed)


def flat_cloud(density=1e4, seed=0, **columns):
    draws = rng(seed)
    count = draws.poisson(density * 2.56**2)
    return point_cloud(*draws.uniform(0, 2.56, (2, count)), field_um=FIELD, **columns)


def places(cloud):
    return set(zip(cloud.y.values.tolist(), cloud.x.values.tolist(), strict=True))


@settings(max_examples=30, deadline=None)
@given(count=st.integers(0, 200), kept=st.floats(0.01, 1), seed=st.integers(0, 2**31))
def test_halves_are_disjoint_and_together_what_was_kept(count, kept, seed):
    cloud = point_cloud(*rng(seed).uniform(0, 2.56, (2, count)), field_um=FIELD)
    first, second = split(cloud, rng=rng(seed), kept=kept)
    assert not places(first) & places(second)
    assert places(first) | places(second) <= places(cloud)
    assert first.sizes["blink"] + second.sizes["blink"] == round(kept * count)
    assert abs(first.sizes["blink"] - second.sizes["blink"]) <= 1


def test_images_of_the_halves_add_up_to_the_image_of_what_was_kept():
    cloud = flat_cloud()
    halves = split(cloud, rng=rng(), kept=1.0)
    assert np.array_equal(sum(render(half).values for half in halves), render(cloud).values)


def test_halves_of_a_flat_scene_are_poisson_with_the_thinned_mean_and_uncorrelated():
    first, second = (render(half).values.ravel() for half in split(flat_cloud(), rng=rng(1)))
    pixels = first.size
    for half in (first, second):
        assert half.mean() == pytest.approx(0.475, abs=4 * np.sqrt(0.475 / pixels))
        assert half.var() == pytest.approx(half.mean(), rel=0.03)
    assert abs(np.corrcoef(first, second)[0, 1]) < 3 / np.sqrt(pixels)


def test_given_the_total_of_a_pixel_the_halves_are_anticorrelated_by_the_stated_covariance():
    cloud = point_cloud(np.full(40, 0.5), np.full(40, 0.5), field_um=FIELD)
    draws = [tuple(half.sizes["blink"] for half in split(cloud, rng=rng(i), kept=1.0)) for i in range(50)]
    assert set(draws) == {(20, 20)}
    field = flat_cloud(density=20.0)
    near = ((field.y < 1.28) & (field.x < 1.28)).values
    first, second = zip(
        *(split(field.assign(near=("blink", near)), rng=rng(i), kept=1.0) for i in range(600)), strict=True
    )
    counts = np.array([[int(half.near.sum()) for half in side] for side in (first, second)])
    total, others = near.sum(), (~near).sum()
    # a random half of a finite set: hypergeometric
    variance = total * others / 4 / (total + others - 1)
    assert np.cov(counts)[0, 1] == pytest.approx(-variance, rel=0.2)


@pytest.mark.parametrize("kept", [0.0, 1.2, 95.0])
def test_a_share_above_one_is_refused(kept):
    with pytest.raises(ValueError, match="95 % is 0.95"):
        split(flat_cloud(), rng=rng(), kept=kept)


def test_dynamic_pairs_are_a_function_of_the_step_alone():
    pairs = DynamicPairs([flat_cloud()], batch=3, seed=1)
    first = pairs.batch(5)
    pairs.batch(0)
    assert all(bool((a == b).all()) for a, b in zip(first, pairs.batch(5), strict=True))
    assert not bool((first[0] == pairs.batch(6)[0]).all())


def test_dynamic_pairs_have_the_mean_one_and_the_poisson_variance_of_their_scale():
    pairs = DynamicPairs([flat_cloud()], batch=40)
    images = [image.numpy() for image in pairs.batch(0)]
    assert pairs.mean_count == pytest.approx(0.475, rel=0.02)
    for image in images:
        assert image.shape == (40, 1, 64, 64)
        assert image.mean() == pytest.approx(1, abs=0.02)
        assert image.var() == pytest.approx(1 / pairs.mean_count, rel=0.03)


def test_dynamic_halves_have_uncorrelated_noise_over_newly_blinking_scenes():
    drawn = scene(rng=rng(), field_um=1.28)
    first, second = [], []
    for seed in range(60):
        cloud = blinks(drawn, density_per_um2=1e4, error_um=0.005, rng=rng(seed))
        halves = [render(half).values for half in split(cloud, rng=rng(seed))]
        first.append(halves[0])
        second.append(halves[1])
    noise = [np.array(half) - np.mean(half, axis=0) for half in (first, second)]
    correlation = np.mean(noise[0] * noise[1]) / np.sqrt(np.mean(noise[0] ** 2) * np.mean(noise[1] ** 2))
    assert abs(correlation) < 4 / np.sqrt(noise[0].size * drawn.coverage)


def test_blinks_of_one_block_of_frames_go_to_one_half():
    draws = rng()
    count = 4000
    frame = np.repeat(np.arange(count // 4), 4)
    y, x = np.repeat(draws.uniform(0.9, 1.7, (2, count // 4)), 4, axis=1)
    cloud = point_cloud(y, x, field_um=FIELD, frame=frame)
    first, second = (
        image.numpy() for image in DynamicPairs([cloud], batch=16, block_frames=1, kept=1.0, mean_count=1).batch(0)
    )
    both = (first > 0) & (second > 0)
    # 1000 places on 6400 pixels: only two emitters in one pixel can be seen in both
    assert both.sum() / ((first > 0) | (second > 0)).sum() < 0.1
    singles = DynamicPairs([cloud], batch=16, kept=1.0, mean_count=1).batch(0)
    assert float(((singles[0] > 0) & (singles[1] > 0)).sum() / ((singles[0] + singles[1]) > 0).sum()) > 0.7


def test_blocks_of_frames_need_frames():
    with pytest.raises(ValueError, match="needs the column frame"):
        DynamicPairs([flat_cloud()], block_frames=10)


def test_augmented_clean_pairs_show_the_mean_of_their_sparse_images():
    drawn = scene(rng=rng(), field_um=1.28)
    clouds = [blinks(drawn, density_per_um2=1e4, error_um=0.005, rng=rng(i)) for i in range(3)]
    pairs = AugmentedCleanPairs([drawn] * 3, clouds, dense_per_um2=2e6, error_um=0.005, batch=24)
    sparse, clean = (image.numpy() for image in pairs.batch(0))
    expected_noise = clean[clean > 0.5] / 1.0  # variance of counts over the mean count 1 of an image
    assert np.corrcoef(sparse.ravel(), clean.ravel())[0, 1] > 0.8
    assert (sparse - clean)[clean > 0.5].var() == pytest.approx(expected_noise.mean(), rel=0.1)
    assert sparse.mean() == pytest.approx(clean.mean(), rel=0.05)


def test_fresh_pairs_differ_in_noise_alone_and_have_the_stated_density():
    pairs = FreshPairs(SceneRules(), density_per_um2=1e4, error_um=0.005, batch=64, scenes=4)
    first, second = (image.numpy() for image in pairs.batch(0))
    assert first.mean() == pytest.approx(1, abs=0.3)
    # independent Poisson images of one mean: the difference has the variance of the sum
    assert (first - second).var() == pytest.approx((first + second).mean() / pairs.mean_count, rel=0.05)
    assert not np.array_equal(pairs.batch(1)[0], first)


def test_a_pixelwise_mean_of_many_targets_is_the_thinned_rate():
    drawn = scene(rng=rng(), field_um=0.64)
    rate = expected_counts(drawn, density_per_um2=1e4, error_um=0.005).values
    total = np.zeros_like(rate)
    for seed in range(200):
        cloud = blinks(drawn, density_per_um2=1e4, error_um=0.005, rng=rng(seed))
        total += render(split(cloud, rng=rng(seed))[1]).values
    flat = rate > 0.95 * rate.max()
    assert total[flat].mean() / 200 == pytest.approx(0.475 * rate[flat].mean(), rel=0.02)
