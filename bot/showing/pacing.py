"""Pure: when to show a reply that is being written, so that platforms do not refuse the edits."""


class Pacer:
    """The pace of one reply's edits. All times are seconds of one clock that is passed in.

    The first text is shown `first` seconds after it is there; from then on edits are `interval` seconds
    apart, each gap longer than the one before by the factor `stretch`, up to `longest`. What arrives in
    between is shown by the next edit. The end of a reply asks no pacer: it is always shown.

    Discord lets about 5 edits pass in 5 s and channel, so `interval` is 1.2 there; Slack's `chat.update`
    about 50 a minute and workspace (Tier 3), so 1.2 with a larger `stretch`; its `chat.appendStream` over
    100 a minute (Tier 4), so 0.7 with a stretch of 1.
    """

    def __init__(
        self, *, interval: float, first: float = 0.3, stretch: float = 1.05, longest: float = 10.0
    ) -> None:
        self._gap, self._first, self._stretch, self._longest = interval, first, stretch, longest
        self._next = float("-inf")

    def due(self, now: float, shown: int, have: int) -> bool:
        """Whether an edit that shows `have` characters in the place of `shown` may go now; books nothing."""
        return have > shown and self._next <= now

    def wait(self, now: float, shown: int, have: int) -> float:
        """Seconds until the edit that is to show `have` characters may go.

        Each answer books that edit, so ask once for each; with nothing new to show there is none to book.
        """
        at = max(now + self._first if shown == 0 else now, self._next)
        if have > shown:
            self._next = at + self._gap
            self._slow_down(self._stretch)
        return at - now

    def limited(self, retry_after: float, now: float) -> None:
        """Note a refusal for too many edits: wait as long as asked, then go at half the pace."""
        self._next = max(self._next, now + retry_after)
        self._slow_down(2)

    def _slow_down(self, factor: float) -> None:
        self._gap = max(self._gap, min(self._gap * factor, self._longest))
