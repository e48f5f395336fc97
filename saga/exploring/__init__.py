"""Runs real handlers and SQL under schedules that no broker would show in a year."""

from saga.exploring.exhausting import exhaust, replay
from saga.exploring.findings import Found, Tally
from saga.exploring.roaming import roam
from saga.exploring.sandbox import Sandbox, sandbox
from saga.exploring.scenario import Outside, Scenario, Story

__all__ = ["Found", "Outside", "Sandbox", "Scenario", "Story", "Tally", "exhaust", "replay", "roam", "sandbox"]
