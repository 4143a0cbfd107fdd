"""The machine's firmware identity: the SMBIOS strings that the kernel shows in /sys/class/dmi/id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.target.errors import gap_reason
from hardaudit_plugins.base.osquery_values import strip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardaudit.target.table import TableContext
    from hardaudit.target.target import Target

_DMI = "/sys/class/dmi/id"
DMI_FILES = {
    "uuid": "product_uuid",
    "hardware_vendor": "sys_vendor",
    "hardware_model": "product_name",
    "hardware_version": "product_version",
    "hardware_serial": "product_serial",
    "board_vendor": "board_vendor",
    "board_model": "board_name",
    "board_version": "board_version",
    "board_serial": "board_serial",
}


def dmi_strings(context: TableContext) -> dict[str, str]:
    """Column values from the firmware; a column the firmware does not give is missing.

    Serial numbers and the UUID are root's to read: for others that is a gap, where the query reads the column. Lenovo has model and
    version exchanged, as osquery returns them.
    """
    found: dict[str, str] = {}
    for column, name in DMI_FILES.items():
        path = f"{_DMI}/{name}"
        try:
            found[column] = strip(context.target.read_text(path))
        except (FileNotFoundError, NotADirectoryError):
            continue  # a machine without SMBIOS, or without this string, has none
        except OSError as error:
            if column in context.columns_used:
                context.gap(gap_reason(error), f"{path}: {error.strerror}")
    return _exchanged_for_lenovo(found)


def machine_uuid(target: Target) -> str | None:
    """The live machine's firmware UUID; None where it has none or only root may read it."""
    try:
        return strip(target.read_text(f"{_DMI}/{DMI_FILES['uuid']}"))
    except OSError:
        return None  # identification only: no finding rests on it


def _exchanged_for_lenovo(found: Mapping[str, str]) -> dict[str, str]:
    strings = dict(found)
    if strings.get("hardware_vendor", "").lower() == "lenovo" and {"hardware_model", "hardware_version"} <= strings.keys():
        strings["hardware_model"], strings["hardware_version"] = strings["hardware_version"], strings["hardware_model"]
    return strings
