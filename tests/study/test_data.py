"""The registry of open data sets."""

import functools
import hashlib
import http.server
import os
import threading
from pathlib import Path

import pytest

from nbsupport.study import data
from nbsupport.study.data import DataError, UnknownDataset, data_used, dataset, locate, names, stand_in

# Test vectors of FIPS 180-2, so that the hashes do not come from the code under test.
ABC = ("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", b"abc")
LONG = (
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
)

ENTRY = """
datasets:
- name: rods
  what: rods
  kind: real
  licence: BSD-2-Clause
  credit: A. Person and B. Person, Rods.
  redistribute: no
  serves: [live mitochondria]
  imaging: {{na: 1.4, emission_um: 0.525, pixel_um: 8e-2, exposure_ms: null}}
  axes: TYX
  shape: [50, 70, 70]
  dtype: uint16
  doubts: []
  stand_in: simulated mitochondria of notebook 02
  files:
  - {{path: stacks/rods.tif, bytes: 3, sha256: {abc}, url: {url}}}
  - {{path: stacks/rods-params.txt, bytes: 56, sha256: {long}, url: null}}
- name: rings
  what: rings
  kind: synthetic
  licence: MIT
  credit: C. Person
  redistribute: yes
  serves: []
  imaging: {{}}
  axes: TYX
  shape: [49, 51, 51]
  dtype: uint8
  doubts: [units not stated]
  stand_in: null
  files:
  - {{path: rings.tif, bytes: 3, sha256: {abc}, url: null}}
"""


@pytest.fixture(autouse=True)
def nothing_used(monkeypatch):
    monkeypatch.setattr(data, "_used", {})


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A named folder and a cache, both empty, and no way to the network."""
    named, cache = tmp_path / "named", tmp_path / "cache"
    named.mkdir()
    monkeypatch.setenv("NBSUPPORT_DATA", str(named))
    monkeypatch.setenv("NBSUPPORT_OFFLINE", "1")
    monkeypatch.setattr(data, "CACHE", cache)
    return named, cache


@pytest.fixture
def registry(tmp_path):
    return write_registry(tmp_path, "null")


def write_registry(folder, url):
    path = folder / "data.yaml"
    path.write_text(ENTRY.format(abc=ABC[0], long=LONG[0], url=url))
    return path


def put(folder, path, content):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A web server on this machine that counts its visitors; files lie in its ``folder``."""
    folder = tmp_path / "web"
    folder.mkdir()
    visits = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            visits.append(self.path)

    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    served.folder, served.visits = folder, visits
    served.address = f"http://127.0.0.1:{served.server_address[1]}"
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("NBSUPPORT_OFFLINE", "0")
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()
    thread.join()


def test_an_unknown_name_is_answered_with_the_nearest_right_one(registry):
    with pytest.raises(UnknownDataset, match="no data set 'rod'; did you mean 'rods'"):
        dataset("rod", registry)


def test_names_come_in_the_order_of_the_registry(registry):
    assert names(registry) == ["rods", "rings"]


def test_an_entry_cannot_be_changed(registry):
    entry = dataset("rods", registry)
    with pytest.raises(AttributeError):
        entry.licence = "none"
    with pytest.raises(TypeError):
        entry.imaging["na"] = 1.2


def test_words_and_numbers_of_the_registry_stay_what_they_are(registry):
    entry = dataset("rods", registry)
    assert entry.redistribute == "no"
    assert entry.imaging["pixel_um"] == pytest.approx(0.08)
    assert entry.shape == (50, 70, 70)


def test_a_file_is_named_by_the_end_of_its_path(registry):
    assert dataset("rods", registry).file(".tif").path == "stacks/rods.tif"


@pytest.mark.parametrize(("end", "fault"), [(None, "ambiguous"), (".dax", "fits no file")])
def test_a_file_that_is_not_one_is_refused_with_the_list_of_files(registry, end, fault):
    with pytest.raises(DataError, match=f"{fault}.*stacks/rods.tif, stacks/rods-params.txt"):
        dataset("rods", registry).file(end)


def test_the_only_file_needs_no_name(registry):
    assert dataset("rings", registry).file().path == "rings.tif"


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("stacks/rods.tif", "../rods.tif", "leaves the data folder"),
        ("stacks/rods.tif", "/rods.tif", "leaves the data folder"),
        (ABC[0], "ba7816", "64 lower-case"),
        ("url: null", "url: ftp://x", "not a web address"),
        ("name: rings", "name: rods", "'rods' twice"),
        ("axes: TYX", "axis: TYX", "'rods'.*axis"),
        ("  doubts: []\n", "", "'rods'.*doubts"),
    ],
)
def test_a_faulty_registry_is_refused(registry, right, wrong, complaint):
    registry.write_text(registry.read_text().replace(right, wrong, 1))
    with pytest.raises(DataError, match=complaint):
        names(registry)


def test_the_named_folder_comes_before_the_cache(folders, registry):
    named, cache = folders
    put(cache, "rings.tif", b"abc")
    assert locate("rings", registry=registry) == cache / "rings.tif"
    put(named, "rings.tif", b"abc")
    assert locate("rings", registry=registry) == named / "rings.tif"


