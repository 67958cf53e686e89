"""Secrets that are stored: encrypted and authenticated (Fernet). The only importer of cryptography.

The first key encrypts, every key decrypts: to change keys, put the new one in front and remove the old one
once every secret has been stored anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from cryptography import fernet

from bot import errors


class Sealer:
    """Seals what belongs to a name; sealed for one name, it does not open for another."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._first = fernet.Fernet(keys[0])
        self._keys = fernet.MultiFernet([fernet.Fernet(key) for key in keys])

    def seal(self, name: str, secrets: Sequence[str]) -> bytes:
        """Bytes that only the keys open."""
        return self._keys.encrypt(json.dumps([name, *secrets]).encode())

    def open(self, name: str, sealed: bytes) -> list[str]:
        """What was sealed for this name. Raises CredentialError where no key opens it, or it is another's."""
        try:
            found = json.loads(self._keys.decrypt(sealed))
        except fernet.InvalidToken:
            found = [None]
        if found[0] != name:
            raise errors.CredentialError(
                "BOT_ENCRYPTION_KEY: none of the keys opens what is stored: put the key that was used before "
                "behind the new one, with a comma between"
            )
        return [str(each) for each in found[1:]]

    def is_newest(self, sealed: bytes) -> bool:
        """Whether the first key sealed this."""
        try:
            self._first.decrypt(sealed)
        except fernet.InvalidToken:
            return False
        return True

    def renew(self, sealed: bytes) -> bytes:
        """The same secrets under the first key; they were opened before."""
        return self._keys.rotate(sealed)
