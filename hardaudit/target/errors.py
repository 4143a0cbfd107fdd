"""How a target says that a file cannot be read; all are OSErrors, so a generator handles them beside the kernel's own."""

from __future__ import annotations

import errno

from hardaudit.model.gap import GapReason


class NotRegularFileError(OSError):
    """The path is a directory, FIFO, socket or device where a regular file is read; it was not opened."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EINVAL, "not a regular file", path)


class ReadLimitError(OSError):
    """The file or directory is larger than the reader allows; nothing of it is used."""

    def __init__(self, path: str, limit: int, unit: str = "bytes") -> None:
        super().__init__(errno.EFBIG, f"larger than the limit of {limit:,} {unit}", path)


def gap_reason(error: OSError) -> GapReason:
    """The gap that an error of the target stands for."""
    if isinstance(error, ReadLimitError):
        return GapReason.TRUNCATED
    if isinstance(error, PermissionError):
        return GapReason.PERMISSION_DENIED
    if isinstance(error, (FileNotFoundError, NotADirectoryError, ProcessLookupError)):
        return GapReason.MISSING_SOURCE
    return GapReason.UNSUPPORTED
