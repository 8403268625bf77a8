"""The one outside, who can kill the server: spoken to in lines of JSON."""

import asyncio
import json
import sys
from typing import Any, Self


class Harness:
    def __init__(self, answers: asyncio.StreamReader) -> None:
        self._answers = answers

    @classmethod
    async def connect(cls) -> Self:
        answers = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(answers)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
        return cls(answers)

    def tell(self, line: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    async def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        self.tell(question)
        line = await self._answers.readline()
        if not line:
            raise EOFError("the harness is gone")
        answer: dict[str, Any] = json.loads(line)
        return answer
