"""Run the depot: python -m examples.multi_warehouse.depot."""

from examples.multi_warehouse.depot.api import router
from examples.multi_warehouse.depot.handlers import depot
from saga import Settings, run

if __name__ == "__main__":
    run(depot, Settings.of("depot"), router)
