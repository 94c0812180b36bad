"""What does somebody get whose request this machine cannot run: the button for the nearest one that it can?"""

from __future__ import annotations

from bot.button import Press, button
from bot.chat import Answer, CommandError
from bot.intake import Intake
from generation import ImagineRequest
from storage import Offers


class Instead:
    """The button under a refusal."""

    def __init__(self, offers: Offers, intake: Intake) -> None:
        self._offers = offers
        self._intake = intake

    @button("instead", "", at=(0, 0), offered=lambda _: False)  # it stands under no job
    async def instead(self, press: Press) -> Answer:
        """Accept what was offered."""
        offer = await self._offers.get(press.button.number)
        if offer is None:
            raise CommandError("This offer is more than 30 days old: ask anew.")
        request = ImagineRequest.from_json(dict(offer.request))
        return await self._intake.accept(press.call, request, is_spoiler=offer.is_spoiler)
