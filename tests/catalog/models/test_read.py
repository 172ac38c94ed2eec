"""Files that a stranger wrote: a config.json or a model TOML, friendly, broken and hostile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from footprint.catalog.files import MAX_FILE_BYTES, read_toml
from footprint.catalog.models import find_model, models_folder
from footprint.catalog.models.read import check_model, read_config, read_model_file
from footprint.errors import DataFileError

# What huggingface.co serves for a small Llama, with keys that this project has no use for.
CONFIG = {
    "_name_or_path": "HuggingFaceTB/SmolLM2-135M",
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "bos_token_id": 0,
    "hidden_act": "silu",
    "hidden_size": 576,
    "intermediate_size": 1536,
    "model_type": "llama",
    "num_attention_heads": 9,
    "num_hidden_layers": 30,
    "num_key_value_heads": 3,
    "rope_scaling": None,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.40.1",
    "vocab_size": 49152,
}
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
toml_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
not_above_zero = st.integers(max_value=0) | st.floats(max_value=0)
not_an_amount = not_above_zero | st.sampled_from([float("nan"), float("inf")]) | st.text()
TABLES = ("id", "year", "parameters", "aliases", "config", "recipe", "cite", "sources")


def test_a_config_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    model = find_model(str(path))
    assert dict(model.config) == CONFIG
    assert model.id == "SmolLM2-135M"
    assert model.recipe is None


@pytest.mark.parametrize(
    ("file", "given", "name"),
    [
        ("config.json", None, "a-folder"),
        ("tiny.json", None, "tiny"),
        ("tiny.json", "org/Name-1B/", "Name-1B"),
        ("tiny.json", "C:\\models\\mine", "mine"),
        ("tiny.json", "./", "tiny"),
        ("tiny.json", 7, "tiny"),
        ("tiny.json", "red\u001b[31m\nname\ud800", "red[31mname"),
    ],
)
def test_a_config_is_called_as_it_calls_itself(tmp_path: Path, file: str, given: object, name: str) -> None:
    config = {"model_type": "gpt2"} | ({} if given is None else {"_name_or_path": given})
    path = tmp_path / "a-folder" / file
    path.parent.mkdir()
    path.write_text(json.dumps(config))
    assert read_config(path).id == name


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\x80\x03}q\x00", "not a text file"),
        (b"[1, 2]", "a model config is a JSON object, not list"),
        (b"null", "not NoneType"),
        (b"{}", 'no "model_type"'),
        (b'{"model_type": 3}', 'no "model_type"'),
        (b'{"model_type": " "}', 'no "model_type"'),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"model_type": "llama", "hidden_size": 1' + b"0" * 5000 + b"}", "not valid JSON"),
        (b" " * (MAX_FILE_BYTES + 1), "larger than"),
    ],
)
def test_a_broken_config_is_one_clear_message(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(DataFileError) as caught:
        find_model(str(path))
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


@QUIET
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(tmp_path: Path, content: bytes) -> None:
    for name in ("config.json", "model.toml"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataFileError):  # no 200 random bytes are a model
            read_model_file(path)


@QUIET
@given(json_values, st.text())
def test_no_json_breaks_the_reader(tmp_path: Path, value: object, name: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(value))
    with pytest.raises(DataFileError):
        read_model_file(path)
    path.write_text(json.dumps({"x": value, "model_type": "llama", "_name_or_path": name}))
    model = read_model_file(path)
    assert model.config["model_type"] == "llama"
    assert model.name.isprintable()
    assert model.name


@pytest.mark.slow
@QUIET
@given(
    st.sampled_from(TABLES),
    toml_values,
)
def test_a_wrong_value_in_a_model_file_names_its_field(key: str, value: object) -> None:
    raw = read_toml(models_folder() / "bert-base.toml")
    raw[key] = value
    model = message = None
    try:
        model = check_model(raw, "mine.toml")
    except DataFileError as error:
        message = str(error)
    if message is None:
        found = getattr(model, key)
        # A field of real numbers holds a whole number as the nearest double.
        assert found == (type(found)(value) if isinstance(value, list | int) else value)
    else:
        assert message.startswith("mine.toml: ")
        assert key in message


@pytest.mark.slow
@QUIET
@given(
    st.sampled_from(["steps", "sequences_per_step", "sequence_length", "predicted_positions"]),
    not_an_amount,
)
def test_no_phase_has_an_impossible_amount(key: str, value: object) -> None:
    raw = read_toml(models_folder() / "bert-base.toml")
    raw["recipe"]["phases"][0][key] = value
    with pytest.raises(DataFileError, match=key):
        check_model(raw, "mine.toml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "colour: Unexpected keyword argument"),
        ({"parameters": "110e6"}, "parameters: Input should be a valid number"),
        ({"recipe": {"precision": "float32"}}, "recipe.precision: Input should be"),
        ({"recipe": {"tokens": 1e9, "token": 1e9}}, "recipe.token: Unexpected keyword argument"),
        ({"config": {"hidden_size": 4}}, "[config] needs model_type"),
        ({"id": "Bert Base"}, "id must be lower case"),
        ({"id": ""}, "id must be lower case"),
        ({"id": "a\u001b[0m"}, "id must be lower case"),
        ({"sources": {"x": {"title": "t"}}}, "sources.x.locator: Field required"),
    ],
)
def test_a_model_file_is_ours_so_unknown_keys_are_errors(change: dict[str, object], message: str) -> None:
    raw = read_toml(models_folder() / "bert-base.toml") | change
    with pytest.raises(DataFileError) as caught:
        check_model(raw, "mine.toml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_number_of_thousands_of_digits_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("parameters = 1" + "0" * 5000)
    with pytest.raises(DataFileError, match=r"mine\.toml: not valid TOML"):
        read_model_file(path)
