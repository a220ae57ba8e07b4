"""A real server of S3, moto's, and the address and credentials that programs need for it."""

import contextlib
import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from harness.servers import free_port

START_TIMEOUT_S = 60
MOTO = Path(__file__).parents[3] / ".venvs" / "stores" / "bin" / "moto_server"


@contextlib.contextmanager
def s3_server():
    """Its environment variables, while it runs; where moto is not installed the test is skipped."""
    if not MOTO.exists():
        why = "moto is not installed: scripts/setup.sh stores"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    port = free_port()
    process = subprocess.Popen(
        [str(MOTO), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait(url, process)
        yield {
            "MLFLOW_S3_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        process.terminate()
        process.wait()


def wait(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("moto's server does not answer")


def make_bucket(url: str, name: str) -> None:
    with urllib.request.urlopen(urllib.request.Request(f"{url}/{name}", method="PUT"), timeout=20):
        pass
