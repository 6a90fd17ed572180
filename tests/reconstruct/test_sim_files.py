"""Page orders, TIFF files and the command, on files that other software would write."""

import numpy as np
import pytest
import tifffile
import xarray as xr
from sim_frames import OPTICS, PIXEL_UM, frames, lines

from nbsupport.reconstruct import sim
from nbsupport.study.cli import main

WORDS = ["--na", "1.1", "--wavelength-um", "0.488", "--pixel-um", str(PIXEL_UM)]


def numbered(angles=3, phases=5, planes=4):
    """Pages whose value says angle, phase and plane."""
    angle, phase, plane = np.meshgrid(*map(np.arange, (angles, phases, planes)), indexing="ij")
    return np.broadcast_to((100 * angle + 10 * phase + plane)[..., None, None], (angles, phases, planes, 2, 3))


@pytest.mark.parametrize("order", sim.ORDERS)
def test_every_order_there_and_back_is_the_identity(order):
    pages = sim.paged(numbered(), order)
    np.testing.assert_array_equal(sim.arranged(pages, order, phases=5), numbered())


def test_omx_runs_through_phases_then_planes_then_angles():
    pages = sim.paged(numbered(), "OMX")[:, 0, 0]
    assert pages[:7].tolist() == [0, 10, 20, 30, 40, 1, 11]
    assert pages[20] == 100


def test_paz_runs_through_phases_then_angles_then_planes():
    pages = sim.paged(numbered(), "PAZ")[:, 0, 0]
    assert pages[:6].tolist() == [0, 10, 20, 30, 40, 100]
    assert pages[15] == 1


def test_czxy_has_one_channel_for_every_angle_and_phase():
    stored = sim.paged(numbered(), "CZXY")
    assert stored.shape == (15, 4, 2, 3)
    assert stored[7, 3, 0, 0] == 100 + 20 + 3


@pytest.mark.parametrize(
    ("pages", "words", "message"),
    [
        (np.zeros((8, 4, 4)), {"phases": 3}, "8 frames do not make whole planes of 3 angles × 3 phases; 1 missing"),
        (np.zeros((44, 4, 4)), {"phases": 5}, "1 missing"),
        (np.zeros((60, 4, 4)), {}, "give the number of phases"),
        (np.zeros((14, 2, 4, 4)), {"order": "CZXY", "phases": 5}, "1 missing"),
        (np.zeros((9, 4, 4)), {"order": "ZAP"}, "order='ZAP' is unknown"),
        (np.zeros((4, 4)), {}, "1 pages: give the number of phases"),
        (np.zeros((2, 9, 4, 4)), {}, "needed are pages"),
    ],
)
def test_pages_that_do_not_fit_are_named(pages, words, message):
    with pytest.raises(sim.SimError, match=message):
        sim.arranged(pages, words.pop("order", "OMX"), **words)


@pytest.mark.parametrize("order", sim.ORDERS)
def test_frames_and_calibration_survive_a_file(tmp_path, order):
    planes = [frames(lines(32, 48, count=5)).astype(np.uint16) for _ in range(3)]
    stack = xr.concat(planes, dim="z").assign_coords(z=[0.0, 0.2, 0.4]).transpose("angle", "phase", "z", "y", "x")
    sim.write_raw(tmp_path / "raw.tif", stack, order=order)
    found = sim.read_raw(tmp_path / "raw.tif", order=order, phases=3, pixel_um=PIXEL_UM)
    np.testing.assert_array_equal(found, stack)
    assert found.dtype == np.uint16
    np.testing.assert_allclose(found.z, stack.z)
    np.testing.assert_allclose(np.diff(found.y), PIXEL_UM)


def test_a_file_of_another_pixel_size_is_refused(tmp_path):
    sim.write_raw(tmp_path / "raw.tif", frames())
    with pytest.raises(sim.SimError, match=r"contradicts raw.tif, which states 0\.107"):
        sim.read_raw(tmp_path / "raw.tif", pixel_um=0.08)


def test_a_colour_picture_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "rgb.tif", np.zeros((16, 16, 3), np.uint8), photometric="rgb")
    with pytest.raises(sim.SimError, match="grey frames"):
        sim.read_raw(tmp_path / "rgb.tif", pixel_um=0.1)


def plain(path, raw):
    """Nine pages without any metadata, as a camera program writes them."""
    tifffile.imwrite(path, raw.values.reshape(-1, *raw.shape[2:]).astype(np.uint16))
    return str(path)


def test_command_writes_the_reconstruction_on_half_the_pixels(tmp_path, capsys):
    raw = frames()
    output = tmp_path / "out.tif"
    assert main(["sim", plain(tmp_path / "raw.tif", raw), "-o", str(output), *WORDS]) == 0
    expected = sim.reconstruct(raw, OPTICS, apodisation_cutoff=1 + 1 / 0.375 / OPTICS.cutoff_per_um)
    with tifffile.TiffFile(output) as tiff:
        np.testing.assert_allclose(tiff.asarray(), expected, atol=1e-3 * float(expected.max()))
        above, below = tiff.pages.first.tags["XResolution"].value
        assert above / below == pytest.approx(2 / PIXEL_UM, rel=1e-5)
        assert "period 375." in tiff.imagej_metadata["Info"]
    assert "angle 2: period 37" in capsys.readouterr().out


def test_command_keeps_the_planes_and_their_distance(tmp_path):
    stack = xr.concat([frames(lines(48, 48)).astype(np.uint16)] * 3, dim="z").assign_coords(z=[0.0, 0.3, 0.6])
    sim.write_raw(tmp_path / "raw.tif", stack, order="PAZ")
    words = [*WORDS, "--order", "PAZ", "--phases", "3", "--per-plane"]
    assert main(["sim", str(tmp_path / "raw.tif"), "-o", str(tmp_path / "out.tif"), *words]) == 0
    with tifffile.TiffFile(tmp_path / "out.tif") as tiff:
        assert tiff.asarray().shape == (3, 96, 96)
        assert tiff.imagej_metadata["spacing"] == pytest.approx(0.3)


def test_command_takes_the_pattern_from_brighter_frames(tmp_path, capsys):
    bright, dim = (plain(tmp_path / f"{peak}.tif", frames(peak_photons=peak)) for peak in (2000, 4))
    output = str(tmp_path / "out.tif")
    assert main(["sim", dim, "-o", output, *WORDS]) == 1
    assert "no pattern found" in capsys.readouterr().err
    assert main(["sim", dim, "-o", output, *WORDS, "--pattern-from", bright]) == 0


def test_command_says_what_is_doubtful(tmp_path, capsys):
    raw = frames()
    image = plain(tmp_path / "raw.tif", raw.clip(max=float(raw.quantile(0.98))))
    assert main(["sim", image, "-o", str(tmp_path / "out.tif"), *WORDS]) == 0
    assert "warning: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--order", "XYZ"], "order='XYZ' is unknown"),
        (["--phases", "4"], "9 frames do not make whole planes"),
    ],
)
def test_command_refuses_in_one_line(tmp_path, capsys, words, message):
    image = plain(tmp_path / "raw.tif", frames())
    assert main(["sim", image, "-o", str(tmp_path / "out.tif"), *WORDS, *words]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.tif").exists()


def test_command_does_not_overwrite_unasked(tmp_path, capsys):
    image = plain(tmp_path / "raw.tif", frames())
    assert main(["sim", image, "-o", image, *WORDS]) == 1
    assert "exists" in capsys.readouterr().err
