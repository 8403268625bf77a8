"""What Prometheus sees of webhooks."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from smsgate_server.domain.webhooks import Outcome, Verdict, WebhookState

_SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class WebhookMetrics:
    """The Witness port."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "smsgate_webhook_requests",
            "Requests to webhooks by what came of them.",
            ("result",),
            registry=registry,
        )
        self._given_up = Counter(
            "smsgate_webhook_failed_deliveries",
            "Events that were given up.",
            registry=registry,
        )
        self._seconds = Histogram(
            "smsgate_webhook_request_seconds",
            "Time to the end of a request to a webhook.",
            buckets=_SECONDS,
            registry=registry,
        )

    def requested(self, outcome: Outcome) -> None:
        taken = outcome.verdict is Verdict.DELIVERED
        result = "taken" if taken else "refused" if outcome.status else "no_answer"
        self._requests.labels(result).inc()
        self._seconds.observe(outcome.duration.total_seconds())

    def given_up(self) -> None:
        self._given_up.inc()


@dataclass(frozen=True, slots=True)
class WebhookReading:
    """How one webhook does. `lag` is how many entries of the log it has still to look at."""

    state: WebhookState
    lag: int
    retrying: int


class WebhookGauges(Collector):
    """Read whenever they are asked for. Sums and the worst: webhooks are the callers', and many."""

    def __init__(self, readings: Callable[[], Sequence[WebhookReading]]) -> None:
        self._readings = readings

    def collect(self) -> Iterable[Metric]:
        readings = self._readings()
        count = GaugeMetricFamily("smsgate_webhooks", "Webhooks by state.", None, ("state",))
        tally = Tally(reading.state for reading in readings)
        for state in WebhookState:
            count.add_metric((state.name,), tally[state])
        yield count
        running = [r for r in readings if r.state in (WebhookState.ACTIVE, WebhookState.FAILING)]
        yield GaugeMetricFamily(
            "smsgate_webhook_retrying",
            "Events that are being repeated, or wait behind one of their message.",
            sum(reading.retrying for reading in running),
        )
        yield GaugeMetricFamily(
            "smsgate_webhook_lag",
            "Entries of the log that the webhook furthest behind has still to look at.",
            max((reading.lag for reading in running), default=0),
        )
