"""`user_ssh_keys`: keys that ssh-keygen and openssl make, and files that only look like keys."""

import contextlib
import os
import subprocess
import time

import pytest

from hardaudit_plugins.accounts.private_key import PrivateKeyError, parse

UNKNOWN = ("", "", -1, -1)
SSH_KEYGEN = {
    "rsa_pem": (("-t", "rsa", "-b", "2048", "-m", "PEM"), "", (0, "rsa", "", 2048, 112)),
    "rsa_pem_locked": (("-t", "rsa", "-b", "2048", "-m", "PEM"), "secret", (1, *UNKNOWN)),
    "rsa_pkcs8": (("-t", "rsa", "-b", "3072", "-m", "PKCS8"), "", (0, "rsa", "", 3072, 128)),
    "rsa_pkcs8_locked": (("-t", "rsa", "-b", "1024", "-m", "PKCS8"), "secret", (1, *UNKNOWN)),
    "rsa_openssh": (("-t", "rsa", "-b", "2048"), "", (0, "rsa", "", 2048, 112)),
    "rsa_openssh_locked": (("-t", "rsa", "-b", "2048"), "secret", (1, "rsa", "", 2048, 112)),
    "ed25519": (("-t", "ed25519"), "", (0, "ed25519", "", 256, 128)),
    "ed25519_locked": (("-t", "ed25519"), "secret", (1, "ed25519", "", 256, 128)),
    "ecdsa_openssh": (("-t", "ecdsa", "-b", "384"), "", (0, "ecdsa-p384", "", 384, 192)),
    "ecdsa_pem": (("-t", "ecdsa", "-b", "256", "-m", "PEM"), "", (0, "ec", "prime256v1", 256, 128)),
    "ecdsa_pkcs8": (("-t", "ecdsa", "-b", "521", "-m", "PKCS8"), "", (0, "ec", "secp521r1", 521, 256)),
    "ecdsa_pem_locked": (("-t", "ecdsa", "-m", "PEM"), "secret", (1, *UNKNOWN)),
}
OPENSSL = {
    "ed25519_pkcs8": (("genpkey", "-algorithm", "ed25519"), (0, "ed25519", "", 256, 128)),
    "x25519_pkcs8": (("genpkey", "-algorithm", "x25519"), (0, "x25519", "", 253, 128)),
    "ec_after_parameters": (("ecparam", "-name", "secp384r1", "-genkey"), (0, "ec", "secp384r1", 384, 192)),
}
ENCRYPTED = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAkwBQYDVQQDBAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"
KEYS = "SELECT path, encrypted, key_type, key_group_name, key_length, key_security_bits FROM user_ssh_keys"


@pytest.fixture
def alice(root):
    root.write("/etc/passwd", "alice:x:1000:1000::/home/alice:/bin/bash\n")
    root.mkdir("/home/alice/.ssh")
    return root


def shown(answer):
    return {row["path"].rpartition("/")[2]: tuple(row.values())[1:] for row in answer.rows}


@pytest.mark.real
def test_keys_of_every_kind(query, alice, require_tool):
    place = alice.directory / "home/alice/.ssh"
    for name, (options, passphrase, _) in SSH_KEYGEN.items():
        subprocess.run([require_tool("ssh-keygen"), "-q", *options, "-N", passphrase, "-f", str(place / name)], check=True)
    for name, (options, _) in OPENSSL.items():
        subprocess.run([require_tool("openssl"), *options, "-out", str(place / name)], check=True, capture_output=True)
    expected = {name: case[-1] for name, case in (SSH_KEYGEN | OPENSSL).items()}
    answer = query(KEYS, alice)
    assert shown(answer) == expected
    assert answer.gaps == ()


@pytest.mark.real
@pytest.mark.parametrize("ending", ["\r\n", "\n\n"])
def test_line_endings(query, alice, require_tool, ending):
    place = alice.directory / "home/alice/.ssh/key"
    for options in (("-t", "ed25519"), ("-t", "rsa", "-b", "1024", "-m", "PEM")):
        place.unlink(missing_ok=True)
        subprocess.run([require_tool("ssh-keygen"), "-q", *options, "-N", "", "-f", str(place)], check=True)
        place.write_bytes(place.read_bytes().replace(b"\n", ending.encode(), 1))
        (row,) = query(KEYS, alice).rows
        assert row["encrypted"] == 0


