"""sysctl.d: what the boot writes, against sysctl(8) itself."""

import subprocess

import pytest

from hardaudit_plugins.kernel.sysctl_config import setting_path

FILES = {
    "/etc/sysctl.conf": "kernel.sysrq = 7\n",
    "/etc/sysctl.d/10-first.conf": "kernel.sysrq = 1\nkernel.pid_max=70000\n; comment\n# kernel.pid_max = 1\n vm.swappiness=\t10 \n-vm.dirty_ratio = 33\n",
    "/etc/sysctl.d/20-network.conf": "net.ipv4.conf.*.rp_filter = 2\nnet.ipv4.conf.lo.rp_filter = 1\n",
    "/etc/sysctl.d/50-masks.conf": "vm.overcommit_memory = 1\n",
    "/etc/sysctl.d/60-slashes.conf": "net/ipv4/ip_default_ttl = 65\n",
    "/etc/sysctl.d/ignored.txt": "kernel.sysrq = 9\n",
    "/usr/lib/sysctl.d/50-masks.conf": "vm.overcommit_memory = 2\nvm.overcommit_ratio = 77\n",
    "/usr/lib/sysctl.d/90-vendor.conf": "kernel.pid_max = 80000\n",
    "/usr/lib/sysctl.d/95-off.conf": "kernel.panic = 99\n",
}
NAMES = (
    "kernel.sysrq",
    "kernel.pid_max",
    "vm.swappiness",
    "vm.dirty_ratio",
    "vm.overcommit_memory",
    "vm.overcommit_ratio",
    "net.ipv4.ip_default_ttl",
    "net.ipv4.conf.lo.rp_filter",
    "net.ipv4.conf.default.rp_filter",
    "kernel.panic",
)


@pytest.fixture
def configured(root, fake_host):
    for path, content in FILES.items():
        root.write(path, content)
    root.symlink("/etc/sysctl.d/95-off.conf", "/dev/null")
    for name in NAMES:
        root.write(f"/proc/sys/{name.replace('.', '/')}", "0\n")

    def values():
        answer = fake_host("SELECT name, config_value FROM system_controls WHERE name <> 'kernel.osrelease'")
        assert not answer.gaps
        return {row["name"]: row["config_value"] for row in answer.rows}

    return values


def test_the_value_that_counts(configured):
    assert configured() == {
        "kernel.sysrq": "7",
        "kernel.pid_max": "80000",
        "vm.swappiness": "10",
        "vm.dirty_ratio": "33",
        "vm.overcommit_memory": "1",
        "vm.overcommit_ratio": None,
        "net.ipv4.ip_default_ttl": "65",
        "net.ipv4.conf.lo.rp_filter": "1",
        "net.ipv4.conf.default.rp_filter": "2",
        "kernel.panic": None,
    }


def test_systemd_does_not_read_sysctl_conf(configured, root):
    root.write("/usr/lib/systemd/systemd-sysctl", "")
    assert configured()["kernel.sysrq"] == "1"


def test_debians_link_makes_systemd_read_it(configured, root):
    root.write("/usr/lib/systemd/systemd-sysctl", "")
    root.symlink("/etc/sysctl.d/99-sysctl.conf", "../sysctl.conf")
    assert configured()["kernel.sysrq"] == "7"


@pytest.mark.real
def test_sysctl_applies_the_same(configured, root, require_root, require_tool):
    """In a mount namespace of its own, with the fixture over the machine's configuration and settings: it writes into the fixture's files.

    Without the mount of /proc/sys it must not run: procps' --system writes whatever --dry-run says.
    """
    sysctl = require_tool("sysctl")
    script = (
        f"mount --bind {root.path}/proc/sys /proc/sys && mount --bind {root.path}/usr/lib/sysctl.d /usr/lib/sysctl.d && "
        f"mount -t tmpfs none /run && mount --bind {root.path}/etc /etc && exec {sysctl} --system"
    )
    subprocess.run([require_tool("unshare"), "--mount", "sh", "-c", script], capture_output=True, text=True, check=True)
    applied = {name: (root.directory / "proc/sys" / name.replace(".", "/")).read_text().strip() for name in NAMES}
    assert applied == {name: value or "0" for name, value in configured().items()}


def test_unreadable_configuration_is_a_gap_only_where_it_is_asked_for(fake_host, root):
    root.mkdir("/etc/sysctl.d/x.conf")
    assert fake_host("SELECT config_value FROM system_controls").gaps
    assert not fake_host("SELECT current_value FROM system_controls").gaps


def test_exempt_from_a_pattern(fake_host, root):
    root.write("/etc/sysctl.d/a.conf", "net.ipv4.conf.*.rp_filter=2\n-net.ipv4.conf.all.rp_filter\n")
    for interface in ("all", "eth0.5"):
        root.write(f"/proc/sys/net/ipv4/conf/{interface}/rp_filter", "0\n")
    rows = fake_host("SELECT name, config_value FROM system_controls WHERE subsystem = 'net'").rows
    assert {row["name"]: row["config_value"] for row in rows} == {
        "net.ipv4.conf.all.rp_filter": None,
        "net.ipv4.conf.eth0.5.rp_filter": "2",
    }


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("kernel.sysrq", "kernel/sysrq"),
        ("net.ipv4.conf.eth0/5.rp_filter", "net/ipv4/conf/eth0.5/rp_filter"),
        ("net/ipv4/conf/eth0.5/rp_filter", "net/ipv4/conf/eth0.5/rp_filter"),
        ("plain", "plain"),
    ],
)
def test_paths(key, path):
    assert setting_path(key) == path


def test_stars_of_a_hostile_file_take_no_time(fake_host, root):
    root.write("/etc/sysctl.d/a.conf", f"kernel.{'*a' * 1500}b = 1\n" * 50)
    root.write(f"/proc/sys/kernel/{'a' * 250}", "0\n")
    answer = fake_host("SELECT config_value FROM system_controls WHERE subsystem = 'kernel'")
    assert {row["config_value"] for row in answer.rows} == {None}
    assert answer.duration < 5
