# SPDX-License-Identifier: EUPL-1.2
"""What a verifier says: statuses, findings, and what the user trusts (docs/formats/record.md, 9)."""

import hashlib

PROVEN, TAMPERED, UNPROVEN, CANNOT = 0, 1, 2, 3
SEVERITY = {PROVEN: 0, UNPROVEN: 1, CANNOT: 2, TAMPERED: 3}  # record.md, 9, end
SECOND = 10**9
U63 = 2**63 - 1


def worst(statuses):
    return max(statuses, key=lambda s: SEVERITY[s], default=PROVEN)


def sha(b):
    return hashlib.sha256(b).digest()


class Bad(Exception):
    """Bytes that are not of their form."""


def need(condition, why):
    if not condition:
        raise Bad(why)


class Findings:
    def __init__(self):
        self.list = []

    def add(self, status, text, offset=None):
        self.list.append((status, offset, text))

    @property
    def status(self):
        return worst(f[0] for f in self.list)


class Context:
    def __init__(self, trust=(), allow_test=False):
        self.trust, self.allow_test = list(trust), allow_test
