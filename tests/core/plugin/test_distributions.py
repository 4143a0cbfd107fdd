"""Plugins as users have them: distributions that pip installs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "fixtures" / "sample_distribution"


def run(*command, **environment):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, env={**os.environ, **environment})


def install(source, target):
    done = run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "--target", target, source)
    assert done.returncode == 0, done.stderr
    return lambda *arguments: run(sys.executable, "-m", "hardaudit", *arguments, PYTHONPATH=str(target))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample distribution, really installed; runs hardaudit where it is."""
    copy = tmp_path_factory.mktemp("source") / "sample"
    subprocess.run(["cp", "-r", SAMPLE, copy], check=True)
    return install(copy, tmp_path_factory.mktemp("installed"))


def test_it_is_listed_with_origin_version_and_digest(sample):
    listed = {entry["name"]: entry for entry in json.loads(sample("list", "plugins", "--format", "json").stdout)}
    assert listed["sample"]["state"] == "in use"
    assert listed["sample"]["distribution"] == "hardaudit-sample 4.2"
    assert listed["sample"]["origin"].endswith("/hardaudit_sample")
    assert len(listed["sample"]["digest"]) == 64
    assert "brings users, which is there already" in listed["sample_broken"]["state"]


def test_its_checks_policy_and_report_format_work_in_a_run(sample, root):
    root.write("/etc/issue", "Debian GNU/Linux 12 \\n \\l\n")
    done = sample("run", "sample", "--root", root.path, "--format", "one-line")
    assert (done.returncode, done.stdout) == (1, "failed 3\n")


def test_the_run_says_which_plugin_was_refused_and_why(sample, root):
    root.write("/etc/issue", "Welcome\n")
    done = sample("run", "sample", "--root", root.path, "--format", "table")
    assert done.returncode == 0
    assert "plugin sample_broken was refused: brings users" in " ".join(done.stdout.split())
    report = json.loads(sample("run", "sample", "--root", root.path, "--format", "json").stdout)
    assert [plugin["name"] for plugin in report["tool"]["plugins"] if plugin["refused"]] == ["sample_broken"]


def test_its_command_works_and_is_in_the_help(sample):
    assert sample("greet").stdout == "hello from the sample\n"
    assert "greet" in sample("--help").stdout


def test_its_examples_pass(sample):
    done = sample("check", "test", SAMPLE / "hardaudit_sample" / "checks")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_plugin_can_be_installed_and_passes_its_own_tests(tmp_path):
    made = run(sys.executable, "-m", "hardaudit", "plugin", "new", "acme_shop", "--into", tmp_path)
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "hardaudit-acme-shop"
    target = tmp_path / "installed"
    install(folder, target)
    done = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder, PYTHONPATH=str(target))
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


@pytest.mark.parametrize("name", ["Upper", "a-b", "../x", "", "1x"])
def test_bad_names_are_refused(tmp_path, name):
    done = run(sys.executable, "-m", "hardaudit", "plugin", "new", name, "--into", tmp_path)
    assert done.returncode == 2
    assert os.listdir(tmp_path) == []


def test_an_existing_folder_is_left_alone(tmp_path):
    (tmp_path / "hardaudit-acme").mkdir()
    done = run(sys.executable, "-m", "hardaudit", "plugin", "new", "acme", "--into", tmp_path)
    assert "exists already" in done.stderr
