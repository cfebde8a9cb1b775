"""A vault that hashes with fixed keys and seals nothing: for tests of whoever only compares."""

import hmac
from dataclasses import dataclass

from cdp.ports import BlindIndex


@dataclass(frozen=True)
class FakeVault:
    """Deterministic blind indexes; `versions` are the keys in use, the current one first."""

    versions: tuple[int, ...] = (1,)

    @staticmethod
    def _mac(key, workspace, identifier):
        said = f"{workspace}\0{identifier.namespace}\0{identifier.value}"
        return hmac.digest(key.encode(), said.encode(), "sha256")

    def indexes(self, workspace, identifiers):
        return [of[0] for of in self.every_index(workspace, identifiers)]

    def every_index(self, workspace, identifiers):
        return [
            [BlindIndex(version, self._mac(f"blind {version}", workspace, one)) for version in self.versions]
            for one in identifiers
        ]

    def lasting_macs(self, workspace, identifiers):
        return [
            {label: self._mac(label, workspace, one) for label in ("suppression", "journal")}
            for one in identifiers
        ]
