"""`python -m scenarios scenarios.json environment.json [name ...]`"""

import asyncio
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from scenarios.harness import Harness
from scenarios.steps import Failed, Scenario

_MOST_SECONDS = 60.0


async def run_one(
    steps: list[dict[str, Any]], environment: dict[str, Any], harness: Harness
) -> str:
    """Why it failed; empty if it did not."""
    scenario = Scenario(environment, secrets.token_hex(4), harness)
    try:
        async with asyncio.timeout(_MOST_SECONDS):
            await scenario.run(steps)
    except Failed as failed:
        return str(failed)
    except TimeoutError:
        return f"{scenario.where}: not ended within {_MOST_SECONDS:.0f} seconds"
    except Exception as error:
        return f"{scenario.where}: {type(error).__name__}: {error}"
    finally:
        await scenario.close()
    return ""


async def main(wanted: list[dict[str, Any]], values: dict[str, Any], names: list[str]) -> int:
    harness = await Harness.connect()
    done = failed = 0
    for scenario in wanted:
        if names and scenario["name"] not in names:
            continue
        began = time.monotonic()
        why = await run_one(scenario["steps"], values, harness)
        done, failed = done + 1, failed + bool(why)
        told = {"scenario": scenario["name"], "ok": not why}
        told["seconds"] = round(time.monotonic() - began, 2)
        harness.tell(told | ({"why": why} if why else {}))
    harness.tell({"finished": done, "failed": failed})
    return 1 if failed else 0


read = [json.loads(Path(name).read_text("utf-8")) for name in sys.argv[1:3]]
sys.exit(asyncio.run(main(read[0]["scenarios"], read[1], sys.argv[3:])))
