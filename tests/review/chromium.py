"""A page in headless Chromium, driven by keys over the DevTools protocol."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome")
CODES = {"Enter": ("Enter", 13, "\r"), "Escape": ("Escape", 27, ""), "ArrowDown": ("ArrowDown", 40, "")}
WAIT = 60.0  # seconds until a page that does not come to what is waited for is given up


def found() -> str | None:
    """The path of Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """A page: `press` keys, `run` JavaScript, `wait` until an expression is true."""

    def __init__(self, path: str, profile: Path, url: str, size: str = "1280,900") -> None:
        self._process = subprocess.Popen(
            [
                path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={profile}",
                f"--window-size={size}", "--no-first-run", url,
            ],
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if match := re.search(r"ws://[\d.:]+", line):
                address = match.group().replace("ws://", "http://")
                break
        self._loop = asyncio.new_event_loop()
        self._number = 0
        self.said: list[str] = []  # on the console, errors among them
        self._loop.run_until_complete(self._connect(address))

    async def _connect(self, address: str) -> None:
        self._session = aiohttp.ClientSession()
        end = time.monotonic() + WAIT
        while True:
            async with self._session.get(f"{address}/json") as answer:
                pages = [one for one in await answer.json() if one["type"] == "page"]
            if pages or time.monotonic() > end:
                break
            await asyncio.sleep(0.05)
        self._socket = await self._session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0)
        for name in ("Runtime.enable", "Page.enable", "Log.enable"):
            await self._send(name)

    async def _send(self, method: str, **told: Any) -> dict[str, Any]:
        self._number += 1
        number = self._number
        await self._socket.send_json({"id": number, "method": method, "params": told})
        while True:
            message = json.loads((await self._socket.receive(timeout=WAIT)).data)
            if message.get("id") == number:
                return message.get("result", {})
            if message.get("method") in (
                "Runtime.exceptionThrown",
                "Log.entryAdded",
                "Runtime.consoleAPICalled",
            ):
                self.said.append(json.dumps(message["params"]))

    def send(self, method: str, **told: Any) -> dict[str, Any]:
        """One command of the DevTools protocol."""
        return self._loop.run_until_complete(self._send(method, **told))

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        told = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def wait(self, script: str) -> None:
        """Until an expression is true."""
        end = time.monotonic() + WAIT
        tried = f"(() => {{ try {{ return Boolean({script}); }} catch (error) {{ return false; }} }})()"
        while not self.run(tried):
            assert time.monotonic() < end, (script, self.run("document.body.innerText"), self.said)
            time.sleep(0.01)

    def press(self, *keys: str, modifiers: int = 0) -> None:
        """Keys, one after the other: letters, or the names of `CODES`."""
        for key in keys:
            name, code, text = CODES.get(key) or (key, ord(key.upper()) if key.isalnum() else 0, key)
            told = {"key": name, "windowsVirtualKeyCode": code, "modifiers": modifiers}
            self.send("Input.dispatchKeyEvent", type="keyDown", text="" if modifiers else text, **told)
            self.send("Input.dispatchKeyEvent", type="keyUp", **told)

    def close(self) -> None:
        """Ends the browser."""
        self._loop.run_until_complete(self._session.close())
        self._process.kill()
        self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._loop.close()
