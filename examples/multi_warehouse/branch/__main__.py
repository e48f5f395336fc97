"""Run the branch: python -m examples.multi_warehouse.branch."""

from examples.multi_warehouse.branch.api import router
from examples.multi_warehouse.branch.handlers import branch
from saga import Settings, run

if __name__ == "__main__":
    run(branch, Settings.of("branch"), router)
