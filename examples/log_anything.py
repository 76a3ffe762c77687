"""Without a model: log numbers of your own, as with any tracker."""

import math

import ergoscope


def main(steps: int = 200) -> None:
    """Log a damped wave; a NaN is data like any other number."""
    with ergoscope.init(project="examples", name="wave", config={"damping": 0.01}) as run:
        for step in range(steps):
            height = math.exp(-0.01 * step) * math.cos(0.1 * step)
            run.log({"wave/height": height, "wave/log": math.log(height) if height > 0 else math.nan}, step=step)


if __name__ == "__main__":
    main()
