"""Write docs/reference/ from what the installed hardaudit says of itself; with --check, say what is stale instead.

usage: python docs/generate.py [--check]
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click

from hardaudit.audit.registry import Registry
from hardaudit.cli.main import COMMANDS, cli

DOCS = Path(__file__).parent
REFERENCE = DOCS / "reference"
NOTE = "<!-- Made by docs/generate.py; do not edit. -->\n\n"
LINK = re.compile(r"\]\(([\w./-]+)(?:#[^)]*)?\)")  # a regular expression in SQL may look like a link too


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def sql(text: str) -> str:
    return f"```sql\n{text.strip()}\n```\n"


def table_page(spec) -> str:
    facts = ["osquery's table: same name, columns and types" if spec.osquery else "a table of hardaudit's own"]
    if spec.live_only:
        facts.append("live hosts only")
    if spec.required:
        facts.append(f"a query must constrain {' or '.join(f'`{name}`' for name in spec.required)}")
    lines = [f"# {spec.name}\n", spec.description, "", f"Source: {spec.source}", "", f"*{'; '.join(facts)}*", ""]
    if spec.notes:
        lines += [spec.notes, ""]
    lines += ["| column | type | | meaning |", "|---|---|---|---|"]
    for column in spec.columns:
        flags = [flag for flag in ("required", "index", "additional", "hidden") if getattr(column, flag)]
        lines.append(f"| {column.name} | {column.type.value} | {', '.join(flags)} | {cell(column.description)} |")
    lines += ["", "## Examples", ""]
    return "\n".join(lines) + "\n" + "\n".join(sql(example) for example in spec.examples)


def check_page(check) -> str:
    lines = [f"# {check.id}\n", f"**{check.title}** ({check.severity.value})", "", check.rationale.strip(), ""]
    if check.references:
        lines += ["References: " + "; ".join(f"{name} {', '.join(entries)}" for name, entries in check.references.items()), ""]
    if check.params:
        lines += ["| parameter | type | default | meaning |", "|---|---|---|---|"]
        for param in check.params.values():
            kind, default = param.schema.get("type", "any"), cell(json.dumps(param.default))
            lines.append(f"| {param.name} | {kind} | `{default}` | {cell(param.description)} |")
        lines.append("")
    if check.applies:
        lines += ["## Applies when this returns a row", "", sql(check.applies)]
    lines += ["## Each row of this is a finding", "", sql(check.query), f"Message: `{check.finding}`", ""]
    lines += ["## Fix", "", check.remediation.strip(), ""]
    return "\n".join(lines)


def policy_page(policy) -> str:
    gate = policy.gate
    lines = [f"# {policy.name}\n", policy.description, ""]
    lines += [f"Gate: fails on a finding of severity {gate.fail_on.value} or above"]
    lines[-1] += f" or a score under {gate.min_score:g}; incomplete under {gate.min_coverage:g} % coverage."
    lines.append("")
    lines += ["| check | severity | parameters that the policy sets |", "|---|---|---|"]
    for name, selection in sorted(policy.checks.items()):
        domain, _, leaf = name.partition("/")
        defaults = REGISTRY.checks[name].defaults
        changed = {key: value for key, value in selection.params.items() if value != defaults[key]}
        state = selection.severity.value if selection.enabled else f"disabled: {selection.reason}"
        shown = f"`{cell(json.dumps(changed))}`" if changed else ""
        lines.append(f"| [{name}](../checks/{domain}/{leaf}.md) | {state} | {shown} |")
    return "\n".join(lines) + "\n"


def command_help(command: click.Command, name: str, parent: click.Context | None = None) -> str:
    context = click.Context(command, info_name=name, parent=parent, max_content_width=110, terminal_width=110)
    text = f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group) and parent is not None:
        text += "\n" + "\n".join(command_help(command.commands[child], child, context) for child in sorted(command.commands))
    return text


def commands_page() -> str:
    context = click.Context(cli, info_name="hardaudit")
    pages = [command_help(cli, "hardaudit")]
    pages += [command_help(cli.get_command(context, name), name, context) for name in COMMANDS]
    return "# Commands\n\n" + "\n".join(pages)


DIFFERENCES = """# Differences from osquery

A table that osquery has too has the same name, columns and types here, and its rows are compared with those of a real osquery: with rows
that were recorded (`tests/conformance`), and on the machine itself where an osqueryd is installed
(`tests/real/test_real_osquery.py`). Where they are meant to differ, the reason is here.

