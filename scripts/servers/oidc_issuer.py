"""An issuer of web identity tokens: it serves its public key and signs what a test asks for."""

import base64
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encoded_number(number):
    return encoded(number.to_bytes((number.bit_length() + 7) // 8, "big"))


class Issuer:
    """Serves `/.well-known/openid-configuration` and `/jwks` on a free port of loopback."""

    AUDIENCE = "sts.amazonaws.com"

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        # Signs the tokens that a server must refuse.
        self.other_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key_id = secrets.token_hex(8)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handler(self):
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                documents = {
                    "/jwks": issuer.key_set,
                    "/.well-known/openid-configuration": issuer.configuration,
                }
                document = documents.get(self.path)
                body = json.dumps(document()).encode() if document else b"{}"
                self.send_response(200 if document else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def configuration(self):
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def key_set(self):
        numbers = self.key.public_key().public_numbers()
        return {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "alg": "RS256",
                    "kid": self.key_id,
                    "n": encoded_number(numbers.n),
                    "e": encoded_number(numbers.e),
                }
            ]
        }

    def token(self, lifetime=3600, audience=AUDIENCE, subject="test", forged=False):
        """A signed token; with a lifetime below zero one that has expired."""
        now = int(time.time())
        header = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        claims = {
            "iss": self.url,
            "sub": subject,
            "aud": audience,
            "iat": min(now, now + lifetime) - 60,
            "exp": now + lifetime,
        }
        text = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
        key = self.other_key if forged else self.key
        signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{encoded(signature)}"
