"""Bearer tokens for tests, made without the libraries that the product uses: HMAC by Python, RSA and EC by openssl(1)."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import tempfile
import time


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(subject="tester", roles=("editor",), lifetime=600, **more):
    now = int(time.time())
    return {"sub": subject, "roles": list(roles), "iat": now, "nbf": now - 1, "exp": now + lifetime, **more}


def header_and_payload(algorithm, payload, **header):
    return ".".join(encode(json.dumps(part, separators=(",", ":")).encode())
                    for part in ({"alg": algorithm, "typ": "JWT", **header}, payload))


def hs256(payload, key, **header):
    text = header_and_payload("HS256", payload, **header)
    return text + "." + encode(hmac.new(key if isinstance(key, bytes) else key.encode(), text.encode(),
                                        hashlib.sha256).digest())


def unsigned(payload, algorithm="none"):
    return header_and_payload(algorithm, payload) + "."


def _openssl_sign(text, private_key):
    with tempfile.NamedTemporaryFile() as data:
        data.write(text.encode())
        data.flush()
        return subprocess.run(["openssl", "dgst", "-sha256", "-sign", os.fspath(private_key), data.name],
                              check=True, capture_output=True).stdout


def rs256(payload, private_key, **header):
    text = header_and_payload("RS256", payload, **header)
    return text + "." + encode(_openssl_sign(text, private_key))


def _raw_from_der(der):
    """The r and s of an ECDSA signature, 32 bytes each, as JWS wants them (RFC 7518, 3.4)."""
    numbers, at = [], 2
    for _ in range(2):
        length = der[at + 1]
        numbers.append(int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(32, "big"))
        at += 2 + length
    return b"".join(numbers)


def es256(payload, private_key, **header):
    text = header_and_payload("ES256", payload, **header)
    return text + "." + encode(_raw_from_der(_openssl_sign(text, private_key)))


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def rsa_pair(directory):
    """Paths of a new private and public RSA key as PEM."""
    private, public = os.path.join(directory, "rsa.pem"), os.path.join(directory, "rsa.pub.pem")
    _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", private)
    _openssl("pkey", "-in", private, "-pubout", "-out", public)
    os.chmod(public, 0o600)
    return private, public


def ec_pair(directory):
    """Paths of a new private and public P-256 key as PEM."""
    private, public = os.path.join(directory, "ec.pem"), os.path.join(directory, "ec.pub.pem")
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", private)
    _openssl("pkey", "-in", private, "-pubout", "-out", public)
    os.chmod(public, 0o600)
    return private, public
