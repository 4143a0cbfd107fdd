"""mod_rewrite's part in a request: which rules hold, and what their outcome means for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardaudit_plugins.web.apache.options import folded_options
from hardaudit_plugins.web.apache.refused import RefusedError
from hardaudit_plugins.web.apache.rewrite import (
    RewriteConfig,
    RewriteSyntaxError,
    directory_config,
    merge_server,
    rewrite_directory,
    rewrite_server,
    rules_from,
)
from hardaudit_plugins.web.apache.urls import Mapped
from hardaudit_plugins.web.apache.walk import is_located
from hardaudit_plugins.web.verdict import Verdict

if TYPE_CHECKING:
    from hardaudit_plugins.web.apache.host_server import HostServer
    from hardaudit_plugins.web.apache.rewrite import RewriteOutcome
    from hardaudit_plugins.web.apache.sections import Layer, Section
    from hardaudit_plugins.web.apache.state import State
    from hardaudit_plugins.web.apache.walk import Walked
    from hardaudit_plugins.web.choices import Choices
    from hardaudit_plugins.web.files import Files


def _has_rules(section: Section) -> bool:
    """Whether a section or one in it has any directive of mod_rewrite."""
    if any(directive.name.startswith("rewrite") for directive in section.layer.directives):
        return True
    return any(map(_has_rules, (*section.files, *section.conditions)))


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Rewrites a request to a host."""

    server: HostServer
    files: Files
    choices: Choices

    def in_server(self, state: State) -> Mapped | Verdict | None:
        """What the host's own rules make of the URL; None when it is to be mapped as it is, or as it is now."""
        outcome = rewrite_server(self.rules(), state.seen, self.files, self.choices, engine=self._located_engine(state.uri))
        self._take(outcome, state)
        if outcome.kind == "uri":
            state.seen = replace(state.seen, uri=outcome.target)
        if outcome.kind in ("unchanged", "uri"):
            return None
        if outcome.kind == "filename":
            return Mapped("file", outcome.target, outcome.place)
        return self._ended(outcome)

    def in_directory(self, state: State, walked: Walked) -> Mapped | Verdict | State | None:
        """What rules in sections and .htaccess files make of it; a state where the request begins anew, None where it goes on."""
        locals_: list[RewriteConfig] = []
        prefix: str | None = None
        for layer in walked.layers:
            if layer.directory is not None:
                local = self._rules(layer)
                locals_.append(local)
                prefix = layer.directory if local.present else prefix
        if prefix is None:
            return None
        config = directory_config(self.rules(), locals_)
        if config.engine and not folded_options(walked.layers) & {"followsymlinks", "symlinksifownermatch"}:
            return Verdict(False, "the server refuses: RewriteRule needs Options FollowSymLinks there", place=None)
        outcome = rewrite_directory(config, prefix, state.seen, self.files, self.choices)
        self._take(outcome, state)
        if outcome.kind == "unchanged":
            return None
        if outcome.kind == "uri":
            return state.redirected(outcome.target, outcome.query, outcome.query_unknown, ended=outcome.end)
        return self._ended(outcome)

    def rules(self) -> RewriteConfig:
        """The host's own rules, with what they inherit. Raises RefusedError where they are not mod_rewrite's language."""
        config = self._rules(self.server.scopes[0].layer)
        for scope in self.server.scopes[1:]:
            sections = (*scope.directories, *scope.locations, *scope.files, *scope.conditions)
            config = merge_server(config, self._rules(scope.layer), in_sections=any(map(_has_rules, sections)))
        return config

    @staticmethod
    def _rules(layer: Layer) -> RewriteConfig:
        try:
            return rules_from(layer.directives)
        except RewriteSyntaxError as error:
            raise RefusedError(f"the server answers 500: {error}", error.place) from error

    def _located_engine(self, uri: str) -> bool | None:
        """RewriteEngine of the Location sections about a URL."""
        engine: bool | None = None
        for scope in self.server.scopes:
            for section in scope.locations:
                for directive in section.layer.directives:
                    if directive.name == "rewriteengine" and is_located(section, uri):
                        engine = directive.arguments.strip().lower() == "on"
        return engine

    @staticmethod
    def _take(outcome: RewriteOutcome, state: State) -> None:
        state.set_variables(dict(outcome.environment))
        if outcome.handler is not None:
            state.forced_handler = (outcome.handler.lower(), outcome.place)
        if outcome.content_type is not None:
            state.forced_type = (outcome.content_type, outcome.place)
        state.seen = replace(
            state.seen, query=outcome.query, query_unknown=outcome.query_unknown, ended=state.seen.ended or outcome.end
        )

    @staticmethod
    def _ended(outcome: RewriteOutcome) -> Mapped | Verdict:
        if outcome.kind == "proxy":
            return Mapped("proxy", outcome.target, outcome.place)
        shown = {"redirect": f"answers {outcome.status}", "forbidden": "answers 403", "gone": "answers 410"}
        return Verdict(False, f"RewriteRule {shown.get(outcome.kind, f'answers {outcome.status}')}", place=outcome.place)
