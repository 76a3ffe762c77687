"""Versions of the packages that a job has imported."""

import re
from collections.abc import Collection, Sequence
from importlib.metadata import Distribution, distributions

MOST = 300
_SAME = {  # packages whose name is not that of the module, and that do not say so
    "opencv-python": "cv2",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "pytorch-lightning": "pytorch_lightning",
    "hydra-core": "hydra",
    "protobuf": "google",
    "python-dateutil": "dateutil",
    "msgpack-python": "msgpack",
}


def describe_packages(modules: Collection[str], paths: Sequence[str]) -> dict[str, str]:
    """Give the versions of the packages that provide these modules, by name.

    Args:
        modules: Names as they are imported, without what follows the first dot.
        paths: Where packages are looked for, as in sys.path; what comes first counts.
    """
    wanted = set(modules)
    found: dict[str, str] = {}
    for package in distributions(path=list(dict.fromkeys(paths))):
        try:
            name, version = package.metadata["Name"], package.version
            if name and version and name not in found and wanted & _provides(package, name):
                found[name] = version
        except Exception:  # a package that is broken is not what is asked about
            continue
    return dict(sorted(found.items(), key=lambda item: item[0].lower())[:MOST])


def _provides(package: Distribution, name: str) -> set[str]:
    plain = re.sub(r"[-_.]+", "-", name).lower()
    if plain in _SAME:
        return {_SAME[plain]}
    listed = package.read_text("top_level.txt")
    return set(listed.split()) if listed else {plain.replace("-", "_"), name}
