# SPDX-License-Identifier: GPL-3.0-or-later
"""One TURN allocation over UDP by hand: does a credential work? (RFC 8489, RFC 8656)"""

import hashlib
import hmac
import os
import socket
import struct

MAGIC_COOKIE = 0x2112A442
ALLOCATE, REFRESH = 0x0003, 0x0004
SUCCESS, FAILURE = 0x0100, 0x0110  # bits of the class, on top of the method
USERNAME, INTEGRITY, ERROR_CODE, LIFETIME = 0x0006, 0x0008, 0x0009, 0x000D
REALM, NONCE, RELAYED_ADDRESS, TRANSPORT = 0x0014, 0x0015, 0x0016, 0x0019
UDP = struct.pack("!BBH", 17, 0, 0)
HEADER = struct.Struct("!HHI12s")
RESEND_S, TRIES = 1, 5


class Refused(Exception):
    """The server's answer was an error, whose number is `code`."""

    def __init__(self, code):
        super().__init__(f"STUN error {code}")
        self.code = code


def allocate(address, username, credential):
    """Make an allocation and give it up again; returns the port that was relayed. Raises Refused."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(RESEND_S)
        sock.connect(address)
        _, asked = exchange(sock, ALLOCATE, [(TRANSPORT, UDP)])
        realm, nonce = asked[REALM], asked[NONCE]
        key = hashlib.md5(b":".join([username.encode(), realm, credential.encode()])).digest()
        proof = [(USERNAME, username.encode()), (REALM, realm), (NONCE, nonce)]
        granted = authenticated(sock, ALLOCATE, [(TRANSPORT, UDP), *proof], key)
        authenticated(sock, REFRESH, [(LIFETIME, struct.pack("!I", 0)), *proof], key)
        return struct.unpack("!H", granted[RELAYED_ADDRESS][2:4])[0] ^ (MAGIC_COOKIE >> 16)


def authenticated(sock, method, attributes, key):
    kind, answer = exchange(sock, method, attributes, key)
    if kind != method | SUCCESS:
        _, of_hundreds, rest = struct.unpack("!HBB", answer[ERROR_CODE][:4])
        raise Refused(of_hundreds * 100 + rest)
    return answer


def exchange(sock, method, attributes, key=None):
    """(type, {attribute: value}) of the answer; sent again while none comes."""
    transaction = os.urandom(12)
    request = packed(method, transaction, attributes, key)
    for _ in range(TRIES):
        sock.send(request)
        try:
            answer = sock.recv(2048)
        except TimeoutError:
            continue
        kind, length, cookie, echoed = HEADER.unpack_from(answer)
        if (cookie, echoed) == (MAGIC_COOKIE, transaction):
            return kind, dict(unpacked(answer[HEADER.size:HEADER.size + length]))
    raise TimeoutError("the TURN server does not answer")


def packed(method, transaction, attributes, key):
    body = b"".join(attribute(kind, value) for kind, value in attributes)
    if key is not None:  # the length in the header counts the integrity attribute that follows
        text = HEADER.pack(method, len(body) + 24, MAGIC_COOKIE, transaction) + body
        body += attribute(INTEGRITY, hmac.digest(key, text, "sha1"))
    return HEADER.pack(method, len(body), MAGIC_COOKIE, transaction) + body


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def unpacked(body):
    while body:
        kind, length = struct.unpack_from("!HH", body)
        yield kind, body[4:4 + length]
        body = body[4 + length + (-length % 4):]
