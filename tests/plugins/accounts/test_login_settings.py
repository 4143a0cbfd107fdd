"""`login_settings`"""

import pytest

LOGIN_DEFS = """\
# comment
PASS_MAX_DAYS\t90
PASS_MIN_DAYS  7
UID_MIN\t\t 01750
UID_MAX 0xEA60
ENV_PATH        "PATH=/bin:/usr/bin" trailing
UMASK 077
ONE_WORD
PASS_MAX_DAYS 60
"""
UNIX = "password [success=1 default=ignore] pam_unix.so obscure yescrypt\n"


@pytest.fixture
def system(root):
    root.write("/etc/login.defs", LOGIN_DEFS)
    root.write("/etc/pam.d/common-password", UNIX)
    return root


def settings(query, root, origin):
    answer = query(f"SELECT service, setting, value, source, line FROM login_settings WHERE origin = '{origin}'", root)
    return {(row["service"], row["setting"]): (row["value"], row["source"], row["line"]) for row in answer.rows}


def reasons(query, root):
    return [gap.reason.value for gap in query("SELECT * FROM login_settings", root).gaps]


def test_login_defs(query, system):
    path = "/etc/login.defs"
    assert settings(query, system, "login.defs") == {
        (None, "PASS_MAX_DAYS"): ("60", path, 9),
        (None, "PASS_MIN_DAYS"): ("7", path, 3),
        (None, "PASS_WARN_AGE"): ("-1", None, None),
        (None, "UID_MIN"): ("1000", path, 4),
        (None, "UID_MAX"): ("60000", path, 5),
        (None, "SYS_UID_MIN"): ("101", None, None),
        (None, "SYS_UID_MAX"): ("999", None, None),
        (None, "ENV_PATH"): ("PATH=/bin:/usr/bin", path, 6),
        (None, "UMASK"): ("077", path, 7),
        (None, "ENCRYPT_METHOD"): ("DES", None, None),
    }
    assert reasons(query, system) == []


@pytest.mark.parametrize(
    ("value", "effective"), [("90 # days", "-1"), ("ninety", "-1"), ("09", "-1"), ("9" * 30, "-1"), ("-1", "-1"), ("+30", "30")]
)
def test_a_number_that_cannot_be_read_leaves_the_default(query, system, value, effective):
    system.write("/etc/login.defs", f"PASS_MAX_DAYS {value}\n")
    assert settings(query, system, "login.defs")[None, "PASS_MAX_DAYS"][0] == effective
    assert reasons(query, system) == ([] if value in ("-1", "+30") else ["unsupported"])


def test_the_old_word_for_md5(query, system):
    system.write("/etc/login.defs", "MD5_CRYPT_ENAB yes\n")
    assert settings(query, system, "login.defs")[None, "ENCRYPT_METHOD"] == ("MD5", "/etc/login.defs", 1)


def test_the_vendors_login_defs(query, system):
    (system.directory / "etc/login.defs").unlink()
    system.write("/usr/etc/login.defs", "UID_MIN 500\n")
    assert settings(query, system, "login.defs")[None, "UID_MIN"] == ("500", "/usr/etc/login.defs", 1)


def test_missing_files_are_gaps(query, root):
    assert reasons(query, root) == ["missing_source", "missing_source"]
    root.write("/etc/login.defs", "")
    assert reasons(query, root) == ["missing_source"]


def test_modules_of_the_stack(query, system):
    system.write(
        "/etc/pam.d/common-password",
        "# comment\npassword\trequisite\t/lib/security/pam_pwhistory.so remember=5 use_authtok # why\n"
        "-Password [success=1 \\\n  default=ignore] pam_unix.so obscure [x=a b]\n@include more\nsession required pam_permit.so\n",
    )
    system.write("/etc/pam.d/more", "password required pam_deny.so\nauth required pam_env.so\n")
    path = "/etc/pam.d/common-password"
    assert settings(query, system, "pam") == {
        ("common-password", "password.pam_pwhistory"): ("requisite", path, 2),
        ("common-password", "password.pam_pwhistory.remember"): ("5", path, 2),
        ("common-password", "password.pam_pwhistory.use_authtok"): ("1", path, 2),
        ("common-password", "password.pam_unix"): ("success=1 default=ignore", path, 3),
        ("common-password", "password.pam_unix.obscure"): ("1", path, 3),
        ("common-password", "password.pam_unix.x"): ("a b", path, 3),
        ("common-password", "password.pam_deny"): ("required", "/etc/pam.d/more", 1),
        ("common-password", "auth.pam_env"): ("required", "/etc/pam.d/more", 2),
        ("common-password", "session.pam_permit"): ("required", path, 6),
    }


def test_include_and_substack_take_lines_of_one_type(query, system):
    system.write("/etc/pam.d/system-auth", "auth include inner\npassword substack inner\n")
    system.write("/usr/lib/pam.d/inner", "auth required pam_unix.so\npassword required pam_unix.so md5\naccount required pam_unix.so\n")
    found = {name for service, name in settings(query, system, "pam") if service == "system-auth"}
    assert found == {"auth.pam_unix", "password.pam_unix", "password.pam_unix.md5"}
    system.write("/etc/pam.d/inner", "auth required pam_deny.so\n")
    found = {name for service, name in settings(query, system, "pam") if service == "system-auth"}
    assert found == {"auth.pam_deny"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("password include nowhere", "missing_source"),
        ("@include common-password", "truncated"),
        ("password required", "unsupported"),
        ("other required pam_unix.so", "unsupported"),
        ("[", "unsupported"),
        ("password [[[[[", "unsupported"),
    ],
)
def test_what_cannot_be_followed_is_a_gap(query, system, line, reason):
    system.write("/etc/pam.d/common-password", UNIX + line + "\n")
    assert reasons(query, system) == [reason]


