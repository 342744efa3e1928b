"""How much may be in work at a time, in pixels: a picture takes as many bytes as it has pixels, many times over."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """Room for a number of pixels. Who finds too little waits, behind those who came before, large ones too.

    Args:
        size: pixels that may be in work at a time; a picture that has more gets all of the room.
    """

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def taken(self, pixels: int) -> AsyncIterator[None]:
        """Hold so many pixels as long as the block lasts."""
        pixels = min(pixels, self._size)
        if self._waiting or pixels > self._free:
            await self._turn(pixels)
        else:
            self._free -= pixels
        try:
            yield
        finally:
            self._give_back(pixels)

    async def _turn(self, pixels: int) -> None:
        entry = pixels, asyncio.get_running_loop().create_future()
        self._waiting.append(entry)
        try:
            await entry[1]
        except asyncio.CancelledError:
            if entry in self._waiting:
                self._waiting.remove(entry)
                self._give_back(0)  # whoever stood behind may fit
            else:  # its turn had come in the same moment
                self._give_back(pixels)
            raise

    def _give_back(self, pixels: int) -> None:
        self._free += pixels
        while self._waiting and self._waiting[0][0] <= self._free:
            wanted, turn = self._waiting.popleft()
            self._free -= wanted
            turn.set_result(None)
