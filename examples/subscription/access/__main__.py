"""Run access: python -m examples.subscription.access."""

from examples.subscription.access.handlers import access
from saga import Settings, run

if __name__ == "__main__":
    run(access, Settings.of("access"))
