"""Adding what microscopes write: files that belong together, stacks, many files at once, and calls that are stopped."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from piximi_widgets.dataset import Dataset
from piximi_widgets.dataset.adding import scanners
from piximi_widgets.errors import SelectionError
from piximi_widgets.imaging import read_header


@pytest.fixture
def plate(tmp_path) -> tuple[Path, dict[tuple[str, int, int], np.ndarray]]:
    """Two wells of two sites with three channels each, a 16-bit file for each channel, and their pixels."""
    random = np.random.default_rng(5)
    folder = tmp_path / "plate 1"
    folder.mkdir()
    pixels = {}
    for well in ("A01", "B12"):
        for site in (1, 2):
            for channel in (1, 2, 3):
                array = random.integers(0, 4096, (7, 9), dtype=np.uint16)
                tifffile.imwrite(folder / f"{well}_s{site}_w{channel}.tif", array)
                pixels[well, site, channel] = array
    return folder, pixels


def test_channels_in_files_of_their_own_become_one_image(dataset, plate):
    """Each image holds the pixels of its three files, in the channels' order, and knows where it was taken."""
    folder, pixels = plate
    report = dataset.add_images(
        folder, pattern="{well}_s{site}_w{channel}.tif", channels=["DNA", "actin", "tubulin"]
    )
    assert (len(report.added), report.failed) == (4, {})
    frame = dataset.images
    assert frame[["well", "row", "column", "site"]].values.tolist() == [
        ["A01", "A", 1, 1],
        ["A01", "A", 1, 2],
        ["B12", "B", 12, 1],
        ["B12", "B", 12, 2],
    ]
    for image_id, row in frame.iterrows():
        expected = np.stack([pixels[row["well"], row["site"], channel] for channel in (1, 2, 3)], axis=-1)
        assert np.array_equal(dataset.pixels(image_id), expected[None])
    assert frame[["height", "width", "channels", "planes", "dtype"]].iloc[0].tolist() == [
        7,
        9,
        3,
        1,
        "uint16",
    ]
    # Again, and its single files: nothing is added twice.
    assert len(dataset.add_images(folder, pattern="{well}_s{site}_w{channel}.tif").skipped) == 4
    assert dataset.add_images(folder).added == []


def test_a_missing_channel_is_a_failure_of_that_image_alone(dataset, plate):
    """The other images are added, and the report names the files that were left over."""
    folder, _ = plate
    (folder / "B12_s2_w2.tif").unlink()
    report = dataset.add_images(folder, pattern="{well}_s{site}_w{channel}.tif")
    assert len(report.added) == 3
    assert {os.path.basename(path) for path in report.failed} == {"B12_s2_w1.tif", "B12_s2_w3.tif"}


def test_files_of_one_image_must_be_alike(dataset, plate):
    """Another size or type in one channel is told with both files' names."""
    folder, _ = plate
    tifffile.imwrite(folder / "A01_s1_w2.tif", np.zeros((7, 8), np.uint16))
    tifffile.imwrite(folder / "A01_s2_w3.tif", np.zeros((7, 9), np.uint8))
    report = dataset.add_images(folder, pattern="{well}_s{site}_w{channel}.tif")
    reasons = {os.path.basename(path): reason for path, reason in report.failed.items()}
    assert set(reasons) == {"A01_s1_w1.tif", "A01_s2_w1.tif"}
    assert "A01_s1_w2.tif is 7 x 8 of uint16" in reasons["A01_s1_w1.tif"]
    assert "uint8" in reasons["A01_s2_w1.tif"]


def test_planes_in_files_of_their_own(dataset, tmp_path):
    """z by file and channel by file: planes first, as the pixels lie in memory."""
    random = np.random.default_rng(6)
    stack = random.integers(0, 256, (3, 5, 6, 2), dtype=np.uint8)
    for z in range(3):
        for channel in range(2):
            tifffile.imwrite(tmp_path / f"cell_z{z}_c{channel}.tif", stack[z, :, :, channel])
    (image_id,) = dataset.add_images(
        tmp_path / "*.tif", pattern="{name}_z{z}_c{channel}.tif", copy=True
    ).added
    assert np.array_equal(dataset.pixels(image_id), stack)
    for file in tmp_path.glob("*.tif"):
        file.unlink()
    assert np.array_equal(dataset.pixels(image_id), stack)


