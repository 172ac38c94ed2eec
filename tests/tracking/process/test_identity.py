"""Who a process is, from the variables that torchrun, Slurm and MPI really set."""

from __future__ import annotations

import os
import re

import pytest

from footprint.errors import FootprintError
from footprint.tracking.process.identity import PARENT_RUN, RUN_ID, Identity, identify, run_name
from footprint.tracking.process.liveness import boot_id


def torchrun(
    rank: int, local: int, *, node: int = 0, nodes: int = 1, world: int = 8, **more: str
) -> dict[str, str]:
    return {
        "RANK": str(rank), "LOCAL_RANK": str(local), "WORLD_SIZE": str(world),
        "LOCAL_WORLD_SIZE": str(world // nodes), "GROUP_RANK": str(node), "GROUP_WORLD_SIZE": str(nodes),
        "ROLE_RANK": str(rank), "MASTER_ADDR": "node0", "MASTER_PORT": "29500",
        "TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_RESTART_COUNT": "0", **more,
    }  # fmt: skip


def test_alone() -> None:
    who = identify({})
    assert (who.launcher, who.rank, who.world_size, who.counts_node) == ("none", 0, 1, True)
    name, shared = run_name(None, who, 1, {})
    assert shared
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}", name)
    assert run_name(None, who, 1, {})[0] != name


def test_ranks_of_one_node_agree_without_a_word_between_them() -> None:
    ranks = [identify(torchrun(rank, rank)) for rank in range(8)]
    names = {run_name(None, who, 1, {})[0] for who in ranks}
    assert len(names) == 1
    assert [who.counts_node for who in ranks] == [True] + [False] * 7
    assert {run_name(None, who, 2, {})[0] for who in ranks} == {f"{names.pop()}-2"}


def test_a_restart_is_the_same_run_and_another_launch() -> None:
    first, again = identify(torchrun(0, 0)), identify(torchrun(0, 0, TORCHELASTIC_RESTART_COUNT="1"))
    assert run_name(None, first, 1, {}) == run_name(None, again, 1, {})
    assert first.launch != again.launch
    assert again.restart == 1


def test_two_nodes_without_a_shared_name_say_so() -> None:
    _, shared = run_name(None, identify(torchrun(8, 0, node=1, nodes=2, world=16)), 1, {})
    assert not shared
    named = torchrun(8, 0, node=1, nodes=2, world=16, TORCHELASTIC_RUN_ID="job-42")
    assert run_name(None, identify(named), 1, {}) == ("job-42", True)


# srun exports these in every task (man srun, OUTPUT ENVIRONMENT VARIABLES).
SLURM = {
    "SLURM_JOB_ID": "77", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "11", "SLURM_STEP_NUM_NODES": "3",
    "SLURM_STEP_TASKS_PER_NODE": "4(x2),3", "SLURM_PROCID": "9", "SLURM_LOCALID": "1", "SLURM_NODEID": "2",
}  # fmt: skip


def test_a_slurm_step() -> None:
    who = identify(SLURM)
    assert (who.launcher, who.rank, who.local_rank, who.world_size) == ("slurm", 9, 1, 11)
    assert (who.local_world_size, who.nodes, who.node_rank) == (3, 3, 2)
    assert run_name(None, who, 1, {}) == ("slurm-77.0", True)
    other = identify({**SLURM, "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"})
    assert run_name(None, other, 1, {}) == ("slurm-77.0", True)
    assert other.local_world_size == 4


def test_a_batch_script_with_one_task_is_alone() -> None:
    batch = {"SLURM_JOB_ID": "77", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NTASKS": "4"}
    assert identify(batch).launcher == "none"


def test_torchrun_inside_slurm_is_torchrun() -> None:
    assert identify({**SLURM, **torchrun(3, 3)}).launcher == "torchrun"


def test_open_mpi() -> None:
    who = identify({
        "OMPI_COMM_WORLD_RANK": "5", "OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_LOCAL_RANK": "1",
        "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
    })  # fmt: skip
    assert (who.launcher, who.rank, who.local_rank, who.nodes) == ("mpi", 5, 1, 2)


def test_a_child_of_footprint_run_counts_no_energy_again() -> None:
    environ = {PARENT_RUN: f"{boot_id()}:parent-run"}
    who = identify(environ)
    assert not who.counts_node
    assert run_name(None, who, 3, environ) == ("parent-run", True)
    elsewhere = identify({PARENT_RUN: "another-machine:parent-run"})
    assert elsewhere.counts_node


def test_a_given_name_means_the_same_run_again() -> None:
    assert run_name("mine", identify({}), 2, {}) == ("mine", True)
    assert run_name(None, identify({}), 2, {RUN_ID: "mine"}) == ("mine-2", True)


@pytest.mark.parametrize("bad", ["../up", "a/b", "", " ", ".hidden", "a" * 101, "nul\0", "-x"])
def test_a_run_id_must_be_able_to_name_a_folder(bad: str) -> None:
    if not bad:
        assert run_name(bad, identify({}), 1, {})[0]  # not given
        return
    with pytest.raises(FootprintError, match="folder"):
        run_name(bad, identify({}), 1, {})


def test_garbage_in_the_variables_is_no_crash() -> None:
    who = identify(torchrun(0, 0, RANK="one", WORLD_SIZE="-4", LOCAL_WORLD_SIZE=""))
    assert isinstance(who, Identity)
    assert (who.rank, who.world_size, who.local_world_size) == (0, 1, 1)
    assert who.pid == os.getpid()
