"""What hardaudit says a pool of PHP-FPM runs is what a real php-fpm runs."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from fastcgi import PrivateFpm, ask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardaudit.target.target import Target
from hardaudit_plugins.web.evidence import Evidence
from hardaudit_plugins.web.files import Files
from hardaudit_plugins.web.php.fpm import Fpm, load_place
from hardaudit_plugins.web.php.fpm_places import FpmPlace

pytestmark = pytest.mark.real

CODE = "<?php header('X-Ran: ' . __FILE__ . ':'); echo 'body';"
NAMES = (
    "x.php",
    "x.jpg",
    "x.PHP",
    "x.php.jpg",
    "x.phar",
    "x.phtml",
    "noext",
    ".php",
    "a b.php",
    "a%20b.php",
    "q?.php",
    "sub/x.php",
    "sub/x.jpg",
    "dir.php/index.php",
    "back\\x.php",
    "guarded/x.php",
    "guarded/deep/x.jpg",
)
LINKS = {
    "link.php": "x.jpg",
    "link.jpg": "x.php",
    "nowhere.php": "missing",
    "away.php": "../outside/x.php",
    "loop.php": "loop.php",
    "there": "sub",
}
POOLS = {
    "plain": "",
    "every": "security.limit_extensions =",
    "blank": 'security.limit_extensions = " "',
    "wide": "security.limit_extensions = .php .phtml .jpg",
    "tabs": 'security.limit_extensions = ".php\t.phar  .PHP"',
    "suffix": "security.limit_extensions = hp jpg",
    "longer": "security.limit_extensions = /x.php",
    "strict": "php_admin_value[cgi.fix_pathinfo] = 0",
    "strict_every": "security.limit_extensions =\nphp_admin_flag[cgi.fix_pathinfo] = off",
    "discard": "security.limit_extensions =\nphp_value[cgi.fix_pathinfo] = 0\nphp_value[cgi.discard_path] = 1",
    "first_wins": "security.limit_extensions =\nphp_value[cgi.fix_pathinfo] = 0\nphp_value[cgi.fix_pathinfo] = 1",
    "admin_wins": "security.limit_extensions =\nphp_admin_value[cgi.fix_pathinfo] = 0\nphp_value[cgi.fix_pathinfo] = 1",
    "no_engine": "php_admin_flag[engine] = off\nphp_flag[engine] = off\nphp_admin_value[engine] = 0",
    "based": "php_admin_value[open_basedir] = {root}/www/sub:{root}/outside",
    "based_slash": "php_value[open_basedir] = {root}/www/sub/",
    "based_prefix": "security.limit_extensions =\nphp_value[open_basedir] = {root}/www/x",
    "based_file": "security.limit_extensions =\nphp_value[open_basedir] = {root}/www/x.jpg::{root}/www/link.php",
    "based_link": "php_value[open_basedir] = {root}/www/there",
    "doc_root": "php_admin_value[doc_root] = {root}/www\nsecurity.limit_extensions = .php",
    "doc_root_slash": "php_admin_value[doc_root] = {root}/www/sub/\nsecurity.limit_extensions = .php",
    "pages": "ping.path = /x.php\npm.status_path = /sub/x.php",
    "chrooted": "chroot = {root}/www",
    "chrooted_every": "chroot = {root}/www\nsecurity.limit_extensions =\nchdir = /sub",
    "other_user_ini": "security.limit_extensions =\nphp_admin_value[user_ini.filename] = limits.ini",
    "no_user_ini": "security.limit_extensions =\nphp_admin_value[user_ini.filename] =",
}


class World:
    """A document root, its pools, and hardaudit's view of them."""

    def __init__(self, program: str, root: Path, ini: str) -> None:
        self.root = root
        for name in NAMES:
            for place in (root / "www" / name, root / "outside" / name):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(CODE)
        for name, target in LINKS.items():
            (root / "www" / name).symlink_to(target)
        (root / "www/guarded/.user.ini").write_text(f"open_basedir = {root}/www/sub\n")
        (root / "www/sub/limits.ini").write_text(f"open_basedir = {root}/www/guarded\n")
        (root / "php.ini").write_text(ini.format(root=root))
        (root / "conf.d").mkdir()
        (root / "php-fpm.conf").write_text(f"[global]\nerror_log = {root}/fpm.log\ninclude = {root}/pool.d/*.conf\n")
        (root / "pool.d").mkdir()
        common = "user = root\ngroup = root\nlisten = {root}/$pool.sock\npm = static\npm.max_children = 1\npm.max_requests = 1\n"
        for name, lines in POOLS.items():
            text = f"[{name}]\n{common}{lines}\n".format(root=root)
            (root / "pool.d" / f"{name}.conf").write_text(text)
        self.server = PrivateFpm(program, root)
        self.server.wait_for([root / f"{name}.sock" for name in POOLS])
        self.target = Target.live_host()
        evidence = Evidence(self.target, lambda: None)
        pools, understood = load_place(evidence, FpmPlace(str(root / "php-fpm.conf"), "8.2", str(root), str(root / "conf.d")))
        assert understood
        self.fpm = Fpm(tuple(pools), True, target=self.target)
        self.files = Files(self.target, {})

    def really(self, pool: str, parameters: dict[str, str]) -> tuple[str | None, int]:
        """The path of the file whose code ran, as that PHP has it, and the status; 502 for no answer at all."""
        answer = ask(f"{self.root}/{pool}.sock", parameters)
        _, ran, rest = answer.partition(b"X-Ran: ")
        status = re.match(rb"Status: (\d+)", answer)
        script = rest.partition(b":\r\n")[0].decode() if ran else None
        return script, int(status.group(1)) if status else 200 if answer else 502

    def stop(self) -> None:
        self.server.stop()
        self.target.close()


