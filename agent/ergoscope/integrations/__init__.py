"""Frameworks that run the training loop themselves: Lightning, the Hugging Face Trainer, Accelerate.

Each module needs its framework and is imported by the user; importing `ergoscope` imports none of them.
"""

__all__: list[str] = []
