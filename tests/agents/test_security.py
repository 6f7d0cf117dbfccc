"""How brokers are spoken to: what fits together, what does not, and that no password is ever shown."""

import ssl
from pathlib import Path

import pytest
import trustme

from agents.settings import load
from stream.errors import ConfigError


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA, a certificate, its key, and a password."""
    folder = tmp_path_factory.mktemp("security")
    authority = trustme.CA()
    issued = authority.issue_cert("client.example")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "client.pem")
    issued.private_key_pem.write_to_path(folder / "client.key")
    (folder / "password").write_text("tell-nobody\n")
    (folder / "lines").write_text("two\nlines\n")
    return folder


def test_a_file_of_settings_names_those_with_secrets_and_they_lie_beside_it(files: Path) -> None:
    (files / "cxstream.yaml").write_text(
        "security_protocol: SASL_SSL\nsasl_username: cx\nsasl_password_file: password\nssl_ca_file: ca.pem\n"
        "ssl_certificate_file: client.pem\nssl_key_file: client.key\n"
    )
    settings = load(files / "cxstream.yaml", {})
    for arguments in (settings.cluster.for_aiokafka(), settings.cluster.for_kafka_python()):
        context = arguments["ssl_context"]
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname
        assert arguments["sasl_plain_password"] == "tell-nobody"
        assert arguments["sasl_mechanism"] == "SCRAM-SHA-512"
    assert "tell-nobody" not in repr(settings)
    assert "tell-nobody" not in repr(settings.cluster)


def test_the_environment_has_the_password_or_names_its_file(files: Path) -> None:
    (files / "cxstream.yaml").write_text("sasl_password_file: lines\n")
    sasl = {"CXSTREAM_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "CXSTREAM_SASL_USERNAME": "cx"}
    for own in ({"SASL_PASSWORD": "tell-nobody"}, {"SASL_PASSWORD_FILE": str(files / "password")}):
        environment = sasl | {f"CXSTREAM_{name}": value for name, value in own.items()}
        assert load(files / "cxstream.yaml", environment).security.password == "tell-nobody"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("security_protocol: TLS", ["choose from"]),
        ("security_protocol: SASL_SSL", ["needs `sasl_username`", "needs `sasl_password_file`, or CXSTREAM_SASL"]),
        ("{sasl_username: cx, ssl_ca_file: ca.pem}", ["make that SASL_SSL", "make that SSL or SASL_SSL"]),
        ("{security_protocol: SSL, sasl_mechanism: PLAIN}", ["`sasl_mechanism` counts for nothing"]),
        (
            "{security_protocol: SASL_SSL, sasl_username: cx, sasl_password: secret}",
            ["did you mean `sasl_password_file`?", "needs `sasl_password_file`"],
        ),
        ("{security_protocol: SASL_SSL, sasl_username: cx, sasl_password_file: lines}", ["one line of text"]),
        ("{security_protocol: SSL, ssl_ca_file: none.pem}", ["none.pem cannot be read: No such file"]),
        ("{security_protocol: SSL, ssl_ca_file: password}", ["password has no certificates in PEM"]),
        ("{security_protocol: SSL, ssl_key_file: client.key}", ["needs `ssl_certificate_file`"]),
        ("{security_protocol: SSL, ssl_certificate_file: client.pem}", ["are no pair in PEM that opens"]),
        ("{security_protocol: SSL, ssl_check_hostname: maybe}", ["cannot be `maybe`"]),
    ],
)
def test_what_does_not_fit_together_is_named_with_its_line(files: Path, given: str, words: list[str]) -> None:
    (files / "cxstream.yaml").write_text(given)
    with pytest.raises(ConfigError) as error:
        load(files / "cxstream.yaml", {})
    assert len(error.value.problems) == len(words)
    for problem, word in zip(error.value.problems, words, strict=True):
        assert problem.startswith(f"{files}/cxstream.yaml:1: ")
        assert word in problem


def test_a_secret_in_two_places_is_a_mistake(files: Path) -> None:
    environment = {
        "CXSTREAM_SECURITY_PROTOCOL": "SASL_SSL",
        "CXSTREAM_SASL_USERNAME": "cx",
        "CXSTREAM_SASL_PASSWORD": "tell-nobody",
        "CXSTREAM_SASL_PASSWORD_FILE": str(files / "password"),
    }
    with pytest.raises(ConfigError) as error:
        load(environment=environment)
    (problem,) = error.value.problems
    assert problem.startswith("CXSTREAM_SASL_PASSWORD: ")
    assert "tell-nobody" not in problem
