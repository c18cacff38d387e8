# SPDX-License-Identifier: EUPL-1.2
"""A reader of sealed files written from docs/formats/sealed.md alone, with nothing but Python and the openssl command line:
what somebody can do who has neither this firmware nor trust in it. Slow; for small files.
"""
import hashlib
import hmac
import pathlib
import struct
import subprocess
import tempfile

MAGIC = b"\x89bcseal\n"
CHUNK_MAX = 65536


class Refused(Exception):
    """The file is not what it should be; says where it stopped."""


def header_of(data):
    """The fields, the envelope and the length of the header (section 2)."""
    if data[:8] != MAGIC or struct.unpack(">I", data[8:12])[0] != 1:
        raise Refused("not a sealed file of version 1")
    n = data[12]
    device, at = data[13:13 + n], 13 + n
    boot_id, boot, recording, segment, size = struct.unpack(">16sQQII", data[at:at + 40])
    end = at + 40 + size
    return {"place": data[12:at + 36], "device": device.decode(), "boot_id": boot_id, "boot": boot, "recording": recording,
            "segment": segment, "envelope": data[at + 40:end], "bytes": data[:end]}


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def open_envelope(envelope, key_path, certificate_path):
    """The file key (section 3): plain CMS."""
    with tempfile.TemporaryDirectory() as folder:
        message = pathlib.Path(folder, "envelope.der")
        message.write_bytes(envelope)
        return openssl("cms", "-decrypt", "-binary", "-inform", "DER", "-in", str(message), "-inkey", str(key_path),
                       "-recip", str(certificate_path))


def hkdf(key, salt, info):
    """RFC 5869 with SHA-256, 32 bytes."""
    extracted = hmac.new(salt, key, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def derived(header, file_key):
    """Hash of the header, commitment, chunk key (section 4)."""
    salt = hashlib.sha256(header["bytes"]).digest()
    return (salt, hkdf(file_key, salt, b"bodycam sealed 1 commitment\0" + header["place"]),
            hkdf(file_key, salt, b"bodycam sealed 1 chunks\0" + header["place"]))


def multiply(x, y):
    """In GF(2^128) as GCM has it (NIST SP 800-38D, 6.3)."""
    z = 0
    for i in range(127, -1, -1):
        if x >> i & 1:
            z ^= y
        y = y >> 1 ^ (0xe1 << 120 if y & 1 else 0)
    return z


def ctr(key, block, data):
    return openssl("enc", "-aes-256-ctr", "-K", key.hex(), "-iv", block.hex(), data=data) if data else b""


def tag_of(key, nonce, associated, ciphertext):
    h = int.from_bytes(ctr(key, bytes(16), bytes(16)), "big")  # CTR over zeros is the block cipher of the counter
    padded = b"".join(part + bytes(-len(part) % 16) for part in (associated, ciphertext))
    padded += struct.pack(">QQ", 8 * len(associated), 8 * len(ciphertext))
    y = 0
    for i in range(0, len(padded), 16):
        y = multiply(y ^ int.from_bytes(padded[i:i + 16], "big"), h)
    mask = int.from_bytes(ctr(key, nonce + b"\0\0\0\1", bytes(16)), "big")
    return (y ^ mask).to_bytes(16, "big")


def chunks_of(data, at, key):
    """Plain text of each chunk (section 5); Refused where one is not good, or the end is not."""
    counter, final = 0, False
    while not final:
        head = data[at:at + 4]
        if len(head) < 4:
            raise Refused("cut")
        value = struct.unpack(">I", head)[0]
        final, n = bool(value >> 31), value & 0x7fffffff
        if n > CHUNK_MAX or (n == 0 and not final):
            raise Refused(f"chunk {counter} cannot be one")
        ciphertext, tag = data[at + 4:at + 4 + n], data[at + 4 + n:at + 20 + n]
        if len(tag) < 16:
            raise Refused("cut")
        nonce = bytes(3) + struct.pack(">QB", counter, final)
        if tag_of(key, nonce, head, ciphertext) != tag:
            raise Refused(f"chunk {counter} is not authentic")
        yield ctr(key, nonce + b"\0\0\0\2", ciphertext)
        counter, at = counter + 1, at + 20 + n
    if at != len(data):
        raise Refused("bytes behind the final chunk")


def read(data, key_path, certificate_path):
    """The plain text of a whole file."""
    header = header_of(data)
    _, commitment, key = derived(header, open_envelope(header["envelope"], key_path, certificate_path))
    at = len(header["bytes"])
    if data[at:at + 32] != commitment:
        raise Refused("commitment")
    return b"".join(chunks_of(data, at + 32, key))
