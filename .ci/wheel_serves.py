"""The installed wheel holds everything that the service and the page need: migrations, assets, templates."""

import socket
import subprocess
import sys
import tempfile
import time

import urllib3

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
url = f"http://127.0.0.1:{port}"
with tempfile.TemporaryDirectory() as folder:
    command = [sys.executable, "-m", "ergoscope.cli", "up", "--port", str(port), "--data-dir", folder]
    service = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                if urllib3.request("GET", f"{url}/readyz", retries=False).status == 200:
                    break
            except urllib3.exceptions.HTTPError:
                pass
            if service.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the service did not start from the wheel")
            time.sleep(0.2)
        page = urllib3.request("GET", f"{url}/")
        assert page.status == 200 and b"ergoscope" in page.data, page.data[:200]
        for asset in ("house.css", "live.js"):
            found = urllib3.request("GET", f"{url}/assets/{asset}")
            assert found.status == 200, f"/assets/{asset}: {found.status}"
        print("the wheel serves its page and assets")
    finally:
        service.terminate()
        service.wait(timeout=20)
