import numpy as np
import pytest
import tifffile

from nbsupport.restore import cards, files, networks
from nbsupport.restore.cards import Card
from nbsupport.restore.limits import Limits
from nbsupport.restore.normalisation import Normalisation
from nbsupport.study.cli import main


def saved(folder, *, dimensions=2, **limits):
    network = networks.care(dimensions, depth=1, features=4, seed=1)
    card = Card(
        "care",
        {"dimensions": dimensions, "depth": 1, "features": 4},
        {"data": "none, random weights"},
        Normalisation("maximum"),
        Limits(dimensions=dimensions, **limits),
    )
    return cards.save(card, network, folder)


@pytest.fixture
def model(tmp_path):
    return str(saved(tmp_path / "model", pixel_um=(0.005, 0.02), values=(0, None), smallest_px=16))


def noise(*shape, dtype="uint16"):
    return np.random.default_rng(0).integers(1, 1000, shape).astype(dtype)


def imagej(path, values, axes, unit="micron", pixel=0.01, **metadata):
    tifffile.imwrite(
        path, values, imagej=True, resolution=(1 / pixel,) * 2, metadata={"axes": axes, "unit": unit, **metadata}
    )
    return str(path)


def restored(*words):
    return main(["restore", *map(str, words)])


def test_every_plane_of_a_stack_is_restored_by_itself(tmp_path, model, capsys):
    stack = noise(3, 2, 33, 50)
    image = imagej(tmp_path / "in.tif", stack, "TZYX", spacing=0.2, finterval=0.5)
    assert restored(image, "--model", model, "-o", tmp_path / "out.tif") == 0
    found = tifffile.imread(tmp_path / "out.tif")
    assert (found.dtype, found.shape) == (np.float32, stack.shape)
    restorer = cards.load(model)
    for index in np.ndindex(3, 2):
        np.testing.assert_array_equal(found[index], restorer.restore(stack[index]))
    assert "6 planes of 33 × 50 pixels" in capsys.readouterr().out


def test_calibration_of_an_imagej_file_is_kept(tmp_path, model):
    image = imagej(
        tmp_path / "in.tif", noise(3, 2, 33, 50), "TZYX", "\\u00B5m", spacing=0.2, finterval=0.5, Info="by hand"
    )
    restored(image, "--model", model, "-o", tmp_path / "out.tif")
    with tifffile.TiffFile(image) as before, tifffile.TiffFile(tmp_path / "out.tif") as after:
        assert after.series[0].axes == "TZYX"
        for key in ("unit", "spacing", "finterval", "slices", "frames"):
            assert after.imagej_metadata[key] == before.imagej_metadata[key]
        for tag in ("XResolution", "YResolution"):
            assert after.pages.first.tags[tag].value == before.pages.first.tags[tag].value
        assert after.imagej_metadata["Info"].startswith("by hand\nrestored by nbsupport with care, weights sha256")


def test_calibration_of_an_ome_file_is_kept(tmp_path, model):
    sizes = {"PhysicalSizeX": 10.0, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.01, "PhysicalSizeYUnit": "µm"}
    metadata = {"axes": "CYX", **sizes, "TimeIncrement": 2.0, "TimeIncrementUnit": "s"}
    tifffile.imwrite(tmp_path / "in.ome.tif", noise(2, 40, 30), metadata=metadata)
    assert restored(tmp_path / "in.ome.tif", "--model", model, "-o", tmp_path / "out.ome.tif") == 0
    with tifffile.TiffFile(tmp_path / "out.ome.tif") as after:
        assert after.is_ome
        assert after.series[0].axes == "CYX"
        for part in ('PhysicalSizeX="10.0"', 'PhysicalSizeXUnit="nm"', 'PhysicalSizeY="0.01"', 'TimeIncrement="2.0"'):
            assert part in after.ome_metadata
    assert files.read(tmp_path / "out.ome.tif").pixel_um == pytest.approx(0.01)


def test_resolution_of_a_plain_file_is_kept(tmp_path, model):
    tifffile.imwrite(
        tmp_path / "in.tif", noise(40, 30), resolution=(1e6, 1e6), resolutionunit="CENTIMETER", metadata=None
    )
    assert restored(tmp_path / "in.tif", "--model", model, "-o", tmp_path / "out.tif") == 0
    assert files.read(tmp_path / "out.tif").pixel_um == pytest.approx(0.01)


@pytest.mark.parametrize("unit", ["micron", "um", "\\u00B5m"])
def test_pixel_sizes_are_read_in_the_units_that_programs_write(tmp_path, unit):
    assert files.read(tmp_path / imagej(tmp_path / "in.tif", noise(9, 9), "YX", unit)).pixel_um == pytest.approx(0.01)


def test_dots_per_inch_of_a_printer_are_no_pixel_size(tmp_path):
    tifffile.imwrite(tmp_path / "in.tif", noise(9, 9), resolution=(72, 72), resolutionunit="INCH", metadata=None)
    assert files.read(tmp_path / "in.tif").pixel_um is None


