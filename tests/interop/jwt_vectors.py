#!/usr/bin/env python3
"""Makes tests/fixtures/jwt/vectors.json: a key set and tokens signed by PyJWT, an independent library.

    python3 -m venv venv && venv/bin/pip install 'pyjwt[crypto]'
    venv/bin/python tests/interop/jwt_vectors.py > tests/fixtures/jwt/vectors.json

Each case says what the server has to make of the token at the time `now`. The private keys are thrown away.
"""

import base64
import hashlib
import hmac
import json

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

NOW = 1_790_000_000
ISSUER = "https://login.example.com/tenant"
AUDIENCE = "https://lake.example.com/mcp"

rsa_key, other_rsa = (rsa.generate_private_key(65537, 2048) for _ in range(2))
ec_key = ec.generate_private_key(ec.SECP256R1())


def jwk(algorithm, key, kid, **more):
    fields = algorithm.to_jwk(key.public_key(), as_dict=True)
    fields.pop("key_ops", None)
    return {**fields, "kid": kid, **more}


jwks = {
    "keys": [
        jwk(RSAAlgorithm, rsa_key, "rsa-1", use="sig", alg="RS256"),
        jwk(ECAlgorithm, ec_key, "ec-1", use="sig"),
        {"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "of-another-kind"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "encrypts", "use": "enc"},
    ]
}


def claims(**changed):
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": NOW - 60, "exp": NOW + 600, "scope": "openid lake.read"}
    given.update(changed)
    return {name: value for name, value in given.items() if value is not None}


def rs256(payload=None, kid="rsa-1", key=rsa_key, **headers):
    named = {**headers, **({"kid": kid} if kid else {})}
    return jwt.encode(payload or claims(), key, algorithm="RS256", headers=named)


def es256(payload=None, kid="ec-1"):
    return jwt.encode(payload or claims(), ec_key, algorithm="ES256", headers={"kid": kid})


def encoded(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def with_part(token, place, value):
    parts = token.split(".")
    parts[place] = value
    return ".".join(parts)


def confused():
    """HS256 with the public key as the secret."""
    secret = base64.urlsafe_b64decode(jwks["keys"][0]["n"] + "==")
    text = encoded({"alg": "HS256", "typ": "JWT", "kid": "rsa-1"}) + "." + encoded(claims())
    return text + "." + encoded(hmac.new(secret, text.encode(), hashlib.sha256).digest())


es = es256()
cases = [
    ("RS256", rs256(), "valid"),
    ("ES256", es, "valid"),
    ("a list of audiences", rs256(claims(aud=["another", AUDIENCE])), "valid"),
    ("no kid, one key of its kind", rs256(kid=None), "valid"),
    ("expired a moment ago, within the leeway", rs256(claims(exp=NOW - 30)), "valid"),
    ("scopes as a list", rs256(claims(scope=None, scp=["lake.read"])), "valid"),
    ("alg none", jwt.encode(claims(), None, algorithm="none", headers={"kid": "rsa-1"}), "algorithm"),
    ("alg None", with_part(rs256(), 0, encoded({"alg": "None", "kid": "rsa-1"})), "algorithm"),
    ("HS256 with the public key", confused(), "algorithm"),
    ("RS384", jwt.encode(claims(), rsa_key, algorithm="RS384", headers={"kid": "rsa-1"}), "algorithm"),
    ("no signature", rs256().rsplit(".", 1)[0] + ".", "signature"),
    ("signed by another key", rs256(key=other_rsa), "signature"),
    ("claims changed", with_part(rs256(), 1, encoded(claims(sub="bob"))), "signature"),
    # Cut at a whole byte, so that it is still base64.
    ("ES256 signature cut", with_part(es, 2, encoded(base64.urlsafe_b64decode(es.split(".")[2] + "==")[:48])), "signature"),
    ("ES256 of zeros", with_part(es, 2, encoded(bytes(64))), "signature"),
    ("ES256 with the RSA key", es256(kid="rsa-1"), "key"),
    ("RS256 with the EC key", rs256(kid="ec-1"), "key"),
    ("unknown kid", rs256(kid="rsa-2"), "key"),
    ("a key for encryption", rs256(kid="encrypts"), "key"),
    ("wrong issuer", rs256(claims(iss="https://login.example.com/other")), "issuer"),
    ("issuer with a slash more", rs256(claims(iss=ISSUER + "/")), "issuer"),
    ("no issuer", rs256(claims(iss=None)), "issuer"),
    ("wrong audience", rs256(claims(aud="https://lake.example.com")), "audience"),
    ("no audience", rs256(claims(aud=None)), "audience"),
    ("expired", rs256(claims(exp=NOW - 61)), "expired"),
    ("no expiry", rs256(claims(exp=None)), "expired"),
    ("expiry as text", with_part(rs256(), 1, encoded(claims(exp=str(NOW + 600)))), "signature"),
    ("not yet valid", rs256(claims(nbf=NOW + 120)), "not_yet"),
    ("no scope", rs256(claims(scope="openid")), "scope"),
    ("a scope that begins like it", rs256(claims(scope="lake.reader")), "scope"),
    ("critical extension", rs256(crit=["exp"]), "malformed"),
    ("two parts", rs256().rsplit(".", 1)[0], "malformed"),
    ("four parts", rs256() + ".AA", "malformed"),
    ("no base64", "a b.c.d", "malformed"),
    ("empty", "", "malformed"),
    ("header is a list", with_part(rs256(), 0, encoded([])), "malformed"),
]

for name, token, expected in cases:
    if expected != "valid" or name.startswith("expired"):
        continue
    # PyJWT agrees with itself about what is valid, the clock aside.
    key = (ec_key if "ES256" in name else rsa_key).public_key()
    jwt.decode(token, key, algorithms=["RS256", "ES256"], audience=AUDIENCE, issuer=ISSUER,
               options={"verify_exp": False, "verify_iat": False})

print(json.dumps({
    "now": NOW, "issuer": ISSUER, "audience": AUDIENCE, "scope": "lake.read", "jwks": jwks,
    "cases": [{"name": name, "token": token, "expected": expected} for name, token, expected in cases],
}, indent=1))
