"""What the training makes small, and how."""

from __future__ import annotations

from typing import Literal

from .fields import Group, setting


class DatasetSettings(Group):
    """Which images are trained on, and how much each counts."""

    training_fraction: float = setting(
        0.75,
        group="Dataset",
        title="Training fraction",
        expects="a number from 0.1 to 0.99",
        description="The share of newly labeled images that goes to training; the rest goes to validation. Where the "
        "project was split by hand, the fractions of that split hold instead.",
        ge=0.1,
        le=0.99,
    )
    class_weights: Literal["none", "balanced"] = setting(
        "none",
        group="Dataset",
        title="Class weights",
        expects="'none' or 'balanced'",
        description="balanced lets each image of a rare category count more, so that all categories count alike.",
        advanced=True,
    )
    oversampling: bool = setting(
        False,
        group="Dataset",
        title="Oversampling",
        label="Oversample rare categories",
        expects="True or False",
        description="Show images of rare categories several times in an epoch, until all categories are shown alike.",
        advanced=True,
    )


class OptimizationSettings(Group):
    """Optimizer, learning rate, loss, and when the training ends."""

    optimizer: Literal["adam", "adamw", "sgd", "momentum", "rmsprop", "adagrad", "adadelta", "adamax"] = (
        setting(
            "adam",
            group="Optimization",
            title="Optimizer",
            label="Optimization algorithm",
            expects="'adam', 'adamw', 'sgd', 'momentum', 'rmsprop', 'adagrad', 'adadelta' or 'adamax'",
            description="adam adapts the step of every weight, adamw too and lets weights decay; sgd takes plain steps, "
            "momentum keeps some of the last one; the others are variants of adam.",
        )
    )
    momentum: float = setting(
        0.9,
        group="Optimization",
        title="Momentum",
        expects="a number from 0 to below 1, usually 0.9",
        description="How much of the last step the optimizer momentum keeps.",
        advanced=True,
        only_with={"optimizer": ("momentum",)},
        ge=0.0,
        lt=1.0,
    )
    learning_rate: float = setting(
        0.003,
        group="Optimization",
        title="Learning rate",
        expects="a number above 0 and at most 10, usually between 0.0001 and 0.1",
        description="The size of the optimizer's steps: too large and the loss jumps, too small and it hardly moves.",
        gt=0.0,
        le=10.0,
    )
    schedule: Literal["constant", "cosine", "step", "plateau"] = setting(
        "cosine",
        group="Optimization",
        title="Schedule",
        label="Learning rate schedule",
        expects="'constant', 'cosine', 'step' or 'plateau'",
        description="cosine lowers the learning rate from epoch to epoch along half a cosine, almost to 0, so that the "
        "training settles; step lowers it every few epochs; plateau when the validation loss no longer falls; constant "
        "keeps it.",
    )
    schedule_epochs: int = setting(
        10,
        group="Optimization",
        title="Schedule's epochs",
        expects="a whole number from 1 to 10000",
        description="step: after how many epochs the learning rate falls; plateau: after how many without a better "
        "validation loss.",
        advanced=True,
        only_with={"schedule": ("step", "plateau")},
        ge=1,
        le=10_000,
    )
    schedule_factor: float = setting(
        0.3,
        group="Optimization",
        title="Schedule's factor",
        expects="a number from 0.01 to 0.99",
        description="step and plateau: what the learning rate is multiplied by when it falls.",
        advanced=True,
        only_with={"schedule": ("step", "plateau")},
        ge=0.01,
        le=0.99,
    )
    warmup_epochs: int = setting(
        0,
        group="Optimization",
        title="Warm-up epochs",
        expects="a whole number from 0 to 1000",
        description="In so many epochs at the beginning the learning rate rises to its full value, batch by batch.",
        advanced=True,
        ge=0,
        le=1000,
    )
    batch_size: int = setting(
        16,
        group="Optimization",
        title="Batch size",
        expects="a whole number from 1 to 4096, usually 16 to 64",
        description="The number of images after which the weights are adjusted.",
        ge=1,
        le=4096,
    )
    epochs: int = setting(
        80,
        group="Optimization",
        title="Epochs",
        expects="a whole number from 1 to 10000",
        description="How many times the training visits every training image.",
        ge=1,
        le=10_000,
    )
    early_stopping: int = setting(
        0,
        group="Optimization",
        title="Early stopping",
        label="Early stopping (epochs; 0: off)",
        expects="a whole number from 0 (off) to 10000",
        description="End after so many epochs without a better validation loss, and keep the weights of the best epoch; "
        "0 trains to the end and keeps the last ones.",
        ge=0,
        le=10_000,
    )
    gradient_clipping: float = setting(
        0.0,
        group="Optimization",
        title="Gradient clipping",
        expects="a number from 0 (off) to 1000, usually 1",
        description="Scale down gradients whose norm over all weights is larger than this, so that single batches cannot "
        "throw the training off; 0 leaves them.",
        advanced=True,
        ge=0.0,
        le=1000.0,
    )
    weight_decay: float = setting(
        0.0,
        group="Optimization",
        title="Weight decay",
        expects="a number from 0 to 1, usually 0.0001 to 0.05",
        description="Before every step each weight of a kernel is made smaller by this share of the learning rate, apart "
        "from the gradient, as in AdamW.",
        advanced=True,
        ge=0.0,
        le=1.0,
    )
    loss: Literal[
        "softmax-cross-entropy",
        "sigmoid-cross-entropy",
        "mean-squared-error",
        "absolute-difference",
        "huber",
        "hinge",
        "log",
    ] = setting(
        "softmax-cross-entropy",
        group="Optimization",
        title="Loss",
        label="Loss function",
        expects="'softmax-cross-entropy', 'sigmoid-cross-entropy', 'mean-squared-error', 'absolute-difference', 'huber', "
        "'hinge' or 'log'",
        description="What the training makes small. The softmax cross-entropy between labels and predicted probabilities "
        "is right for nearly all data; the others are those of Piximi.",
    )
    label_smoothing: float = setting(
        0.05,
        group="Optimization",
        title="Label smoothing",
        expects="a number from 0 to 0.5, usually 0.1",
        description="Train towards a little less than certainty: most classifiers get more right, wrong labels harm less, "
        "and predictions are less sure of themselves. The losses that are shown are without it.",
        advanced=True,
        only_with={
            "loss": (
                "softmax-cross-entropy",
                "sigmoid-cross-entropy",
                "mean-squared-error",
                "absolute-difference",
                "huber",
                "log",
            )
        },
        ge=0.0,
        le=0.5,
    )
    precision: Literal["float32", "mixed"] = setting(
        "float32",
        group="Optimization",
        title="Precision",
        expects="'float32' or 'mixed'",
        description="mixed computes in half precision where that is safe: faster on a GPU, slower on a processor.",
        advanced=True,
    )
    seed: int = setting(
        0,
        group="Optimization",
        title="Seed",
        expects="a whole number from 0 to 2147483647",
        description="Drives the initial weights, the order of the images, augmentation and dropout: the same seed and "
        "record give the same weights.",
        ge=0,
        le=2**31 - 1,
    )
