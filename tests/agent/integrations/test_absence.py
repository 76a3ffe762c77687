"""Where a framework is not installed, and where nobody asked for one."""

import subprocess
from collections.abc import Callable

import pytest

Script = Callable[..., "subprocess.CompletedProcess[str]"]
FRAMEWORKS = {
    "accelerate": ("Accelerate", ("accelerate",)),
    "lightning": ("Lightning", ("lightning", "pytorch_lightning")),
    "transformers": ("Transformers", ("transformers",)),
}


@pytest.mark.parametrize("module", FRAMEWORKS)
def test_without_the_framework_the_error_says_what_to_install(module: str, script: Script) -> None:
    name, packages = FRAMEWORKS[module]
    code = f"try: import ergoscope.integrations.{module}\nexcept ImportError as error: print(error)"

    done = script(code, without=packages)

    assert done.stdout.startswith(f"ergoscope.integrations.{module} needs {name}, which cannot be imported (")
    assert done.stdout.endswith(f"); install it with `pip install 'ergoscope[{module}]'`\n")


def test_ergoscope_imports_no_framework_by_itself(script: Script) -> None:
    names = {package for _, packages in FRAMEWORKS.values() for package in packages}
    code = (
        "import ergoscope, ergoscope.watching, ergoscope.integrations, torch\n"
        "model = torch.nn.Linear(1, 1)\n"
        "ergoscope.watch(model, torch.optim.SGD(model.parameters(), lr=0.1), mode='offline').finish()\n"
        f"print(sorted({names!r} & set(sys.modules)))"
    )

    assert script(code).stdout == "[]\n"
