from __future__ import annotations

import pytest
from fake_sites import FakeSite, ask, with_accounts

from hardaudit.model.gap import GapReason

SHOP = "/var/www/shop"

# A product's name, the files that a release of it has, and its version: lines as the products themselves write them.
RELEASES = [
    ("wordpress", {"wp-includes/version.php": "<?php\n/**\n * @global string $wp_version\n */\n$wp_version = '6.4.2';\n"}, "6.4.2"),
    ("drupal", {"core/lib/Drupal.php": "<?php\nclass Drupal {\n  const VERSION = '10.1.5';\n"}, "10.1.5"),
    ("drupal", {"includes/bootstrap.inc": "<?php\n// Drupal\ndefine('VERSION', '7.98');\n"}, "7.98"),
    ("drupal", {"modules/system/system.module": "<?php\ndefine('VERSION', '6.38');\n"}, "6.38"),
    ("joomla", {"administrator/manifests/files/joomla.xml": '<extension type="file">\n<version>4.2.3</version>\n'}, "4.2.3"),
    (
        "joomla",
        {
            "libraries/src/Version.php": "<?php\nnamespace Joomla\\CMS;\nfinal class Version\n{\n    public const MAJOR_VERSION = 5;\n"
            "    public const MINOR_VERSION = 0;\n    public const PATCH_VERSION = 1;\n"
        },
        "5.0.1",
    ),
    (
        "joomla",
        {"libraries/cms/version/version.php": "<?php\n// Joomla.Libraries\n\tconst RELEASE = '3.7';\n\tconst DEV_LEVEL = '5';\n"},
        "3.7.5",
    ),
    (
        "zencart",
        {"includes/version.php": "<?php\ndefine('PROJECT_VERSION_MAJOR', '1');\ndefine('PROJECT_VERSION_MINOR', '5.8a');\n"},
        "1.5.8a",
    ),
    (
        "opencart",
        {"index.php": "<?php\n// Version\ndefine('VERSION', '3.0.3.8');\n", "system/startup.php": "", "catalog/x.php": ""},
        "3.0.3.8",
    ),
    ("prestashop", {"config/settings.inc.php": "<?php\ndefine('_PS_VERSION_', '1.6.1.24');\n"}, "1.6.1.24"),
    ("prestashop", {"app/AppKernel.php": "<?php\n// PrestaShop\nclass AppKernel {\n    const VERSION = '1.7.8.7';\n"}, "1.7.8.7"),
    (
        "prestashop",
        {"src/Core/Version.php": "<?php\nnamespace PrestaShop\\PrestaShop\\Core;\n    public const VERSION = '8.1.2';\n"},
        "8.1.2",
    ),
    (
        "magento",
        {"app/Mage.php": "<?php\n'major'     => '1',\n'minor'     => '9',\n'revision'  => '4',\n'patch'     => '5',\n"},
        "1.9.4.5",
    ),
    ("magento", {"composer.json": '{"require": {"magento/product-community-edition": "2.4.6-p3"}}'}, "2.4.6-p3"),
    ("magento", {"composer.json": '{"name": "magento/magento2ce",\n"version": "2.4.5"}'}, "2.4.5"),
    ("phpbb", {"includes/constants.php": "<?php\n@define('PHPBB_VERSION', '3.3.10');\n"}, "3.3.10"),
    ("mediawiki", {"includes/Defines.php": "<?php\ndefine( 'MW_VERSION', '1.39.4' );\n"}, "1.39.4"),
    ("mediawiki", {"includes/DefaultSettings.php": "<?php\n$wgVersion = '1.31.0';\n"}, "1.31.0"),
    (
        "moodle",
        {
            "version.php": "<?php\n// This file is part of Moodle\n$release  = '4.1.2+ (Build: 20230313)'; // Human-friendly\n",
            "lib/moodlelib.php": "",
        },
        "4.1.2+",
    ),
    (
        "laravel",
        {"vendor/laravel/framework/src/Illuminate/Foundation/Application.php": "<?php\n    const VERSION = '10.48.4';\n"},
        "10.48.4",
    ),
    ("symfony", {"vendor/symfony/http-kernel/Kernel.php": "<?php\n    public const VERSION = '6.4.1';\n", "bin/console": ""}, "6.4.1"),
]


@pytest.fixture
def host(root, require_root):
    with_accounts(root)
    root.mkdir("/var/www/shop")
    return root


def install(host, directory, files):
    for name, content in files.items():
        host.write(f"{directory}/{name}", content)


def found(host, *sites):
    answer = ask(host, "SELECT product, version, path, site FROM cms_installs ORDER BY path, product", *(sites or (FakeSite(),)))
    assert answer.gaps == ()
    return list(answer.tuples)


@pytest.mark.parametrize(("product", "files", "version"), RELEASES)
def test_a_release_is_recognised_by_its_own_files(host, product, files, version):
    install(host, SHOP, files)
    assert found(host) == [(product, version, SHOP, "shop.example")]


@pytest.mark.parametrize(("product", "files", "version"), RELEASES)
def test_a_release_is_recognised_anywhere_below_a_docroot(host, product, files, version):
    install(host, f"{SHOP}/old/site", files)
    assert found(host) == [(product, version, f"{SHOP}/old/site", "shop.example")]


