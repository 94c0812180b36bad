"""How do benchmarks have pictures made by the real service: queue, worker process and PNG, previews included?"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from generation import Catalogue, DispatchSettled, ImagineRequest, Job, JobEnded, LocalWorker, Service, WorkerSetup


@asynccontextmanager
async def opened(catalogue: Catalogue, directory: Path) -> AsyncIterator[Service]:
    """Open a service on a worker process of its own."""
    setup = WorkerSetup(catalogue=catalogue, device="cpu", log_file=str(directory / "worker.log"))
    worker = LocalWorker(setup, step_timeout_s=300, load_timeout_s=300)
    async with worker, Service(catalogue, [worker]) as service:
        yield service


async def serve(service: Service, requests: Sequence[ImagineRequest], *, first: int) -> tuple[float, int]:
    """Let as many people ask at once, in jobs from number `first` on; gives the seconds and the calls that it took."""
    started, calls, left = time.monotonic(), 0, len(requests)
    for number, request in enumerate(requests):
        expected_s = service.expected_s(request)
        owner = f"bench:{number}"
        service.submit(Job(id=first + number, owner=owner, request=request, missing=(0,), expected_s=expected_s))
    async for event in service.events():
        if isinstance(event, DispatchSettled):
            calls += 1
            for outcome in event.outcomes:
                assert isinstance(outcome, JobEnded), outcome
                assert outcome.state == "done", outcome.error
                left -= 1
            if not left:
                return time.monotonic() - started, calls
    raise AssertionError("the events ended before the jobs did")
