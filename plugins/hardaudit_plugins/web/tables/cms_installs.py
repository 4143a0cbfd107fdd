"""`cms_installs`: content management systems and shops in docroots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.table import TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.web.cms.installs import installs_of, sites_of
from hardaudit_plugins.web.docroots import docroots_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row
    from hardaudit.target.table import TableContext

SPEC = TableSpec(
    name="cms_installs",
    description=(
        "Installations of WordPress, Drupal, Joomla, Zen Cart, OpenCart, PrestaShop, Magento, phpBB, MediaWiki, Moodle, Laravel and "
        "Symfony in the docroots."
    ),
    source="Each product's own version file, read as text and never run: wp-includes/version.php, core/lib/Drupal.php …",
    columns=(
        Column(
            "product",
            TEXT,
            "wordpress, drupal, joomla, zencart, opencart, prestashop, magento, phpbb, mediawiki, moodle, laravel or symfony",
        ),
        Column("version", TEXT, "Version as the product writes it; NULL where its file does not say, which is a gap too"),
        Column("path", TEXT, "Directory of the installation"),
        Column("site", TEXT, "First name of the site that reaches it"),
    ),
    examples=("SELECT product, version, path FROM cms_installs",),
    notes=(
        "An installation that lies around the docroot, as of Laravel, Symfony and Magento 2, is found in the docroot's parent. Symfony's "
        "files come with other products too: it is told where none of the others is."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """A row for each installation and site."""
    docroots = docroots_of(context)
    if docroots is None:
        return
    for install in installs_of(context, docroots):
        if install.problem is not None:
            context.gap(*install.problem)
        for name in sorted({docroots.sites[site].name for site in sites_of(docroots, install)}):
            yield {"product": install.product.name, "version": install.version, "path": install.directory, "site": name}


TABLE = Table(SPEC, generate)
