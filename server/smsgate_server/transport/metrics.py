"""What Prometheus sees of the calls."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "smsgate_calls",
            "Calls by method and code.",
            ("method", "code", "reason"),
            registry=registry,
        )
        self._seconds = Histogram(
            "smsgate_call_seconds",
            "Time to answer a successful unary call.",
            ("method",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._noted = Counter(
            "smsgate_would_be_refused",
            "What policies in monitor mode would have refused, by account and reason.",
            ("account", "reason"),
            registry=registry,
        )
        self.open_streams = Gauge("smsgate_open_streams", "Open streams.", registry=registry)

    def call(self, method: str) -> tuple[Counter, Histogram]:
        """The counter of successful calls of a method, and the time they take."""
        return self._calls.labels(method, "OK", ""), self._seconds.labels(method)

    def refused(self, method: str, code: str, reason: str) -> None:
        self._calls.labels(method, code, reason).inc()

    def noted(self, account: str, reason: str) -> None:
        """Count what a policy in monitor mode would have refused."""
        self._noted.labels(account, reason).inc()
