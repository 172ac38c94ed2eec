"""Finding models: names, aliases, files, the user's folder, the index."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from footprint.catalog import folder
from footprint.catalog.files import read_toml
from footprint.catalog.models import all_models, find_model, model_ids, models_folder
from footprint.catalog.models.find import NAMES, build_model
from footprint.errors import DataFileError, FootprintError, UnknownNameError

OWN = """
id = "our-llama"
name = "Our llama"
year = 2025
aliases = ["ours"]

[config]
model_type = "llama"
hidden_size = 64
"""


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOOTPRINT_DATA", str(tmp_path))
    models = tmp_path / "models"
    models.mkdir()
    return models


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("bert-base", "bert-base"),
        ("BERT_base ", "bert-base"),
        ("gpt-3", "gpt3-175b"),
        ("davinci", "gpt3-175b"),
        ("meta-llama/Llama-2-7b-hf", "llama2-7b"),
        ("nanogpt", "nanogpt-gpt2-124m"),
        ("resnet50", "resnet-50"),
        ("Qwen/Qwen2.5-7B", "qwen2.5-7b"),
    ],
)
def test_a_name_or_alias_finds_its_model(name: str, model_id: str) -> None:
    assert find_model(name).id == model_id


def test_every_model_is_found_by_every_name() -> None:
    for model in all_models():
        for name in (model.id, model.id.upper(), *model.aliases):
            assert find_model(name) == model


def test_what_people_ask_for_is_there() -> None:
    asked = (
        "transformer-base transformer-big elmo bert-base bert-large gpt1 gpt2 gpt2-xl gpt3 "
        "evolved-transformer-search t5-base t5-11b gopher chinchilla palm lamda instructgpt-1.3b-sft "
        "instructgpt-175b-ppo gemma-2b baby-gpt llama1-7b llama2-70b llama3-8b llama3.1-405b opt-175b bloom "
        "gpt-neox-20b pythia-1b falcon-40b mpt-7b mistral-7b mixtral-8x7b qwen2.5-7b olmo-7b deepseek-v3 "
        "switch-c vit-base resnet-50 nanogpt"
    )
    assert {find_model(name).id for name in asked.split()} <= set(model_ids())
    assert len(model_ids()) >= 40


def test_an_unknown_name_says_what_was_meant() -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_model("lama2-7b")
    assert "llama2-7b" in caught.value.nearest
    assert "config.json" in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        "/",
        "a\0b",
        "x" * 100_000,
        "/dev/zero",
        "~nobody-here/x.json",
        "*",
        "a\nb",
        "\ud800",
    ],
)
def test_a_hostile_name_is_an_error_not_a_traceback(name: str) -> None:
    with pytest.raises(FootprintError) as caught:
        find_model(name)
    assert len(str(caught.value)) < 500


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="no such file"):
        find_model(str(tmp_path / "config.json"))


def test_a_folder_means_its_config(tmp_path: Path) -> None:
    model = tmp_path / "my-model"
    model.mkdir()
    (model / "config.json").write_text('{"model_type": "gpt2", "n_layer": 3}')
    found = find_model(f"{model}/")
    assert (found.id, found.config["n_layer"], found.recipe) == ("my-model", 3, None)


def test_a_file_that_exists_wins_over_an_alias(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "meta-llama" / "Llama-2-7b").mkdir(parents=True)
    (tmp_path / "meta-llama" / "Llama-2-7b" / "config.json").write_text('{"model_type": "llama"}')
    assert find_model("meta-llama/Llama-2-7b").config == {"model_type": "llama"}


def test_own_files_are_found_like_built_in_ones(own_folder: Path) -> None:
    (own_folder / "our-llama.toml").write_text(OWN)
    assert find_model("our-llama") == find_model("OURS")
    assert "our-llama" in model_ids()
    assert "our-llama" in {model.id for model in all_models()}
    with pytest.raises(UnknownNameError) as caught:
        find_model("our-lama")
    assert "our-llama" in caught.value.nearest


def test_own_files_cannot_take_a_built_in_name(own_folder: Path) -> None:
    (own_folder / "our-llama.toml").write_text(OWN.replace('"ours"', '"gpt-3"'))
    with pytest.raises(DataFileError, match="built-in model gpt3-175b"):
        find_model("our-llama")
    assert find_model("gpt-3").id == "gpt3-175b"


def test_an_own_file_is_named_after_its_id(own_folder: Path) -> None:
    (own_folder / "other.toml").write_text(OWN)
    with pytest.raises(DataFileError, match=r"other\.toml: id is 'our-llama'"):
        find_model("other")


def test_a_broken_own_file_does_not_hide_built_in_ones(own_folder: Path) -> None:
    (own_folder / "broken.toml").write_bytes(b"\xff\xfe[")
    assert find_model("bert-base").id == "bert-base"
    (own_folder / "our-llama.toml").write_text(OWN)
    assert find_model("ours").id == "our-llama"
    with pytest.raises(UnknownNameError):
        find_model("no-such-thing")
    with pytest.raises(DataFileError, match=r"broken\.toml"):
        find_model("broken")


def test_the_index_is_what_the_files_say() -> None:
    written = (models_folder() / folder.INDEX).read_text(encoding="utf-8")
    names = NAMES.scan(models_folder())
    assert written == folder.index_text(models_folder(), names), "run: python -m footprint.catalog"


def test_a_model_added_by_hand_is_found_without_the_index(tmp_path: Path) -> None:
    shutil.copy(models_folder() / "bert-base.toml", tmp_path / "bert-base.toml")
    assert NAMES.find(tmp_path, "bert-base-uncased") == "bert-base"
    (tmp_path / folder.INDEX).write_text("[not json")
    assert NAMES.find(tmp_path, "bert-base-uncased") == "bert-base"
    (tmp_path / folder.INDEX).write_text(json.dumps({"bert-base-uncased": "no-longer-here"}))
    assert NAMES.find(tmp_path, "bert-base-uncased") == "bert-base"


def test_two_models_cannot_share_a_name(tmp_path: Path) -> None:
    first = (models_folder() / "bert-base.toml").read_text(encoding="utf-8")
    (tmp_path / "bert-base.toml").write_text(first)
    (tmp_path / "bert-copy.toml").write_text(first.replace('id = "bert-base"', 'id = "bert-copy"'))
    with pytest.raises(DataFileError, match=r"bert-copy\.toml: the name .* belongs to bert-base"):
        NAMES.scan(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"confg": {}}, "confg"),
        ({"recipe": {"steps": 3}}, "steps"),
        ({"recipe": {"phases": [{"steps": -1}]}}, "Phase.steps must be a finite number above 0"),
        ({"recipe": {"tokens": float("nan")}}, "Recipe.tokens must be a finite number above 0, not nan"),
        ({"parameters": 10**400}, "parameters must be a finite number above 0, not a number beyond"),
        ({"cite": {"parameters": {"source": "x"}}}, "basis"),
        ({"cite": []}, "not a model"),
    ],
)
def test_a_wrong_table_is_an_error_that_names_file_and_field(change: dict[str, object], message: str) -> None:
    raw = read_toml(models_folder() / "bert-base.toml") | change
    with pytest.raises(DataFileError, match=r"some\.toml: ") as caught:
        build_model(raw, "some.toml")
    assert message in str(caught.value)


def test_a_lookup_imports_nothing_heavy() -> None:
    code = (
        "import sys; from footprint.catalog.models import find_model; find_model('llama-2-7b');"
        "print([m for m in ('pydantic', 'rapidfuzz', 'platformdirs', 'torch', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
