"""Small whole files of every kind that is read, to be damaged or read many times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import tifffile
import zarr
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, RLELossless

RANDOM = np.random.default_rng(15)
GREY = RANDOM.integers(0, 250, (30, 40), dtype=np.uint8)
RGB = RANDOM.integers(0, 250, (30, 40, 3), dtype=np.uint8)
WIDE = RANDOM.integers(0, 60000, (30, 40), dtype=np.uint16)
STACK = RANDOM.integers(0, 60000, (3, 2, 30, 40), dtype=np.uint16)


def write_seeds(folder: Path) -> list[Path]:
    """Write the files and folders; their paths."""
    folder.mkdir()
    _photos(folder)
    _tiffs(folder)
    _dicoms(folder)
    np.save(folder / "a.npy", WIDE)
    _zarr(folder / "two.zarr", 2)
    _zarr(folder / "three.zarr", 3)
    return sorted(folder.iterdir())


def _photos(folder: Path) -> None:
    Image.fromarray(GREY).save(folder / "grey.png")
    Image.fromarray(WIDE).save(folder / "wide.png")
    Image.fromarray(RGB).quantize(16).save(folder / "palette.png")
    Image.fromarray(np.dstack([RGB, GREY])).save(folder / "alpha.png")
    Image.fromarray(GREY).save(folder / "grey.bmp")
    Image.fromarray(RGB).save(folder / "rgb.bmp")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB).save(folder / "rgb.jpg", exif=exif)
    Image.fromarray(GREY).save(folder / "progressive.jpg", progressive=True)
    Image.fromarray(RGB).convert("CMYK").save(folder / "cmyk.jpg")


def _tiffs(folder: Path) -> None:
    write = tifffile.imwrite
    write(folder / "plain.tif", WIDE)
    write(folder / "big.tif", WIDE, bigtiff=True)
    write(folder / "motorola.tif", WIDE, byteorder=">", rowsperstrip=7)
    write(folder / "rgb.tif", RGB, photometric="rgb")
    planar = np.moveaxis(RGB, -1, 0)
    write(folder / "planar.tif", planar, photometric="rgb", planarconfig="separate", tile=(16, 16))
    for compression in ("lzw", "zlib", "zstd", "packbits", "jpeg2000"):
        write(folder / f"{compression}.tif", WIDE, compression=compression, rowsperstrip=8)
    write(folder / "jpeg.tif", RGB, compression="jpeg", photometric="rgb", tile=(16, 16))
    write(folder / "predictor.tif", WIDE, compression="lzw", predictor=True)
    labels = {"axes": "ZCYX", "unit": "um", "spacing": 2.0, "Labels": ["a", "b"] * 3}
    write(folder / "imagej.tif", STACK, imagej=True, resolution=(4, 4), metadata=labels)
    ome = {"axes": "ZCYX", "PhysicalSizeX": 0.5, "Channel": {"Name": ["a", "b"]}}
    write(folder / "hyper.ome.tif", STACK, metadata=ome)
    write(folder / "pages.tif", STACK[:, 0], metadata=None, photometric="minisblack", compression="zlib")
    Image.fromarray(GREY > 99).save(folder / "fax.tif", compression="group4")
    with tifffile.TiffWriter(folder / "pyramid.ome.tif") as file:
        file.write(WIDE, subifds=1, metadata={"axes": "YX"}, tile=(16, 16))
        file.write(WIDE[::2, ::2], subfiletype=1, tile=(16, 16))


def _dicoms(folder: Path) -> None:
    for name, syntax in (("little", ExplicitVRLittleEndian), ("large", ExplicitVRBigEndian)):
        _dicom(WIDE[None], syntax).save_as(folder / f"{name}.dcm", enforce_file_format=True)
    run = _dicom(STACK[:, 0], ExplicitVRLittleEndian)
    run.compress(RLELossless)
    run.save_as(folder / "rle.dcm", enforce_file_format=True)
    palette = _dicom(GREY[None], ExplicitVRLittleEndian)
    palette.PhotometricInterpretation = "PALETTE COLOR"
    for color in ("Red", "Green", "Blue"):
        setattr(palette, f"{color}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(palette, f"{color}PaletteColorLookupTableData", bytes(range(256)) * 2)
    palette.save_as(folder / "palette.dcm", enforce_file_format=True)


def _dicom(values: np.ndarray, syntax: pydicom.uid.UID) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    ds.Rows, ds.Columns = values.shape[1:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.NumberOfFrames = len(values)
    ds.BitsAllocated = ds.BitsStored = 8 * values.dtype.itemsize
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, 0
    ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
    ds.PixelData = values.astype(
        values.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")
    ).tobytes()
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


def _zarr(folder: Path, version: int) -> None:
    group = zarr.open_group(folder, mode="w", zarr_format=version)
    group.create_array("0", data=STACK, chunks=(1, 1, 16, 16))
    axes = [{"name": name, "type": "channel" if name == "c" else "space"} for name in "zcyx"]
    transform = [{"type": "scale", "scale": [1, 1, 0.5, 0.5]}]
    scale = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": transform}]}
    ome = {"multiscales": [scale], "omero": {"channels": [{"label": "a"}, {"label": "b"}]}}
    group.attrs.update({"ome": ome} if version == 3 else ome)
