"""One scenario: its clients, what it saved, and the verbs of its steps."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from scenarios.errors import error_difference
from scenarios.followed import Following
from scenarios.harness import Harness
from scenarios.matching import difference, filled
from scenarios.methods import call
from smsgate_client import SmsgateClient

Step = dict[str, Any]


class Failed(Exception):
    """Which step was not as expected, and how."""


class Scenario:
    def __init__(self, environment: dict[str, Any], run: str, harness: Harness) -> None:
        self._callers = environment["callers"]
        self._harness = harness
        self._clients: dict[str, SmsgateClient] = {}
        self._following: dict[str, Following] = {}
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat().replace("+00:00", "Z")
        self._saved: dict[str, Any] = environment["values"] | {"run": run, "tomorrow": tomorrow}
        self.where = "before the first step"

    async def run(self, steps: list[Step]) -> None:
        for number, step in enumerate(steps, start=1):
            self.where = f"step {number} ({step['do']})"
            await self._step(step, self._saved)

    async def close(self) -> None:
        for following in self._following.values():
            await following.stop()
        for client in self._clients.values():
            await client.close()

    async def _step(self, step: Step, saved: dict[str, Any]) -> None:
        verb = getattr(self, "_" + step["do"])
        if step["do"] != "repeat":
            step = filled(step, saved)
        answer = await verb(step, saved)
        if "save" in step:
            saved[step["save"]] = answer

    def _client(self, step: Step) -> SmsgateClient:
        name = step.get("caller", "default")
        if name not in self._clients:
            how = self._callers[name]
            # Plaintext is for this machine alone, where the harness is.
            self._clients[name] = SmsgateClient(
                how["target"], api_key=how.get("apiKey", ""), tls_ca=how.get("tlsCa")
            )
        return self._clients[name]

    def _check(self, wrong: str) -> None:
        if wrong:
            raise Failed(f"{self.where}: {wrong}")

    # The verbs

    async def _call(self, step: Step, _: dict[str, Any]) -> Any:
        client, method = self._client(step), step["method"]
        try:
            answer = await call(client, method, step["request"], step.get("timeout"))
        except Exception as error:
            if "error" not in step:
                raise
            return self._check(error_difference(step["error"], error))
        if "error" in step:
            raise Failed(f"{self.where}: expected {step['error']['kind']}, got {answer}")
        self._check(difference(step.get("expect", {}), answer))
        return answer

    async def _follow(self, step: Step, _: dict[str, Any]) -> None:
        pause = step.get("pause", 0.0)
        following = Following(self._client(step), step["request"], pause)
        self._following[step["name"]] = following
        if not step.get("error"):
            await following.until_open()

    async def _followed(self, step: Step, _: dict[str, Any]) -> None:
        following, until = self._following[step["name"]], step["until"]
        await following.until(until.get("count", 0), until.get("messages", []), until["status"])
        self._check(following.difference(step.get("expect", {})))

    async def _end(self, step: Step, _: dict[str, Any]) -> Any:
        following = self._following.pop(step["name"])
        following.ends_by_itself |= "error" in step
        try:
            await following.end()
        except Exception as error:
            if "error" not in step:
                raise
            return self._check(error_difference(step["error"], error))
        if "error" in step:
            raise Failed(f"{self.where}: expected {step['error']['kind']}, and it just ended")
        return {"events": len(following.events), "cursor": following.cursor}

    async def _repeat(self, step: Step, saved: dict[str, Any]) -> None:
        async def once(number: int) -> None:
            here = saved | {"n": f"{number:02}"}
            for inner in step["steps"]:
                await self._step(inner, here)
            if not step.get("parallel"):
                saved.update({name: value for name, value in here.items() if name != "n"})

        if step.get("parallel"):
            await asyncio.gather(*(once(number) for number in range(step["times"])))
        else:
            for number in range(step["times"]):
                await once(number)

    async def _ask(self, step: Step, _: dict[str, Any]) -> Any:
        question = {k: v for k, v in step.items() if k not in ("do", "what", "save")}
        answer = await self._harness.ask({"ask": step["what"]} | question)
        if not answer["ok"]:
            raise Failed(f"{self.where}: {answer.get('why')}")
        return answer

    async def _same(self, step: Step, _: dict[str, Any]) -> None:
        if any(value != step["values"][0] for value in step["values"]):
            raise Failed(f"{self.where}: not the same: {step['values']}")

    async def _different(self, step: Step, _: dict[str, Any]) -> None:
        if len(set(map(str, step["values"]))) != len(step["values"]):
            raise Failed(f"{self.where}: not different: {step['values']}")

    async def _close(self, step: Step, _: dict[str, Any]) -> None:
        await self._client(step).close()