def test_a_file_that_does_not_say_what_its_pages_are(dataset, tmp_path):
    """Taken as planes and said so; with channels= or axes= they are what the caller says, also when read later."""
    random = np.random.default_rng(7)
    pages = random.integers(0, 256, (6, 5, 8), dtype=np.uint8)
    with tifffile.TiffWriter(tmp_path / "pages.tif") as writer:
        for page in pages:
            writer.write(page, metadata=None)
    report = dataset.add_images(tmp_path / "pages.tif")
    assert "6 pages" in report.guessed[str(tmp_path / "pages.tif")]
    assert "6 pages" in repr(report)
    assert dataset.pixels(report.added[0]).shape == (6, 5, 8, 1)
    dataset.remove_images(report.added)
    told = dataset.add_images(tmp_path / "pages.tif", channels=["a", "b", "c"])
    assert told.guessed == {}
    assert np.array_equal(dataset.pixels(told.added[0]), pages.reshape(2, 3, 5, 8).transpose(0, 2, 3, 1))
    dataset.remove_images(told.added)
    axes = dataset.add_images(tmp_path / "pages.tif", axes="CYX")
    with Dataset(dataset.path, mode="r") as again:
        assert np.array_equal(again.pixels(axes.added[0]), pages.transpose(1, 2, 0)[None])


@pytest.mark.parametrize("channels", [0, -1, True, "DAPI", [], ["a", "a"], ["a", ""], 2.0])
def test_what_is_no_channels(dataset, channels):
    with pytest.raises(SelectionError, match="channels"):
        dataset.add_images(np.zeros((2, 4, 4), np.uint8), channels=channels)


def test_names_for_another_number_of_channels(dataset, tmp_path):
    """The image is reported, with both numbers."""
    tifffile.imwrite(tmp_path / "one.tif", np.zeros((6, 6), np.uint8))
    report = dataset.add_images(np.zeros((2, 4, 4, 3), np.uint8), channels=["a", "b", "c"])
    assert len(report.added) == 2
    report = dataset.add_images(tmp_path / "one.tif", channels=["a", "b"])
    assert report.added == []
    assert "channel" in report.failed[str(tmp_path / "one.tif")]


def test_arrays_with_axes(dataset):
    """Arrays whose axes are told are brought into the order of all images."""
    random = np.random.default_rng(8)
    arrays = random.integers(0, 9, (2, 3, 4, 5), dtype=np.uint16)
    added = dataset.add_images(arrays, axes="CYX").added
    assert np.array_equal(dataset.pixels(added[1]), arrays[1].transpose(1, 2, 0)[None])
    with pytest.raises(SelectionError, match="axes"):
        dataset.add_images(arrays, axes="YX")


@pytest.fixture
def many(tmp_path) -> Path:
    """2,100 small TIFF files, of which three are damaged."""
    folder = tmp_path / "many"
    folder.mkdir()
    tifffile.imwrite(folder / "0000.tif", np.zeros((4, 5), np.uint8))
    content = (folder / "0000.tif").read_bytes()
    for number in range(1, 2100):
        (folder / f"{number:04d}.tif").write_bytes(content)
    for number in (7, 1200, 2099):
        (folder / f"{number:04d}.tif").write_bytes(b"II*\0broken")
    return folder


def test_helpers_find_what_one_thread_finds(many, tmp_path, monkeypatch):
    """Many files are scanned by other processes; the table is the one that threads make."""
    with Dataset(tmp_path / "helped") as helped:
        report = helped.add_images(many)
        frame = helped.images
    monkeypatch.setattr(scanners, "_WORTH_HELPERS", 10**9)
    with Dataset(tmp_path / "alone") as alone:
        other = alone.add_images(many)
        assert other.added == report.added
        assert other.failed == report.failed
        assert set(map(os.path.basename, report.failed)) == {"0007.tif", "1200.tif", "2099.tif"}
        assert alone.images.equals(frame)


