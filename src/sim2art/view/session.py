"""Editing one result: the draft as it stands, the way back, and saving. Knows no browser."""

from collections.abc import Callable

from sim2art.view.draft import Draft


class EditSession:
    """The drafts of one sitting, newest last."""

    def __init__(self, draft: Draft, save: Callable[[Draft], str] | None = None) -> None:
        """Begin with a draft.

        Args:
            save: Writes a draft, whole or not at all, and says what became of it; None when the result can only be looked
                at.
        """
        self._drafts = [draft]
        self._save = save
        self._saved = draft

    @property
    def draft(self) -> Draft:
        """As it stands."""
        return self._drafts[-1]

    @property
    def can_undo(self) -> bool:
        """Whether there is a draft before this one."""
        return len(self._drafts) > 1

    @property
    def can_save(self) -> bool:
        """Whether the result can be written at all."""
        return self._save is not None

    @property
    def is_changed(self) -> bool:
        """Whether the draft differs from what is on disk."""
        return self.draft is not self._saved

    def apply(self, edit: Callable[[Draft], Draft]) -> Draft:
        """Make an edit; when it is refused (`Sim2ArtError`) the draft stays."""
        changed = edit(self.draft)
        if changed is not self.draft:
            self._drafts.append(changed)
        return self.draft

    def undo(self) -> Draft:
        """Go back one edit; a first draft stays."""
        if self.can_undo:
            self._drafts.pop()
        return self.draft

    def save(self) -> str:
        """Write the draft and say what became of it; when that fails, what was on disk is still there."""
        assert self._save is not None
        words = self._save(self.draft)
        self._saved = self.draft
        return words
