"""`system_info` against the C library and lscpu's sources."""

import os
import socket

import pytest

from hardaudit.engine.engine import Engine
from hardaudit.target.target import Target
from hardaudit_plugins.base.processors import parse_cpuinfo
from hardaudit_plugins.base.tables.system_info import TABLE

LENOVO = {"sys_vendor": "LENOVO\n", "product_name": "20XX\n", "product_version": "ThinkServer  \n", "product_uuid": "4c4c4544-0042\n"}


@pytest.fixture
def machine(root):
    """`system_info` of a host whose /proc and /sys are files of the fixture."""
    root.write("/proc/sys/kernel/hostname", "shop\n")
    root.write("/proc/cpuinfo", "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Xeon\nmicrocode\t: 0x1\nsiblings\t: 1\ncore id\t\t: 0\n\n")

    def run(sql):
        with Target(root.path, live=True) as target, Engine(target, [TABLE]) as engine:
            return engine.run(sql)

    return run


@pytest.mark.real
def test_this_host(query):
    row = query("SELECT computer_name, cpu_type, cpu_logical_cores, cpu_physical_cores, physical_memory FROM system_info").rows[0]
    assert row["computer_name"] == socket.gethostname()
    assert row["cpu_type"] == os.uname().machine
    assert row["cpu_logical_cores"] == os.sysconf("SC_NPROCESSORS_ONLN")
    assert 1 <= row["cpu_physical_cores"] <= row["cpu_logical_cores"]
    assert row["physical_memory"] == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_domain_comes_from_hosts(machine, root):
    root.write("/etc/hosts", "127.0.0.1 localhost # shop.wrong shop\n10.0.0.5 Shop.example.org SHOP\n10.0.0.6 other.example.org shop\n")
    row = machine("SELECT hostname, local_hostname, computer_name FROM system_info").rows[0]
    assert row == {"hostname": "Shop.example.org", "local_hostname": "Shop.example.org", "computer_name": "shop"}


def test_firmware_of_a_lenovo(machine, root):
    for name, content in LENOVO.items():
        root.write(f"/sys/class/dmi/id/{name}", content)
    answer = machine("SELECT hardware_vendor, hardware_model, hardware_version, hardware_serial, uuid FROM system_info")
    assert answer.rows == [
        {
            "hardware_vendor": "LENOVO",
            "hardware_model": "ThinkServer",
            "hardware_version": "20XX",
            "hardware_serial": None,
            "uuid": "4c4c4544-0042",
        }
    ]
    assert not answer.gaps


def test_without_firmware_strings(machine):
    answer = machine("SELECT hardware_vendor, hardware_model, uuid, cpu_brand, cpu_subtype, cpu_microcode FROM system_info")
    assert answer.rows == [
        {"hardware_vendor": None, "hardware_model": "", "uuid": None, "cpu_brand": "Xeon", "cpu_subtype": "85", "cpu_microcode": "0x1"}
    ]
    assert not answer.gaps


def test_unreadable_serial_number_is_a_gap_only_where_it_is_asked_for(machine, root):
    root.mkdir("/sys/class/dmi/id/product_serial")
    assert machine("SELECT hardware_serial FROM system_info").gaps
    assert not machine("SELECT hostname FROM system_info").gaps


def test_two_packages_with_two_cores_of_two_threads():
    text = "".join(
        f"processor\t: {number}\nphysical id\t: {number // 4}\ncore id\t\t: {number // 2 % 2}\nsiblings\t: 4\nflags\t\t: a:b\n\n"
        for number in range(8)
    )
    processors = parse_cpuinfo(text)
    assert (processors.logical, processors.cores, processors.sockets) == (8, 4, 2)


def test_processors_without_topology():
    processors = parse_cpuinfo("processor\t: 0\nBogoMIPS\t: 50\n\nprocessor\t: 1\nBogoMIPS\t: 50\n\nHardware\t: board\n")
    assert (processors.logical, processors.cores, processors.sockets, processors.brand) == (2, 2, None, None)
