"""Registration, the watch on osqueryd, and the end."""

from __future__ import annotations

import os
import socket
import stat
import threading
import time

import pytest
from fake_osquery import FakeOsquery, extension_client, manager_client
from osquery.extensions.ttypes import InternalExtensionInfo
from served_tables import table_of, until

from hardaudit import __version__
from hardaudit.extension.errors import ExtensionError
from hardaudit.extension.serve import serve
from hardaudit.model.table import INTEGER, Column

COLUMNS = (Column("n", INTEGER, "number", index=True),)
ONE = table_of("one", COLUMNS, [{"n": 1}])
USERS = table_of("users", COLUMNS, [{"n": 1}])


def test_what_osqueryd_lacks_is_registered_and_taken_back_at_the_end(osquery, served, folder):
    running = served(ONE, USERS)
    ((uuid, info),) = osquery.extensions.items()
    assert (info.name, info.version) == ("hardaudit", __version__)
    assert sorted(osquery.registry[uuid]) == ["hardaudit_gaps", "one"]
    assert "2 tables are served" in running.lines[0]
    assert sorted(os.listdir(folder)) == ["em", f"em.{uuid}"]
    assert stat.S_IMODE((folder / f"em.{uuid}").stat().st_mode) == 0o700
    assert running.end().error is None
    assert osquery.deregistered == [uuid]
    assert os.listdir(folder) == ["em"]


def test_pings_are_answered_while_a_table_is_slow(osquery, served):
    going = threading.Event()

    def slow(_context):
        going.wait(10)
        yield {"n": 1}

    served(table_of("slow", COLUMNS, slow))
    answers = []
    asking = threading.Thread(target=lambda: answers.extend(osquery.query("SELECT * FROM slow")))
    asking.start()
    before = len(osquery.pings)
    until(lambda: len(osquery.pings) > before + 4)
    assert all(osquery.pings)
    assert osquery.query("SELECT * FROM hardaudit_gaps") == []
    going.set()
    asking.join(10)
    assert answers == [{"n": 1}]


def test_several_calls_at_once(osquery, served):
    served(ONE)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(osquery.query("SELECT n FROM one"))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [[{"n": 1}]] * 10


def test_it_ends_when_osqueryd_asks_it_to(osquery, served, folder):
    running = served(ONE, interval=60)
    osquery.stop()
    running.ended()
    assert running.error is None
    assert running.lines[-1] == "ended"
    assert os.listdir(folder) == []


def test_it_ends_when_osqueryd_is_gone(osquery, served, folder):
    running = served(ONE)
    osquery.stop(shutdown_call=False)
    running.ended()
    assert running.error is None
    assert "ended, since no osqueryd answers at" in running.lines[-1]
    assert os.listdir(folder) == []


def test_it_ends_when_osqueryd_does_not_know_it_any_more(osquery, served):
    running = served(ONE)
    osquery.forget()
    assert "does not know the extension any more" in running.ended().lines[-1]


def test_it_ends_when_another_osqueryd_took_the_socket(osquery, served, folder):
    running = served(ONE)
    uuid = next(iter(osquery.extensions))
    osquery.stop(shutdown_call=False)
    with FakeOsquery(str(folder / "em")) as other:
        other.extensions[uuid] = InternalExtensionInfo(name="hardaudit")
        running.ended()
    assert running.lines[-1].startswith("ended, since")


def test_an_osqueryd_that_hangs_is_not_waited_for_long(folder, monkeypatch):
    monkeypatch.setattr("hardaudit.extension.manager.Manager.__init__.__kwdefaults__", {"seconds": 0.3})
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(folder / "em"))
        deaf.listen()
        started = time.monotonic()
        with pytest.raises(ExtensionError, match="does not answer"):
            serve(str(folder / "em"), {}, threading.Event(), print, timeout=0, interval=1)
        assert time.monotonic() - started < 3


def test_it_waits_for_an_osqueryd_that_is_starting(folder, served):
    def start():
        time.sleep(0.15)
        made.append(FakeOsquery(str(folder / "em")))

    made = []
    thread = threading.Thread(target=start)
    thread.start()
    running = served(ONE)
    thread.join()
    assert running.error is None
    running.end()
    made[0].stop()


@pytest.mark.parametrize("what", ["nothing", "a file"])
def test_no_osqueryd(folder, served, what):
    if what == "a file":
        (folder / "em").write_text("")
    error = served(ONE).error
    assert isinstance(error, ExtensionError)
    assert str(error).startswith(f"no osqueryd answers at {folder}/em: ")


def test_a_refusal_is_told(osquery, served, folder):
    osquery.refuse = "Incompatible extension SDK version"
    assert str(served(ONE).error).endswith("refuses the tables: Incompatible extension SDK version")
    assert os.listdir(folder) == ["em"]


def test_a_table_that_another_extension_took_meanwhile_is_named(osquery, served):
    def register(info, registry, official=osquery.register):
        osquery.own["one"] = [{"id": "column", "name": "x", "type": "TEXT", "op": "0"}]
        return official(info, registry)

    osquery.register = register
    assert "Duplicate registry item exists: one; it has one by now: start again" in str(served(ONE).error)


def test_a_second_one_is_refused_and_the_first_goes_on(osquery, served):
    served(ONE)
    assert "served already" in str(served(ONE).error)
    assert osquery.query("SELECT n FROM one") == [{"n": 1}]


def test_what_a_killed_one_left_is_put_away(osquery, served, folder):
    with manager_client(osquery.path) as client:
        left = client.registerExtension(InternalExtensionInfo(name="hardaudit"), {"table": {"one": []}}).uuid
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(f"{osquery.path}.{left}")
    osquery.next_uuid = left  # and its number is given anew
    running = served(ONE)
    assert running.error is None
    assert osquery.deregistered == [left]
    assert osquery.query("SELECT n FROM one") == [{"n": 1}]


def test_a_table_of_the_extension_s_own_name(osquery, served):
    assert "hardaudit_gaps already" in str(served(table_of("hardaudit_gaps", COLUMNS, [])).error)


def test_a_path_without_room_for_the_extension_s_socket(served, monkeypatch, folder):
    monkeypatch.chdir(folder)
    with pytest.raises(ExtensionError, match="path is too long"):
        serve("x" * 103, {}, threading.Event(), print, timeout=0, interval=1)


@pytest.mark.usefixtures("require_root")
def test_root_serves_no_socket_that_others_could_replace(osquery, served, folder):
    folder.chmod(0o777)
    assert "everyone may write it" in str(served(ONE).error)
    assert osquery.extensions == {}


@pytest.mark.usefixtures("require_root")
def test_other_users_are_not_let_in(osquery, served, folder):
    served(ONE)
    path = f"{osquery.path}.{next(iter(osquery.extensions))}"
    folder.chmod(0o755)
    os.chmod(path, 0o777)
    child = os.fork()
    if child == 0:
        try:
            os.setuid(65534)
            with extension_client(path, 5.0) as client:
                client.ping()
        except Exception:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert osquery.query("SELECT n FROM one") == [{"n": 1}]
