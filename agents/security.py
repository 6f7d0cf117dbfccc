"""How the brokers are spoken to: in the clear or by TLS, and as whom."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from stream.errors import CxstreamError

PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL = PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


class SecurityError(CxstreamError):
    """A certificate or a key that cannot be used. ``setting`` is which of the settings names it."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"`{setting}`: {message}")
        self.setting = setting


@dataclass(frozen=True, slots=True)
class Security:
    """Protocol, user and certificates, by Kafka's own names.

    Passwords are never shown: neither by ``repr`` nor in an error. ``ca_file`` is whom to trust (None: whom this
    machine trusts); ``certificate_file`` and ``key_file`` are our own, where brokers ask for them; all in PEM.
    """

    protocol: str = PLAINTEXT
    mechanism: str = MECHANISMS[0]
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: str = field(default="", repr=False)
    check_hostname: bool = True

    @property
    def is_encrypted(self) -> bool:
        """Is TLS spoken?"""
        return self.protocol in (SSL, SASL_SSL)

    @property
    def has_user(self) -> bool:
        """Does a client say who it is, and prove it by a password?"""
        return self.protocol in (SASL_PLAINTEXT, SASL_SSL)

    def context(self) -> ssl.SSLContext | None:
        """What TLS is spoken by; None where it is not. The chain is always checked, the name unless told otherwise.

        Raises:
            SecurityError: a file cannot be read, or is not what it should be.
        """
        if not self.is_encrypted:
            return None
        context = _trusting(self.ca_file)
        context.check_hostname = self.check_hostname
        if self.certificate_file is not None:
            _identify(context, self.certificate_file, self.key_file, self.key_password)
        return context


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise SecurityError("ssl_ca_file", f"{ca_file} has no certificates in PEM") from None
    except OSError as error:
        raise SecurityError("ssl_ca_file", f"{ca_file} cannot be read: {error.strerror}") from None


def _identify(context: ssl.SSLContext, certificate: Path, key: Path | None, password: str) -> None:
    try:
        # Without a password of ours, OpenSSL would ask for one at the terminal.
        context.load_cert_chain(certificate, key, password=lambda: password)
    except ssl.SSLError as error:
        why = f" ({error.reason.lower().replace('_', ' ')})" if error.reason else ""
        raise SecurityError(
            "ssl_certificate_file",
            f"{certificate} and the key in {key or certificate} are no pair in PEM that opens{why}: "
            "look at `ssl_key_password_file` too",
        ) from None
    except OSError as error:
        raise SecurityError("ssl_certificate_file", f"{certificate} or its key: {error.strerror}") from None
