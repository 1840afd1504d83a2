"""The part of the panel that hands out rejected rows: as a file on the kernel's machine, or to the browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from intempt_nb.errors import DataError
from intempt_nb.widgets.panel import Panel
from intempt_nb.widgets.uploading.downloading import Download

if TYPE_CHECKING:
    from collections.abc import Callable

    from intempt_nb.transfer.report import UploadReport

__all__ = ["ReportPanel"]


class ReportPanel(Panel):
    """A panel with the report of an upload."""

    def __init__(self) -> None:
        super().__init__()
        self._report: UploadReport | None = None
        self._download: Download | None = None

    @property
    def report(self) -> UploadReport | None:
        """What the last upload did, also as far as one came that ended early; None before."""
        return self._report

    def _do_save(self, path: str) -> None:
        target, report = Path(path.strip()).expanduser().absolute(), self._rejected()
        if target.exists():
            raise DataError(f"there is a file {target} already; save the rejected rows under another name")

        def work() -> Callable[[], None]:
            count = report.write_rejects(target)
            return lambda: self._tell("success", f"{count:,} rejected rows are in {target}")

        self._run("Writing the rejected rows", work)

    def _do_download(self) -> None:
        report, view = self._rejected(), next(reversed(self._acks))

        def work() -> Callable[[], None]:
            download = Download(report)
            return lambda: self._hand_over(download, view)

        self._run("Writing the rejected rows", work)

    def _hand_over(self, download: Download, view: str) -> None:
        if self._download is not None:
            self._download.close()
        self._download = download
        self._send_piece(view, 0)

    def _do_download_next(self, offset: int) -> None:
        self._send_piece(next(reversed(self._acks)), offset)

    def _send_piece(self, view: str, offset: int) -> None:
        download = self._download
        if download is None:
            raise DataError("the file of rejected rows is gone; download it again")
        piece = download.piece(offset)
        self.send({"view": view, "name": download.name, "size": download.size, "offset": offset}, [piece])
        if offset + len(piece) >= download.size:
            download.close()
            self._download = None

    def _rejected(self) -> UploadReport:
        if self._report is None or not self._report.rejected:
            raise DataError("no rows were rejected")
        return self._report
