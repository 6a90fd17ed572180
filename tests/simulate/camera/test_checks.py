"""What all cameras have in common: coordinates, units, seeds, and input that is refused by name."""

import numpy as np
import pytest
import xarray as xr
from camera_moments import stack

from nbsupport.simulate import camera

CAMERAS = {
    "poisson": (lambda s, rng: camera.poisson(s, rng=rng), "photons"),
    "poisson_gaussian": (lambda s, rng: camera.poisson_gaussian(s, gain=2.0, read_noise=1.0, rng=rng), "ADU"),
    "scmos": (
        lambda s, rng: camera.scmos(
            s, gain=np.ones((3, 4)), offset=np.zeros((3, 4)), variance=np.ones((3, 4)), rng=rng
        ),
        "ADU",
    ),
    "emccd": (lambda s, rng: camera.emccd(s, em_gain=5.0, read_noise=1.0, rng=rng), "ADU"),
    "speckle": (lambda s, rng: camera.speckle(s, variance=0.1, rng=rng), "photons"),
    "additive_gaussian": (lambda s, rng: camera.additive_gaussian(s, variance=0.1, rng=rng), "photons"),
    "vignetting": (lambda s, rng: camera.vignetting(s, corner=0.5), "photons"),
    "speckled_illumination": (lambda s, rng: camera.speckled_illumination(s, grain_um=0.2, rng=rng), "photons"),
    "ghost": (lambda s, rng: camera.ghost(s, shift_um=(0.1, 0.1), fraction=0.3, blur_um=0.1), "photons"),
}
SIGNED = {
    "line_noise": (lambda s, rng: camera.line_noise(s, row_sd=1.0, column_sd=2.0, rng=rng), "photons"),
    "correlated_noise": (lambda s, rng: camera.correlated_noise(s, sd=1.0, length_px=2.0, rng=rng), "photons"),
}


@pytest.mark.parametrize("name", CAMERAS | SIGNED)
def test_every_camera_keeps_coordinates_and_names_its_units(name):
    expose, units = (CAMERAS | SIGNED)[name]
    given = stack(np.full((2, 3, 4), 10.0))
    taken = expose(given, np.random.default_rng(13))
    xr.testing.assert_equal(taken.coords.to_dataset(), given.coords.to_dataset())
    assert taken.dims == given.dims and taken.attrs == {"units": units, "seed": 7}
    assert given.attrs["units"] == "photons" and np.all(given == 10.0)


@pytest.mark.parametrize("name", CAMERAS | SIGNED)
def test_same_seed_gives_the_same_bits(name):
    expose, _ = (CAMERAS | SIGNED)[name]
    one, two = (expose(stack(np.full((2, 3, 4), 10.0)), np.random.default_rng(14)).values for _ in range(2))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("name", [*CAMERAS, "to_expected"])
@pytest.mark.parametrize(
    "value, message",
    [(np.nan, "not finite .nan. at index"), (np.inf, "not finite .inf. at index"), (-2.0, "negative .-2.0. at index")],
)
def test_impossible_light_is_refused_at_its_index(name, value, message):
    expose = CAMERAS[name][0] if name in CAMERAS else lambda s, rng: camera.to_expected(s)
    given = stack(np.full((2, 3, 4), 10.0))
    given[1, 2, 3] = value
    with pytest.raises(ValueError, match=message + " {'frame': 1, 'y': 2, 'x': 3}"):
        expose(given, np.random.default_rng(0))


@pytest.mark.parametrize("name", SIGNED)
def test_structured_noise_takes_camera_values_below_zero_but_none_that_is_not_finite(name):
    expose, given = SIGNED[name][0], stack(np.full((2, 3, 4), -10.0), "ADU")
    assert np.isfinite(expose(given, np.random.default_rng(0))).all()
    given[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match="not finite .nan. at index {'frame': 1, 'y': 2, 'x': 3}"):
        expose(given, np.random.default_rng(0))


@pytest.mark.parametrize("name", [*CAMERAS, *SIGNED, "to_expected"])
def test_wrong_dimensions_are_refused_by_name(name):
    expose = (CAMERAS | SIGNED).get(name, (lambda s, rng: camera.to_expected(s),))[0]
    with pytest.raises(ValueError, match=r"has dimensions \('x', 'y', 'frame'\)"):
        expose(stack(np.ones((2, 3, 4))).transpose("x", "y", "frame"), np.random.default_rng(0))
    with pytest.raises(ValueError, match="has a ndarray"):
        expose(np.ones((2, 3, 4)), np.random.default_rng(0))


@pytest.mark.parametrize(
    "name, settings, message",
    [
        ("poisson_gaussian", {"gain": 0.0, "read_noise": 1.0}, "gain=0.0 must be greater than 0"),
        ("poisson_gaussian", {"read_noise": -1.0}, "read_noise=-1.0 must be at least 0"),
        ("emccd", {"em_gain": -3.0, "read_noise": 1.0}, "em_gain=-3.0 must be greater than 0"),
        ("emccd", {"em_gain": 3.0, "read_noise": 1.0, "offset": None}, "offset=None must be a finite number"),
        ("speckle", {"variance": -0.1}, "variance=-0.1 must be at least 0"),
        ("additive_gaussian", {"variance": -0.1}, "variance=-0.1 must be at least 0"),
        ("scmos", {"gain": np.ones((4, 3)), "offset": np.ones((3, 4)), "variance": np.ones((3, 4))}, "gain has shape"),
        ("scmos", {"gain": np.zeros((3, 4)), "offset": np.ones((3, 4)), "variance": np.ones((3, 4))}, "gain must be"),
        ("scmos", {"gain": np.ones((3, 4)), "offset": np.ones((3, 4)), "variance": -np.ones((3, 4))}, "variance must"),
        ("line_noise", {"row_sd": -1.0}, "row_sd=-1.0 must be at least 0"),
        ("correlated_noise", {"sd": 1.0, "length_px": 0.0}, "length_px=0.0 must be greater than 0"),
        ("correlated_noise", {"sd": -1.0, "length_px": 2.0}, "sd=-1.0 must be at least 0"),
        ("speckled_illumination", {"grain_um": 0.15}, "grain_um=0.15 must be at least two pixels, 0.2 micrometres"),
        ("speckled_illumination", {"grain_um": 0.2, "patterns": 0}, "patterns=0 must be at least 1"),
        ("speckled_illumination", {"grain_um": 0.2, "patterns": 1.5}, "patterns=1.5 must be a whole number"),
    ],
)
def test_impossible_cameras_are_refused_by_name(name, settings, message):
    with pytest.raises(ValueError, match=message):
        getattr(camera, name)(stack(np.ones((2, 3, 4))), **settings, rng=np.random.default_rng(0))