def test_without_a_named_folder_the_cache_is_used(folders, registry, monkeypatch):
    monkeypatch.delenv("NBSUPPORT_DATA")
    expected = put(folders[1], "rings.tif", b"abc")
    assert locate("rings", registry=registry) == expected


def test_a_named_folder_that_is_not_there_is_an_error(folders, registry, monkeypatch):
    monkeypatch.setenv("NBSUPPORT_DATA", str(folders[0] / "absent"))
    with pytest.raises(DataError, match="NBSUPPORT_DATA=.*absent.*is not a folder"):
        locate("rings", registry=registry)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("content", [b"abd", b"abcd"])
def test_a_changed_file_is_refused_with_both_hashes_and_left_alone(folders, registry, place, content):
    changed = put(folders[place], "rings.tif", content)
    with pytest.raises(DataError) as caught:
        locate("rings", registry=registry)
    for part in (str(changed), ABC[0], hashlib.sha256(content).hexdigest()):
        assert part in str(caught.value)
    assert changed.read_bytes() == content


def test_a_file_that_is_nowhere_is_none(folders, registry):
    assert locate("rings", registry=registry) is None
    assert data_used() == []


def test_a_missing_file_is_fetched_once_and_then_found_in_the_cache(folders, server, tmp_path):
    put(server.folder, "rods.tif", b"abc")
    registry = write_registry(tmp_path, f"{server.address}/rods.tif")
    for _ in range(2):
        found = locate("rods", ".tif", registry=registry)
        assert found == folders[1] / "stacks/rods.tif"
        assert found.read_bytes() == b"abc"
    assert server.visits == ["/rods.tif"]
    assert [record["source"] for record in data_used()] == ["download", "cache"]


def test_an_address_that_serves_other_bytes_is_an_error_and_leaves_no_file(folders, server, tmp_path):
    put(server.folder, "rods.tif", b"abd")
    registry = write_registry(tmp_path, f"{server.address}/rods.tif")
    with pytest.raises(DataError, match=f"stacks/rods.tif(.|\n)*{hashlib.sha256(b'abd').hexdigest()}"):
        locate("rods", ".tif", registry=registry)
    assert [path for path in folders[1].rglob("*") if path.is_file()] == []


def test_an_address_without_the_file_gives_none_and_says_so(folders, server, tmp_path, caplog):
    registry = write_registry(tmp_path, f"{server.address}/rods.tif")
    assert locate("rods", ".tif", registry=registry) is None
    assert "stacks/rods.tif: 404" in caplog.text


def test_a_machine_that_does_not_answer_gives_none(folders, server, tmp_path):
    registry = write_registry(tmp_path, f"{server.address}/rods.tif")
    server.shutdown()
    server.server_close()
    assert locate("rods", ".tif", registry=registry) is None


@pytest.mark.parametrize("way", ["environment", "argument"])
def test_a_forbidden_download_visits_no_one(folders, server, tmp_path, monkeypatch, way):
    put(server.folder, "rods.tif", b"abc")
    registry = write_registry(tmp_path, f"{server.address}/rods.tif")
    if way == "environment":
        monkeypatch.setenv("NBSUPPORT_OFFLINE", "1")
    assert locate("rods", ".tif", registry=registry, download=way == "environment") is None
    assert server.visits == []


def test_the_record_of_use_names_file_hash_and_source_once_and_no_folder(folders, registry):
    put(folders[0], "stacks/rods-params.txt", LONG[1])
    for _ in range(2):
        locate("rods", "-params.txt", registry=registry)
    assert data_used() == [
        {"name": "rods", "path": "stacks/rods-params.txt", "sha256": LONG[0], "source": "NBSUPPORT_DATA"}
    ]


def test_a_stand_in_is_recorded_and_says_so_in_words(registry):
    sentence = stand_in("rods", registry=registry)
    assert sentence == "simulated mitochondria of notebook 02 (in place of rods, whose files were not at hand)."
    source = "stand-in: simulated mitochondria of notebook 02"
    assert data_used() == [{"name": "rods", "path": None, "sha256": None, "source": source}]


def test_a_stand_in_of_the_notebook_itself_is_the_one_that_is_recorded(registry):
    sentence = stand_in("rods", "rods at rest, 200 frames", registry=registry)
    assert sentence.startswith("rods at rest, 200 frames (in place of rods")
    assert [entry["source"] for entry in data_used()] == ["stand-in: rods at rest, 200 frames"]


def test_data_without_a_stand_in_say_so(registry):
    with pytest.raises(DataError, match="no stand-in for rings"):
        stand_in("rings", registry=registry)


def test_a_record_of_use_can_be_started_afresh(registry):
    stand_in("rods", registry=registry)
    data.forget_data_used()
    assert data_used() == []


def test_every_data_set_of_the_study_has_what_the_reader_of_a_caption_needs():
    for name in names():
        entry = dataset(name)
        assert entry.credit.strip() and entry.licence.strip() and entry.files
        assert stand_in(name).endswith(f"(in place of {name}, whose files were not at hand).")


def test_every_file_of_the_study_is_intact_where_the_data_are_at_hand(registry_file, monkeypatch):
    registry_file("", "")
    monkeypatch.setenv("NBSUPPORT_OFFLINE", "1")
    for name in names():
        for file in dataset(name).files:
            assert locate(name, file.path) == Path(os.environ["NBSUPPORT_DATA"]) / file.path
