"""The content management systems and shops that are recognised, by the files that their own releases have."""

from __future__ import annotations

import re

from hardaudit_plugins.web.cms.product import Marker, Product, assigned, constant, defined

_JOOMLA_MANIFEST = re.compile(r"<version>\s{0,40}([^<\n]{1,60}?)\s{0,40}</version>")
_MAGENTO_1 = tuple(re.compile(rf"'{part}'\s{{0,40}}=>\s{{0,40}}'([0-9]{{1,9}})'") for part in ("major", "minor", "revision", "patch"))
_MAGENTO_2 = re.compile(r'"magento/product-(?:community|enterprise)-edition"\s{0,40}:\s{0,40}"[^0-9"\n]{0,9}([^"\n]{1,60})"')
_MAGENTO_2_SOURCE = re.compile(r'"version"\s{0,40}:\s{0,40}"([^"\n]{1,60})"')
_MOODLE_RELEASE = re.compile(r"""^[ \t]{0,40}\$release[ \t]{0,40}=\s{0,40}['"]([^'" \n]{1,60})""", re.MULTILINE)
_PRESTASHOP = re.compile(r"prestashop", re.IGNORECASE)

PRODUCTS = (
    Product("wordpress", (Marker("wp-includes/version.php", (assigned("wp_version"),)),), ("wp-content/uploads",)),
    Product(
        "drupal",
        (
            Marker("core/lib/Drupal.php", (constant("VERSION"),)),
            Marker("includes/bootstrap.inc", (defined("VERSION"),), proof=re.compile("Drupal")),
            Marker("modules/system/system.module", (defined("VERSION"),), proof=defined("VERSION")),
        ),
        ("sites/default/files", "sites/*/files"),
    ),
    Product(
        "joomla",
        (
            Marker("administrator/manifests/files/joomla.xml", (_JOOMLA_MANIFEST,)),
            Marker(
                "libraries/src/Version.php",
                (constant("MAJOR_VERSION"), constant("MINOR_VERSION"), constant("PATCH_VERSION")),
                proof=re.compile("Joomla"),
            ),
            Marker("libraries/cms/version/version.php", (constant("RELEASE"), constant("DEV_LEVEL")), proof=re.compile("Joomla")),
        ),
        ("images", "media", "tmp"),
    ),
    Product(
        "zencart",
        (
            Marker(
                "includes/version.php",
                (defined("PROJECT_VERSION_MAJOR"), defined("PROJECT_VERSION_MINOR")),
                proof=re.compile("PROJECT_VERSION_MAJOR"),
            ),
        ),
        ("images", "images/uploads", "cache", "download", "media", "pub"),
    ),
    Product(
        "opencart",
        (Marker("system/startup.php", (defined("VERSION"),), read="index.php", proof=defined("VERSION"), beside=("catalog",)),),
        ("image", "image/cache", "image/catalog", "system/storage/upload", "system/storage/download", "download"),
    ),
    Product(
        "prestashop",
        (
            Marker("src/Core/Version.php", (constant("VERSION"),), proof=_PRESTASHOP),
            Marker("app/AppKernel.php", (constant("VERSION"),), proof=_PRESTASHOP),
            Marker("config/settings.inc.php", (defined("_PS_VERSION_"),), proof=defined("_PS_VERSION_")),
            Marker("config/autoload.php", (defined("_PS_VERSION_"),), proof=defined("_PS_VERSION_")),
        ),
        ("img", "upload", "download"),
    ),
    Product(
        "magento",
        (
            Marker("composer.json", (_MAGENTO_2,), proof=_MAGENTO_2),
            Marker("composer.json", (_MAGENTO_2_SOURCE,), proof=re.compile(r'"magento/magento2[ce]e"')),
        ),
        ("pub/media", "var"),
        above_docroot=True,
    ),
    Product("magento", (Marker("app/Mage.php", _MAGENTO_1),), ("media", "var")),
    Product(
        "phpbb",
        (Marker("includes/constants.php", (defined("PHPBB_VERSION"),), proof=re.compile("PHPBB_VERSION")),),
        ("files", "images/avatars/upload", "store", "cache"),
    ),
    Product(
        "mediawiki",
        (
            Marker("includes/Defines.php", (defined("MW_VERSION"),), proof=defined("MW_VERSION")),
            Marker("includes/DefaultSettings.php", (assigned("wgVersion"),), proof=assigned("wgVersion")),
        ),
        ("images",),
    ),
    Product("moodle", (Marker("version.php", (_MOODLE_RELEASE,), proof=re.compile("MOODLE|Moodle"), beside=("lib/moodlelib.php",)),), ()),
    Product(
        "laravel",
        (Marker("vendor/laravel/framework/src/Illuminate/Foundation/Application.php", (constant("VERSION"),)),),
        ("public/storage", "public/uploads", "storage/app/public"),
        above_docroot=True,
    ),
    Product(
        "symfony",
        (Marker("vendor/symfony/http-kernel/Kernel.php", (constant("VERSION"),), beside=("symfony.lock", "bin/console", "app/console")),),
        ("public/uploads", "web/uploads"),
        above_docroot=True,
        library=True,
    ),
)
