"""The draws applied to a batch, as TensorFlow operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .channels import Channels
from .views import view_pixels


def apply(tf: Any, draws: Mapping[str, Any], pixels: Any, channels: Channels, *, noise: float = 0.0) -> Any:
    """Vary a batch of images, in a graph or outside.

    Views come first, then the transform, contrast, brightness, noise and cutout.

    Parameters
    ----------
    tf : module
    draws : mapping of str to tensor
        `Draws.arrays` of the images of the batch. What is missing costs nothing.
    pixels : (n, h, w, C) tensor of float32
        Of known shape.
    channels : Channels
        Its deviation scales brightness and noise, its mean fills what is cut out.
    noise : float
        Standard deviation of the noise, in those of the training images.

    Returns
    -------
    (n, h, w, C) tensor of float32
    """
    if "view" in draws:
        pixels = _views(tf, pixels, draws["view"])
    if "transform" in draws:
        pixels = tf.raw_ops.ImageProjectiveTransformV3(
            images=pixels,
            transforms=draws["transform"],
            output_shape=tf.constant(pixels.shape.as_list()[1:3], tf.int32),
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )
    if "contrast" in draws:
        middle = tf.reduce_mean(pixels, axis=(1, 2), keepdims=True)
        pixels = (pixels - middle) * draws["contrast"][:, None, None, :] + middle
    if "brightness" in draws:
        pixels += (draws["brightness"] * channels.deviation)[:, None, None, :]
    if "noise" in draws:
        pixels += _normals(tf, draws["noise"], pixels.shape.as_list()[1:]) * (noise * channels.deviation)
    if "cutout" in draws:
        pixels = tf.where(_inside(tf, draws["cutout"], pixels.shape.as_list()), channels.mean, pixels)
    return pixels


def _views(tf: Any, pixels: Any, views: Any) -> Any:
    # One gather of all pixels of the batch: twice as fast as flips and transpositions of which each image picks one.
    count, height, width, channels = pixels.shape.as_list()
    starts = tf.range(count, dtype=tf.int32)[:, None] * (height * width)
    places = tf.gather(tf.constant(view_pixels(height, width)), views) + starts
    return tf.reshape(tf.gather(tf.reshape(pixels, (-1, channels)), places), pixels.shape)


def _normals(tf: Any, seeds: Any, shape: list[int]) -> Any:
    # Image by image: its noise must not depend on the batch that it is in. The algorithm is named, since TensorFlow
    # would choose one by the device.
    return tf.map_fn(
        lambda seed: tf.random.stateless_normal(shape, seed, alg="philox"),
        seeds,
        fn_output_signature=tf.float32,
    )


def _inside(tf: Any, rectangles: Any, shape: list[int]) -> Any:
    rows, columns = tf.range(shape[1])[None, :], tf.range(shape[2])[None, :]
    tall = (rows >= rectangles[:, :1]) & (rows < rectangles[:, 2:3])
    wide = (columns >= rectangles[:, 1:2]) & (columns < rectangles[:, 3:])
    return (tall[:, :, None] & wide[:, None, :])[..., None]
