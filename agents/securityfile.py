"""What the settings say of how brokers are spoken to."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from yaml.nodes import Node, ScalarNode

from agents.security import MECHANISMS, PROTOCOLS, Security, SecurityError
from stream.mapping.nodes import Mistakes, choice, is_null, text, truth

Parse = Callable[[Node, str, Mistakes], Any]
Where = Callable[[str], str]
"""The place of a setting, such as ``cxstream.yaml:3: `` or ``CXSTREAM_SSL_CA_FILE: ``."""
_SASL = ("sasl_mechanism", "sasl_username", "sasl_password", "sasl_password_file")
_SSL = ("ssl_ca_file", "ssl_certificate_file", "ssl_key_file", "ssl_key_password", "ssl_key_password_file")


def _protocol(node: Node, what: str, mistakes: Mistakes) -> str:
    return choice(node, what, mistakes, PROTOCOLS)


def filled(node: Node, what: str, mistakes: Mistakes) -> str:
    """A text that can name a file, a host or a user: not empty, which would mean another, and all of it printable."""
    if isinstance(node, ScalarNode) and not is_null(node) and not node.value.strip():
        mistakes.add(node, f"{what} must not be empty")
        return ""
    written = text(node, what, mistakes)
    if written.isprintable():
        return written
    mistakes.add(node, f"{what} has a character that cannot be printed: {written!a}")
    return ""


def _mechanism(node: Node, what: str, mistakes: Mistakes) -> str:
    return choice(node, what, mistakes, MECHANISMS)


KEYS: dict[str, tuple[str, Parse]] = {
    "security_protocol": ("security_protocol", _protocol),
    "sasl_mechanism": ("sasl_mechanism", _mechanism),
    "sasl_username": ("sasl_username", filled),
    "sasl_password_file": ("sasl_password_file", filled),
    "ssl_ca_file": ("ssl_ca_file", filled),
    "ssl_certificate_file": ("ssl_certificate_file", filled),
    "ssl_key_file": ("ssl_key_file", filled),
    "ssl_key_password_file": ("ssl_key_password_file", filled),
    "ssl_check_hostname": ("ssl_check_hostname", truth),
}
SECRETS: dict[str, tuple[str, Parse]] = {
    "sasl_password": ("sasl_password", text),
    "ssl_key_password": ("ssl_key_password", text),
}
"""In the environment only: the file has names of files instead."""


def taken(values: dict[str, Any]) -> dict[str, Any]:
    """What is said of security, taken out of what was said of all."""
    return {name: values.pop(name) for name in (*KEYS, *SECRETS) if name in values}


def security(
    file: Mapping[str, Any], environment: Mapping[str, Any], folder: Path, where: Where, problems: list[str]
) -> Security:
    """What file and environment say together. Paths in the file begin in ``folder``; ``problems`` gets all mistakes."""
    given = {name: folder / value if name.endswith("_file") and value else value for name, value in file.items()}
    for secret in SECRETS:
        if secret in environment:
            given.pop(f"{secret}_file", None)
    given |= environment
    complaints = [*_of_files(given), *_of_doubles(environment)]
    found = Security(
        given.get("security_protocol", PROTOCOLS[0]),
        given.get("sasl_mechanism", MECHANISMS[0]),
        given.get("sasl_username", ""),
        _secret("sasl_password", given, complaints),
        _path("ssl_ca_file", given),
        _path("ssl_certificate_file", given),
        _path("ssl_key_file", given),
        _secret("ssl_key_password", given, complaints),
        given.get("ssl_check_hostname", True),
    )
    complaints += _unfit(found, given)
    if not complaints and not problems:
        try:
            found.context()
        except SecurityError as error:
            complaints.append((error.setting, str(error)))
    problems += [f"{where(name)}{complaint}" for name, complaint in complaints]
    return found


Complaint = tuple[str, str]
"""A setting, and what is wrong with it."""


def _path(name: str, given: Mapping[str, Any]) -> Path | None:
    return Path(given[name]) if name in given else None


def _of_files(given: Mapping[str, Any]) -> Iterator[Complaint]:
    for name in (name for name in given if name.endswith("_file") and given[name]):  # an empty one is said already
        try:
            Path(given[name]).read_bytes()
        except OSError as error:
            yield name, f"`{name}`: {given[name]} cannot be read: {error.strerror}"


def _of_doubles(environment: Mapping[str, Any]) -> Iterator[Complaint]:
    for secret in SECRETS:
        if secret in environment and f"{secret}_file" in environment:
            yield secret, f"`{secret}`: its variable ending in _FILE is there too: leave one out"


def _secret(name: str, given: Mapping[str, Any], complaints: list[Complaint]) -> str:
    """The value, or what its file has but for the end of the line."""
    file = f"{name}_file"
    if name in given or not given.get(file):
        return str(given.get(name, ""))
    try:
        secret = Path(given[file]).read_text().removesuffix("\n").removesuffix("\r")
    except OSError:
        return ""  # said already
    except UnicodeDecodeError:
        secret = ""
    if not secret.isprintable() or not secret:
        complaints.append((file, f"`{file}`: {given[file]} must have one line of text, and nothing else"))
    return secret


def _unfit(found: Security, given: Mapping[str, Any]) -> Iterator[Complaint]:
    if not found.has_user:
        yield from _idle(_SASL, given, found.protocol, "SASL_SSL")
    elif "sasl_username" not in given:
        yield "security_protocol", f"`security_protocol` {found.protocol} needs `sasl_username`"
    if found.has_user and not {"sasl_password", "sasl_password_file"} & given.keys():
        told = f"`security_protocol` {found.protocol} needs `sasl_password_file`, or CXSTREAM_SASL_PASSWORD"
        yield "security_protocol", told
    if not found.is_encrypted:
        yield from _idle(_SSL, given, found.protocol, "SSL or SASL_SSL")
    elif found.key_file is not None and found.certificate_file is None:
        yield "ssl_key_file", "`ssl_key_file` needs `ssl_certificate_file`: a key proves nothing without it"


def _idle(names: Iterable[str], given: Mapping[str, Any], protocol: str, instead: str) -> Iterator[Complaint]:
    """Settings that would count for nothing: whoever made them believes that they do."""
    for name in (name for name in names if name in given):
        yield name, f"`{name}` counts for nothing with the `security_protocol` {protocol}: make that {instead}"
