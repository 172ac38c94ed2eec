"""`check`: files of chips, models, sites and scenarios, whole and broken."""

from pathlib import Path

import pytest

from tests.cli.run import footprint


def test_check_accepts_a_profile_and_names_a_broken_field(tmp_path: Path) -> None:
    from footprint.catalog.files import hardware_folder

    good = hardware_folder() / "v100-sxm2-16gb.toml"
    assert footprint("check", str(good)).code == 0
    broken = tmp_path / "mine.toml"
    broken.write_text(
        good.read_text()
        .replace('id = "v100-sxm2-16gb"', 'id = "mine"')
        .replace("tdp_w = 300", "tdp_w = -300")
    )
    done = footprint("check", str(broken))
    assert done.code == 2
    assert "tdp_w" in done.err
    extra = tmp_path / "extra.toml"
    extra.write_text(good.read_text().replace('id = "v100-sxm2-16gb"', 'id = "extra"\ntdp_watts = 300'))
    done = footprint("check", str(extra))
    assert done.code == 2
    assert "tdp_watts" in done.err


@pytest.mark.parametrize("content", [b"\x00\xff\xfe", b"[config", b"x = 1", b"", b"[config]\nmodel_type = 3"])
def test_check_of_rubbish_is_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "rubbish.toml"
    file.write_bytes(content)
    done = footprint("check", str(file))
    assert done.code == 2
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("find", "put", "says"),
    [
        ('id = "v100-sxm2-16gb"', 'id = "../../x"', "id"),
        ("fp16 = 125.0e12", "bf17 = 125.0e12", "bf17"),
    ],
)
def test_check_refuses_names_and_precisions_that_are_none(
    tmp_path: Path, find: str, put: str, says: str
) -> None:
    from footprint.catalog.files import hardware_folder

    file = tmp_path / "mine.toml"
    text = (hardware_folder() / "v100-sxm2-16gb.toml").read_text()
    assert find in text
    file.write_text(text.replace(find, put))
    done = footprint("check", str(file))
    assert done.code == 2
    assert says in done.err


@pytest.mark.parametrize("layers", ["-2", '"22"', "0", "1.5"])
def test_check_counts_what_it_approves(tmp_path: Path, layers: str) -> None:
    config = tmp_path / "config.json"
    good = '{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,'
    good += ' "intermediate_size": 128, "vocab_size": 100}'
    config.write_text(good)
    assert footprint("check", str(config)).code == 0
    config.write_text(good.replace('"num_hidden_layers": 2', f'"num_hidden_layers": {layers}'))
    done = footprint("check", str(config))
    assert done.code == 2
    assert "num_hidden_layers" in done.err


@pytest.mark.parametrize(
    ("find", "put", "says"),
    [
        ("tdp_w = 300", "tdp_w = 30", "idle_w"),
        ("year = 2017", "year = 99999", "year"),
        ("memory_gib = 16.0", "memory_gib = 1e9", "memory_gib"),
        ("max_w = 3500", "max_w = 1", "max_w"),
        ('id = "v100-sxm2-16gb"', 'id = "h100"', "built-in"),
    ],
)
def test_check_remarks_on_what_no_hardware_is(tmp_path: Path, find: str, put: str, says: str) -> None:
    from footprint.catalog.files import hardware_folder

    text = (hardware_folder() / "v100-sxm2-16gb.toml").read_text()
    assert find in text
    mine = text.replace('id = "v100-sxm2-16gb"', 'id = "mine"') if "id" not in find[:3] else text
    file = tmp_path / "mine.toml"
    file.write_text(mine.replace(find, put))
    done = footprint("check", str(file))
    assert done.code == 0
    assert says in done.out + done.err
