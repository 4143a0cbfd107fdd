"""Export, extension and score together: what a fleet comes to of a host is what a run on that host comes to, at the same time."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardaudit.audit.registry import Registry
from hardaudit.audit.run import audit
from hardaudit.audit.score import gate, score
from hardaudit.engine.engine import Bounds, Engine
from hardaudit.export import osquery_pack
from hardaudit.export.dialect import Dialect
from hardaudit.export.queries import policy_sql
from hardaudit.fleet.score import FleetLogs, Question
from hardaudit.model.result import State
from hardaudit.osquery.schema import load_schema
from hardaudit.target.target import Target

sys.path.insert(0, str(Path(__file__).parents[1] / "extension"))
from osquery_schedule import Host, run_schedule
from served_tables import Served

POLICY = r"""
name: site
extends: [web-server]
checks:
  ssh/root_login: {severity: critical}
  web/web_shells: {params: {ignore: ["/srv/it's -- /*", "\u00fc :rules ?1 \\ \"\u2028", "/srv/shop/images/x.ph?"]}}
  # What changes while the test runs, or takes long on a large machine.
  processes/*: {enabled: false, reason: moving}
  network/*: {enabled: false, reason: moving}
waivers:
  - {check: web/directory_listing, subject_glob: "**", reason: it's "agreed", owner: ops, expires: 2999-12-31}
  - {check: web/world_writable_uploads, subject: /srv/shop/images, reason: "ended; --", owner: ops, expires: 2020-01-01}
"""
FILES = {
    "/etc/os-release": 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n',
    "/etc/passwd": "root:x:0:0::/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\nann:x:1000:1000::/home/ann:/bin/bash\n",
    "/etc/group": "root:x:0:\nwww-data:x:33:\nann:x:1000:\nsudo:x:27:ann\n",
    "/etc/shadow": "root:*:19000:0:99999:7:::\nann:$1$x$y:19000:0:99999:7:::\n",
    "/etc/ssh/sshd_config": "PermitRootLogin yes\nMatch User ann\n  X11Forwarding yes\n",
    "/etc/apt/apt.conf": 'apt::periodic::enable "0";\n',
    "/etc/sudoers": "ann ALL=(ALL) NOPASSWD: ALL\n",
    "/var/lib/dpkg/status": (
        "Package: openssh-server\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:9.2p1-2\n\n"
        "Package: libapache2-mod-php8.2\nStatus: install ok installed\nArchitecture: amd64\nVersion: 8.2.29-1~deb12u1\n\n"
        "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21.22\nDescription: packages\n"
    ),
    "/usr/sbin/sshd": "",
    "/etc/mime.types": "image/jpeg jpeg jpg\n",
    "/etc/apache2/apache2.conf": (
        "User www-data\nGroup www-data\nListen 80\nServerTokens Full\n"
        + "".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
            for name in ("alias", "authz_core", "autoindex", "dir", "mime", "mpm_prefork")
        )
        + "LoadModule php_module /usr/lib/apache2/modules/libphp8.2.so\nTypesConfig /etc/mime.types\n"
        '<FilesMatch "\\.php$">\n  SetHandler application/x-httpd-php\n</FilesMatch>\n'
        "<VirtualHost *:80>\n  ServerName shop.example.org\n  DocumentRoot /srv/shop\n"
        "  <Directory /srv/shop>\n    Options Indexes\n    AllowOverride All\n    Require all granted\n  </Directory>\n</VirtualHost>\n"
        "<VirtualHost *:80>\n  ServerName www.example.org\n  DocumentRoot /srv/www\n"
        "  <Directory /srv/www>\n    AllowOverride None\n    Require all granted\n  </Directory>\n</VirtualHost>\n"
    ),
    "/etc/php/8.2/apache2/php.ini": "display_errors = On\n",
    "/srv/shop/index.php": "<?php echo 1;\n",
    "/srv/shop/includes/configure.php": '<?php define("DB_SERVER_PASSWORD", "x");\n',
    "/srv/shop/images/x.php": "<?php system($_GET[0]); ?>\n",
    "/srv/shop/images/a\nb<b>'\"{\\.php": "<?php eval($_POST[0]); ?>\n",
    "/srv/shop/.git/HEAD": "ref: refs/heads/main\n",
    "/srv/shop/dump.sql": "CREATE TABLE x;\n",
    "/srv/www/index.html": "hello\n",
    "/srv/www/uploads/.htaccess": "Frobnicate on\n",
    "/srv/shop/cache/.htaccess": "Frobnicate on\n",
}


@dataclass
class Chain:
    """A run on a prepared root directory, and what an osqueryd logs of the same root: with the extension, with other flags, without it.

    `left_out` are checks that are not exported, `needing` those that need the extension.
    """

    policy: object
    registry: object
    local: object
    lines: list[str]
    events: list[str]
    bare: list[str]
    left_out: set[str]
    needing: set[str]


@pytest.fixture(scope="module")
def folder():
    """A private directory whose path leaves room for a socket's name."""
    path = Path(tempfile.mkdtemp(prefix="ha-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def root(folder):
    place = folder / "root"
    for name, content in FILES.items():
        path = place / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (place / "srv/shop/images").chmod(0o777)
    return str(place)


@pytest.fixture(scope="module")
def chain(folder, root):
    (folder / "site.yaml").write_text(POLICY)
    registry = Registry()
    policy = registry.load_policy(str(folder / "site.yaml"))
    specs = [table.spec for table in registry.tables.values()]
    exported = policy_sql(policy, registry.checks, Dialect(load_schema(), specs), osquery_pack.statements)
    config = json.loads(osquery_pack.render_pack(policy, exported, 3600, "5.23.0"))
    with Target.directory(root) as target, Engine(target, registry.tables.values()) as engine:
        local = audit(policy, registry, engine, Bounds())
    with pytest.MonkeyPatch.context() as patch, Host(str(folder / "em"), root) as osquery:
        patch.setattr(Target, "live_host", lambda: Target.directory(root))  # the extension's
        bare = list(run_schedule(osquery, config, "web-00"))
        served = Served(str(folder / "em"), registry.tables.values(), 0.5).started()
        errors = {}
        lines = list(run_schedule(osquery, config, "web-00", errors=errors))
        events = list(run_schedule(osquery, config, "web-00", delimiter="/", form="event"))
        served.end()
    assert errors == {}
    return Chain(
        policy, registry, local, lines, events, bare, {*exported.left_out}, {check.check.id for check in exported.checks if check.extension}
    )


def scored(chain, place, lines):
    place.mkdir()
    (place / "osqueryd.snapshots.log").write_text("".join(f"{line}\n" for line in lines))
    return FleetLogs([str(place)], chain.policy, chain.registry, Question()).host_result("web-00")


def compared(chain, result):
    """The checks that a root directory can have, and that are exported."""
    live_only = {check.id for check in chain.local.checks if check.state is State.NOT_CHECKED}
    return [check for check in result.checks if check.id not in live_only | chain.left_out]


def verdict(check):
    findings = sorted((finding.subject, finding.message, finding.waiver and finding.waiver.reason) for finding in check.findings)
    return check.state.value, check.severity.value, check.reason, findings, sorted({gap.reason.value for gap in check.gaps})


def test_every_check_comes_to_the_state_findings_and_reasons_of_a_run(chain, tmp_path):
    local = {check.id: verdict(check) for check in compared(chain, chain.local)}
    fleet = {check.id: verdict(check) for check in compared(chain, scored(chain, tmp_path / "logs", chain.lines))}
    assert {name: found for name, found in fleet.items() if found != local[name]} == {}
    assert fleet.keys() == local.keys()
    states = Counter(state for state, *_ in local.values())
    assert states["pass"] > 40
    assert states["fail"] > 30
    assert states["not_applicable"] > 5
    assert states["unknown"] > 5
    assert ("/srv/shop/images/a\nb<b>'\"{\\.php") in {subject for subject, *_ in local["web/web_shells"][3]}
    assert {waiver for *_, waiver in local["web/directory_listing"][3]} == {'it\'s "agreed"'}
    assert {waiver for *_, waiver in local["web/world_writable_uploads"][3]} == {None}


def test_score_and_gate_are_those_of_a_run(chain, tmp_path):
    local, fleet = (compared(chain, result) for result in (chain.local, scored(chain, tmp_path / "logs", chain.lines)))
    assert score(fleet) == score(local)
    assert gate(chain.policy.gate, fleet, score(fleet)) == gate(chain.policy.gate, local, score(local))


def test_a_row_a_line_and_another_delimiter_lose_no_finding_and_pass_nothing(chain, tmp_path):
    """With --logger_snapshot_event_type a run without rows logs nothing, so that it is not known."""
    expected = {check.id: verdict(check) for check in compared(chain, scored(chain, tmp_path / "logs", chain.lines))}
    found = {check.id: verdict(check) for check in compared(chain, scored(chain, tmp_path / "events", chain.events))}
    assert {name for name, (state, *_) in found.items() if state == "pass"} == set()
    assert {name: one for name, one in found.items() if one[0] == "fail"} == {
        name: one for name, one in expected.items() if one[0] == "fail"
    }


def test_without_the_extension_what_needs_it_is_unknown(chain, tmp_path):
    result = scored(chain, tmp_path / "logs", chain.bare)
    assert {check.state for check in result.checks if check.id in chain.needing} == {State.UNKNOWN, State.NOT_APPLICABLE}
    assert {check.state for check in result.checks if check.id not in chain.needing} >= {State.PASS, State.FAIL}
