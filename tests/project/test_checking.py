"""What is said of a project's images before a training starts: data types that cannot be measured together."""

from __future__ import annotations

import numpy as np
import pytest

from piximi_widgets.errors import NotTrainableError

pytestmark = pytest.mark.training


class Later:
    """An executor that is never free."""

    def submit(self, function, /, *arguments):
        pass


class TestMixedDepths:
    @pytest.fixture
    def mixed(self, project):
        pixels = np.random.default_rng(0).integers(0, 4095, (4, 24, 24), dtype=np.uint16)
        project.add_images(pixels, labels=["horizontal", "vertical"] * 2)
        return project

    def test_they_are_named_before_the_worker_does(self, mixed, config):
        (problem,) = mixed.problems(config)
        assert problem.field == "normalization"
        assert "4 uint16, 40 uint8" in problem.message
        with pytest.raises(NotTrainableError, match="bit-depth"):
            mixed.fit(config)
        assert len(mixed.experiments) == 0

    def test_a_normalisation_by_bit_depth_takes_them(self, mixed, config):
        assert mixed.problems(config.model_copy(update={"normalization": "bit-depth"})) == []

    def test_images_that_play_no_part_do_not_count(self, mixed, config):
        mixed.exclude(mixed.columns().id[-4:])
        assert mixed.problems(config) == []
        mixed.assign_partitions()
        assert mixed.fit(config, dataset=mixed.snapshot(), run=Later()).status == "WAITING"

    def test_a_version_that_mixes_them_is_refused(self, mixed, config):
        mixed.assign_partitions()
        version = mixed.snapshot()
        with pytest.raises(NotTrainableError, match="bit-depth"):
            mixed.fit(config, dataset=version)

    def test_a_training_on_a_base_measures_nothing(self, project, config):
        trained = project.fit(config, run="inline")
        pixels = np.random.default_rng(0).integers(0, 4095, (4, 24, 24), dtype=np.uint16)
        project.add_images(pixels, labels=["horizontal", "vertical"] * 2)
        assert project.fit(base=trained, run="inline").status == "SUCCESS"
