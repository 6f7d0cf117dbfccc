"""An Apache Kafka that demands TLS, users and certificates, each at a port of its own."""

from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
from cryptography.hazmat.primitives import serialization
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialDeletion, UserScramCredentialUpsertion

from agents.brokers import KafkaBroker
from agents.brokers.ports import LOOPBACK, free_port

USER, PASSWORD = "cx", 'pass"word, with =signs and \\slashes'
PLAIN_USER, PLAIN_PASSWORD = "plain", "in-the-clear"
_SCRAM, _PLAIN = (
    f"org.apache.kafka.common.security.{kind}LoginModule required" for kind in ("scram.Scram", "plain.Plain")
)


def _for_java(key: bytes) -> bytes:
    """A private key in PEM as Kafka takes it."""
    opened = serialization.load_pem_private_key(key, None)
    return opened.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class SecureKafka(KafkaBroker):
    """Listens in the clear for the tests' own eyes, and by SASL_SSL, SASL_PLAINTEXT, and SSL with client certificates.

    ``folder`` has what clients need: ``ca.pem``, ``other-ca.pem``, ``client.pem``, ``client.key``. A connection with a
    user must prove it again every ``reauthenticate_ms``, as where a password expires.
    """

    def __init__(self, reauthenticate_ms: int = 0) -> None:
        super().__init__()
        self._folder = TemporaryDirectory(prefix="cxstream-secure-")
        self.folder = Path(self._folder.name)
        self._reauthenticate_ms = reauthenticate_ms
        self.ports = {name: free_port() for name in ("SASL_SSL", "SASL_PLAINTEXT", "SSL", "ELSEWHERE")}
        self._issue()

    def _issue(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.folder / "ca.pem")
        trustme.CA().cert_pem.write_to_path(self.folder / "other-ca.pem")
        client = authority.issue_cert("client.example")
        client.cert_chain_pems[0].write_to_path(self.folder / "client.pem")
        client.private_key_pem.write_to_path(self.folder / "client.key")
        for name, host in (("broker", LOOPBACK), ("elsewhere", "kafka.example")):
            issued = authority.issue_cert(host)
            chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
            (self.folder / f"{name}.pem").write_bytes(_for_java(issued.private_key_pem.bytes()) + chain)

    def at(self, listener: str) -> str:
        """Where a listener is."""
        return f"{LOOPBACK}:{self.ports[listener]}"

    def environment(self, listener: str = "SASL_SSL", **changed: str) -> dict[str, str]:
        """The variables of who may come in there; ``changed`` ones are named without their prefix, in small letters."""
        protocol = "SASL_SSL" if listener == "ELSEWHERE" else listener
        found = {"bootstrap": self.at(listener), "security_protocol": protocol}
        if "SASL" in protocol:
            found |= {"sasl_username": USER, "sasl_password": PASSWORD}
        if "SSL" in protocol:
            found |= {"ssl_ca_file": str(self.folder / "ca.pem")}
        if protocol == "SSL":
            found |= {
                "ssl_certificate_file": str(self.folder / "client.pem"),
                "ssl_key_file": str(self.folder / "client.key"),
            }
        return {f"CXSTREAM_{name.upper()}": value for name, value in (found | changed).items()}

    def set_password(self, password: str | None, user: str = USER) -> None:
        """Give a user a password; none: there is no such user any more."""
        client = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
            change = (
                UserScramCredentialDeletion(user, mechanism)
                if password is None
                else UserScramCredentialUpsertion(user, mechanism, password)
            )
            answers = client.alter_user_scram_credentials([change])
            assert not any(answers.values()), answers
        client.close()

    def start(self) -> None:
        super().start()
        self.set_password(PASSWORD)

    def stop(self) -> None:
        super().stop()
        self._folder.cleanup()

    def _settings(self, home: Path) -> dict[str, str]:
        plain = f'{_PLAIN} username="x" password="x" user_{PLAIN_USER}="{PLAIN_PASSWORD}";'
        found = super()._settings(home)
        listeners = {f"{name}://{self.at(name)}" for name in self.ports}
        found["listeners"] = ",".join([found["listeners"], *sorted(listeners)])
        found["advertised.listeners"] = ",".join([found["advertised.listeners"], *sorted(listeners)])
        found["listener.security.protocol.map"] += ",SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL"
        found["listener.security.protocol.map"] += ",ELSEWHERE:SASL_SSL"
        found["sasl.enabled.mechanisms"] = "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN"
        found["connections.max.reauth.ms"] = str(self._reauthenticate_ms)
        for name in ("sasl_ssl", "sasl_plaintext", "elsewhere"):
            for mechanism in ("scram-sha-512", "scram-sha-256"):
                found[f"listener.name.{name}.{mechanism}.sasl.jaas.config"] = f"{_SCRAM};"
            found[f"listener.name.{name}.plain.sasl.jaas.config"] = plain
        for name, keys in (("sasl_ssl", "broker"), ("ssl", "broker"), ("elsewhere", "elsewhere")):
            found |= {
                f"listener.name.{name}.ssl.keystore.type": "PEM",
                f"listener.name.{name}.ssl.keystore.location": str(self.folder / f"{keys}.pem"),
                f"listener.name.{name}.ssl.truststore.type": "PEM",
                f"listener.name.{name}.ssl.truststore.location": str(self.folder / "ca.pem"),
            }
        return found | {"listener.name.ssl.ssl.client.auth": "required"}
