"""startup_items."""

from __future__ import annotations

PASSWD = "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nalice2:x:1001:1001::/home/alice:/bin/sh\nweb:x:33:33::/var/www:/bin/false\n"


def test_every_place_is_read(root, query):
    root.write("/etc/passwd", PASSWD)
    root.write("/etc/init.d/ssh", "#!/bin/sh\n", mode=0o755)
    root.write("/etc/init.d/.hidden", "")
    root.mkdir("/etc/init.d/directory")
    root.write("/etc/xdg/autostart/a.desktop", "[Desktop Entry]\n Name = A thing \nName[de]=Ding\nExec=/usr/bin/a --x=y\n")
    root.write("/home/alice/.config/autostart/b.desktop", "Name=B\nExec=/tmp/b\n")
    root.write("/home/alice/.config/autostart-scripts/run.sh", "")
    root.write("/var/www/.config/autostart-scripts/web.sh", "")
    root.write("/etc/systemd/system/x.service", "[Service]\nExecStart=/bin/x\nUser=web\n")
    answer = query("SELECT name, path, args, type, source, username FROM startup_items", root)
    assert [tuple(row.values()) for row in answer.rows] == [
        ("B", "/tmp/b", None, "Startup Item", "/home/alice/.config/autostart/", "alice"),
        ("run.sh", "/home/alice/.config/autostart-scripts/run.sh", None, "Startup Item", "/home/alice/.config/autostart-scripts/", "alice"),
        ("web.sh", "/var/www/.config/autostart-scripts/web.sh", None, "Startup Item", "/var/www/.config/autostart-scripts/", None),
        ("ssh", "/etc/init.d/ssh", None, "Startup Item", "/etc/init.d/", None),
        ("A thing", "/usr/bin/a --x=y", None, "Startup Item", "/etc/xdg/autostart/", None),
        ("x.service", "/etc/systemd/system/x.service", None, "systemd unit", "", "web"),
    ]
    assert not answer.gaps


def test_the_status_of_units_is_a_gap_on_a_root_directory(root, query):
    root.write("/etc/passwd", PASSWD)
    root.write("/etc/init.d/ssh", "")
    root.write("/etc/systemd/system/x.service", "[Service]\nExecStart=/bin/x\n")
    answer = query("SELECT name, status FROM startup_items", root)
    assert [tuple(row.values()) for row in answer.rows] == [("ssh", "enabled"), ("x.service", None)]
    assert len(answer.gaps) == 1


def test_without_the_users_their_items_are_a_gap(root, query):
    root.write("/etc/init.d/ssh", "")
    answer = query("SELECT name FROM startup_items", root)
    assert [row["name"] for row in answer.rows] == ["ssh"]
    assert answer.gaps
