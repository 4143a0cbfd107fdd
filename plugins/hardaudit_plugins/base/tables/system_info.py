"""`system_info`: the machine's name, processors, memory and firmware identity."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import BIGINT, INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.base.hardware import dmi_strings
from hardaudit_plugins.base.osquery_values import strip
from hardaudit_plugins.base.processors import parse_cpuinfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row, Value
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="system_info",
    description="One row: the machine's host name, processors, memory, and what its firmware says of it.",
    source="/proc/sys/kernel/hostname, /etc/hosts, /proc/cpuinfo, /sys/class/dmi/id, uname(2), sysconf(3)",
    columns=(
        Column("hostname", TEXT, "Host name, with its domain where /etc/hosts gives one"),
        Column("uuid", TEXT, "Firmware's UUID of the machine; readable by root only, NULL where the firmware has none", collate="nocase"),
        Column("cpu_type", TEXT, "Machine architecture, as uname -m names it"),
        Column("cpu_subtype", TEXT, "Processor's model number; 0 where it has none"),
        Column("cpu_brand", TEXT, "Processor's name"),
        Column("cpu_physical_cores", INTEGER, "Number of processor cores"),
        Column("cpu_logical_cores", INTEGER, "Number of logical processors"),
        Column("cpu_sockets", INTEGER, "Number of processor packages"),
        Column("cpu_microcode", TEXT, "Revision of the processor's microcode"),
        Column("physical_memory", BIGINT, "Main memory, in bytes"),
        Column("hardware_vendor", TEXT, "Machine's maker"),
        Column("hardware_model", TEXT, "Machine's model; empty where the firmware does not say"),
        Column("hardware_version", TEXT, "Machine's version"),
        Column("hardware_serial", TEXT, "Machine's serial number; readable by root only"),
        Column("board_vendor", TEXT, "Main board's maker"),
        Column("board_model", TEXT, "Main board's model"),
        Column("board_version", TEXT, "Main board's version"),
        Column("board_serial", TEXT, "Main board's serial number; readable by root only"),
        Column("computer_name", TEXT, "Host name, without domain unless it was set with one"),
        Column("local_hostname", TEXT, "The same as hostname"),
    ),
    examples=("SELECT hostname, cpu_brand, cpu_logical_cores, physical_memory FROM system_info",),
    live_only=True,
    osquery=True,
    notes="The domain comes from /etc/hosts alone, where osquery may ask a name server. Without a firmware UUID the column is NULL, where "
    "osquery makes one up.",
)

_HOSTNAME = "/proc/sys/kernel/hostname"
_CPUINFO = "/proc/cpuinfo"


def generate(context: TableContext) -> Iterator[Row]:
    """The row."""
    row: dict[str, Value] = {"cpu_type": os.uname().machine, "physical_memory": _physical_memory()}
    name = _host_name(context)
    if name is not None:
        full_name = _with_domain(name, context.read_text("/etc/hosts", optional=True) or "")
        row |= {"hostname": full_name, "local_hostname": full_name, "computer_name": name}
    yield {**row, **_processor_columns(context), "hardware_model": "", **dmi_strings(context)}


def _physical_memory() -> int | None:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return pages * size if pages > 0 and size > 0 else None


def _processor_columns(context: TableContext) -> dict[str, Value]:
    text = context.read_text(_CPUINFO)
    if text is None:
        return {}
    processors = parse_cpuinfo(text)
    if not processors.logical:
        context.gap(GapReason.UNSUPPORTED, f"{_CPUINFO}: names no processor")
        return {}
    return {
        "cpu_subtype": processors.model or "0",
        "cpu_brand": processors.brand,
        "cpu_microcode": processors.microcode,
        "cpu_logical_cores": processors.logical,
        "cpu_physical_cores": processors.cores,
        "cpu_sockets": processors.sockets,
    }


def _host_name(context: TableContext) -> str | None:
    try:
        return strip(context.target.read_text(_HOSTNAME, limit=4096))  # the kernel refuses to read a setting by megabytes
    except OSError as error:
        context.gap_for(error, _HOSTNAME)
        return None


def _with_domain(name: str, hosts: str) -> str:
    """The name's canonical form: the first name on the first line of hosts(5) that has it."""
    for line in hosts.split("\n"):
        names = line.partition("#")[0].split()[1:]
        if name.lower() in (other.lower() for other in names):
            return names[0]
    return name


TABLE = Table(SPEC, generate)
