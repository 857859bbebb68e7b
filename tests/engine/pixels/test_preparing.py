"""A dataset version becomes partitions: once decoded, then cached, in memory or on disk, always the same bits."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from piximi_widgets.dataset import Dataset
from piximi_widgets.engine.config import TrainingConfig
from piximi_widgets.engine.partitions import Partition
from piximi_widgets.engine.pixels import pixel_cache, preparing
from piximi_widgets.engine.pixels.preparing import prepare_partitions
from piximi_widgets.engine.preprocessing import Preprocessing, cut, random_places, resize
from piximi_widgets.errors import ImageReadError, NotTrainableError

SIDE = 24
CONFIG = TrainingConfig(input_shape=(20, 22, "auto"), seed=5)
CROPPED = CONFIG.model_copy(update={"crop": "match", "crops": 3})
EVERY = [
    CONFIG,
    CROPPED,
    *(
        CONFIG.model_copy(update=update)
        for update in (
            {"normalization": "percentile"},
            {"normalization": "bit-depth"},
            {"normalization": "none", "aspect": "keep"},
            {"resize": "nearest", "channels": (1,)},
        )
    ),
]

Prepared = tuple[dict[str, Partition], Preprocessing]


def images(count: int = 30, seed: int = 0) -> np.ndarray:
    """(count, 24, 26, 2) uint16, each another."""
    return np.random.default_rng(seed).integers(0, 4096, (count, SIDE, SIDE + 2, 2)).astype(np.uint16)


def labels(count: int) -> list[str]:
    return ["even" if number % 2 == 0 else "odd" for number in range(count)]


def project_of(folder: Path, pixels: np.ndarray) -> Dataset:
    dataset = Dataset(folder, mode="x")
    dataset.add_images(pixels[..., None] if pixels.ndim == 3 else pixels, labels=labels(len(pixels)))
    divide(dataset)
    return dataset


def divide(dataset: Dataset) -> None:
    """Of five images in a row the 3rd goes to the validation and the 5th to the test."""
    ids = dataset.images.index.to_numpy()
    for name, chosen in (
        ("training", ids % 5 != 0),
        ("validation", ids % 5 == 3),
        ("test", ids % 5 == 0),
    ):
        dataset.set_partition(ids[chosen], name)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Dataset]:
    with project_of(tmp_path / "project", images()) as dataset:
        yield dataset


class Reads:
    """Counts how often each image of a project is decoded."""

    def __init__(self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[int] = Counter()
        decode, lock = dataset.pixels, threading.Lock()

        def counted(id: int) -> np.ndarray:
            with lock:
                self.counts[id] += 1
            return decode(id)

        monkeypatch.setattr(dataset, "pixels", counted)

    def __len__(self) -> int:
        return sum(self.counts.values())


def prepare(dataset: Dataset, config: TrainingConfig = CONFIG, version=None, said: list[str] | None = None):
    return prepare_partitions(
        config,
        dataset,
        version or dataset.snapshot(),
        say=(said if said is not None else []).append,
        check=lambda: None,
    )


def bits(prepared: Prepared) -> tuple[dict[str, tuple[bytes, bytes]], Preprocessing]:
    """All pixels as a network gets them, and the labels, of any kind of partitions."""
    partitions, preprocessing = prepared
    return {
        name: (part.take(slice(None)).tobytes(), part.labels.tobytes()) for name, part in partitions.items()
    }, preprocessing


def test_partitions_hold_the_images_and_labels_of_the_version(project):
    """Each image resized by itself and normalised by NumPy's statistics of the training images."""
    version = project.snapshot()
    said: list[str] = []
    partitions, preprocessing = prepare(project, version=version, said=said)
    assert said[:2] == [
        "18 images for training, 6 for validation, 6 for the test; 2 classes",
        "Input of 20×22 pixels, 2 channel(s)",
    ]
    raw = {
        name: np.stack([resize(images()[id - 1], 20, 22) for id in version.select(name)])
        for name in partitions
    }
    mean = raw["training"].astype(np.float64).mean(axis=(0, 1, 2))
    scale = raw["training"].astype(np.float64).std(axis=(0, 1, 2))
    np.testing.assert_allclose(preprocessing.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(preprocessing.scale, scale, rtol=1e-6)
    for name, part in partitions.items():
        np.testing.assert_allclose(part.pixels, (raw[name] - mean) / scale, atol=1e-4)
        assert part.resident
        assert part.labels.dtype == np.int32
        expected = [labels(30)[id - 1] for id in version.select(name)]
        assert [version.classes[label] for label in part.labels] == expected


@pytest.mark.parametrize("config", EVERY, ids=range(len(EVERY)))
def test_cached_equals_uncached_and_a_memory_map_equals_memory(project, config, monkeypatch):
    version = project.snapshot()
    reads = Reads(project, monkeypatch)
    first = bits(prepare(project, config, version))
    assert set(reads.counts.values()) == {1}
    assert len(reads) == 30
    assert bits(prepare(project, config, version)) == first
    assert len(reads) == 30, "the second preparation decoded images"
    monkeypatch.setattr(preparing, "RESIDENT_BYTES", 0)
    for _ in range(2):
        mapped = prepare(project, config, version)
        assert not mapped[0]["training"].resident
        assert isinstance(mapped[0]["training"].pixels, np.memmap)
        assert bits(mapped) == first
    assert len(reads) == 30
    shutil.rmtree(project.path / "cache")
    assert bits(prepare(project, config, version)) == first
    assert len(reads) == 60
    monkeypatch.setattr(preparing, "RESIDENT_BYTES", None)
    assert bits(prepare(project, config, version)) == first
    assert len(reads) == 60, "what was mapped was not used in memory"


def test_rows_of_a_mapped_partition_are_taken_in_any_order(project, monkeypatch):
    resident = prepare(project)[0]["training"]
    monkeypatch.setattr(preparing, "RESIDENT_BYTES", 0)
    mapped = prepare(project)[0]["training"]
    rows = np.array([7, 0, 7, 17])
    np.testing.assert_array_equal(mapped.take(rows), resident.take(rows))
    np.testing.assert_array_equal(mapped.take(slice(3, 5)), resident.take(slice(3, 5)))
    taken = mapped.take(rows)
    taken[:] = 0
    assert mapped.take(rows).any(), "what is taken is a copy"


def test_normalization_does_not_decode_again_but_bit_depth_does(project, monkeypatch):
    """The cache holds pixels before their normalisation; only a division by the data type happens earlier."""
    version = project.snapshot()
    prepare(project, version=version)
    reads = Reads(project, monkeypatch)
    for normalization in ("percentile", "none"):
        prepare(project, CONFIG.model_copy(update={"normalization": normalization}), version)
    assert len(reads) == 0
    prepare(project, CONFIG.model_copy(update={"normalization": "bit-depth"}), version)
    assert len(reads) == 30


def test_several_fillings_equal_one(project, tmp_path, monkeypatch):
    """Of a project that grew only the new images are decoded, and the old cache is replaced by one that holds all."""
    reads = Reads(project, monkeypatch)
    prepare(project)
    project.add_images(images(10, seed=9), labels=labels(10))
    divide(project)
    version = project.snapshot()
    for resident in (None, 0):
        monkeypatch.setattr(preparing, "RESIDENT_BYTES", resident)
        grown = bits(prepare(project, version=version))
        assert set(reads.counts.values()) == {1}
        assert len(reads) == 40
    assert len(list((project.path / "cache" / "pixels").glob("*.f32"))) == 1
    with project_of(tmp_path / "other", images()) as other:
        other.add_images(images(10, seed=9), labels=labels(10))
        divide(other)
        assert bits(prepare(other, version=other.snapshot())) == grown


@pytest.mark.parametrize("resident", [None, 0])
def test_a_damaged_cache_is_noticed_and_made_again(project, monkeypatch, resident):
    version = project.snapshot()
    monkeypatch.setattr(preparing, "RESIDENT_BYTES", resident)
    first = bits(prepare(project, version=version))
    (path,) = (project.path / "cache" / "pixels").glob("*.f32")
    reads = Reads(project, monkeypatch)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[20] ^= 1
    path.unlink()
    path.write_bytes(damaged)
    assert bits(prepare(project, version=version)) == first
    assert len(reads) == 1
    path.unlink()
    path.write_bytes(whole[:-1])
    assert bits(prepare(project, version=version)) == first
    assert len(reads) == 31
    assert bits(prepare(project, version=version)) == first
    assert len(reads) == 31


def test_each_training_image_gives_some_crops_and_the_others_their_middle(project):
    version = project.snapshot()
    partitions, preprocessing = prepare(
        project, CROPPED.model_copy(update={"normalization": "none"}), version
    )
    training = partitions["training"]
    ids = version.select("training")
    assert len(training) == 3 * len(ids)
    for position, id in enumerate(ids.tolist()):
        for number, place in enumerate(random_places(CROPPED.seed, id, 3)):
            piece = cut(images()[id - 1], 20, 22, place)
            np.testing.assert_array_equal(training.pixels[3 * position + number], piece)
    classes = [version.classes[label] for label in training.labels]
    assert classes == [labels(30)[id - 1] for id in ids for _ in range(3)]
    for name in ("validation", "test"):
        middle = [images()[id - 1][2:22, 2:24] for id in version.select(name)]
        np.testing.assert_array_equal(partitions[name].pixels, np.stack(middle).astype(np.float32))
    assert (preprocessing.crop, preprocessing.scale) == ("match", (1.0, 1.0))


def test_another_seed_gives_other_crops_with_and_without_a_cache(project):
    version = project.snapshot()
    config = CROPPED.model_copy(update={"normalization": "none"})
    first = bits(prepare(project, config, version))
    other = bits(prepare(project, config.model_copy(update={"seed": 6}), version))
    assert first[0]["training"] != other[0]["training"]
    assert first[0]["test"] == other[0]["test"]
    assert bits(prepare(project, config, version)) == first


def test_a_single_crop_is_the_middle(project):
    version = project.snapshot()
    config = CROPPED.model_copy(update={"crops": 1, "normalization": "none"})
    partitions, _ = prepare(project, config, version)
    middle = [images()[id - 1][2:22, 2:24] for id in version.select("training")]
    np.testing.assert_array_equal(partitions["training"].pixels, np.stack(middle).astype(np.float32))


@pytest.mark.parametrize("resident", [None, 0])
def test_an_earlier_preprocessing_is_used_as_it_is(project, monkeypatch, resident):
    """Neither the settings' own size and channels nor other statistics play a part."""
    earlier = Preprocessing((12, 10, 1), (2000.0,), (400.0,), channels=(1,), crop="match")
    monkeypatch.setattr(preparing, "RESIDENT_BYTES", resident)
    version = project.snapshot()
    partitions, preprocessing = prepare_partitions(
        CONFIG, project, version, lambda line: None, lambda: None, preprocessing=earlier
    )
    assert preprocessing == earlier
    for name, part in partitions.items():
        expected = [(images()[id - 1][6:18, 8:18, 1:] - 2000.0) / 400 for id in version.select(name)]
        np.testing.assert_allclose(part.take(slice(None)), expected, rtol=1e-6)


def test_a_read_only_project_trains_and_stays_as_it_is(tmp_path, monkeypatch):
    with project_of(tmp_path / "project", images()) as dataset:
        expected = bits(prepare(dataset, version=dataset.snapshot("mine")))
    with Dataset(tmp_path / "project", mode="r") as dataset:
        reads = Reads(dataset, monkeypatch)
        assert bits(prepare(dataset, version=dataset.version("mine"))) == expected
        assert len(reads) == 0
        shutil.rmtree(dataset.path / "cache" / "pixels")
        for resident in (None, 0):
            monkeypatch.setattr(preparing, "RESIDENT_BYTES", resident)
            assert bits(prepare(dataset, version=dataset.version("mine"))) == expected
        assert not (dataset.path / "cache" / "pixels").exists()


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told_and_the_training_goes_on(project, monkeypatch):
    version = project.snapshot()
    with_cache = bits(prepare(project, version=version))
    shutil.rmtree(project.path / "cache")
    monkeypatch.setattr(pixel_cache, "write_rows", full_disk)
    said: list[str] = []
    assert bits(prepare(project, version=version, said=said)) == with_cache
    assert "The prepared pixels are not kept" in said[-1]
    assert "No space left" in said[-1]
    monkeypatch.setattr(preparing, "RESIDENT_BYTES", 0)
    said = []
    mapped = prepare(project, version=version, said=said)
    assert bits(mapped) == with_cache
    assert not mapped[0]["training"].resident
    assert "a temporary file does" in said[-1]
    monkeypatch.setattr(preparing, "write_rows", full_disk)
    said = []
    held = prepare(project, version=version, said=said)
    assert bits(held) == with_cache
    assert held[0]["training"].resident
    assert any("held in memory" in line for line in said)


def files_of(folder: Path, count: int) -> Path:
    """A folder of grey PNGs, 0.png and so on."""
    folder.mkdir()
    for number in range(count):
        Image.fromarray(images()[number, :, :, 0].astype(np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def of_files(tmp_path: Path) -> Iterator[Dataset]:
    """A project of ten files, 0.png to 9.png with the ids 1 to 10."""
    with Dataset(tmp_path / "project", mode="x") as dataset:
        dataset.add_images(files_of(tmp_path / "raw", 10))
        for remainder, name in enumerate(("even", "odd")):
            dataset.add_category(name)
            dataset.label([id for id in range(1, 11) if (id - 1) % 2 == remainder], name)
        divide(dataset)
        yield dataset


def test_a_changed_file_is_decoded_again_and_named(of_files, tmp_path, monkeypatch):
    version = of_files.snapshot()
    first = bits(prepare(of_files, version=version))
    reads = Reads(of_files, monkeypatch)
    Image.fromarray(np.full((SIDE, SIDE + 2), 77, np.uint8)).save(tmp_path / "raw" / "6.png")
    said: list[str] = []
    second = bits(prepare(of_files, version=version, said=said))
    assert second[0]["training"] != first[0]["training"]
    assert reads.counts == {7: 1}
    assert any("1 image(s) hold other pixels now" in line and line.endswith(": 7") for line in said)


def test_a_touched_file_is_not_prepared_again(of_files, tmp_path, monkeypatch):
    version = of_files.snapshot()
    first = bits(prepare(of_files, version=version))
    reads = Reads(of_files, monkeypatch)
    (tmp_path / "raw" / "6.png").touch()
    assert bits(prepare(of_files, version=version)) == first
    assert len(reads) == 0


def test_a_missing_file_is_named_even_if_its_pixels_are_cached(of_files, tmp_path):
    version = of_files.snapshot()
    prepare(of_files, version=version)
    (tmp_path / "raw" / "3.png").unlink()
    with pytest.raises(ImageReadError, match=r"3\.png"):
        prepare(of_files, version=version)


def test_pixels_that_are_no_numbers_are_named_by_their_id(tmp_path):
    pixels = images().astype(np.float32)
    pixels[11, 3, 3, 0] = np.inf
    with (
        project_of(tmp_path / "project", pixels) as dataset,
        pytest.raises(ImageReadError, match="Image 12 has pixels that are not finite"),
    ):
        prepare(dataset)


def test_a_version_without_training_images_is_refused(project):
    project.set_partition(project.images.index.to_numpy(), "test")
    with pytest.raises(NotTrainableError, match="no images for training"):
        prepare(project)


@pytest.mark.parametrize("resident", [None, 0])
def test_what_check_raises_ends_the_preparation(project, monkeypatch, resident):
    class Stopped(Exception):
        pass

    asked = Counter()

    def check() -> None:
        asked["check"] += 1
        if asked["check"] > 3:
            raise Stopped

    monkeypatch.setattr(preparing, "RESIDENT_BYTES", resident)
    reads = Reads(project, monkeypatch)
    with pytest.raises(Stopped):
        prepare_partitions(CONFIG, project, project.snapshot(), lambda line: None, check)
    assert len(reads) <= 3
    assert not list((project.path / "cache").glob("pixels/*"))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("piximi-prepare")]


LARGE = """
import resource, sys
from pathlib import Path
import numpy as np
from piximi_widgets.dataset import Dataset
from piximi_widgets.engine.pixels import preparing
from piximi_widgets.engine.config import TrainingConfig

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

preparing.RESIDENT_BYTES = 1 << 20
with Dataset(sys.argv[1]) as dataset:
    version = dataset.version("large")
    small = TrainingConfig(input_shape=(20, 20, 1))
    preparing.prepare_partitions(small, dataset, version, lambda line: None, lambda: None)
    before, total = peak(), 0
    for normalization in ("training-statistics", "percentile"):
        config = TrainingConfig(input_shape=(320, 320, 1), normalization=normalization)
        partitions, _ = preparing.prepare_partitions(config, dataset, version, lambda line: None, lambda: None)
        for part in partitions.values():
            assert not part.resident
            for start in range(0, len(part), 8):
                total += part.take(slice(start, start + 8)).nbytes
print(total // 2, peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measured with what Linux counts")
def test_more_than_memory_holds_is_prepared_and_read_in_a_fraction_of_its_size(tmp_path):
    """500 images of 0.4 MB: decoded, cached, measured, read back and normalised with at most a third in memory."""
    pixels = np.random.default_rng(0).integers(0, 255, (500, 8, 8)).astype(np.uint8)
    with project_of(tmp_path / "project", pixels) as dataset:
        dataset.snapshot("large")
    command = [sys.executable, "-c", LARGE, str(tmp_path / "project")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    total, grown = map(int, done.stdout.split())
    assert total == 500 * 320 * 320 * 4
    assert grown < total / 3, f"{grown / 1e6:.0f} MB for {total / 1e6:.0f} MB of pixels"
