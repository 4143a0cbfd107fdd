from __future__ import annotations

import pytest

from hardaudit.target.target import Target
from hardaudit_plugins.web.files import Files

IMAGES = "/var/www/shop/images"


@pytest.fixture
def overlaid(root):
    """A shop whose images lie behind a link, with x.php and sub/y.php uploaded into them."""
    root.write("/var/www/shop/index.html", "hello")
    root.mkdir("/srv/uploads")
    root.symlink(IMAGES, "../../../srv/uploads")
    root.symlink("/var/www/out", "/../../../etc")
    with Target.directory(root.path) as target:
        yield Files(target, {"/srv/uploads/x.php": "<?php", "/srv/uploads/sub/y.php": "<?php"})


@pytest.mark.parametrize("path", ["/srv/uploads/x.php", f"{IMAGES}/x.php", f"{IMAGES}/sub/y.php", f"{IMAGES}/./sub/../x.php"])
def test_an_uploaded_file_is_there_by_every_path_that_leads_to_it(overlaid, path):
    assert overlaid.is_file(path)
    assert overlaid.exists(path)
    assert overlaid.uploaded(path) == "<?php"
    assert overlaid.read_text(path) == "<?php"


@pytest.mark.parametrize("path", [IMAGES, f"{IMAGES}/sub", "/srv/uploads/sub/", "/var/www", "/"])
def test_directories_are_there_those_of_the_upload_too(overlaid, path):
    assert overlaid.is_directory(path)
    assert not overlaid.is_file(path)


@pytest.mark.parametrize("path", [f"{IMAGES}/none", f"{IMAGES}/x.php/", f"{IMAGES}/x.php/a", "/srv/uploads/sub/none"])
def test_what_was_not_uploaded_is_not_there(overlaid, path):
    assert not overlaid.is_file(path)
    assert overlaid.uploaded(path) is None or path.endswith("/")


def test_a_link_out_of_the_root_stays_inside(overlaid):
    assert overlaid.real("/var/www/out/hostname") == "/etc/hostname"
    assert overlaid.read_text("/var/www/out/hostname") == "fixture\n"


def test_what_does_not_exist_keeps_its_names(overlaid):
    assert overlaid.real("/var/www/shop/images/new/deep/x.php") == "/srv/uploads/new/deep/x.php"