def test_what_is_no_private_key(query, alice):
    alice.write("/home/alice/.ssh/id_ed25519.pub", "ssh-ed25519 AAAA alice\n")
    alice.write("/home/alice/.ssh/notes", "my PRIVATE KEY is elsewhere\n")
    alice.write("/home/alice/.ssh/certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    alice.mkdir("/home/alice/.ssh/keys")
    os.mkfifo(alice.directory / "home/alice/.ssh/fifo")
    alice.symlink("/home/alice/.ssh/nowhere", "/gone")
    answer = query(KEYS, alice)
    assert answer.rows == []
    assert answer.gaps == ()


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nnonsense\n-----END RSA PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n",
        "-----BEGIN PRIVATE KEY-----\nMAMCAQA=\n-----END PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nMIT/////AA==\n-----END EC PRIVATE KEY-----\n",
        "-----BEGIN NEW PRIVATE KEY-----\nAAAA\n-----END NEW PRIVATE KEY-----\n",
        "text first\n-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    ],
)
def test_what_claims_to_be_one_is_a_gap(query, alice, text):
    alice.write("/home/alice/.ssh/id", text)
    answer = query(KEYS, alice)
    assert answer.rows == []
    assert [gap.reason.value for gap in answer.gaps] == ["unsupported"]
    assert answer.gaps[0].detail.startswith("/home/alice/.ssh/id: ")


@pytest.mark.parametrize("body", ["", "AAAA", "b3BlbnNzaC1rZXktdjEA", "b3BlbnNzaC1rZXktdjEA/////w==", "%%%"])
def test_an_openssh_key_that_cannot_be_read_is_a_row_as_in_osquery_and_a_gap(query, alice, body):
    alice.write("/home/alice/.ssh/id", f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n")
    answer = query(KEYS, alice)
    assert shown(answer) == {"id": (1, *UNKNOWN)}
    assert [gap.reason.value for gap in answer.gaps] == ["undecidable"]


def test_an_openssh_key_without_encryption_that_is_cut_off(query, alice):
    alice.write(
        "/home/alice/.ssh/id", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----\n"
    )
    answer = query(KEYS, alice)
    assert shown(answer) == {"id": (0, *UNKNOWN)}
    assert len(answer.gaps) == 1


def dsa_with(headers, body="AAAA"):
    return f"-----BEGIN DSA PRIVATE KEY-----\n{headers}\n\n{body}\n-----END DSA PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "text",
    [
        dsa_with("Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,0123456789ABCDEF"),
        dsa_with("Proc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-256-CBC,0123456789abcdef0123456789ABCDEF\r"),
        ENCRYPTED,
    ],
)
def test_encrypted_pem_is_a_row_when_its_envelope_is_whole(query, alice, text):
    """So does OpenSSL, which osquery asks: it wants the passphrase before it looks at what is encrypted."""
    alice.write("/home/alice/.ssh/id", text)
    assert shown(query(KEYS, alice)) == {"id": (1, *UNKNOWN)}


@pytest.mark.parametrize(
    "text",
    [
        dsa_with("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF"),
        dsa_with("Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,00"),
        dsa_with("Proc-Type: 4,ENCRYPTED"),
        dsa_with("Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,0123456789ABCDEF", "(removed)"),
        dsa_with("Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,0123456789ABCDEF", ""),
        ENCRYPTED.partition("-----END")[0],
        ENCRYPTED.replace("MAk", "MAo"),
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIFHDBOBgkqhkiG9w0BBQ0w...\n-----END ENCRYPTED PRIVATE KEY-----\n",
    ],
)
def test_encrypted_pem_that_is_not_whole_is_a_gap_and_no_key(query, alice, text):
    alice.write("/home/alice/.ssh/id", text)
    answer = query(KEYS, alice)
    assert answer.rows == []
    assert [gap.reason.value for gap in answer.gaps] == ["unsupported"]


@pytest.mark.parametrize(
    ("body", "encrypted"),
    [
        ("b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", 0),
        ("b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW", 0),
        ("b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ...", 0),
        ("b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABA", 1),
    ],
)
def test_an_openssh_key_that_is_cut_short_says_whether_it_is_encrypted(query, alice, body, encrypted):
    alice.write("/home/alice/.ssh/id", f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n")
    answer = query(KEYS, alice)
    assert shown(answer) == {"id": (encrypted, *UNKNOWN)}
    assert [gap.reason.value for gap in answer.gaps] == ["undecidable"]


def test_the_path_is_where_links_lead(query, alice):
    alice.write("/srv/keys/id", ENCRYPTED)
    (alice.directory / "home/alice/.ssh").rmdir()
    alice.symlink("/home/alice/.ssh", "../../srv/keys")
    assert [row["path"] for row in query(KEYS, alice).rows] == ["/srv/keys/id"]
    assert len(query(KEYS + " WHERE path = '/srv/keys/id' AND uid = 1000", alice).rows) == 1


def test_a_file_too_large_to_be_looked_into_is_a_gap(query, alice):
    with alice.write("/home/alice/.ssh/huge").open("r+b") as file:
        file.truncate(2**30)
    assert [gap.reason.value for gap in query(KEYS, alice).gaps] == ["truncated"]


@pytest.mark.parametrize("piece", [b"-----BEGIN RSA PRIVATE KEY-----\n", b"-----BEGIN RSA PRIVATE KEY-----\nA:\n", b"-----BEGIN -----x"])
def test_a_file_of_nothing_but_beginnings_takes_no_longer_than_its_length(piece):
    content = piece * 100_000
    started = time.monotonic()
    with contextlib.suppress(PrivateKeyError):
        assert parse(content) is None
    assert time.monotonic() - started < 10
