"""Many processes, one run: energy once a node, tokens once a rank, and what is missing is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from footprint.tracking.process.liveness import boot_id, process_start
from footprint.tracking.totals.process_totals import processes_in
from footprint.tracking.totals.run_totals import RunTotals, merge, runs_of
from tests.tracking.journal_cluster import Cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def wh(totals: RunTotals, name: str) -> float:
    return totals.components[name].kwh * 1000


def test_eight_processes_are_one_machine(cluster: Cluster) -> None:
    boards = {f"GPU-{n}": 400.0 for n in range(8)}
    for rank in range(8):
        cluster.rank(rank, boards=boards if rank == 0 else None, tokens=1000, steps=60)
    totals = cluster.totals()
    assert wh(totals, "cpu") == pytest.approx(250 / 6)
    assert wh(totals, "accelerators") == pytest.approx(8 * 400 / 6)
    assert (totals.steps, totals.tokens, totals.nodes) == (60, 8000, 1)
    assert (totals.duration_s, totals.status, totals.missing) == (600.0, "completed", [])


def test_ranks_with_a_board_each_and_ranks_that_share_boards(cluster: Cluster) -> None:
    for rank in range(8):  # each sees its own board, as under Slurm's binding
        cluster.rank(rank, boards={f"GPU-{rank}": 400.0})
    assert wh(cluster.totals(), "accelerators") == pytest.approx(8 * 400 / 6)
    for rank in range(8):  # two ranks a board: both read the same four counters
        cluster.rank(
            rank, run_id="s", node=1, boards={f"GPU-{n}": 400.0 for n in range(4)}, used=[f"GPU-{rank // 2}"]
        )
    assert wh(cluster.totals("s"), "accelerators") == pytest.approx(4 * 400 / 6)


def test_two_nodes_add_and_clocks_may_differ(cluster: Cluster) -> None:
    for rank in range(4):
        node = rank // 2
        cluster.rank(
            rank,
            node=node,
            nodes=2,
            per_node=2,
            start=node * 40_000.0,
            end=node * 40_000 + 600.0,
            wall_s=100 + node * 90,
        )
    totals = cluster.totals()
    assert wh(totals, "cpu") == pytest.approx(2 * 250 / 6)
    assert (len(totals.segments), totals.nodes, totals.duration_s, totals.status) == (
        1,
        2,
        600.0,
        "completed",
    )


def test_two_nodes_without_a_shared_name_or_disk_are_joined(cluster: Cluster) -> None:
    for rank in range(4):
        node = rank // 2
        cluster.rank(
            rank, run_id=f"none-{node}", node=node, nodes=2, per_node=2, job="none@n0:29500", wall_s=50.0
        )
    cluster.rank(0, run_id="another", node=5, nodes=2, per_node=2, job="none@n9:29500", wall_s=50.0)
    totals = cluster.totals("none-0")
    assert wh(totals, "cpu") == pytest.approx(2 * 250 / 6)
    assert totals.missing == []
    runs = runs_of(processes_in(cluster.folder)[0])
    assert sorted(len(group) for group in runs.values()) == [1, 4]


def test_a_node_that_never_reported_is_named_and_not_invented(cluster: Cluster) -> None:
    for rank in range(2):
        cluster.rank(rank, nodes=3, per_node=2)
    totals = cluster.totals()
    assert totals.missing == ["node 1 of 3 never reported", "node 2 of 3 never reported"]
    assert totals.status == "incomplete"
    assert wh(totals, "cpu") == pytest.approx(250 / 6)


def test_a_rank_that_never_reported_and_a_rank_that_died(cluster: Cluster) -> None:
    cluster.rank(0, per_node=3, end=600.0)
    cluster.rank(1, per_node=3, end=300.0, status=None)
    totals = cluster.totals()
    assert totals.missing == ["1 of 3 ranks on n0 never reported"]
    assert totals.status == "killed"
    assert totals.lost_s == 5.0  # one flush interval


def test_elastic_restarts_are_segments(cluster: Cluster) -> None:
    for restart, (start, end, status) in enumerate(((0, 300, "failed"), (320, 620, "completed"))):
        for rank in range(2):
            cluster.rank(
                rank,
                per_node=2,
                start=start,
                end=end,
                status=status,
                restart=restart,
                launch=f"n0.{restart}",
                steps=30,
                given={"initial_step": 20} if restart else {},
            )
    totals = cluster.totals()
    assert [segment.status for segment in totals.segments] == ["failed", "completed"]
    assert totals.duration_s == pytest.approx(600)  # the 20 s between are not the run's
    assert wh(totals, "cpu") == pytest.approx(250 / 6)
    assert totals.steps == 60  # ten of them twice
    # a third of the first segment's steps again: a third of its energy
    (note,) = [w for w in totals.warnings if "twice" in w]
    assert "10 steps" in note
    assert f"{(250 + 50) * 300 / 3.6e3 / 3:.3g} Wh" in note


def test_two_runs_at_once_share_the_processor_and_not_their_boards(cluster: Cluster) -> None:
    cluster.process("r", watts={"cpu": 300.0}, boards={"GPU-0": 400.0}, cpu=3.0, launch="one")
    cluster.process(
        "s", watts={"cpu": 300.0}, boards={"GPU-1": 200.0}, cpu=1.0, launch="two", start=300.0, end=900.0
    )
    r, s = cluster.totals("r"), cluster.totals("s")
    assert wh(r, "accelerators") == pytest.approx(400 / 6)
    assert wh(s, "accelerators") == pytest.approx(200 / 6)
    # alone for 300 s, then 3/4 of the processor; s the other way round
    assert wh(r, "cpu") == pytest.approx(300 * (300 + 225) / 3600)
    assert wh(s, "cpu") == pytest.approx(300 * (300 + 75) / 3600)
    assert wh(r, "cpu") + wh(s, "cpu") == pytest.approx(300 * 900 / 3600)  # the machine, once
    assert "shared with s for 300 s" in " ".join(r.warnings)


@pytest.mark.parametrize(("share", "said"), [(1.0, False), (0.85, False), (0.5, True)])
def test_programs_that_nobody_tracked_are_said(cluster: Cluster, share: float, said: bool) -> None:
    cluster.process(watts={"cpu": 300.0}, cpu=2.0, busy=share)
    totals = cluster.totals()
    assert wh(totals, "cpu") == pytest.approx(300 / 6)  # the reading is the machine's, and stays so
    assert ("50%" in " ".join(totals.warnings)) == said


def test_a_board_that_two_runs_use_is_divided(cluster: Cluster) -> None:
    for name, start in (("r", 0.0), ("s", 300.0)):
        cluster.process(name, boards={"GPU-0": 400.0}, launch=name, start=start, end=start + 600)
    r, s = cluster.totals("r"), cluster.totals("s")
    assert wh(r, "accelerators") + wh(s, "accelerators") == pytest.approx(400 * 900 / 3600)
    assert wh(r, "accelerators") == pytest.approx(400 * (300 + 150) / 3600)


def test_allocated_but_unused_boards_are_reported_and_not_charged(cluster: Cluster) -> None:
    cluster.process(boards={"GPU-0": 400.0, "GPU-1": 60.0, "GPU-2": 60.0}, used=["GPU-0"])
    totals = cluster.totals()
    assert wh(totals, "accelerators") == pytest.approx(400 / 6)
    assert (totals.accelerators_used, totals.accelerators_allocated) == (1, 3)
    assert totals.unused_kwh == pytest.approx(120 / 6 / 1000)
    assert "2 of 3 accelerators" in " ".join(totals.warnings)


def test_boards_nobody_can_attribute_are_all_charged(cluster: Cluster) -> None:
    cluster.process(boards={"GPU-0": 400.0, "GPU-1": 60.0}, used=[])
    assert wh(cluster.totals(), "accelerators") == pytest.approx(460 / 6)


def test_a_parent_that_counts_and_a_child_that_steps_are_one_segment(cluster: Cluster) -> None:
    cluster.process(watts={"cpu": 300.0}, steps=0, tokens=0, launch="parent")
    cluster.process(start=10.0, end=590.0, steps=70, tokens=700, launch="child", metered_by_parent=True)
    totals = cluster.totals()
    assert len(totals.segments) == 1
    assert (totals.steps, totals.tokens, totals.duration_s) == (70, 700, 600.0)
    assert wh(totals, "cpu") == pytest.approx(300 / 6)


def test_a_process_that_lives_goes_on_after_its_last_line(cluster: Cluster) -> None:
    here = {"boot_id": boot_id(), "pid": os.getpid(), "process_start": process_start(os.getpid())}
    cluster.process(end=5.0, steps=5, status=None, launch="one", **here)
    cluster.process(start=7.0, end=17.0, steps=10, launch="two", **here)
    assert [segment.steps for segment in cluster.totals().segments] == [15]


def test_what_joined_a_killed_supervisor_stays_in_its_segment(cluster: Cluster) -> None:
    """It outlives it, begins after its last line, and still runs when the run is resumed."""
    cluster.process(end=5.0, watts={"cpu": 300.0}, steps=0, status=None, launch="first")
    cluster.process(start=7.0, end=57.0, steps=50, launch="a", metered_by_parent=True)
    cluster.process(start=20.0, end=90.0, watts={"cpu": 300.0}, steps=0, launch="second")
    cluster.process(start=21.0, end=86.0, steps=70, launch="b", metered_by_parent=True)
    segments = cluster.totals().segments
    assert [(segment.steps, segment.status) for segment in segments] == [(50, "killed"), (70, "completed")]


def test_ranks_that_are_started_again_under_a_supervisor_stay_in_its_segment(cluster: Cluster) -> None:
    cluster.process(watts={"cpu": 300.0}, steps=0, tokens=0, launch="parent")
    ranks = {"launcher": "torchrun", "world_size": 2, "local_world_size": 2, "job": "j", "node": "a"}
    for rank in range(2):
        more = {"rank": rank, "local_rank": rank, "metered_by_parent": True, **ranks}
        cluster.process(start=10.0, end=200.0, steps=20, status=None, launch="t.0#1", restart=0, **more)
        cluster.process(start=210.0, end=590.0, steps=40, launch="t.1#1", restart=1, **more)
    totals = cluster.totals()
    assert (len(totals.segments), totals.steps, totals.duration_s) == (1, 60, 600.0)
    assert totals.segments[0].status == "completed"


@pytest.mark.parametrize("supervised", [False, True])
def test_steps_count_once_where_one_rank_tracked_something_before(cluster: Cluster, supervised: bool) -> None:
    if supervised:
        cluster.process(watts={"cpu": 300.0}, node="n0", steps=0, launch="parent")
    more = {"per_node": 2, "metered_by_parent": supervised}
    cluster.rank(0, start=10.0, end=15.0, steps=1, launch="n0.0#1", **more)
    cluster.rank(0, start=20.0, end=590.0, steps=30, launch="n0.0#2", **more)
    cluster.rank(1, start=12.0, end=590.0, steps=30, launch="n0.0#1", **more)
    assert cluster.totals().steps == 31


def test_no_sum_depends_on_the_order_of_the_files(cluster: Cluster) -> None:
    for rank in range(3):
        cluster.rank(rank, per_node=3, boards={"GPU-0": 400.0, "GPU-1": 300.0})
    journals, _ = processes_in(cluster.folder)
    forward, back = (merge("r", runs_of(order)["r"]) for order in (journals, journals[::-1]))
    assert {n: c.kwh for n, c in forward.components.items()} == pytest.approx(
        {n: c.kwh for n, c in back.components.items()}
    )
    assert (forward.steps, forward.tokens) == (back.steps, back.tokens)


def test_what_goes_on_after_its_reader_was_killed_is_unseen(cluster: Cluster) -> None:
    """The supervisor, which reads the meter, dies after 100 s; the program it watched goes on to 600 s."""
    cluster.process(end=100.0, watts={"node": 300.0}, status=None, steps=0, tokens=0, pid=1)
    cluster.process(end=600.0, watts=None, pid=2)
    node = cluster.totals().components["node"]
    assert node.kwh * 3.6e6 == pytest.approx(300.0 * 100)
    assert (node.seen_s, node.unseen_s) == (pytest.approx(100.0), pytest.approx(500.0))


def test_a_rank_that_was_killed_is_named(cluster: Cluster) -> None:
    for rank in range(4):
        cluster.rank(rank, per_node=4, status=None if rank == 2 else "failed")
    totals = cluster.totals()
    assert totals.status == "failed"
    assert [note for note in totals.warnings if "rank 2 was killed: at most 5 s" in note]