def test_a_decoder_that_crashes_takes_no_kernel_with_it(tmp_path, monkeypatch):
    """A helper that dies at a file is replaced; only that file is reported."""
    folder = tmp_path / "files"
    folder.mkdir()
    tifffile.imwrite(folder / "a.tif", np.zeros((4, 5), np.uint8))
    for name in "bcd":
        (folder / f"{name}.tif").write_bytes((folder / "a.tif").read_bytes())
    monkeypatch.setattr(scanners, "_WORTH_HELPERS", 1)
    lethal = scanners._CHILD.replace(
        "answer(scan)",
        "import os, piximi_widgets.dataset.adding.scanning as s\n"
        "read = s.read_header\n"
        "s.read_header = lambda path, **o: os._exit(11) if path.endswith('c.tif') else read(path, **o)\n"
        "answer(scan)",
    )
    monkeypatch.setattr(scanners, "_CHILD", lethal)
    with Dataset(tmp_path / "cells") as dataset:
        report = dataset.add_images(folder)
        assert dataset.columns().names == ["a.tif", "b.tif", "d.tif"]
    assert list(report.failed) == [str(folder / "c.tif")]
    assert "crashes" in report.failed[str(folder / "c.tif")]


def test_progress_is_told_and_a_canceled_call_can_be_made_again(many, dataset):
    """What was added before stays, and the second call does only the rest."""
    told: list[tuple[int, int]] = []
    stop = threading.Event()

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        if done >= 1000:
            stop.set()

    first = dataset.add_images(many, progress=progress, cancel=stop)
    assert first.canceled
    assert "canceled" in repr(first)
    assert told == [(500, 2100), (1000, 2100)] or told[:2] == [(500, 2100), (1000, 2100)]
    assert len(first.added) == len(dataset) == 999
    second = dataset.add_images(many, progress=False)
    assert not second.canceled
    assert len(second.skipped) == 999
    assert len(dataset) == 2097
    assert sorted(first.added + second.added) == dataset.columns().id.tolist()


def test_arrays_are_added_whole_even_when_canceled(many, dataset):
    """Nothing tells arrays of an earlier call apart, so that none of them is left for a second one."""
    stop = threading.Event()
    stop.set()
    arrays = [np.full((3, 3), number, np.uint8) for number in range(3)]
    report = dataset.add_images([many, *arrays], cancel=stop)
    assert report.canceled
    assert [dataset.pixels(image_id)[0, 0, 0, 0] for image_id in report.added] == [0, 1, 2]


