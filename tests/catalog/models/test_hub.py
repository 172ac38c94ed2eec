"""Models of a Hugging Face cache, written here as huggingface_hub lays it out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from footprint.catalog.models import find_model
from footprint.errors import DataFileError, FootprintError
from tests.conftest import Footprint

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = {
    "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 4, "intermediate_size": 128, "vocab_size": 1000, "_name_or_path": "else/where",
}  # fmt: skip


def entry(cache: Path, text: str = json.dumps(CONFIG), commit: str = COMMIT) -> Path:
    """An entry of the cache for some-org/some-model; the folder of its snapshot."""
    folder = cache / "models--some-org--some-model"
    for part in ("refs", "blobs", f"snapshots/{COMMIT}"):
        (folder / part).mkdir(parents=True)
    (folder / "refs" / "main").write_text(commit)
    (folder / "blobs" / "feed").write_text(text)
    (folder / "snapshots" / COMMIT / "config.json").symlink_to("../../blobs/feed")
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HF_HOME", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "hub"


def test_a_model_of_the_cache_is_found_under_its_id(cache: Path) -> None:
    entry(cache)
    model = find_model("some-org/some-model")
    assert (model.id, model.config["hidden_size"]) == ("some-org/some-model", 64)


@pytest.mark.parametrize(
    ("variable", "folder"),
    [("HF_HOME", "hub"), ("XDG_CACHE_HOME", "huggingface/hub"), ("HOME", ".cache/huggingface/hub")],
)
def test_the_cache_is_where_the_variables_say(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, folder: str
) -> None:
    monkeypatch.delenv("HF_HUB_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "home"))
    entry(tmp_path / "home" / folder)
    assert find_model("some-org/some-model").config["vocab_size"] == 1000


def test_a_path_and_a_built_in_model_come_first(cache: Path, tmp_path: Path) -> None:
    entry(cache)
    (tmp_path / "some-org" / "some-model").mkdir(parents=True)
    (tmp_path / "some-org" / "some-model" / "config.json").write_text(
        json.dumps(CONFIG | {"hidden_size": 32})
    )
    assert find_model("some-org/some-model").config["hidden_size"] == 32
    known = cache / "models--openai-community--gpt2"
    known.mkdir(parents=True)  # an entry that could not be read
    assert find_model("openai-community/gpt2").id == "gpt2"


def test_what_is_not_there_says_how_to_get_it(cache: Path) -> None:
    with pytest.raises(FootprintError, match=r"hf download no-org/no-model config\.json"):
        find_model("no-org/no-model")


def broken(cache: Path, tmp_path: Path, how: str) -> None:
    folder = entry(cache, text="{" if how == "json" else json.dumps(CONFIG))
    config = folder / "snapshots" / COMMIT / "config.json"
    if how == "refs":
        (folder / "refs" / "main").unlink()
    if how == "commit":
        (folder / "refs" / "main").write_text("../../../elsewhere")
    if how == "snapshot":
        config.unlink()
    if how == "dangling":
        (folder / "blobs" / "feed").unlink()
    if how in ("link", "commit link"):
        outside = tmp_path / "outside.json"
        outside.write_text(json.dumps(CONFIG) if how == "link" else COMMIT)
        inside = config if how == "link" else folder / "refs" / "main"
        inside.unlink()
        inside.symlink_to(outside)
    if how == "loop":
        config.unlink()
        config.symlink_to("config.json")


@pytest.mark.parametrize(
    "how", ["json", "refs", "commit", "snapshot", "dangling", "link", "commit link", "loop"]
)
def test_a_broken_entry_is_one_message(cache: Path, tmp_path: Path, how: str) -> None:
    broken(cache, tmp_path, how)
    with pytest.raises(DataFileError) as raised:
        find_model("some-org/some-model")
    assert "\n" not in str(raised.value)


def test_the_command_reads_it_and_refuses_with_exit_2(
    cache: Path, tmp_path: Path, footprint: Footprint
) -> None:
    entry(cache)
    words = ("estimate", "--model", "some-org/some-model", "--tokens", "1B", "--hw", "h100:1", "--quiet")
    place = {"HF_HUB_CACHE": str(cache)}
    done = footprint(*words, "--format", "json", environment=place)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"]["name"] == "some-org/some-model"
    (cache / "models--some-org--some-model" / "refs" / "main").unlink()
    done = footprint(*words, environment=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
