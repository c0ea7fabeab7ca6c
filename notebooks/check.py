"""Holds the figures of the notebooks to what their text says."""


def check(name: str, value: float, low: float, high: float) -> None:
    """Prints a figure with its band; outside of it the notebook fails, and so does `make notebooks`."""
    told = f"{name}: {value:.4g}, expected {low:g} to {high:g}"
    if not low <= value <= high:
        raise AssertionError(
            f"{told}. Has the model become worse, or does the text have to be mended?"
        )
    print(told)
