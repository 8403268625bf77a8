"""The way to a server below gRPC: names, TCP, TLS or none."""

import socket
import ssl
import warnings
from datetime import UTC, datetime
from pathlib import Path

from smsgate_client.cli.doctor.finding import Finding, failed, ok, warning
from smsgate_client.connection import Connection

_SECONDS = 5.0
_DAYS_BEFORE_EXPIRY = 14
# HTTP/2 without TLS: the preface and empty settings; a server answers with settings of its own.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_FRAME_HEAD = 9
_SETTINGS = 4
_TLS_ALERT = 0x15


class Network:
    """Checks of one address. `Connection` says how it is going to be used."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._host, self._port = address_of(connection.target)

    def names(self) -> Finding:
        """What the name resolves to."""
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except OSError as error:
            advice = "check the spelling in --target or SMSGATE_TARGET, and the name server"
            return failed(f"{self._host} cannot be resolved: {error.strerror}", advice)
        addresses = sorted({str(each[4][0]) for each in found})
        return ok(f"{self._host} is {', '.join(addresses)}")

    def tcp(self) -> Finding:
        """Whether anybody listens there."""
        try:
            with self._connected():
                return ok(f"port {self._port} takes connections")
        except OSError as error:
            advice = "is the server running, and does a firewall let you through to this port?"
            why = error.strerror or str(error)
            return failed(f"no connection to {self._host}:{self._port}: {why}", advice)

    def encryption(self) -> Finding:
        """Whether both sides want TLS or both do not, and whether the certificate is good."""
        return self._tls() if self._connection.uses_tls else self._plain()

    def _connected(self) -> socket.socket:
        return socket.create_connection((self._host, self._port), _SECONDS)

    def _plain(self) -> Finding:
        try:
            with self._connected() as plain:
                plain.sendall(_PREFACE)
                answer = plain.recv(_FRAME_HEAD)
        except OSError:
            answer = b""
        if len(answer) > 3 and answer[3] == _SETTINGS:
            return ok("no TLS, as wanted: nobody else should reach this connection")
        if answer[:1] == bytes([_TLS_ALERT]) or not answer:
            advice = "give the certificates to trust with --tls-ca, or name another --target"
            return failed("the server does not speak HTTP/2 without TLS; it may want TLS", advice)
        return failed("what listens there is no gRPC server", "check the port in --target")

    def _tls(self) -> Finding:
        try:
            context = _context(self._connection)
        except (OSError, ssl.SSLError) as error:
            advice = "check the files of --tls-ca, --client-cert and --client-key"
            return failed(f"a certificate or its key cannot be read: {error}", advice)
        try:
            with (
                self._connected() as plain,
                context.wrap_socket(plain, server_hostname=self._host) as wrapped,
            ):
                return self._agreed(wrapped)
        except ssl.SSLCertVerificationError as error:
            return _distrusted(error, self._host)
        except ssl.SSLError as error:
            if "CERTIFICATE_REQUIRED" in str(error):
                return _wants_certificate()
            advice = "use --insecure if it is meant to have no TLS, or name another --target"
            return failed(f"the server does not speak TLS: {error.reason or error}", advice)
        except OSError as error:
            why = error.strerror or "the connection was closed"
            advice = "use --insecure if it is meant to have no TLS"
            return failed(f"the TLS handshake broke off: {why}", advice)

    def _agreed(self, wrapped: ssl.SSLSocket) -> Finding:
        if wrapped.selected_alpn_protocol() != "h2":
            advice = "a proxy may end TLS there; it must pass HTTP/2 on"
            return failed("the server does not offer HTTP/2 over TLS", advice)
        days = _days_left(wrapped.getpeercert())
        says = f"{wrapped.version()}, a trusted certificate for {self._host}, {days} days left"
        if not _goes_on(wrapped):
            return _wants_certificate()
        if days < _DAYS_BEFORE_EXPIRY:
            return warning(says, "have the server's certificate renewed")
        return ok(says)


def address_of(target: str) -> tuple[str, int]:
    """The first host and port that a target names; port 443 if it names none."""
    scheme, _, rest = target.partition(":")
    if scheme in ("dns", "ipv4", "ipv6"):
        target = rest.rsplit("/", 1)[-1]
    first = target.split(",")[0]
    if first.startswith("["):
        host, _, port = first[1:].partition("]")
        return host, int(port.removeprefix(":") or 443)
    host, _, port = first.partition(":")
    return host, int(port or 443)


def _context(connection: Connection) -> ssl.SSLContext:
    context = ssl.create_default_context()
    trusted = connection.tls_ca
    if trusted:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        text = trusted if isinstance(trusted, bytes) else Path(trusted).read_bytes()
        context.load_verify_locations(cadata=text.decode("ascii"))
    if isinstance(connection.tls_certificate, str | Path):
        key = connection.tls_key
        assert isinstance(key, str | Path)
        context.load_cert_chain(connection.tls_certificate, key)
    context.set_alpn_protocols(["h2"])
    return context


def _distrusted(error: ssl.SSLCertVerificationError, host: str) -> Finding:
    why = error.verify_message or str(error)
    if "expired" in why:
        return failed("the server's certificate has expired", "have it renewed")
    if "Hostname mismatch" in why or "IP address mismatch" in why or "not valid for" in why:
        return failed(
            f"the server's certificate is not for {host}",
            "use the name that the certificate has, or have one made for this name",
        )
    return failed(
        f"the server's certificate is signed by nobody that is trusted here: {why}",
        "give its authority with --tls-ca FILE",
    )


def _goes_on(wrapped: ssl.SSLSocket) -> bool:
    """With TLS 1.3 a server refuses who has no certificate only after the handshake."""
    wrapped.settimeout(_SECONDS)
    try:
        wrapped.sendall(_PREFACE)
        return bool(wrapped.recv(1))
    except OSError:
        return False


def _wants_certificate() -> Finding:
    return failed(
        "the server wants a certificate of its callers (mTLS)",
        "give yours with --client-cert FILE and --client-key FILE",
    )


def _days_left(certificate: object) -> int:
    assert isinstance(certificate, dict)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        end = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return int((end - datetime.now(UTC).timestamp()) // 86_400)
