# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of PROTOCOL.md, key by key: check(value, shape) raises AssertionError with a path."""

import re

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
INSTANCE = re.compile(r"[A-Za-z0-9_-]{8,64}")


class Optional:
    """A key that may be absent."""

    def __init__(self, shape):
        self.shape = shape


class OrNull:
    def __init__(self, shape):
        self.shape = shape


def check(value, shape, path="it"):
    """A shape is a type, a pattern, a set of values, [shape of each], {key: shape} or a predicate."""
    if isinstance(shape, OrNull):
        if value is not None:
            check(value, shape.shape, path)
    elif isinstance(shape, dict):
        check_object(value, shape, path)
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{path} is no array: {value!r}"
        for number, each in enumerate(value):
            check(each, shape[0], f"{path}[{number}]")
    elif isinstance(shape, set):
        assert value in shape, f"{path} is {value!r}, none of {sorted(shape)}"
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str) and shape.fullmatch(value), f"{path} is {value!r}, not {shape.pattern}"
    elif isinstance(shape, type):
        assert type(value) is shape, f"{path} is {value!r}, no {shape.__name__}"
    else:
        assert shape(value), f"{path} is {value!r}"


def check_object(value, shape, path):
    assert isinstance(value, dict), f"{path} is no object: {value!r}"
    needed = {key for key, each in shape.items() if not isinstance(each, Optional)}
    assert needed <= value.keys(), f"{path} lacks {sorted(needed - value.keys())}"
    assert value.keys() <= shape.keys(), f"{path} has unknown keys {sorted(value.keys() - shape.keys())}"
    for key, each in value.items():
        known = shape[key]
        check(each, known.shape if isinstance(known, Optional) else known, f"{path}.{key}")


def positive(value):
    return type(value) is int and value > 0


def not_negative(value):
    return type(value) is int and value >= 0


P = {
    "participant": re.compile(r"pt_.+"),
    "identity": OrNull(str),
    "display": lambda text: isinstance(text, str) and len(text) <= 64,
    "role": {"guest", "host"},
    "order": positive,
    "attach": positive,
    "instance": INSTANCE,
    "media": {"audio": bool, "video": bool, "screen": bool},
    "hand": bool,
    "connected": bool,
    "joined_at": TIME,
}

R = {
    "id": re.compile(r"rm_.+"),
    "unique_name": OrNull(str),
    "status": {"open", "occupied", "full", "closed"},
    "max_participants": lambda n: type(n) is int and 2 <= n <= 8,
    "participants": not_negative,
    "privacy": {"direct", "relay"},
    "lobby": bool,
    "locked": bool,
    "metadata": dict,
    "created_at": TIME,
    "updated_at": TIME,
    "expires_at": OrNull(TIME),
    "empty_timeout": not_negative,
}

ICE_SERVERS = [{"urls": [re.compile(r"(stun|turns?):.+")], "username": Optional(str), "credential": Optional(str)}]

JOIN_REPLY = {
    "me": P,
    "seat": str,
    "room": R,
    "participants": [P],
    "ice_servers": ICE_SERVERS,
    "ttl": positive,
    "limits": {"message_bytes": {65536}, "display_characters": {64}, "candidates": {64}, "signals_per_second": {20},
               "signals_burst": {60}, "state_keys": {64}, "state_bytes": {4096}},
    "heartbeat_ms": positive,
    "resume_timeout_ms": positive,
}

CREDENTIALS_REPLY = {"ice_servers": ICE_SERVERS, "ttl": positive, "expires_at": TIME}

ERROR_REPLY = {
    "otter": {"reply"},
    "id": OrNull(int),
    "ok": {False},
    "error": {"code": str, "message": str, "details": Optional(dict)},
}

JOINED_EVENT = {"otter": {"event"}, "event": {"participant-joined"}, "participant": P}
UPDATED_EVENT = {"otter": {"event"}, "event": {"participant-updated"}, "participant": P}
LEFT_EVENT = {"otter": {"event"}, "event": {"participant-left"}, "participant": str,
              "reason": {"left", "timeout", "ejected", "replaced"}}
EJECTED_EVENT = {"otter": {"event"}, "event": {"ejected"}, "reason": {"ejected", "replaced", "revoked", "expired"}}
CLOSED_EVENT = {"otter": {"event"}, "event": {"closed"}, "reason": {"request", "host", "expired", "empty"}}
MUTE_REQUESTED_EVENT = {"otter": {"event"}, "event": {"mute-requested"}, "by": re.compile(r"pt_.+"),
                        "kind": {"mic", "camera", "screen", "screen-audio"}}
PROMOTED_EVENT = {"otter": {"event"}, "event": {"promoted"}}

STATE_EVENT = {"otter": {"event"}, "event": {"state"}, "key": str, "value": lambda value: True, "by": re.compile(r"pt_.+")}

SIGNAL_EVENT = {
    "otter": {"event"},
    "event": {"signal"},
    "from": str,
    "from_instance": INSTANCE,
    "to_instance": INSTANCE,
    "seq": Optional(positive),
    "ack": Optional(not_negative),
    "round": Optional(positive),
    "description": Optional({"type": {"offer", "answer", "pranswer", "rollback"}, "sdp": Optional(str)}),
    "candidates": Optional([dict]),
    "tracks": Optional(dict),
}
