"""What every Python below ``footprint run`` gets, of which its program sees nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracking.fault_harness import ROOT
from tests.tracking.hooks.programs import HEAD, WITH_COMPILER
from tests.tracking.hooks.test_unmodified_programs import hooked, plain, report

STEPS = f"""{HEAD}
weight = nn.Parameter(torch.ones(3))
optimizer = torch.optim.SGD([weight], lr=0.1)
def train(steps):
    for step in range(steps):
        weight.sum().backward(); optimizer.step()
"""


def test_the_path_and_another_sitecustomize_are_as_without_us(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("print('mine')\n")
    program = "import sys, sitecustomize; print(sys.path, sitecustomize.__file__)"
    out, _ = hooked(tmp_path, program, environ={"PYTHONPATH": f"{own}:{ROOT}"})
    assert out.startswith("mine\n")
    assert f"{own}/sitecustomize.py" in out
    assert "injected" not in out


def test_a_sitecustomize_that_fails_fails_as_without_us(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("raise RuntimeError('broken')\n")
    _, err = hooked(tmp_path, "print(1)", environ={"PYTHONPATH": f"{own}:{ROOT}"})
    assert "RuntimeError: broken" in err
    _, err = hooked(tmp_path, "print(1)")
    assert "sitecustomize" not in err


def test_torch_is_not_imported_for_a_program_without_it(tmp_path: Path) -> None:
    out, _ = hooked(tmp_path, "import sys, json; print({'torch', 'footprint'} & set(sys.modules))")
    assert out == "set()\n"


@pytest.mark.slow
def test_another_package_of_our_name_is_left_alone_and_said(tmp_path: Path) -> None:
    (tmp_path / "footprint.py").write_text("print('another')\n")
    _, err = hooked(tmp_path, f"{STEPS}\ntrain(3)")
    assert err.count("another package named footprint") == 1
    got = report(tmp_path)
    assert got.measurement.workload.steps is None
    assert [fault for fault in got.measurement.faults if "another package" in fault]


@pytest.mark.slow
def test_a_python_without_footprint_uses_the_supervisors(tmp_path: Path) -> None:
    """``-P -s`` and a path without us: only the supervisor's folder is known."""
    block = "import sys; sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
    out, err = hooked(tmp_path, f"{block}{STEPS}\ntrain(5); print('end')", environ={"PYTHONPATH": ""})
    assert out == "end\n", err
    assert report(tmp_path).measurement.workload.steps == 5


@pytest.mark.slow
def test_a_program_that_tracks_itself_counts_alone(tmp_path: Path) -> None:
    program = f"""{STEPS}
train(3)   # a warm-up, before it tracks
import footprint
with footprint.track(name="inner", flush_s=0.2, quiet=True) as run:
    for _ in range(10):
        train(1)
        run.step(tokens=7)
train(4)
"""
    hooked(tmp_path, program)
    work = report(tmp_path).measurement.workload
    assert (work.steps, work.tokens) == (13, 70)


@pytest.mark.slow
def test_children_of_multiprocessing_and_their_end(tmp_path: Path) -> None:
    (tmp_path / "ranks.py").write_text(f"""{WITH_COMPILER}
import torch.distributed as dist, torch.multiprocessing as mp
def rank(number):
    dist.init_process_group("gloo", init_method="file://{tmp_path}/meet", rank=number, world_size=2)
    net = nn.parallel.DistributedDataParallel(nn.Linear(4, 4))
    optimizer = torch.optim.SGD(net.parameters())
    for _ in range(6):
        net(torch.ones(5, 4)).sum().backward(); optimizer.step()
    dist.destroy_process_group()
if __name__ == "__main__":
    mp.spawn(rank, nprocs=2)
""")
    hooked(tmp_path, "ranks.py")
    got = report(tmp_path)
    assert got.measurement.status == "completed"
    assert (got.measurement.workload.steps, got.measurement.workload.samples) == (6, 2 * 6 * 5)
    assert got.totals.given["batch_size"] == 10
    assert {p.status for p in got.totals.processes} == {"completed"}


@pytest.mark.slow
def test_a_forked_child_that_trains_is_a_program_of_its_own(tmp_path: Path) -> None:
    program = f"""{STEPS}
import os
train(4)
if os.fork() == 0:
    train(6)
    sys.exit(0)
os.wait()
train(2)
print("end")
"""
    out, _ = hooked(tmp_path, program)
    assert out == "end\n"
    assert report(tmp_path).measurement.workload.steps == 12


@pytest.mark.slow
def test_a_budget_ends_it_by_a_signal_as_any_program(tmp_path: Path) -> None:
    program = f"{STEPS}\nimport time\nfor _ in range(2000):\n    train(1); time.sleep(0.02)"
    _, err = hooked(tmp_path, program, "--budget", "30s", "--on-budget", "stop", code=3)
    assert "Traceback" not in err
    got = report(tmp_path)
    assert got.measurement.status == "stopped_by_budget"
    assert got.measurement.workload.steps > 10
    assert got.measurement.duration_h.mid * 3600 < 30.5


TRAINER = f"""{WITH_COMPILER}
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
torch.manual_seed(3)
config = BertConfig(vocab_size=60, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
                    intermediate_size=64)
model = BertForSequenceClassification(config)
rows = [dict(input_ids=torch.randint(0, 60, (12,)), labels=torch.tensor(n % 2)) for n in range(64)]
options = TrainingArguments("out", per_device_train_batch_size=4, gradient_accumulation_steps=2, max_steps=8,
                            report_to=[], disable_tqdm=True, logging_steps=1, use_cpu=True,
                            save_strategy="no")
trainer = Trainer(model, options, train_dataset=rows)
trainer.train()
for entry in trainer.state.log_history[:-1]:
    show(entry["loss"])
wait_for_trace()
"""


@pytest.mark.slow
def test_a_trainer_of_transformers(tmp_path: Path) -> None:
    out, _ = hooked(tmp_path, TRAINER)
    (tmp_path / "plain").mkdir()

    def losses(text: str) -> list[str]:
        return [line for line in text.splitlines() if line.startswith(("0x", "-0x"))]

    assert losses(out) == losses(plain(tmp_path / "plain", TRAINER))
    assert len(losses(out)) == 8
    got = report(tmp_path)
    work = got.measurement.workload
    assert (work.steps, work.samples, work.tokens) == (8, 64, 64 * 12)
    assert got.totals.given["batch_size"] == 8
    assert got.measurement.mfu is not None
    assert not got.measurement.faults
