"""Models and their versions: found by name and number, renamed, deleted, and shown."""

from __future__ import annotations

import hashlib
from html.parser import HTMLParser

import pytest

from piximi_widgets.errors import StoreError
from piximi_widgets.experiments import ExperimentStore, Model, ModelVersion


@pytest.fixture
def trained(store):
    trained = store.create_experiment("run", parameters={"lr": 0.1})
    trained.labelmap = ["cat", "dog"]
    trained.artifacts.store("model-latest", b"one", filename="model.keras")
    return trained


@pytest.fixture
def model(store, trained):
    """Three versions with other files each, and one file in common."""
    trained.artifacts.store("config", b"{}")
    for content in (b"one", b"two", b"three"):
        trained.artifacts.store("model-latest", content, filename="model.keras")
        trained.publish("cells", description=content.decode())
    trained.artifacts["model-latest"].delete()
    return store.models["cells"]


def lying(store) -> set[str]:
    return {path.name for path in store.contents.folder.glob("??/*")}


def hashes(*contents: bytes) -> set[str]:
    return {hashlib.sha256(content).hexdigest() for content in contents}


def test_models_are_a_mapping_by_name(store, trained):
    assert len(store.models) == 0
    trained.publish("b")
    trained.publish(" a ")
    assert list(store.models) == ["b", "a"]
    assert len(store.models) == 2
    assert "a" in store.models
    assert "c" not in store.models
    assert 1 not in store.models
    assert store.models.get("c") is None
    assert {name: len(model) for name, model in store.models.items()} == {"b": 1, "a": 1}
    assert isinstance(store.models["a"], Model)
    with pytest.raises(StoreError, match="'b', 'a'"):
        store.models["zzz"]


def test_an_unknown_model_is_answered_with_the_nearest(store, trained):
    with pytest.raises(StoreError, match="publish"):
        store.models["cells"]
    trained.publish("mitotic cells")
    with pytest.raises(StoreError, match=r"did you mean 'mitotic cells'\?"):
        store.models["mitotic cell"]


def test_versions_are_found_by_number(store, model):
    assert [version.number for version in model.versions] == [1, 2, 3]
    assert [version.description for version in model] == ["one", "two", "three"]
    assert model.latest.number == 3
    assert model[2].files["model-latest"].path.read_bytes() == b"two"
    assert isinstance(model[2], ModelVersion)
    assert model[2].model == model
    assert model[2].name == "cells 2"
    for wrong in (0, 4, -1, "2", 2.0, True, None):
        with pytest.raises(StoreError, match="there are: 1, 2, 3"):
            model[wrong]


def test_numbers_of_deleted_versions_are_not_given_again(store, trained, model):
    trained.artifacts.store("model-latest", b"four", filename="model.keras")
    model[3].delete()
    assert model.latest.number == 2
    assert trained.publish("cells").number == 4
    for version in model.versions:
        version.delete()
    with pytest.raises(StoreError, match="All versions"):
        model.latest  # noqa: B018
    assert trained.publish("cells").number == 5


def test_a_deleted_version_takes_its_own_files_along(store, model, query):
    assert lying(store) == hashes(b"one", b"two", b"three", b"{}")
    version = model[2]
    version.delete()
    assert lying(store) == hashes(b"one", b"three", b"{}")
    assert query("SELECT count(*) FROM model_file") == [(4,)]
    with pytest.raises(StoreError, match="was deleted"):
        version.delete()
    with pytest.raises(StoreError, match="was deleted"):
        version.files  # noqa: B018
    assert version.description == "two"


def test_a_base_is_not_deleted(store, model, query):
    on = store.create_experiment("went on", base_model=model[1])
    with pytest.raises(StoreError, match="'went on'.*trained on"):
        model[1].delete()
    with pytest.raises(StoreError, match="'went on'.*trained on"):
        model.delete()
    on.delete()
    with pytest.raises(StoreError, match="'went on'"):
        model[1].delete()
    assert query("SELECT count(*) FROM model_version") == [(3,)]
    on.purge()
    model[1].delete()
    assert [version.number for version in model] == [2, 3]


def test_a_version_goes_once_another_base_was_given(store, model):
    on = store.create_experiment("went on", base_model=model[1])
    on.set_base_model(model[3])
    model[1].delete()
    assert on.base_model.number == 3
    assert on.artifacts["model-latest"].path.read_bytes() == b"one"


def test_a_deleted_model_takes_its_files_and_frees_its_name(store, trained, model, query):
    model.delete()
    assert lying(store) == hashes(b"{}")
    assert query("SELECT (SELECT count(*) FROM model_version), (SELECT count(*) FROM model_file)") == [(0, 0)]
    assert "cells" not in store.models
    for use in (lambda: model.name, lambda: model.versions, lambda: model.rename("x"), model.delete):
        with pytest.raises(StoreError, match="was deleted"):
            use()
    uid = trained.publish("cells").model.uid
    assert store.models["cells"].uid == uid
    assert store.models["cells"].latest.number == 1


def test_a_model_is_renamed_and_described(store, trained, model, query):
    trained.publish("other")
    model.rename(" plates ")
    model.describe("of plate 7")
    assert query("SELECT name, description FROM model ORDER BY id") == [
        ("plates", "of plate 7"),
        ("other", ""),
    ]
    assert store.models["plates"].latest.name == "plates 3"
    model.rename("plates")
    with pytest.raises(StoreError, match="already"):
        model.rename("other")
    for wrong in ("", "x" * 61, None):
        with pytest.raises(StoreError, match="model's name"):
            model.rename(wrong)
    with pytest.raises(StoreError, match="description"):
        model.describe(7)
    assert model.rename("x" * 60) is None
    assert trained.publish("x" * 60).number == 4


def test_handles_on_the_same_are_equal(store, model):
    with ExperimentStore(store.url) as again:
        assert again.models["cells"] == model
        assert again.models["cells"][1] == model[1]
        assert len({model[1], again.models["cells"][1], model[2]}) == 2
    assert model[1] != model[2]
    assert repr(model) == "<Model 'cells': versions 1, 2, 3>"
    assert repr(model[1]) == "<ModelVersion 'cells 1': TENSORFLOW, 2 labels, 2 files>"


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        assert all(not name.startswith("on") for name, _ in attributes)

    def handle_data(self, data):
        self.text += data


def test_what_users_wrote_is_escaped_and_bounded(store):
    evil = "<script>alert(1)</script>"
    trained = store.create_experiment(
        evil, parameters={evil: evil, **{f"p{n}": "x" * 1000 for n in range(300)}}
    )
    trained.labelmap = [f"{evil} {number}" for number in range(2000)]
    for number in range(60):
        trained.artifacts.store(f"{evil}{number}", b"x", filename=f"<img onerror=x>{number}")
    for _ in range(55):
        version = trained.publish(evil, description=f"{evil} {'y' * 5000}")
    version.model.describe(evil)
    for shown in (version, version.model, store.models):
        page = Page()
        html = shown._repr_html_()
        page.feed(html)
        assert page.tags <= {"div", "h4", "table", "tr", "th", "td", "details", "summary"}
        assert evil in page.text
        assert len(html) < 60_000
