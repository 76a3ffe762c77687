"""The files that put the service into containers, as these tests read them."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "backend" / "Dockerfile"
NOTE = ROOT / "docs" / "production.md"

PINNED = re.compile(r"[\w./-]+:\d+\.\d+(\.\d+)?(-[\w.-]+)?")  # an image with at least major and minor version


def composition() -> dict:
    """What stands in docker-compose.yml, anchors resolved."""
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))


def version() -> str:
    """The project's own."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def blocks(language: str) -> list[str]:
    """The production note's blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", NOTE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