@pytest.mark.parametrize(("product", "files", "version"), [release for release in RELEASES if release[0] in ("laravel", "symfony")])
def test_a_framework_is_recognised_around_its_public_directory(host, product, files, version):
    install(host, SHOP, files)
    host.mkdir(f"{SHOP}/public")
    assert found(host, FakeSite(docroot=f"{SHOP}/public")) == [(product, version, SHOP, "shop.example")]


def test_the_parts_of_symfony_in_another_product_are_not_symfony(host):
    for product in ("laravel", "symfony"):
        for name, files, _ in RELEASES:
            if name == product:
                install(host, SHOP, files)
    assert [row[0] for row in found(host)] == ["laravel"]


@pytest.mark.parametrize("name", ["includes/version.php", "version.php", "composer.json", "app/AppKernel.php", "includes/bootstrap.inc"])
def test_a_file_that_only_has_the_name_is_no_product(host, name):
    host.write(f"{SHOP}/{name}", "<?php\n$release = '1';\ndefine('VERSION', '1');\n")
    assert found(host) == []


def test_a_version_that_is_not_found_is_a_gap(host):
    host.write(f"{SHOP}/wp-includes/version.php", "<?php\n")
    answer = ask(host, "SELECT product, version FROM cms_installs", FakeSite())
    assert answer.tuples == (("wordpress", None),)
    assert [(gap.reason, gap.detail) for gap in answer.gaps] == [
        (GapReason.UNSUPPORTED, f"{SHOP}/wp-includes/version.php: the version of wordpress is not found in it")
    ]


def test_a_version_file_too_large_to_be_one_is_a_gap(host):
    host.write(f"{SHOP}/wp-includes/version.php", b" " * 2**21)
    answer = ask(host, "SELECT product, version FROM cms_installs", FakeSite())
    assert [gap.reason for gap in answer.gaps] == [GapReason.TRUNCATED]


def test_each_site_has_a_row(host):
    install(host, SHOP, dict(RELEASES[0][1]))
    rows = found(host, FakeSite(), FakeSite("beta.example"), FakeSite("other.example", "/var/www/other"))
    assert [row[3] for row in rows] == ["beta.example", "shop.example"]


def test_what_a_product_uploads_into_is_listed_existing_or_not(host):
    host.mkdir(f"{SHOP}/images", 0o755, 33, 33)
    install(host, SHOP, next(files for name, files, _ in RELEASES if name == "zencart"))
    answer = ask(host, "SELECT path, origin, writable_by, mode FROM upload_directories", FakeSite())
    assert sorted(answer.tuples) == [
        (f"{SHOP}/cache", "cms:zencart", None, None),
        (f"{SHOP}/download", "cms:zencart", None, None),
        (f"{SHOP}/images", "cms:zencart", "www-data", "0755"),
        (f"{SHOP}/images/uploads", "cms:zencart", None, None),
        (f"{SHOP}/media", "cms:zencart", None, None),
        (f"{SHOP}/pub", "cms:zencart", None, None),
    ]


def test_each_of_drupals_sites_has_its_files(host):
    install(host, SHOP, next(files for name, files, _ in RELEASES if name == "drupal"))
    host.mkdir(f"{SHOP}/sites")
    for name in ("a", "b"):
        host.mkdir(f"{SHOP}/sites/{name}")
    host.mkdir(f"{SHOP}/sites/b/files")
    host.mkdir(f"{SHOP}/sites/b/files/files")
    answer = ask(host, "SELECT path FROM upload_directories ORDER BY path", FakeSite())
    assert answer.tuples == ((f"{SHOP}/sites/b/files",), (f"{SHOP}/sites/default/files",))


def test_laravels_storage_is_listed_as_its_site_reaches_it(host):
    install(host, SHOP, next(files for name, files, _ in RELEASES if name == "laravel"))
    host.mkdir(f"{SHOP}/public")
    host.mkdir(f"{SHOP}/storage")
    host.mkdir(f"{SHOP}/storage/app")
    host.mkdir(f"{SHOP}/storage/app/public", 0o777)
    host.symlink(f"{SHOP}/public/storage", "../storage/app/public")
    answer = ask(host, "SELECT path, origin, mode FROM upload_directories ORDER BY path", FakeSite(docroot=f"{SHOP}/public"))
    assert answer.tuples == ((f"{SHOP}/public/storage", "cms:laravel", "0777"), (f"{SHOP}/public/uploads", "cms:laravel", None))


def test_moodles_data_inside_a_docroot_is_listed(host):
    install(host, SHOP, next(files for name, files, _ in RELEASES if name == "moodle"))
    host.write(f"{SHOP}/config.php", f"<?php\n$CFG->dataroot  = '{SHOP}/moodledata';\n")
    answer = ask(host, "SELECT path, origin FROM upload_directories", FakeSite())
    assert answer.tuples == ((f"{SHOP}/moodledata", "cms:moodle"),)


def test_moodles_data_outside_of_docroots_is_not(host):
    install(host, SHOP, next(files for name, files, _ in RELEASES if name == "moodle"))
    host.write(f"{SHOP}/config.php", "<?php\n$CFG->dataroot  = '/srv/moodledata';\n")
    assert ask(host, "SELECT path FROM upload_directories", FakeSite()).tuples == ()