def test_the_aperture_of_an_ome_file_is_read(tmp_path):
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Instrument ID="Instrument:0"><Objective '
        'ID="Objective:0" LensNA="1.42"/></Instrument><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" '
        'Type="uint16" SizeX="9" SizeY="8" SizeC="1" SizeZ="1" SizeT="1"><Channel ID="Channel:0:0"/><TiffData IFD="0" '
        'PlaneCount="1"/></Pixels></Image></OME>'
    )
    tifffile.imwrite(tmp_path / "in.ome.tif", noise(8, 9), description=xml, metadata=None)
    assert files.read(tmp_path / "in.ome.tif").numerical_aperture == 1.42


def test_a_volume_is_restored_whole_by_a_restorer_of_volumes(tmp_path):
    model = saved(tmp_path / "model", dimensions=3)
    volume = noise(2, 5, 20, 24)
    imagej(tmp_path / "in.tif", volume, "TZYX")
    assert restored(tmp_path / "in.tif", "--model", model, "-o", tmp_path / "out.tif") == 0
    expected = [cards.load(model).restore(part) for part in volume]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), expected)


def refusal(capsys, *words):
    assert restored(*words) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


@pytest.mark.parametrize(
    ("values", "axes", "options", "message"),
    [
        (noise(40, 40), "YX", {"pixel": 0.1}, "pixel size of 0.1 µm; this restorer was trained on 0.005 to 0.02 µm"),
        (noise(40, 40), "YX", {"unit": "pixel"}, "the pixel size of the image is not known"),
        (noise(15, 40), "YX", {}, "15 × 40 pixels; this restorer needs 16"),
        (-noise(40, 40, dtype="float32"), "YX", {}, "this restorer takes numbers from 0 to ∞"),
        (noise(40, 40, 3, dtype="uint8"), "YXS", {}, "is a colour picture"),
    ],
)
def test_an_image_outside_the_card_is_refused_with_the_reason_and_nothing_is_written(
    tmp_path, model, capsys, values, axes, options, message
):
    image = imagej(tmp_path / "in.tif", values, axes, **options)
    assert message in refusal(capsys, image, "--model", model, "-o", tmp_path / "out.tif")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.tif", "model"]


def test_what_the_file_does_not_say_can_be_said_but_not_contradicted(tmp_path, model, capsys):
    words = ("--model", model, "-o", tmp_path / "out.tif")
    silent = imagej(tmp_path / "silent.tif", noise(40, 40), "YX", "pixel")
    assert restored(silent, *words, "--pixel-um", 0.01) == 0
    capsys.readouterr()
    stated = imagej(tmp_path / "stated.tif", noise(40, 40), "YX")
    other = (stated, "--model", model, "-o", tmp_path / "other.tif")
    assert "contradicts the file, which states a pixel size of 0.01" in refusal(capsys, *other, "--pixel-um", 0.012)
    assert "looks like nanometres; give micrometres, 0.01" in refusal(capsys, *other, "--pixel-um", 10)


def test_a_file_is_overwritten_only_by_force_and_the_image_itself_never(tmp_path, model, capsys):
    image, output = imagej(tmp_path / "in.tif", noise(40, 40), "YX"), tmp_path / "out.tif"
    output.write_bytes(b"precious")
    assert "out.tif exists; give --force" in refusal(capsys, image, "--model", model, "-o", output)
    assert output.read_bytes() == b"precious"
    assert restored(image, "--model", model, "-o", output, "--force") == 0
    assert tifffile.imread(output).shape == (40, 40)
    capsys.readouterr()
    assert "raw data are never overwritten" in refusal(capsys, image, "--model", model, "-o", image, "--force")


def test_a_dry_run_checks_and_writes_nothing(tmp_path, model, capsys):
    image = imagej(tmp_path / "in.tif", noise(4, 40, 40), "TYX")
    assert restored(image, "--model", model, "-o", tmp_path / "out.tif", "--dry-run") == 0
    assert "would restore in.tif: 4 planes of 40 × 40 pixels" in capsys.readouterr().out
    assert not (tmp_path / "out.tif").exists()
    dark = imagej(tmp_path / "dark.tif", -noise(40, 40, dtype="float32"), "YX")
    assert "takes numbers from 0" in refusal(capsys, dark, "--model", model, "-o", tmp_path / "out.tif", "--dry-run")


@pytest.mark.parametrize(
    ("image", "output", "message"),
    [
        ("nothing.tif", "out.tif", "there is no file 'nothing.tif'"),
        ("text.tif", "out.tif", "text.tif is no TIFF"),
        ("in.tif", "out.png", "only TIFF is written; call it out.tif"),
        ("in.tif", "missing/out.tif", "its folder does not exist"),
    ],
)
def test_words_that_cannot_be_meant_are_refused(tmp_path, model, capsys, image, output, message):
    imagej(tmp_path / "in.tif", noise(40, 40), "YX")
    (tmp_path / "text.tif").write_text("not a picture")
    assert message in refusal(capsys, tmp_path / image, "--model", model, "-o", tmp_path / output)


def test_a_network_that_fails_half_way_leaves_no_output(tmp_path, model, capsys, monkeypatch):
    def broken(path, *arguments, **options):
        path.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(files, "write", broken)
    image = imagej(tmp_path / "in.tif", noise(40, 40), "YX")
    assert "no space left" in refusal(capsys, image, "--model", model, "-o", tmp_path / "out.tif")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.tif", "model"]
