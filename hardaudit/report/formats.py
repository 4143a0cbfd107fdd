"""The built-in report formats, by name."""

from __future__ import annotations

from hardaudit.report import json_report, table_report

BUILT_IN = {report_format.name: report_format for report_format in (table_report.FORMAT, json_report.FORMAT)}
