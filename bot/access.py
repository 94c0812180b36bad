"""Who may do what?"""

from __future__ import annotations

from bot.chat import Call, CommandError, Member
from bot.command import Command
from generation import JobState
from storage import JobRecord, Jobs, Members, PictureRecord, Settings

_STANDING = {
    JobState.QUEUED: "waits for its turn",
    JobState.RUNNING: "is being made now",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "was cancelled",
}
ADMIN = "admin"  # the setting that gives an account or a role the admin right
YES = "yes"


class Access:
    """The rights of members: by account and role keys, never by names.

    What somebody owns, and whether they are blocked, goes by the person, whichever account they use. Admins are those
    whom the operator's settings name, and the accounts and roles that were granted the right.
    """

    def __init__(self, admins: frozenset[str], members: Members, jobs: Jobs, settings: Settings) -> None:
        self._operators = admins
        self._granted: set[str] = set()
        self._members = members
        self._jobs = jobs
        self._settings = settings

    async def load(self) -> None:
        """Read who was granted the admin right; once, at the start."""
        self._granted = set(await self._settings.all(ADMIN))

    @property
    def admins(self) -> tuple[str, ...]:
        """The keys of all accounts and roles that have the admin right."""
        return tuple(sorted(self._operators | self._granted))

    def is_admin(self, member: Member) -> bool:
        """Tell whether the member has the admin right, by themselves or by a role."""
        return not {member.key, *member.roles}.isdisjoint(self._operators | self._granted)

    async def grant(self, key: str) -> bool:
        """Give an account or a role the admin right; False if it had it."""
        if key in self.admins:
            return False
        await self._settings.put(ADMIN, YES, scope=key)
        self._granted.add(key)
        return True

    async def revoke(self, key: str) -> bool:
        """Take the admin right back; False if it was not granted.

        Raises:
            CommandError: the operator's settings give it, which a chat cannot change.
        """
        if key in self._operators:
            raise CommandError(f"{key} is an admin by the setting FAIRBRUSH_ADMINS, which only the operator changes.")
        if key not in self._granted:
            return False
        await self._settings.remove(ADMIN, scope=key)
        self._granted.remove(key)
        return True

    async def check(self, command: Command, member: Member) -> None:
        """Let the member use the command.

        Raises:
            CommandError: they may not.
        """
        if command.is_admin and not self.is_admin(member):
            raise CommandError(f"/{command.name} is for admins only.")
        await self.check_member(member)

    async def check_member(self, member: Member) -> None:
        """Let the member in.

        Raises:
            CommandError: an admin has blocked them.
        """
        if not self.is_admin(member) and await self._members.is_blocked(member.owner):
            raise CommandError("An admin has blocked you here.")

    async def visible_job(self, job_id: int, call: Call) -> JobRecord:
        """Find a job that the caller may see: their own, any of the same place, any at all for an admin.

        Raises:
            CommandError: there is none; of a hidden job it says no more than of one that never was.
        """
        job = await self._jobs.get(job_id)
        if job is None or job.is_deleted or not self._sees(job, call):
            raise CommandError(f"There is no job {job_id} here; /history lists yours.")
        return job

    async def own_job(self, job_id: int, call: Call) -> JobRecord:
        """Find a job that the caller may change: their own, any at all for an admin.

        Raises:
            CommandError: there is none, or it is somebody else's.
        """
        job = await self.visible_job(job_id, call)
        if job.owner != call.member.owner and not self.is_admin(call.member):
            raise CommandError(f"Job {job_id} is somebody else's: only they or an admin may do that.")
        return job

    async def visible_picture(self, job_id: int, index: int | None, call: Call) -> tuple[JobRecord, PictureRecord]:
        """Find picture `index` of a job that the caller may see; without an index, its only one.

        Raises:
            CommandError: there is none. A job that was cancelled or failed shows none, even if some were made.
        """
        job = await self.visible_job(job_id, call)
        if job.state != JobState.DONE:
            raise CommandError(f"Job {job.id} has no pictures: it {_STANDING[JobState(job.state)]}.")
        if index is None and len(job.pictures) > 1:
            raise CommandError(f"Job {job.id} has {len(job.pictures)} pictures: say which one, such as {job.id}:1.")
        for picture in job.pictures:
            if picture.index == (index or 0):
                return job, picture
        raise CommandError(f"Job {job.id} has no picture {(index or 0) + 1}.")

    def _sees(self, job: JobRecord, call: Call) -> bool:
        return job.place == call.place.to_json() or job.owner == call.member.owner or self.is_admin(call.member)
