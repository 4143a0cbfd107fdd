from __future__ import annotations

import pytest

from hardaudit.target.mount_points import Crossing, MountPoints, parse_mountinfo


def mounts(*lines: str) -> MountPoints:
    return MountPoints(parse_mountinfo("".join(f"{line}\n" for line in lines)))


ROOT = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard"


def test_a_line_is_taken_apart_and_its_octal_escapes_are_undone():
    [mount] = parse_mountinfo(r"36 35 98:0 /a\134b /mnt/my\040disk rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue" + "\n")
    assert (mount.identity, mount.parent, mount.device) == (36, 35, "98:0")
    assert (mount.root, mount.point, mount.type) == ("/a\\b", "/mnt/my disk", "ext3")
    assert mount.options == {"rw", "errors=continue"}


@pytest.mark.parametrize("line", ["", "36 35 98:0 / /mnt rw", "36 35 98:0 / /mnt rw - ext4", "x 35 98:0 / /mnt rw - ext4 a rw"])
def test_a_line_of_another_form_is_refused_by_its_text(line):
    with pytest.raises(ValueError, match="not a line of mountinfo"):
        parse_mountinfo(f"{line or 'rubbish'}\n")


@pytest.mark.parametrize(
    ("described", "crossing"),
    [
        ("ext4 /dev/sdb1 rw", Crossing.DESCEND),
        ("tmpfs tmpfs rw", Crossing.DESCEND),
        ("overlay overlay rw", Crossing.DESCEND),
        ("btrfs /dev/sdb rw,subvol=/x", Crossing.DESCEND),
        ("squashfs /dev/loop0 ro", Crossing.DESCEND),
        ("zfs tank/x rw", Crossing.DESCEND),
        ("proc proc rw", Crossing.SKIP),
        ("cgroup2 cgroup2 rw", Crossing.SKIP),
        ("devpts devpts rw", Crossing.SKIP),
        ("autofs /etc/auto.misc rw,fd=6,indirect", Crossing.SKIP),
        ("autofs systemd-1 rw,fd=30,direct", Crossing.GAP),
        ("nfs4 server:/export rw", Crossing.GAP),
        ("cifs //server/share rw", Crossing.GAP),
        ("9p share rw", Crossing.GAP),
        ("something_new x rw", Crossing.GAP),
        ("fuse.sshfs host: rw,user_id=0,group_id=0", Crossing.GAP),
        ("fuse.sshfs host: rw,user_id=1000,group_id=1000,allow_other", Crossing.GAP),
        ("fuse.gvfsd-fuse gvfsd-fuse rw,user_id=1000,group_id=1000", Crossing.SKIP),
        ("fuseblk /dev/sdb1 rw,user_id=0,group_id=0,allow_other", Crossing.GAP),
    ],
)
def test_the_type_decides_what_a_walk_does(described, crossing):
    [mount] = parse_mountinfo(f"36 27 98:0 / /x rw - {described}\n")
    assert mount.crossing is crossing


def test_of_mounts_on_one_point_the_last_counts():
    table = mounts(
        ROOT, "24 27 0:6 / /dev rw - devtmpfs dev rw", "26 24 0:24 / /dev/pts rw - devpts a rw", "29 26 0:26 / /dev/pts rw - tmpfs b rw"
    )
    assert table.directly_below("/dev/")["pts"].identity == 29


def test_a_mount_below_a_covered_directory_is_not_seen():
    table = mounts(ROOT, "30 27 0:30 / /srv/data/deep rw - tmpfs a rw", "31 27 0:31 / /srv rw - tmpfs b rw")
    assert table.at("/srv").identity == 31
    assert table.at("/srv/data/deep") is None
    assert table.directly_below("/srv/data/") is None
    assert table.containing("/srv/data/deep").identity == 31


def test_a_mount_over_a_mount_with_mounts_in_it_hides_those():
    table = mounts(ROOT, "30 27 0:30 / /srv rw - tmpfs a rw", "31 30 0:31 / /srv/in rw - tmpfs b rw", "32 30 0:32 / /srv rw - tmpfs c rw")
    assert table.at("/srv").identity == 32
    assert table.at("/srv/in") is None


def test_a_mount_is_found_by_directory_and_name():
    table = mounts(ROOT, "40 27 0:40 / /home rw - tmpfs a rw", "41 40 0:41 / /home/ann/mnt rw - tmpfs b rw")
    assert set(table.directly_below("/")) == {"home"}
    assert set(table.directly_below("/home/ann/")) == {"mnt"}
    assert table.containing("/home/ann").identity == 40
    assert table.containing("/etc").identity == 27


def test_a_bind_mount_is_shown_where_its_source_is():
    table = mounts(ROOT, "40 27 254:0 /srv/www /home/ann/www rw - ext4 /dev/vda rw")
    assert list(table.shown_elsewhere(table.at("/home/ann/www"))) == ["/srv/www"]
    assert list(table.shown_elsewhere(table.at("/"))) == []


def test_a_bind_mount_whose_source_is_covered_is_shown_nowhere_else():
    bind = "40 27 254:0 /srv/www /home/ann/www rw - ext4 /dev/vda rw"
    for cover in ("/srv", "/srv/www", "/srv/www/cache"):
        table = mounts(ROOT, bind, f"41 27 0:41 / {cover} rw - tmpfs t rw")
        assert list(table.shown_elsewhere(table.at("/home/ann/www"))) == [], cover


def test_subvolumes_beside_each_other_are_not_the_same():
    table = mounts("27 1 0:25 /@ / rw - btrfs /dev/vda rw", "28 27 0:25 /@home /home rw - btrfs /dev/vda rw")
    assert list(table.shown_elsewhere(table.at("/home"))) == []


@pytest.mark.real
def test_this_hosts_mounts_are_those_that_a_path_reaches():
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        table = MountPoints(parse_mountinfo(file.read()))
    assert table.containing("/proc/self").type == "proc"
    assert table.at("/") is not None
