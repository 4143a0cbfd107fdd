"""mod_rewrite's configuration of a server or a directory, and how sections and hosts inherit it.

Source: the configuration half of modules/mappers/mod_rewrite.c, httpd 2.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.rewrite_syntax import RewriteSyntaxError, condition_of, rule_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hardaudit_plugins.web.apache.rewrite_syntax import Condition, Line, Rule

_OPTIONS = frozenset(
    {"inherit", "inheritbefore", "inheritdown", "inheritdownbefore", "ignoreinherit", "allownoslash", "allowanyuri", "mergebase"}
    | {"ignorecontextinfo", "legacyprefixdocroot", "longurloptimization"}
)


@dataclass(frozen=True, slots=True)
class RewriteConfig:
    """What mod_rewrite has for a server or a directory. `engine` is None where nothing says; it is off then.

    `present`: whether any of its directives is there. `base`: RewriteBase, `base_is_set`: what MergeBase goes by. `maps`: RewriteMap, name
    to its source (`txt:/etc/map`). `pending`: conditions after the last rule, which have no effect.
    """

    engine: bool | None = None
    options: frozenset[str] | None = None
    base: str | None = None
    rules: tuple[Rule, ...] = ()
    pending: tuple[Condition, ...] = ()
    maps: Mapping[str, str] = field(default_factory=dict)
    present: bool = False
    base_is_set: bool = False

    def has_option(self, name: str) -> bool:
        """Whether RewriteOptions has it; `name` in lower case."""
        return self.options is not None and name in self.options


def rules_from(directives: Sequence[Line]) -> RewriteConfig:
    """The configuration of one section or of what is outside of sections. Other directives are passed over. Raises RewriteSyntaxError."""
    config = RewriteConfig()
    rules: list[Rule] = []
    pending: list[Condition] = []
    for line in directives:
        if line.name == "rewritecond":
            pending.append(condition_of(line))
        elif line.name == "rewriterule":
            rules.append(rule_of(line, tuple(pending)))
            pending = []
        elif line.name in ("rewriteengine", "rewriteoptions", "rewritebase", "rewritemap"):
            config = _set(config, line)
        else:
            continue
        config = replace(config, present=True)
    return replace(config, rules=tuple(rules), pending=tuple(pending))


def merge_server(base: RewriteConfig, local: RewriteConfig, *, in_sections: bool = False) -> RewriteConfig:
    """A virtual host's configuration from the main server's and its own. `in_sections`: whether sections in it have any of its directives.

    Without any directive in it the host applies no rules, inherited or not, but the engine's state holds for its directories.
    """
    merged = _merged(base, local)
    if not local.present and not in_sections:
        return replace(merged, rules=(), pending=(), maps=base.maps)
    return merged


def directory_config(server: RewriteConfig, locals_: Sequence[RewriteConfig]) -> RewriteConfig:
    """The configuration of a directory: of its sections and .htaccess files in their order, then merged onto the server's (`merge_server`).

    The order of merging counts: options of the server do not reach from one section to the next. Of the server its state, options and maps
    hold, none of its rules.
    """
    server = replace(server, rules=(), pending=(), base=None, base_is_set=False)
    merged: RewriteConfig | None = None
    for local in locals_:
        if local.present:
            merged = local if merged is None else _merged_directory(merged, local)
    return server if merged is None else replace(_merged_directory(server, merged), maps=server.maps)


def _merged_directory(base: RewriteConfig, local: RewriteConfig) -> RewriteConfig:
    """config_perdir_merge(), which forgets that RewriteBase was set where the option MergeBase is not."""
    merged = _merged(base, local)
    if not merged.has_option("mergebase"):
        return replace(merged, base=local.base, base_is_set=False)
    return replace(merged, base=local.base if local.base_is_set else base.base, base_is_set=local.base_is_set or base.base_is_set)


def _merged(base: RewriteConfig, local: RewriteConfig) -> RewriteConfig:
    options = base.options if local.options is None else local.options
    merged = RewriteConfig(
        base.engine if local.engine is None else local.engine, options, local.base, present=base.present or local.present
    )
    ignored = merged.has_option("ignoreinherit")
    if merged.has_option("inherit") or (base.has_option("inheritdown") and not ignored):
        return _joined(merged, local, base, {**base.maps, **local.maps})
    if merged.has_option("inheritbefore") or (base.has_option("inheritdownbefore") and not ignored):
        return _joined(merged, base, local, {**local.maps, **base.maps})
    return replace(merged, rules=local.rules, pending=local.pending, maps=local.maps)


def _joined(merged: RewriteConfig, first: RewriteConfig, second: RewriteConfig, maps: Mapping[str, str]) -> RewriteConfig:
    return replace(merged, rules=first.rules + second.rules, pending=first.pending + second.pending, maps=maps)


def _set(config: RewriteConfig, line: Line) -> RewriteConfig:
    words = line.words()
    if line.name == "rewriteengine":
        if len(words) != 1 or words[0].lower() not in ("on", "off"):
            raise RewriteSyntaxError(line.place, "RewriteEngine must be On or Off")
        return replace(config, engine=words[0].lower() == "on")
    if line.name == "rewriteoptions":
        options = {word.lower() for word in words if not word.lower().startswith("maxredirects=")}
        if options - _OPTIONS or not words:
            raise RewriteSyntaxError(line.place, f"RewriteOptions: unknown option {sorted(options - _OPTIONS)}")
        return replace(config, options=(config.options or frozenset()) | options)
    if line.name == "rewritebase":
        if len(words) != 1 or not words[0].startswith("/"):
            raise RewriteSyntaxError(line.place, "RewriteBase: argument is not a valid URL")
        return replace(config, base=words[0], base_is_set=True)
    if len(words) not in (2, 3):
        raise RewriteSyntaxError(line.place, "RewriteMap takes a name and a source")
    return replace(config, maps={**config.maps, words[0]: words[1]})
