"""What the checks ask about a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardaudit_plugins.web.apache.host_server import HostServer
    from hardaudit_plugins.web.site import Mapping, Setting


def settings_of(server: HostServer, directories: Sequence[Mapping]) -> Iterator[Setting]:
    """TODO."""
    del server, directories
    yield from ()
