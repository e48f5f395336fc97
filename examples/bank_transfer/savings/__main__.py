"""Run savings: python -m examples.bank_transfer.savings."""

from examples.bank_transfer.savings.api import router
from examples.bank_transfer.savings.handlers import savings
from saga import Settings, run

if __name__ == "__main__":
    run(savings, Settings.of("savings"), router)
