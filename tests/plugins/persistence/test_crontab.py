"""crontab."""

from __future__ import annotations

from hardaudit.model.gap import GapReason


def _entries(answer):
    return [(row["path"], row["event"], row["minute"], row["day_of_week"], row["command"]) for row in answer.rows]


SQL = "SELECT path, event, minute, day_of_week, command FROM crontab"


def test_every_kind_of_crontab_is_read(root, query):
    root.write("/etc/crontab", "SHELL=/bin/sh\n# c\n17 *\t* * *  root\tcd /  &&  run-parts x\r\n")
    root.write("/etc/cron.d/one", "  @daily  root /bin/true\n")
    root.write("/var/spool/cron/root", "0 1 2 3 4 /bin/five")
    root.write("/var/spool/cron/crontabs/www-data", "*/5 * * * 1-5 php x.php %a\n")
    answer = query(SQL, root)
    assert _entries(answer) == [
        ("/etc/crontab", None, "17", "*", "root cd / && run-parts x"),
        ("/etc/cron.d/one", "@daily", None, None, "root /bin/true"),
        ("/var/spool/cron/root", None, "0", "4", "/bin/five"),
        ("/var/spool/cron/crontabs/www-data", None, "*/5", "1-5", "php x.php %a"),
    ]
    assert not answer.gaps


def test_lines_without_a_command_and_hidden_files_are_none(root, query):
    root.write("/etc/crontab", "MAILTO=x\nPATH = /bin\n1 2 3 4 5\n@reboot\n\n   \n\t# indented\n")
    root.write("/etc/cron.d/.placeholder", "* * * * * root hidden\n")
    root.mkdir("/etc/cron.d/directory")
    answer = query(SQL, root)
    assert not answer.rows
    assert not answer.gaps


def test_hosts_without_cron_have_no_rows_and_no_gap(root, query):
    answer = query(SQL, root)
    assert not answer.rows
    assert not answer.gaps


def test_what_is_no_regular_file_is_a_gap_and_not_opened(root, query):
    import os

    root.mkdir("/etc/cron.d")
    os.mkfifo(root.directory / "etc/cron.d/pipe")
    root.write("/etc/cron.d/zz", "@reboot root x\n")
    answer = query(SQL, root)
    assert [row["path"] for row in answer.rows] == ["/etc/cron.d/zz"]
    assert [(gap.reason, gap.detail.startswith("/etc/cron.d/pipe")) for gap in answer.gaps] == [(GapReason.UNSUPPORTED, True)]


def test_a_link_is_followed_inside_the_root_only(root, query):
    root.write("/opt/job", "@hourly root inside\n")
    root.mkdir("/etc/cron.d")
    root.symlink("/etc/cron.d/absolute", "/opt/job")
    root.symlink("/etc/cron.d/dangling", "/etc/cron.d/nothing")
    root.symlink("/etc/cron.d/out", "../../../../../../etc/passwd")
    answer = query(SQL, root)
    assert [row["command"] for row in answer.rows] == ["root inside"]


def test_a_crontab_of_a_million_words_takes_linear_time(root, query):
    root.write("/etc/crontab", "* " * 1_000_000 + "\n" + "@" * 1_000_000 + "\n" + "\t \r" * 300_000)
    answer = query("SELECT length(command) AS n FROM crontab", root)
    assert answer.rows == [{"n": 1_999_989}]
    assert answer.duration < 10