Everywhere: what cannot be read is a gap, where osquery leaves the row out or the value empty; NULL is NULL, where osquery has an empty
text; a query without a required column is an error, where osquery warns and returns nothing; text that is no UTF-8 keeps its bytes
([decision 3](../decisions/0003-host-text.md)). With `--source osquery` the rows are osquery's own, and hardaudit's own reading beside them
tells the gaps ([decision 11](../decisions/0011-osquery.md)).

| table | what is different, and why |
|---|---|
"""


def differences_page(specs) -> str:
    rows = [f"| [{spec.name}](tables/{spec.name}.md) | {cell(spec.notes)} |" for spec in specs if spec.osquery and spec.notes]
    same = ", ".join(f"[{spec.name}](tables/{spec.name}.md)" for spec in specs if spec.osquery and not spec.notes)
    return DIFFERENCES + "\n".join(rows) + f"\n\nNo difference beyond those is meant in {same}.\n"


EXIT_STATUS = """# Exit status

| status | meaning |
|---|---|
| 0 | the gate passed (`run`); the command did what it was asked |
| 1 | the gate failed (`run`, or that of a host in `fleet score`); an example differed (`check test`) |
| 2 | the command line, a policy, a check file or a query is wrong, or a report could not be written; nothing was decided |
| 3 | incomplete: coverage is under the gate's minimum, or a host was not heard from; something could not be read (`--strict`) or exported |
| 130 | interrupted |

An error is one line (a policy's faults are one line each) on standard error and says what to do. A traceback is a defect: please report it.
"""


def index_page(title: str, entries: list[tuple[str, str, str]]) -> str:
    lines = [f"# {title}\n", "| name | |", "|---|---|"]
    lines += [f"| [{name}]({link}) | {cell(text)} |" for name, link, text in entries]
    return "\n".join(lines) + "\n"


REGISTRY = Registry()


def pages() -> dict[str, str]:
    REGISTRY.collect_all()
    if REGISTRY.manager.refusals:
        sys.exit(f"refused plugins: {REGISTRY.manager.refusals}")
    specs = [table.spec for table in REGISTRY.tables.values()]
    policies = [REGISTRY.load_policy(name) for name in REGISTRY.policies]
    made = {f"tables/{spec.name}.md": table_page(spec) for spec in specs}
    made |= {f"checks/{check.id}.md": check_page(check) for check in REGISTRY.checks.values()}
    made |= {f"policies/{policy.name}.md": policy_page(policy) for policy in policies}
    made["tables/README.md"] = index_page("Tables", [(spec.name, f"{spec.name}.md", spec.description) for spec in specs])
    made["checks/README.md"] = index_page(
        "Checks", [(check.id, f"{check.id}.md", f"{check.title} ({check.severity.value})") for check in REGISTRY.checks.values()]
    )
    made["policies/README.md"] = index_page("Policies", [(policy.name, f"{policy.name}.md", policy.description) for policy in policies])
    made["commands.md"] = commands_page()
    made["exit-status.md"] = EXIT_STATUS
    made["osquery-differences.md"] = differences_page(specs)
    return {name: NOTE + re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).rstrip() + "\n" for name, text in made.items()}


def stale(wanted: dict[str, str]) -> list[str]:
    there = {str(path.relative_to(REFERENCE)): path.read_text() for path in REFERENCE.rglob("*.md")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def dead_links() -> list[str]:
    return [
        f"{path.relative_to(DOCS.parent)}: {target}"
        for path in [*DOCS.rglob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CHANGELOG.md"]
        for target in LINK.findall(path.read_text())
        if "://" not in target and not (path.parent / target).exists()
    ]


def main() -> int:
    wanted = pages()
    if "--check" in sys.argv[1:]:
        problems = [f"stale: docs/reference/{name}; run python docs/generate.py" for name in stale(wanted)]
        problems += [f"dead link: {link}" for link in dead_links()]
        print("\n".join(problems) or f"{len(wanted)} reference pages are fresh, every link leads somewhere")
        return 1 if problems else 0
    for name in stale(wanted):
        if name in wanted:
            (REFERENCE / name).parent.mkdir(parents=True, exist_ok=True)
            (REFERENCE / name).write_text(wanted[name])
        else:
            (REFERENCE / name).unlink()
    print(f"{len(wanted)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
