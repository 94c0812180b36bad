"""Does a chat on Telegram get no more calls than it bears, and the important ones first?"""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import NotNowError
from bot.platforms.telegram.budget import GROUP_S, MESSAGE_S, QUIET_S, Budget, ChatBudget, Urgency

PRIVATE, OTHER, GROUP = 1, 2, -1


class FastLoop(asyncio.SelectorEventLoop):
    """A loop that does not wait: its clock jumps to what comes next."""

    def __init__(self) -> None:
        super().__init__()
        self._skipped_s = 0.0

    def time(self) -> float:
        return super().time() + self._skipped_s

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._skipped_s += max(0.0, self._scheduled[0].when() - self.time())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def hurry(coroutine: object) -> None:
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        runner.run(coroutine)  # type: ignore[arg-type]


@given(st.booleans(), st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=120))
def test_no_window_of_time_ever_holds_too_many_calls(
    is_group: bool,  # noqa: FBT001 - hypothesis gives it
    wishes: list[tuple[float, bool]],
) -> None:
    chat, now, sent = ChatBudget(is_group=is_group), 0.0, []
    for pause_s, is_progress in wishes:
        now += pause_s
        if is_progress:
            if chat.progress_wait_s(now, 1) > 0:
                continue
            chat.spend_progress(now, 1)
        else:
            now += max(0.0, chat.wait_s(now))
            chat.spend(now)
        sent.append(now)

    windows = [(6.0, 6), (60.0, 20)] if is_group else [(6.0, 6)]
    for seconds, most in windows:
        assert all(sum(at - seconds < other <= at for other in sent) <= most for at in sent)


def test_progress_leaves_room_for_results() -> None:
    chat, now = ChatBudget(is_group=True), 0.0
    while chat.progress_wait_s(now, 1) <= 0 or now < 55:
        if chat.progress_wait_s(now, 1) <= 0:
            chat.spend_progress(now, 1)
        now += 0.5

    for _ in range(5):
        assert chat.wait_s(now) <= 0
        chat.spend(now)


def test_progress_keeps_its_distance() -> None:
    private, group = ChatBudget(is_group=False), ChatBudget(is_group=True)
    for chat in (private, group):
        chat.spend_progress(0.0, 1)

    assert private.progress_wait_s(0.5, 1) == pytest.approx(MESSAGE_S - 0.5)
    assert private.progress_wait_s(0.5, 2) <= 0
    assert group.progress_wait_s(0.5, 2) == pytest.approx(GROUP_S - 0.5)


def test_a_refusal_keeps_progress_away_for_long_after_it() -> None:
    chat = ChatBudget(is_group=False)

    chat.refused(0.0, 10.0)

    assert chat.progress_wait_s(11.0, 1) == pytest.approx(QUIET_S - 1)
    assert chat.wait_s(11.0) <= 0


def test_acknowledgements_overtake_results_and_the_rest_keeps_its_order() -> None:
    async def crowd() -> list[str]:
        budget, order = Budget(), []

        async def call(name: str, urgency: Urgency) -> None:
            await budget.wait(PRIVATE, urgency)
            order.append(name)

        async with asyncio.TaskGroup() as tasks:
            for number in range(9):
                tasks.create_task(call(f"result {number}", Urgency.FINAL))
            for number in range(2):
                tasks.create_task(call(f"acknowledgement {number}", Urgency.ACKNOWLEDGEMENT))
        return order

    with asyncio.Runner(loop_factory=FastLoop) as runner:
        order = runner.run(crowd())

    results = [f"result {number}" for number in range(9)]
    assert order == [*results[:6], "acknowledgement 0", "acknowledgement 1", *results[6:]]


def test_acknowledgements_do_not_wait_behind_the_results_of_other_chats() -> None:
    async def crowd() -> float:
        budget = Budget()
        results = [asyncio.create_task(budget.wait(chat, Urgency.FINAL)) for chat in range(2, 102)]
        await asyncio.sleep(0)
        started = asyncio.get_running_loop().time()
        await budget.wait(PRIVATE, Urgency.ACKNOWLEDGEMENT)
        waited_s = asyncio.get_running_loop().time() - started
        await asyncio.gather(*results)
        return waited_s

    with asyncio.Runner(loop_factory=FastLoop) as runner:
        assert runner.run(crowd()) < 0.1


def test_whoever_gives_up_costs_nothing_and_blocks_nobody() -> None:
    async def crowd() -> float:
        budget = Budget()
        for _ in range(6):
            await budget.wait(PRIVATE, Urgency.FINAL)
        impatient = [asyncio.create_task(budget.wait(PRIVATE, Urgency.FINAL)) for _ in range(10)]
        await asyncio.sleep(0)
        for task in impatient:
            task.cancel()
        started = asyncio.get_running_loop().time()
        await budget.wait(PRIVATE, Urgency.FINAL)
        return asyncio.get_running_loop().time() - started

    with asyncio.Runner(loop_factory=FastLoop) as runner:
        assert runner.run(crowd()) < 7


def test_a_refusal_sends_home_whoever_waits_in_that_chat_alone() -> None:
    async def crowd() -> None:
        budget = Budget()
        for _ in range(6):
            await budget.wait(PRIVATE, Urgency.FINAL)
        waiting = asyncio.create_task(budget.wait(PRIVATE, Urgency.FINAL))
        await asyncio.sleep(0)

        budget.refused(PRIVATE, 50.0)

        with pytest.raises(NotNowError) as refusal:
            await waiting
        assert 49 < refusal.value.after_s <= 50
        await budget.wait(OTHER, Urgency.FINAL)
        await asyncio.sleep(1)  # at once, in this loop
        budget.progress(OTHER, 1)

    hurry(crowd())


def test_progress_gives_way_to_whoever_waits() -> None:
    async def crowd() -> None:
        budget = Budget()
        for _ in range(20):
            await budget.wait(GROUP, Urgency.FINAL)
        waiting = asyncio.create_task(budget.wait(GROUP, Urgency.FINAL))
        await asyncio.sleep(0)

        with pytest.raises(NotNowError):
            budget.progress(GROUP, 1)
        await waiting

    hurry(crowd())


def test_all_chats_together_keep_to_the_limit_of_the_bot() -> None:
    async def crowd() -> list[float]:
        budget, sent = Budget(), []

        async def call(chat: int) -> None:
            await budget.wait(chat, Urgency.ACKNOWLEDGEMENT)
            sent.append(asyncio.get_running_loop().time())

        async with asyncio.TaskGroup() as tasks:
            for chat in range(1, 101):
                tasks.create_task(call(chat))
        return sent

    with asyncio.Runner(loop_factory=FastLoop) as runner:
        sent = runner.run(crowd())

    assert len(sent) == 100
    assert all(sum(at - 1 < other <= at for other in sent) <= 30 for at in sent)
    assert sent[-1] - sent[0] < 5
