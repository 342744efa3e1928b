"""As many pixels as there is room for are in work, and everybody's turn comes."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.serve.room import Room


@settings(max_examples=60, deadline=None)
@given(
    wanted=st.lists(st.tuples(st.integers(1, 15), st.booleans()), max_size=25),
    size=st.integers(1, 10),
)
def test_r72_never_more_than_there_is_room_for_and_nobody_is_forgotten(wanted, size):
    held, most, began = 0, 0, []

    async def work(room, number, pixels):
        nonlocal held, most
        async with room.taken(pixels):
            began.append(number)
            held += min(pixels, size)
            most = max(most, held)
            try:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            finally:
                held -= min(pixels, size)

    async def main():
        room = Room(size)
        tasks = [asyncio.create_task(work(room, number, pixels)) for number, (pixels, _) in enumerate(wanted)]
        await asyncio.sleep(0)
        for task, (_, leaves) in zip(tasks, wanted, strict=True):
            if leaves:
                task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        async with room.taken(size):  # all of it is free again
            pass

    asyncio.run(asyncio.wait_for(main(), 20))
    assert most <= size
    assert held == 0
    assert began == sorted(began)
    assert {number for number, (_, leaves) in enumerate(wanted) if not leaves} <= set(began)
