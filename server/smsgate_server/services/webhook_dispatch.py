"""All webhooks at work: a courier for each that is enabled, and one ledger written for all."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from smsgate_server.domain.errors import SmsgateError
from smsgate_server.domain.message import StatusEvent
from smsgate_server.domain.webhooks import Webhook, WebhookState
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.ports import Clock, Store
from smsgate_server.services.ports.webhooks import (
    Compose,
    KnownWebhook,
    Parked,
    Postman,
    Witness,
)
from smsgate_server.services.webhook_bookkeeper import Bookkeeper
from smsgate_server.services.webhook_courier import Courier
from smsgate_server.services.webhook_ledger import Ledger
from smsgate_server.services.webhook_office import CourierSettings, Office
from smsgate_server.services.webhook_tail import LogReader, Tail

_log = logging.getLogger(__name__)

_TROUBLE_SECONDS = 1.0
_STOP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class DispatchSettings:
    """`concurrency` is how many requests are made at once, of all webhooks."""

    couriers: CourierSettings
    concurrency: int = 256


class Dispatch:
    """Between `start` and `stop` it sends, and then writes down what happened. Of several servers
    on one store one sends at a time; the others only know the webhooks, from `load`.

    Who changes a webhook holds `changing` from reading it to having said so here.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        cursors: Cursors,
        postman: Postman,
        compose: Compose,
        fraction: Callable[[], float],
        witness: Witness,
        settings: DispatchSettings,
    ) -> None:
        self._store = store
        self._clock = clock
        self._tail = Tail(0)
        self._ledger = Ledger()
        self._books = Bookkeeper(store, clock, self._ledger, self._note)
        self._office = Office(
            log=LogReader(store.read_log, self._tail, lambda: store.bounds),
            ledger=self._ledger,
            load=self._books.parked,
            read_body=store.parked_body,
            postman=postman,
            compose=compose,
            cursors=cursors,
            clock=clock,
            fraction=fraction,
            witness=witness,
            room=asyncio.Semaphore(settings.concurrency),
            settings=settings.couriers,
        )
        self.changing = asyncio.Lock()
        self.sends = False
        self._known: dict[str, KnownWebhook] = {}
        self._couriers: dict[str, Courier] = {}
        self._by_account: defaultdict[str, set[Courier]] = defaultdict(set)
        self._ending: set[asyncio.Task[None]] = set()
        self._beginning: asyncio.Task[None] | None = None
        store.listen(self._committed)

    async def load(self) -> None:
        """Take up what another server changed."""
        async with self.changing:
            # What is known here and not written down must not be taken back.
            await self._books.flush()
            found = {known.webhook.key: known for known in await self._store.webhooks()}
            for key in self._known.keys() - found.keys():
                await self.remove(key)
            for key, known in found.items():
                if key in self._couriers:
                    await self._adopt(known.webhook)
                else:
                    self.add(known)

    async def _adopt(self, webhook: Webhook) -> None:
        """What another server made of a webhook that is at work here."""
        key = webhook.key
        present = self.look(key).webhook
        if webhook == present:
            return
        endpoint = (webhook.url, webhook.headers, webhook.enabled)
        hurry = endpoint != (present.url, present.headers, present.enabled)
        await self.change(webhook, hurry)
        if webhook.replays != present.replays:
            self.restart_at(key, webhook.replay_position)
        if webhook.revivals != present.revivals and key in self._couriers:
            self._couriers[key].revive(await self._books.parked(key))

    async def start(self) -> None:
        self.sends = True
        self._beginning = asyncio.create_task(self._take_over())
        self._books.start()

    async def _take_over(self) -> None:
        """Begin with every webhook, as the server that sent before has left it."""
        while True:
            try:
                return await self.load()
            except SmsgateError as error:
                _log.error("cannot read the webhooks: %s", error)
                await asyncio.sleep(_TROUBLE_SECONDS)

    async def stop(self) -> None:
        """Requests under way get a moment; then everything is written down."""
        if self._beginning is not None:
            self._beginning.cancel()
            await asyncio.wait([self._beginning])
        await self._books.stop()
        if self._ending:
            await asyncio.wait(self._ending)
        async with self.changing:
            couriers = list(self._couriers.values())
            await asyncio.gather(*(courier.stop(_STOP_SECONDS) for courier in couriers))
            for key in list(self._couriers):
                await self._end(key)
            self.sends = False
        with suppress(SmsgateError):
            await self.flush()

    def _committed(self, events: Sequence[StatusEvent]) -> None:
        """Called after every commit: without webhooks it must cost nothing."""
        if not self._couriers:
            return
        self._tail.append(events)
        for account in {event.message.account for event in events} & self._by_account.keys():
            for courier in self._by_account[account]:
                courier.wake()

    # Which webhooks there are

    def known(self) -> list[KnownWebhook]:
        """All of them, as they do now."""
        return [self.look(key) for key in self._known]

    def of_account(self, account: str) -> list[Webhook]:
        return [k.webhook for k in self._known.values() if k.webhook.account == account]

    def look(self, key: str) -> KnownWebhook:
        courier = self._couriers.get(key)
        if courier is None:
            return self._known[key]
        return KnownWebhook(courier.webhook, courier.cursor, courier.health)

    def has(self, key: str) -> bool:
        return key in self._known

    def courier(self, key: str) -> Courier | None:
        return self._couriers.get(key)

    def add(self, known: KnownWebhook) -> None:
        """Take up a webhook that is in the store."""
        key = known.webhook.key
        self._known[key] = known
        if not known.webhook.enabled or not self.sends:
            return
        if not self._couriers:
            self._tail.clear(self._store.bounds.head)
        courier = Courier(known, self._office, self._give_up)
        self._couriers[key] = courier
        self._by_account[known.webhook.account].add(courier)
        courier.start()

    async def change(self, webhook: Webhook, hurry: bool = False) -> None:
        """Take up what the caller wants of it now; with `hurry` its failures are forgotten."""
        key = webhook.key
        known = self._known[key]
        courier = self._couriers.get(key)
        if courier is not None and webhook.enabled:
            self._known[key] = replace(known, webhook=webhook)
            courier.change(webhook, hurry)
            return
        await self._end(key)
        known = self._known[key]
        # Else a webhook that was given up would be given up again with its first failure.
        health = replace(known.health, failing_since=None) if hurry else known.health
        self.add(KnownWebhook(webhook, known.position, health))

    async def remove(self, key: str) -> None:
        """Begin nothing more for it, and forget it."""
        await self._end(key)
        self._known.pop(key, None)
        await self._books.forget(key)

    def restart_at(self, key: str, position: int) -> None:
        """It goes on from there; once that is flushed also after a crash."""
        courier = self._couriers.get(key)
        if courier is not None:
            courier.restart_at(position)
        else:
            self._known[key] = replace(self._known[key], position=position)
            self._ledger.move(key, position, self._known[key].health)

    async def refresh(self) -> None:
        """Where another server sends: how the webhooks do there, as it was written down."""
        if not self.sends:
            await self.load()

    def revive(self, events: Sequence[Parked]) -> None:
        """Try these anew; what is for a disabled webhook waits until it is enabled."""
        by_key: defaultdict[str, list[Parked]] = defaultdict(list)
        for event in events:
            by_key[event.webhook].append(event)
        for key, revived in by_key.items():
            courier = self._couriers.get(key)
            if courier is not None:
                courier.revive(revived)

    async def _end(self, key: str) -> None:
        courier = self._couriers.pop(key, None)
        if courier is None:
            return
        account = courier.webhook.account
        self._by_account[account].discard(courier)
        if not self._by_account[account]:
            del self._by_account[account]
        await courier.stop()
        courier.note()
        self._known[key] = KnownWebhook(courier.webhook, courier.cursor, courier.health)

    def _give_up(self, webhook: Webhook, why: WebhookState) -> None:
        _log.warning(
            "a webhook is disabled",
            extra={"fields": {"webhook": webhook.key, "account": webhook.account, "why": why.name}},
        )
        task = asyncio.create_task(self._disable(webhook.key, why))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _disable(self, key: str, why: WebhookState) -> None:
        async with self.changing:
            if key not in self._couriers:
                return
            await self._end(key)
            known = self._known[key]
            disabled = known.webhook.given_up(why, self._clock.now())
            self._known[key] = replace(known, webhook=disabled)
            try:
                await self._store.replace_webhook(disabled)
            except SmsgateError as error:
                # After a restart it is tried once more, and gives up again.
                _log.error("cannot write that a webhook is disabled: %s", error)

    async def flush(self) -> None:
        """Write down what happened."""
        await self._books.flush()

    def _note(self) -> None:
        for courier in self._couriers.values():
            courier.note()
