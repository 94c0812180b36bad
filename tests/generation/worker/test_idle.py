"""Does a worker use the time in which no order waits, and is an order served between two pieces of that?"""

from __future__ import annotations

import queue
from typing import Any

from generation.events import Unload
from generation.worker.orders import Orders


class Wire:
    """The worker's end of a pipe that is never closed: a closed one ends the process."""

    def __init__(self) -> None:
        self._sent: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def send(self, order: Any) -> None:
        self._sent.put(order)

    def recv(self) -> Any:
        return self._sent.get()


def test_pieces_are_done_until_none_is_left_and_orders_come_between_them() -> None:
    wire = Wire()
    orders = Orders(wire)  # type: ignore[arg-type]
    first, second = Unload(model="flat"), Unload(model="flatter")
    done: list[str] = []

    def piece() -> bool:
        done.append("piece")
        if len(done) == 1:
            wire.send(first)  # comes while there is still a lot to do
        return True

    orders.between = piece
    stream = iter(orders)
    served = [next(stream)]
    orders.between = lambda: False
    wire.send(second)
    served.append(next(stream))

    assert served == [first, second]
    assert done


def test_with_nothing_to_do_it_waits_for_the_next_order() -> None:
    wire = Wire()
    orders = Orders(wire)  # type: ignore[arg-type]
    wire.send(Unload(model="flat"))

    assert next(iter(orders)) == Unload(model="flat")
