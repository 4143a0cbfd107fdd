"""`iptables`: the rules of the legacy IPv4 packet filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardaudit.model.gap import GapReason
from hardaudit.model.table import INTEGER, TEXT, Column, TableSpec
from hardaudit.target.table import Table
from hardaudit_plugins.network import ip_tables, nf_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardaudit.model.table import Row, Value
    from hardaudit.target.table import TableContext
    from hardaudit_plugins.network.ip_tables import Chain, Rule

_NAMES = "/proc/net/ip_tables_names"
_IPV6_AND_ARP = ("ip6", "arp")  # families of nf_tables that no rule of this table could stand for

SPEC = TableSpec(
    name="iptables",
    description=(
        "The rules of the legacy IPv4 packet filter, ip_tables, in the auditor's network namespace: a row for each rule and, after the "
        "rules of a chain, one for the chain, in which the rule's columns are NULL."
    ),
    source="/proc/net/ip_tables_names; getsockopt(2) IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES",
    columns=(
        Column("filter_name", TEXT, "Table: filter, nat, mangle, raw or security"),
        Column("chain", TEXT, "Chain"),
        Column("policy", TEXT, "What becomes of a packet that no rule decided, ACCEPT or DROP; empty for a chain that others jump to"),
        Column("target", TEXT, "What the rule does: ACCEPT, DROP, RETURN, an extension such as LOG, or a chain; empty when it only counts"),
        Column("protocol", INTEGER, "IP protocol, 0 for all"),
        Column("src_port", TEXT, "Source ports, first:last, after ! all others; empty without a tcp or udp match"),
        Column("dst_port", TEXT, "Destination ports, as src_port"),
        Column("src_ip", TEXT, "Source address, after ! all others"),
        Column("src_mask", TEXT, "Mask of the source address"),
        Column("iniface", TEXT, "Interface that packets came in by, after ! all others; `all` for any"),
        Column("iniface_mask", TEXT, "Which bytes of the interface's name count, hexadecimal"),
        Column("dst_ip", TEXT, "Destination address, after ! all others"),
        Column("dst_mask", TEXT, "Mask of the destination address"),
        Column("outiface", TEXT, "Interface that packets go out by, as iniface"),
        Column("outiface_mask", TEXT, "Which bytes of the interface's name count, hexadecimal"),
        Column("match", TEXT, "Always `yes` for a rule, as osquery has it"),
        Column("packets", INTEGER, "Packets that the chain's policy decided; 0 for a chain without one"),
        Column("bytes", INTEGER, "Bytes that the chain's policy decided"),
    ),
    examples=("SELECT chain, policy FROM iptables WHERE filter_name = 'filter' AND target IS NULL",),
    live_only=True,
    osquery=True,
    notes=(
        "Rules of nf_tables, which iptables(8) of Debian makes, are not rows here but a gap. Ports are those of the rule's tcp or udp "
        "match, where osquery takes the first match for one; inverted ports have a !. An inverted protocol is NULL and a gap."
    ),
)


def generate(context: TableContext) -> Iterator[Row]:
    """The rules and chains of each legacy table, and a gap for rules that this table cannot show."""
    for name in _legacy_tables(context):
        try:
            chains = ip_tables.read_table(name)
        except ip_tables.LayoutError as error:
            context.gap(GapReason.UNSUPPORTED, f"ip_tables, table {name}: {error}")
            continue
        except OSError as error:
            context.gap_for(error, f"ip_tables, table {name}")
            continue
        for chain in chains:
            yield from _rows(context, name, chain)
    _gap_for_nf_tables(context)


def _legacy_tables(context: TableContext) -> list[str]:
    """The tables that the kernel has loaded; without the file it has none."""
    text = context.read_text(_NAMES, optional=True) or ""
    return [name for line in text.split("\n") if (name := line.strip())]


def _rows(context: TableContext, table: str, chain: Chain) -> Iterator[Row]:
    row: dict[str, Value] = {
        "filter_name": table,
        "chain": chain.name,
        "policy": chain.policy or "",
        "packets": min(chain.packets, 2**63 - 1),
        "bytes": min(chain.bytes, 2**63 - 1),
    }
    inexpressible = [number for number, rule in enumerate(chain.rules, 1) if rule.inverted & ip_tables.INVERTED_PROTOCOL]
    if inexpressible:
        more = f" and {len(inexpressible) - 1:,} more" if len(inexpressible) > 1 else ""
        place = f"ip_tables, table {table}, chain {chain.name}, rule {inexpressible[0]}{more}"
        context.gap(GapReason.UNSUPPORTED, f"{place}: ! -p has no value in the column protocol")
    for rule in chain.rules:
        context.check_deadline()
        yield {**row, **_columns(rule)}
    yield row


def _columns(rule: Rule) -> dict[str, Value]:
    def inverted(flag: int, text: str) -> str:
        return f"!{text}" if rule.inverted & flag else text

    source = destination = ""
    if rule.ports:
        source = "!" * rule.ports.source_inverted + "{}:{}".format(*rule.ports.source)
        destination = "!" * rule.ports.destination_inverted + "{}:{}".format(*rule.ports.destination)
    return {
        "target": rule.target,
        "protocol": None if rule.inverted & ip_tables.INVERTED_PROTOCOL else rule.protocol,
        "src_port": source,
        "dst_port": destination,
        "src_ip": inverted(ip_tables.INVERTED_SOURCE, rule.source),
        "src_mask": rule.source_mask,
        "iniface": inverted(ip_tables.INVERTED_IN, rule.in_interface) if rule.in_interface else "all",
        "iniface_mask": rule.in_interface_mask,
        "dst_ip": inverted(ip_tables.INVERTED_DESTINATION, rule.destination),
        "dst_mask": rule.destination_mask,
        "outiface": inverted(ip_tables.INVERTED_OUT, rule.out_interface) if rule.out_interface else "all",
        "outiface_mask": rule.out_interface_mask,
        "match": "yes",
    }


def _gap_for_nf_tables(context: TableContext) -> None:
    """A gap where nf_tables holds rules for IPv4, or where that cannot be known."""
    try:
        present = nf_tables.is_present(context.target)
        tables = nf_tables.tables() if present else []
    except OSError as error:
        context.gap_for(error, "nf_tables")
        return
    if present is None:
        context.gap(GapReason.UNDECIDABLE, "nf_tables: whether this kernel has rules of it cannot be told without its /lib/modules")
    unseen = [f"{table.family} {table.name}" for table in tables if table.use and table.family not in _IPV6_AND_ARP]
    if unseen:
        more = f" and {len(unseen) - 5} more" if len(unseen) > 5 else ""
        context.gap(
            GapReason.UNSUPPORTED,
            f"nf_tables holds {', '.join(unseen[:5])}{more}: this table shows legacy rules alone; see `nft list ruleset`",
        )


TABLE = Table(SPEC, generate)