def test_ctrl_c_keeps_what_was_added_and_leaves_no_process(many, dataset):
    """KeyboardInterrupt in the middle: whole commits stay, the helpers are gone."""
    import psutil

    def progress(done: int, total: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    # A shell that starts the tests in the background has them ignore Ctrl+C.
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            dataset.add_images(many, progress=progress)
    finally:
        signal.signal(signal.SIGINT, former)
    assert len(dataset) % 500 in (0, 499, 498, 497)
    assert 0 < len(dataset) < 2097
    until = time.monotonic() + 10
    while psutil.Process().children() and time.monotonic() < until:
        time.sleep(0.05)
    assert psutil.Process().children() == []
    assert len(dataset.add_images(many).added) + 999 >= 2097 - len(dataset)
    assert len(dataset) == 2097


def test_labels_never_wait_long_for_an_import(many, dataset):
    """While another thread adds 2,100 files, single labels come through again and again."""
    (first,) = dataset.add_images(np.zeros((1, 4, 4), np.uint8)).added
    for name in "ab":
        dataset.add_category(name)
    adding = threading.Thread(target=dataset.add_images, args=(many,), kwargs={"progress": False})
    adding.start()
    waits = []
    while adding.is_alive():
        start = time.perf_counter()
        dataset.label(first, "ab"[len(waits) % 2])
        waits.append(time.perf_counter() - start)
    adding.join()
    assert len(dataset) == 2098
    # Half of them well below the budget; one slow moment of the machine is no failure.
    assert len(waits) > 5
    assert np.median(waits) < 0.1


def test_a_header_that_fits_the_names_of_its_channels(tmp_path, dataset):
    """Channel names and pixel size of an OME-TIFF reach the tables."""
    path = tmp_path / "named.ome.tif"
    tifffile.imwrite(
        path,
        np.zeros((2, 6, 7), np.uint16),
        metadata={
            "axes": "CYX",
            "Channel": {"Name": ["DNA", "actin"]},
            "PhysicalSizeX": 0.65,
            "PhysicalSizeXUnit": "µm",
            "PhysicalSizeY": 0.65,
            "PhysicalSizeYUnit": "µm",
        },
    )
    header = read_header(path)
    dataset.add_images(path)
    assert dataset.images["pixel_size"].tolist() == [0.65]
    with dataset._database.read() as connection:
        names, size = connection.execute("SELECT channel_names, pixel_size FROM image").fetchone()
    assert json.loads(names) == list(header.channel_names) == ["DNA", "actin"]
    assert json.loads(size) == [None, 0.65, 0.65]


def test_a_folder_with_pictures_that_are_folders_and_files_of_other_programs(dataset, tmp_path):
    """Zarr pictures are one image each and not walked into; a CZI file is reported with the way out."""
    zarr = pytest.importorskip("zarr")
    folder = tmp_path / "mixed"
    folder.mkdir()
    tifffile.imwrite(folder / "a.tif", np.zeros((4, 5), np.uint8))
    pixels = np.arange(2 * 6 * 7, dtype=np.uint16).reshape(2, 6, 7)
    group = zarr.open_group(folder / "b.zarr", mode="w", zarr_format=2)
    group.create_array("0", data=pixels, chunks=(1, 6, 7))
    axes = [{"name": name} for name in "cyx"]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": [{"path": "0"}]}]
    (folder / "c.czi").write_bytes(b"ZISRAWFILE" + bytes(100))
    report = dataset.add_images(folder, copy=True)
    assert sorted(dataset.columns().names) == ["a.tif", "b.zarr"]
    assert list(report.failed) == [str(folder / "c.czi")]
    assert "OME-TIFF" in report.failed[str(folder / "c.czi")]
    image_id = dataset.select("name == 'b.zarr'")[0]
    assert np.array_equal(dataset.pixels(image_id), pixels.transpose(1, 2, 0)[None])


def test_what_is_said_of_joined_files_must_fit(dataset, tmp_path, picture):
    """Files of one image have one label, and as many channels together as channels= says."""
    paths = [picture(tmp_path / "raw" / f"A01_w{channel}.png") for channel in (1, 2)]
    pattern = "{well}_w{channel}.png"
    table = pd.DataFrame({"path": paths, "kind": ["cat", "dog"]})
    with pytest.raises(SelectionError, match=r"different labels.*'cat'.*'dog'"):
        dataset.add_images(table, labels="kind", pattern=pattern)
    report = dataset.add_images(tmp_path / "raw", channels=3, pattern=pattern)
    assert "2 files make 2 channels, but channels=3" in next(iter(report.failed.values()))
    table["kind"] = [None, "dog"]
    dataset.add_images(table, labels="kind", channels=2, pattern=pattern)
    assert dataset.images["category"].tolist() == ["dog"]


def test_labels_of_joined_files_are_for_each_file_or_each_image(dataset, tmp_path, picture):
    """With a table of files they are one for each row, or one for each image that the rows make."""
    names = [f"{well}_w{channel}.png" for well in ("B01", "A01") for channel in (1, 2)]
    table = pd.DataFrame({"path": [picture(tmp_path / "raw" / name) for name in names]})
    pattern = "{well}_w{channel}.png"
    with pytest.raises(SelectionError, match="3 labels for 2 images"):
        dataset.add_images(table, labels=["b", "a", "x"], pattern=pattern)
    dataset.add_images(table, labels=pd.Series(["b", "b", "a", "a"]), pattern=pattern)
    with Dataset(tmp_path / "other") as other:
        other.add_images(table, labels=["b", "a"], pattern=pattern)
        for project in (dataset, other):
            frame = project.images.set_index("well")["category"]
            assert frame.to_dict() == {"A01": "a", "B01": "b"}
