"""`import ergoscope` works where there is no torch, and `watch` says what is missing."""

import importlib.util

import ergoscope

assert importlib.util.find_spec("torch") is None, "this check is about an environment without torch"
try:
    ergoscope.watch(None, None)
except ergoscope.ErgoscopeError as error:
    text = str(error)
else:
    raise SystemExit("watch did not complain that torch is missing")
assert "torch" in text and "pip install" in text, text
print("without torch:", text)
