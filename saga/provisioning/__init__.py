"""Everything that services need and may not make themselves: made by an administrator, again and again if need be."""

from saga.provisioning.broker import Management
from saga.provisioning.change import Change
from saga.provisioning.database import DatabaseServer
from saga.provisioning.deployment import Deployment
from saga.provisioning.plan import STATISTICS_INTERVAL, Administrator, plan

__all__ = [
    "STATISTICS_INTERVAL",
    "Administrator",
    "Change",
    "DatabaseServer",
    "Deployment",
    "Management",
    "plan",
]
