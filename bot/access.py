"""Who may do what?"""

from __future__ import annotations

from bot.chat import Call, CommandError, Member
from bot.command import Command
from storage import JobRecord, Jobs, Members


class Access:
    """The rights of members: by account key, never by name. Admins are named in the settings."""

    def __init__(self, admins: frozenset[str], members: Members, jobs: Jobs) -> None:
        self._admins = admins
        self._members = members
        self._jobs = jobs

    def is_admin(self, key: str) -> bool:
        """Tell whether the account is an admin's."""
        return key in self._admins

    async def check(self, command: Command, member: Member) -> None:
        """Let the member use the command.

        Raises:
            CommandError: they may not.
        """
        if self.is_admin(member.key):
            return
        if command.is_admin:
            raise CommandError(f"/{command.name} is for admins only.")
        if await self._members.is_blocked(member.key):
            raise CommandError("An admin has blocked you here.")

    async def visible_job(self, job_id: int, call: Call) -> JobRecord:
        """Find a job that the caller may see: their own, any of the same place, any at all for an admin.

        Raises:
            CommandError: there is none; of a hidden job it says no more than of one that never was.
        """
        job = await self._jobs.get(job_id)
        if job is None or not self._sees(job, call):
            raise CommandError(f"There is no job {job_id} here; /history lists yours.")
        return job

    async def own_job(self, job_id: int, call: Call) -> JobRecord:
        """Find a job that the caller may change: their own, any at all for an admin.

        Raises:
            CommandError: there is none, or it is somebody else's.
        """
        job = await self.visible_job(job_id, call)
        if job.owner != call.member.key and not self.is_admin(call.member.key):
            raise CommandError(f"Job {job_id} is somebody else's: only they or an admin may do that.")
        return job

    def _sees(self, job: JobRecord, call: Call) -> bool:
        return job.place == call.place.to_json() or job.owner == call.member.key or self.is_admin(call.member.key)