def test_files_that_include_each_other_come_to_an_end(query, system):
    system.write("/etc/pam.d/common-password", "@include a\n" * 50)
    system.write("/etc/pam.d/a", "@include common-password\n" * 50)
    found = query("SELECT * FROM login_settings", system).gaps
    assert {gap.reason.value for gap in found} == {"truncated"}
    assert len(found) < 10


def test_pwquality(query, system):
    """The order and the clamping are those of libpwquality 1.4.5, tried with pwquality_read_config(3)."""
    system.write("/etc/security/pwquality.conf", "minlen=12 # longer\n MinClass = 9\n enforce_for_root\nbadwords = a b\n")
    system.write("/etc/security/pwquality.conf.d/20.conf", "minlen = 20\nocredit = -1\n")
    system.write("/etc/security/pwquality.conf.d/10.conf", "ocredit = -2\nmaxrepeat 3\n")
    system.write("/etc/security/pwquality.conf.d/readme", "bogus = 1\n")
    system.write("/etc/pam.d/common-password", "password requisite pam_pwquality.so retry=3 difok=+4 dictcheck=0\n" + UNIX)
    found = {name: value for (_, name), value in settings(query, system, "pwquality").items()}
    main, extra, stack = "/etc/security/pwquality.conf", "/etc/security/pwquality.conf.d/", "/etc/pam.d/common-password"
    assert found["minlen"] == ("12", main, 1)
    assert found["minclass"] == ("4", main, 2)
    assert found["enforce_for_root"] == ("1", main, 3)
    assert found["badwords"] == ("a b", main, 4)
    assert found["ocredit"] == ("-1", extra + "20.conf", 2)
    assert found["maxrepeat"] == ("3", extra + "10.conf", 2)
    assert found["retry"] == ("3", stack, 1)
    assert found["difok"] == ("4", stack, 1)
    assert found["dictcheck"] == ("0", stack, 1)
    assert found["usercheck"] == ("1", None, None)
    assert reasons(query, system) == []


def test_pwquality_holds_only_where_the_module_runs(query, system):
    system.write("/etc/security/pwquality.conf", "minlen = 30\n")
    assert settings(query, system, "pwquality") == {}


def test_pwquality_without_files_has_its_defaults(query, system):
    system.write("/etc/pam.d/common-password", "password requisite pam_pwquality.so\n")
    assert settings(query, system, "pwquality")["common-password", "minlen"] == ("8", None, None)
    system.write("/etc/security/pwquality.conf", "minlen = 3\n")
    assert settings(query, system, "pwquality")["common-password", "minlen"][0] == "6"


@pytest.mark.parametrize("line", ["minlen = 12x", "minlen =", "bogus = 1", "minlen = 99999999999", "minlen == 12"])
def test_a_line_at_which_pwquality_stops(query, system, line):
    system.write("/etc/pam.d/common-password", "password requisite pam_pwquality.so\n")
    system.write("/etc/security/pwquality.conf.d/a.conf", f"{line}\nminclass = 3\n")
    system.write("/etc/security/pwquality.conf", "minlen = 20\n")
    found = settings(query, system, "pwquality")
    assert found["common-password", "minlen"][0] == "8"
    assert found["common-password", "minclass"][0] == "0"
    assert reasons(query, system) == ["undecidable"]


def test_faillock(query, system):
    system.write(
        "/etc/pam.d/system-auth",
        "auth required pam_faillock.so preauth silent deny=4\nauth sufficient pam_unix.so\nauth [default=die] pam_faillock.so authfail\n",
    )
    system.write("/etc/security/faillock.conf", "deny = 5\nunlock_time=never\n even_deny_root\n")
    answer = query(
        "SELECT setting, value, line, source FROM login_settings WHERE origin = 'faillock' AND setting IN ('deny', 'unlock_time')", system
    )
    conf, stack = "/etc/security/faillock.conf", "/etc/pam.d/system-auth"
    assert [tuple(row.values()) for row in answer.rows] == [
        ("deny", "4", 1, stack),
        ("unlock_time", "0", 2, conf),
        ("deny", "5", 1, conf),
        ("unlock_time", "0", 2, conf),
    ]
    assert settings(query, system, "faillock")["system-auth", "even_deny_root"] == ("1", conf, 3)
    assert settings(query, system, "faillock")["system-auth", "fail_interval"] == ("900", None, None)


def test_faillock_from_another_file_and_with_mistakes(query, system):
    system.write("/etc/pam.d/system-auth", "auth required pam_faillock.so preauth conf=/etc/lock.conf\n")
    system.write("/etc/lock.conf", "deny = 2\ndeny = many\nnonsense\n")
    assert settings(query, system, "faillock")["system-auth", "deny"] == ("2", "/etc/lock.conf", 1)
    assert reasons(query, system) == ["unsupported", "unsupported"]


@pytest.mark.parametrize("content", ["[" * 200_000, "\\\n" * 200_000, "x " * 200_000, "#" * 200_000])
def test_hostile_lines_take_no_longer_than_their_length(query, system, content):
    system.write("/etc/pam.d/common-password", content)
    system.write("/etc/login.defs", content)
    answer = query("SELECT count(*) AS n FROM login_settings", system, seconds=20)
    assert "timeout" not in {gap.reason.value for gap in answer.gaps}


def test_this_host_has_what_every_system_has(query):
    rows = query("SELECT origin, setting, value FROM login_settings WHERE setting = 'UID_MIN'").rows
    assert rows == [{"origin": "login.defs", "setting": "UID_MIN", "value": "1000"}]
