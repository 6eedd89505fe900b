"""A pytest plugin that prints a secret of the environment in three forms, for `test_docs.py`."""

import base64
import json
import os


def pytest_report_header() -> str:
    """Return a line that no test run should ever show."""
    token = os.environ["API_TOKEN"]
    encoded = base64.b64encode(f"deploy:{token}".encode()).decode()
    return f"raw {token}, base64 {encoded}, JSON {json.dumps({'token': token})}"
