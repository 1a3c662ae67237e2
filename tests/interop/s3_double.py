"""moto as an S3 double that keeps two writers apart, and a probe of what does.

Usage: s3_double.py serve PORT
       s3_double.py probe ENDPOINT [--rounds N] [--rivals N]

`moto_server` looks whether an object exists, then writes it, and holds no lock in between (`put_object` in
moto/s3/responses.py): under load two puts with If-None-Match both succeed. Here requests are read side by side and
answered one by one. One that breaks off, since its client was killed, is refused, as S3 does.

The probe lets rivals create one object after another, then replace it by its ETag; exit code 1 if two ever win.
"""

from __future__ import annotations

import argparse
import collections
import http.client
import io
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

Environ = dict[str, Any]


class OneByOne:
    """A WSGI application that answers one request at a time."""

    def __init__(self, application: Callable[[Environ, Any], Iterable[bytes]]) -> None:
        self.application = application
        self.lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        try:
            body = environ["wsgi.input"].read(length) if length else b""
        except OSError:
            body = b""
        if len(body) < length:
            start_response("400 Bad Request", [("Content-Length", "0")])
            return [b""]
        environ["wsgi.input"] = io.BytesIO(body)
        with self.lock:
            return list(self.application(environ, start_response))


def serve(port: int) -> None:
    from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
    from werkzeug.serving import run_simple

    application = OneByOne(create_backend_app("s3"))
    run_simple("127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler)


def probe(endpoint: str, rounds: int, rivals: int) -> bool:
    """Whether one rival won each time."""
    host = urlsplit(endpoint).netloc
    # moto reads no more of it than that there is a signature.
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"}
    together = threading.Barrier(rivals)

    def put(path: str, body: bytes, condition: dict[str, str]) -> tuple[int, str]:
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.request("PUT", path, body, signed | condition)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer.headers.get("ETag", "")

    def rival(number: int, path: str, condition: dict[str, str]) -> tuple[int, str]:
        together.wait()
        # A body of its own for each put: the ETag is made of it.
        return put(path, f"{number} {condition}".encode(), condition)

    bucket = f"/probe-{time.time_ns()}"
    put(bucket, b"", {})
    winners: dict[str, collections.Counter[int]] = {"create": collections.Counter(), "replace": collections.Counter()}
    refusals: collections.Counter[int] = collections.Counter()
    with ThreadPoolExecutor(rivals) as pool:
        for number in range(rounds):
            path, condition = f"{bucket}/{number}", {"If-None-Match": "*"}
            for kind in winners:
                answers = list(pool.map(rival, range(rivals), [path] * rivals, [condition] * rivals))
                won = [tag for status, tag in answers if status == 200]
                winners[kind][len(won)] += 1
                refusals.update(status for status, _ in answers if status != 200)
                condition = {"If-Match": won[0] if won else ""}
    for kind, counted in winners.items():
        print(f"{kind}: {rounds} rounds of {rivals} rivals; rounds by number of winners {dict(sorted(counted.items()))}")
    print(f"refused with {dict(refusals)}")
    return all(set(counted) == {1} for counted in winners.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve").add_argument("port", type=int)
    probing = commands.add_parser("probe")
    probing.add_argument("endpoint")
    probing.add_argument("--rounds", type=int, default=200)
    probing.add_argument("--rivals", type=int, default=20)
    arguments = parser.parse_args()
    if arguments.command == "serve":
        serve(arguments.port)
    elif not probe(arguments.endpoint, arguments.rounds, arguments.rivals):
        sys.exit(1)


if __name__ == "__main__":
    main()
