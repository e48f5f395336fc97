"""Runs real handlers and SQL under schedules that no broker would show in a year."""

from saga.exploring.exhausting import exhaust
from saga.exploring.findings import Found, Tally
from saga.exploring.replaying import replay
from saga.exploring.roaming import roam
from saga.exploring.sandbox import Sandbox, sandbox
from saga.exploring.scenario import Outside, Scenario, Story
from saga.exploring.schedule import Schedule, schedule_of

__all__ = [
    "Found",
    "Outside",
    "Sandbox",
    "Scenario",
    "Schedule",
    "Story",
    "Tally",
    "exhaust",
    "replay",
    "roam",
    "sandbox",
    "schedule_of",
]
