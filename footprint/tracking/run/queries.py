"""What may be asked of a run at any time: its folder, estimate, forecast, measurement and comparison."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from footprint.results.estimate import Estimate
from footprint.results.measurement import Comparison, Measurement
from footprint.tracking.forecast.run_forecast import Forecast
from footprint.tracking.recorder.recorder import Recorder
from footprint.tracking.run.run_watcher import RunWatcher

if TYPE_CHECKING:
    from footprint.tracking.report.run_report import RunReport

START_WAIT_S = 2.0


class RunQueries:
    """The questions that a run answers; a phase asks the run it is nested in."""

    _recorder: Recorder | None = None
    _watcher: RunWatcher | None = None
    _outer: RunQueries | None = None
    _foreign = False

    @property
    def folder(self) -> Path | None:
        """Where this run's journals are."""
        if self._outer is not None:
            return self._outer.folder
        if self._recorder is None:
            return None
        self._recorder.milestones.opened.wait(START_WAIT_S)
        return self._recorder.journal.folder

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be done or read so far."""
        recorder = self._ready()
        return recorder.problems.all() if recorder is not None else ()

    @property
    def estimate(self) -> Estimate | None:
        """The estimate made when the run began; None where the arguments do not suffice."""
        recorder = self._ready()
        return recorder.prepared.estimate if recorder is not None and recorder.prepared is not None else None

    @property
    def forecast(self) -> Forecast | None:
        """Where the run will end, as of the last flush; None until that can be said (rank 0 only)."""
        if self._outer is not None:
            return self._outer.forecast
        return self._watcher.forecast if self._watcher is not None else None

    @property
    def measurement(self) -> Measurement | None:
        """What the whole run used until now, over every process whose journal is here."""
        report = self._whole()
        return report.measurement if report is not None else None

    @property
    def comparison(self) -> Comparison | None:
        """Predicted beside measured, component by component."""
        report = self._whole()
        return report.comparison if report is not None else None

    def _ready(self) -> Recorder | None:
        if self._outer is not None:
            return self._outer._ready()
        if self._recorder is not None:
            self._recorder.milestones.ready.wait(START_WAIT_S)
        return self._recorder

    def _whole(self) -> RunReport | None:
        recorder = self._ready()
        if recorder is None or self._foreign:
            return None
        from footprint.tracking.run.end_report import whole_report

        return whole_report(recorder)