INIS = {
    "default": "",
    "no_path_info": "cgi.fix_pathinfo = 0\n",
    "sections": "[PATH={root}/www/sub]\nopen_basedir = {root}/outside\n[HOST=shop]\nmemory_limit = 1M\n",
    "doc_root": "doc_root = {root}/www\nopen_basedir = {root}/www:{root}/outside/sub\n",
}


@pytest.fixture(scope="module", params=INIS)
def world(request, tmp_path_factory):
    program = shutil.which("php-fpm8.2", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if os.geteuid() != 0 or program is None:
        reason = "needs root and php-fpm8.2"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}: under CI nothing real may be skipped")
        pytest.skip(reason)
    made = World(program, tmp_path_factory.mktemp("fpm"), INIS[request.param])
    yield made
    made.stop()


paths = st.builds(
    "{}{}{}".format,
    st.sampled_from(("/www/", "/www/", "/www/", "/outside/", "/www//", "/www/./", "/www/sub/../", "/")),
    st.sampled_from((*NAMES, *LINKS, "", "sub", "dir.php", "missing.php", "there/x.php")),
    st.sampled_from(
        (
            "",
            "",
            "",
            "",
            "/",
            "/a.php",
            "/a/b.php",
            "/..",
            "/../x.php",
            "//a.php",
            "/.",
            "/./x.php",
            "\\a.php",
            "%2ephp",
            "?a=b",
            "/x.php?c/d.php",
        )
    ),
)
proxies = st.sampled_from(
    ("", "", "", "proxy:fcgi://localhost", "proxy:fcgi://127.0.0.1:9000", "proxy:balancer://all", "PROXY:fcgi://[::1]:9")
)
urls = st.sampled_from(("/x.php", "/x.jpg/a.php", "/sub/x.php", "/a.php", "", "/sub/x.jpg", "x.php", "/link.php", "/~root/x.php", "/x.jpg"))


@st.composite
def requests(draw):
    """Parameters; `{root}` in a value stands for where the files are, outside of a chroot."""
    given = {"REQUEST_METHOD": draw(st.sampled_from(("GET", "POST", "HEAD", "TRACE")))}
    if draw(st.integers(0, 9)):
        given["SCRIPT_FILENAME"] = draw(proxies) + "{root}" + draw(paths)
    for name, chance, values in (
        ("PATH_TRANSLATED", 2, paths.map("{{root}}{}".format)),
        ("PATH_INFO", 3, st.sampled_from(("/a.php", "/x.jpg/a.php", "", "/a/b.php", "/x.php"))),
        ("SCRIPT_NAME", 6, urls),
        ("REDIRECT_URL", 2, urls),
        ("DOCUMENT_ROOT", 5, st.sampled_from(("{root}/www", "{root}/www/", "{root}/www/sub", "{root}/outside", "/"))),
        ("PHP_VALUE", 1, st.sampled_from(("engine=off", "open_basedir={root}/outside", "memory_limit=64M\nopen_basedir=/", "x y z = = 1"))),
        (
            "PHP_ADMIN_VALUE",
            1,
            st.sampled_from(("engine=off", "open_basedir={root}/www/sub", "disable_functions=echo", "user_ini.filename=limits.ini")),
        ),
    ):
        if draw(st.integers(0, 9)) < chance:
            given[name] = draw(values)
    if not draw(st.integers(0, 30)):
        del given["REQUEST_METHOD"]
    return given


@given(pool=st.sampled_from(sorted(POOLS)), request=requests())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_script_that_is_said_to_run_is_the_one_that_php_fpm_runs(world: World, pool: str, request: dict[str, str]) -> None:
    chroot = f"{world.root}/www" if pool.startswith("chrooted") else ""
    root = str(world.root)
    sent = {
        name: value.replace("{root}/www", "").replace("{root}", root) if chroot else value.replace("{root}", root)
        for name, value in request.items()
    }
    said = world.fpm.answer(f"unix:{root}/{pool}.sock", sent, world.files)
    ran, status = world.really(pool, sent)
    if said.undecided:
        return
    assert said.script == (None if ran is None else chroot + ran), said.reason
    assert ran is not None or said.status == status, said.reason


def test_most_requests_are_decided(world: World) -> None:
    doubts = [
        (pool, name)
        for pool in ("plain", "every", "wide", "strict", "strict_every", "based", "no_engine")
        for name in NAMES
        for sent in [{"REQUEST_METHOD": "GET", "SCRIPT_FILENAME": f"{world.root}/www/{name}"}]
        if world.fpm.answer(f"unix:{world.root}/{pool}.sock", sent, world.files).undecided
    ]
    assert all(name.startswith(("sub/", "guarded/")) for _, name in doubts)  # whose directories have an open_basedir of their own
