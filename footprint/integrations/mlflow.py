"""MLflow: ``with mlflow.start_run(), track(model="baby-gpt") as run:`` logs to the active run.

It gets the ``footprint/...`` metrics, the measurement as the artifact ``footprint/report.json``, and the tags
``footprint.run_id`` and ``footprint.hardware``. Where MLflow keeps them is left as it is.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from footprint.errors import FootprintError
from footprint.integrations import metrics
from footprint.integrations.training import load
from footprint.tracking import Run


def track(**options: Any) -> AbstractContextManager[Run]:
    """`footprint.track` beside the active run of MLflow; FootprintError if there is none."""
    mlflow = load("mlflow", "mlflow")
    active = mlflow.active_run()
    if active is None:
        raise FootprintError("no run of MLflow is active: begin one, with mlflow.start_run(): ...")
    run_id = active.info.run_id  # MLflow knows the active run of this thread alone

    def write(values: Any, step: int) -> None:
        mlflow.log_metrics(dict(values), step=step, run_id=run_id)

    def finish(run: Run) -> None:
        client, measured = mlflow.MlflowClient(), run.measurement
        client.set_tag(run_id, "footprint.run_id", run.run_id)
        if measured is not None:
            if measured.cluster is not None:
                hardware = f"{measured.cluster.accelerator}:{measured.cluster.count}"
                client.set_tag(run_id, "footprint.hardware", hardware)
            client.log_dict(run_id, measured.to_json(), "footprint/report.json")

    return metrics.track(write, finish, **options)
