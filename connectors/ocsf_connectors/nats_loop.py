"""An event loop in a thread, for a client that knows nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from ocsf_pipe.errors import SourceError

T = TypeVar("T")
ANSWER_SECONDS = 5.0


class Loop:
    """An event loop in a thread of its own; coroutines are run on it from other threads."""

    def __init__(self) -> None:
        """Start the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nats", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = ANSWER_SECONDS) -> T:
        """Run a coroutine; whatever goes wrong on the way to the server is a SourceError."""
        from nats.errors import Error

        try:
            return asyncio.run_coroutine_threadsafe(_within(work, seconds), self._loop).result()
        except (TimeoutError, Error, OSError, asyncio.CancelledError) as error:
            said = str(error) or type(error).__name__
            raise SourceError(f"NATS: {said}", "check the server, the stream's name and the account") from error

    def close(self) -> None:
        """End the loop; may be called again."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


async def _within(work: Awaitable[T], seconds: float) -> T:
    return await asyncio.wait_for(work, seconds)
