"""Was every job delivered: once, whole, to the right message, with the right pictures?"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence

from PIL import Image

from bot.platforms.telegram.pictures import GAP
from generation import ImagineRequest, read_metadata
from tests.soak.books import Kept, Record
from tests.soak.ledger import Ledger, Post
from tests.soak.script import Request

LIKE = 6  # how far a colour may be from another after JPEG and still be the same


def check_each_is_shown_once(jobs: Mapping[int, Record], ledger: Ledger) -> list[Post]:
    """Raise unless each job has one message that shows its end; give messages that were left behind under way."""
    left_behind = []
    posts = ledger.of_jobs()
    assert set(posts) <= set(jobs), f"jobs that were acknowledged and lost: {sorted(set(posts) - set(jobs))}"
    for job in jobs.values():
        own = [post for post in posts.get(job.id, ()) if post.id == job.message_id]
        assert len(own) == 1, f"job {job.id} ({job.state}) has the message {job.message_id}, which is not there"
        assert not own[0].is_gone
        assert own[0].state == job.state, f"job {job.id} is {job.state}, but its message says {own[0].state}"
        others = [post for post in posts[job.id] if post is not own[0]]
        again = [
            f"{post.id}: {[state for _, state in post.moments]}" for post in others if post.is_over or post.has_shown
        ]
        assert not again, f"{job.platform}'s job {job.id} is shown by {job.message_id}, but also by {again}"
        left_behind += others
    return left_behind


def check_pictures(jobs: Mapping[int, Record], ledger: Ledger) -> None:
    """Raise unless each message shows the pictures of its job, and no picture was ever shown by two messages."""
    shown_by: Counter[bytes] = Counter()
    for job in jobs.values():
        post = ledger.posts[job.platform, job.message_id or ""]
        if job.state != "done":
            assert not post.has_shown, f"job {job.id} is {job.state}, but a picture of it was shown"
            continue
        assert [picture.index for picture in job.pictures] == list(range(job.request["images"])), f"job {job.id}"
        check_files(job)
        files = [picture.file.read_bytes() for picture in job.pictures]
        if job.platform == "discord":
            assert post.pictures == tuple(files), f"job {job.id} shows other pictures than it has"
            assert post.has_shown == set(files), f"job {job.id} has shown other pictures before"
        else:
            assert len(post.has_shown) == 1, f"job {job.id} has shown other pictures before"
            _check_photo(job.id, post.pictures[0], job.pictures)
    for post in ledger.posts.values():
        shown_by.update(post.has_shown)
    assert max(shown_by.values()) == 1, "a picture was shown by two messages"


def check_files(job: Record) -> None:
    """Raise unless each picture file says that it is what the job asked for, with its own seed."""
    request = ImagineRequest.from_json(dict(job.request))
    for picture in job.pictures:
        said = read_metadata(picture.file)
        assert said.request == request, f"job {job.id} has a picture of another request"
        assert said.seed == picture.seed == request.seed_of(picture.index), f"job {job.id} has another seed"


def check_requests(jobs: Mapping[int, Record], asked: Sequence[Request], *, is_lossy: bool = False) -> None:
    """Raise unless each line and each press that asked for a picture has become one job; or none, if `is_lossy`."""
    made = Counter(job.prompt for job in jobs.values())
    wanted = Counter(request.prompt for request in asked)
    assert made <= wanted, f"too many: {made - wanted}"
    assert is_lossy or made == wanted, f"too few: {wanted - made}"


def check_seeds(jobs: Mapping[int, Record], asked: Sequence[Request]) -> None:
    """Raise unless the first job of each request has the seed that was typed."""
    first = {}
    for job in jobs.values():
        first.setdefault(job.prompt, job)
    for request in asked:
        if (job := first.get(request.prompt)) is not None:
            assert (job.request["seed"], job.request["images"]) == (request.seed, request.images), f"job {job.id}"


def check_logs(said: Mapping[str, str]) -> Counter[str]:
    """Raise if the program or its worker tells of a fault; give the warnings, by what they say."""
    warnings: Counter[str] = Counter()
    for name, text in said.items():
        assert "Traceback" not in text, f"{name}:\n{text[max(0, text.index('Traceback') - 500) :][:3000]}"
        errors = [line for line in text.splitlines() if "level=error" in line or "level=critical" in line]
        assert not errors, f"{name}:\n" + "\n".join(errors[:20])
        if name == "stderr":
            warnings.update(_event(line) for line in text.splitlines() if "level=warning" in line)
    return warnings


def _event(line: str) -> str:
    quoted = line.partition('event="')[2].partition('"')[0]
    return quoted or line.partition("event=")[2].partition(" ")[0]


def _check_photo(job_id: int, photo: bytes, pictures: Sequence[Kept]) -> None:
    """Look for each picture's colour in what Telegram has made of them: one photo, or a sheet in reading order."""
    with Image.open(io.BytesIO(photo)) as opened:
        seen = opened.convert("RGB")
    for number, picture in enumerate(pictures):
        with Image.open(picture.file) as opened:
            colour, (width, height) = opened.convert("RGB").getpixel((0, 0)), opened.size
        row, column = divmod(number, (seen.width + GAP) // (width + GAP))
        there = seen.getpixel((column * (width + GAP) + width // 2, row * (height + GAP) + height // 2))
        is_like = all(abs(one - other) <= LIKE for one, other in zip(there, colour, strict=True))
        assert is_like, f"picture {number} of job {job_id} is {colour}, but {there} is shown"
