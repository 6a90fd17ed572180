"""Tables, rendering and fitting of localisations, against files of other programs and the bound of information."""

import numpy as np
import pytest
import torch
import xarray as xr

from nbsupport.reconstruct.localisations import (
    cut_spots,
    find_spots,
    fit_gaussians,
    localise,
    read_cloud,
    read_picasso,
    read_thunderstorm,
    render,
    write_cloud,
)
from nbsupport.reconstruct.stacks import read_stack
from nbsupport.simulate.blinks import point_cloud

FIELD = ((0.0, 0.1), (0.0, 0.05))


def spots(count, photons=800.0, background=5.0, sigma=(1.6, 1.9), size=11, seed=0):
    """Poisson images of pixel-integrated Gaussians, and their true centres from the middle, px."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-0.5, 0.5, (count, 2))
    fine = (np.arange(size * 20) + 0.5) / 20 - size / 2
    along = [
        np.exp(-((fine - centres[:, i, None]) ** 2) / (2 * sigma[i] ** 2)).reshape(count, size, 20).sum(2)
        / (20 * sigma[i] * np.sqrt(2 * np.pi))
        for i in (0, 1)
    ]
    expected = photons * along[0][:, :, None] * along[1][:, None, :] + background
    return torch.from_numpy(rng.poisson(expected).astype(float)), centres, expected


def test_a_blink_goes_to_the_pixel_that_holds_it_and_an_edge_to_the_upper_one():
    cloud = point_cloud([0.0, 0.009, 0.01, 0.099], [0.0, 0.0, 0.02, 0.049], field_um=FIELD)
    image = render(cloud, pixel_um=0.01)
    assert image.shape == (10, 5)
    assert [tuple(i) for i in np.argwhere(image.values)] == [(0, 0), (1, 2), (9, 4)]
    assert image.values[0, 0] == 2


def test_rendering_keeps_every_blink_and_agrees_with_numpy_histogram2d():
    rng = np.random.default_rng(0)
    cloud = point_cloud(rng.uniform(-1, 1, 5000), rng.uniform(2, 5, 5000), field_um=((-1, 1), (2, 5)))
    image = render(cloud, pixel_um=0.1)
    reference = np.histogram2d(cloud.y, cloud.x, bins=(20, 30), range=((-1, 1), (2, 5)))[0]
    assert image.sum() == 5000
    assert np.array_equal(image.values, reference)


def test_coordinates_of_a_rendering_are_pixel_centres():
    image = render(point_cloud([0.0], [2.0], field_um=((-1, 1), (2, 5))), pixel_um=0.1)
    assert image.y.values[[0, -1]] == pytest.approx([-0.95, 0.95])
    assert image.x.values[[0, -1]] == pytest.approx([2.05, 4.95])


def test_a_cloud_comes_back_from_zarr_as_it_was(tmp_path):
    cloud = point_cloud([0.01, 0.02], [0.03, 0.04], field_um=FIELD, frame=[3, 7], photons=[100.0, 50.0])
    write_cloud(cloud, tmp_path / "cloud.zarr")
    assert read_cloud(tmp_path / "cloud.zarr").identical(cloud)


def test_a_table_of_thunderstorm_is_read_in_micrometres_from_frame_0(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(
        '"id","frame","x [nm]","y [nm]","sigma [nm]","intensity [photon]","offset [photon]","uncertainty_xy [nm]"\n'
        "1,1,40,90,130,800,10,12\n2,5,10,20,140,500,11,15\n3,6,10,200,140,500,11,15\n"
    )
    cloud = read_thunderstorm(path, field_um=FIELD)
    assert cloud.sizes["blink"] == 2
    assert cloud.x.values == pytest.approx([0.04, 0.01])
    assert cloud.y.values == pytest.approx([0.09, 0.02])
    assert cloud.frame.values.tolist() == [0, 4]
    assert cloud.photons.values.tolist() == [800, 500]
    assert cloud.uncertainty_um.values == pytest.approx([0.012, 0.015])


def test_a_table_of_thunderstorm_in_pixels_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("frame,x [px],y [px]\n1,4,9\n")
    with pytest.raises(ValueError, match=r"needed is a column y \[nm\]"):
        read_thunderstorm(path, field_um=FIELD)


def test_a_table_of_picasso_is_read_in_micrometres(registry_file):
    h5py = pytest.importorskip("h5py")
    path = registry_file("egfr-dna-paint-molecules", "localisation/egfr-dna-paint-molecules.hdf5")
    cloud = read_picasso(path)
    with h5py.File(path) as file:
        table = file["locs"][:]
    assert cloud.sizes["blink"] == len(table) == 4230
    assert cloud.attrs["field_um"] == pytest.approx(np.array([[0, 512 * 0.13]] * 2))
    assert cloud.y.values == pytest.approx((table["y"] + 0.5) * 0.13)
    assert cloud.uncertainty_x_um.values == pytest.approx(table["lpx"] * 0.13)
    assert set(cloud.data_vars) - {"uncertainty_x_um", "uncertainty_y_um", "sigma_x_um", "sigma_y_um"} <= set(
        table.dtype.names
    )


def test_fits_reach_the_bound_of_information_without_bias():
    data, centres, _ = spots(2000)
    fits, bounds = fit_gaussians(data, sigma_px=1.5)
    error = fits.numpy()[:, :2] - centres
    assert np.abs(error.mean(axis=0)).max() < 4 * error.std() / np.sqrt(2000)
    assert error.std(axis=0) == pytest.approx(bounds.numpy()[:, :2].mean(axis=0), rel=0.06)


def test_fits_recover_photons_background_and_both_widths():
    data, _, _ = spots(500, photons=3000.0)
    fits = fit_gaussians(data, sigma_px=1.5)[0].numpy().mean(axis=0)
    assert fits[2:] == pytest.approx([3000, 5, 1.6, 1.9], rel=0.01)


def test_a_fit_to_expected_photons_is_exact_and_has_the_published_uncertainty():
    _, centres, expected = spots(5, sigma=(1.6, 1.6), background=2.0, size=17)
    fits, bounds = fit_gaussians(torch.from_numpy(expected), sigma_px=1.5)
    assert np.abs(fits.numpy()[:, :2] - centres).max() < 1e-3
    # the closed form of Rieger and Stallinga (2014) for the bound of a symmetric Gaussian
    variance, background = 1.6**2 + 1 / 12, 2.0
    tau = 2 * np.pi * background * variance / 800.0
    bound = np.sqrt(variance / 800.0 * (1 + 4 * tau + np.sqrt(2 * tau / (1 + 4 * tau))))
    assert bounds.numpy()[:, :2].mean() == pytest.approx(bound, rel=0.03)


def test_spots_are_found_where_they_are_and_not_in_noise():
    rng = np.random.default_rng(0)
    frames = rng.poisson(10.0, (20, 40, 40)).astype(float)
    y, x = np.mgrid[:40, :40]
    frames[7] += rng.poisson(300 * np.exp(-((y - 12) ** 2 + (x - 30) ** 2) / (2 * 1.5**2)))
    peaks = find_spots(frames, sigma_px=1.5, threshold=6.0)
    assert len(peaks) == 1
    assert np.abs(peaks[0] - [7, 12, 30]).max() <= 1


def test_a_square_that_leaves_the_frame_is_dropped():
    frames = np.arange(2 * 10 * 12, dtype=float).reshape(2, 10, 12)
    squares, peaks = cut_spots(frames, np.array([[0, 1, 5], [1, 4, 5]]), 5)
    assert peaks.tolist() == [[1, 4, 5]]
    assert np.array_equal(squares[0], frames[1, 2:7, 3:8])


def test_localising_keeps_the_coordinates_of_the_stack():
    data, centres, _ = spots(40, photons=5000.0, size=21)
    axis = -1.0 + (np.arange(21) + 0.5) * 0.1
    stack = xr.DataArray(
        data.numpy(), dims=("frame", "y", "x"), coords={"y": axis, "x": axis + 3}, attrs={"units": "photons"}
    )
    cloud = localise(stack, sigma_um=0.17, threshold=20.0, spot_px=13)
    middle = axis[10]
    assert cloud.frame.values.tolist() == list(range(40))
    assert np.abs(cloud.y.values - middle - 0.1 * centres[:, 0]).max() < 0.02
    assert np.abs(cloud.x.values - middle - 3 - 0.1 * centres[:, 1]).max() < 0.02
    assert float(cloud.uncertainty_um.median()) == pytest.approx(0.0025, rel=0.3)


def test_camera_counts_are_refused():
    stack = xr.DataArray(np.ones((2, 9, 9)), dims=("frame", "y", "x"), attrs={"units": "ADU"})
    with pytest.raises(ValueError, match="subtract the offset"):
        localise(stack)


def test_localisations_of_real_microtubules_lie_where_their_mean_frame_is_bright(registry_file):
    path = registry_file("tubulin-storm-movie", "fluctuation/tubulin-storm-movie.tif")
    stack = (read_stack(path, pixel_um=0.065).isel(frame=slice(0, 60)).astype(float) - 99).clip(0) * 0.6
    stack.attrs["units"] = "photons"
    cloud = localise(stack, sigma_um=0.13, threshold=2.5)
    at = stack.mean("frame").interp(y=cloud.y, x=cloud.x, method="nearest")
    assert cloud.sizes["blink"] > 300
    assert float((at > float(stack.mean("frame").median())).mean()) > 0.85
