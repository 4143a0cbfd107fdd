"""ASN.1 in DER, as much of it as private keys need: X.690. Every length is held against what is there."""

from __future__ import annotations

from dataclasses import dataclass

INTEGER, OCTETS, OBJECT, SEQUENCE = 0x02, 0x04, 0x06, 0x30

_LONGEST_LENGTH = 4  # bytes of a length field


class DerError(ValueError):
    """Not DER, or not of the expected type."""


@dataclass(slots=True)
class Reader:
    """Reads values one after the other."""

    content: bytes
    position: int = 0

    def read(self, tag: int) -> bytes:
        """The content of the next value. Raises DerError when it has another tag or reaches beyond the end."""
        found, start, end = self._header()
        if found != tag:
            raise DerError(f"tag {found:#x} where {tag:#x} is expected")
        self.position = end
        return self.content[start:end]

    def read_optional(self, tag: int) -> bytes | None:
        """`read`, or None and nothing read when the next value has another tag or there is none."""
        if self.position >= len(self.content) or self.content[self.position] != tag:
            return None
        return self.read(tag)

    def read_bits(self) -> int:
        """The length in bits of the next INTEGER."""
        return int.from_bytes(self.read(INTEGER), "big").bit_length()

    def _header(self) -> tuple[int, int, int]:
        """Tag, start and end of the next value."""
        if self.position + 2 > len(self.content):
            raise DerError("ends early")
        tag, length = self.content[self.position : self.position + 2]
        start = self.position + 2
        if length & 0x80:
            size = length & 0x7F
            if not 0 < size <= _LONGEST_LENGTH or start + size > len(self.content):
                raise DerError("bad length")
            length = int.from_bytes(self.content[start : start + size], "big")
            start += size
        if start + length > len(self.content):
            raise DerError("ends early")
        return tag, start, start + length


def object_name(content: bytes) -> str:
    """The dotted name of an OBJECT IDENTIFIER's content. Raises DerError for an empty or endless one."""
    if not content or content[-1] & 0x80 or len(content) > 64:
        raise DerError("bad object identifier")
    numbers = [0]
    for byte in content:
        numbers[-1] = numbers[-1] << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(0)
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:-1]]))
