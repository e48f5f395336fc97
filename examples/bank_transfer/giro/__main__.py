"""Run giro: python -m examples.bank_transfer.giro."""

from examples.bank_transfer.giro.api import router
from examples.bank_transfer.giro.handlers import giro
from saga import Settings, run

if __name__ == "__main__":
    run(giro, Settings.of("giro"), router)
