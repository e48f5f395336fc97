"""Every way in which a saga may end, as sequence diagrams in Mermaid (https://mermaid.js.org/syntax/sequenceDiagram.html)."""

from collections.abc import Iterator, Sequence
from itertools import chain

from saga.checking.stories import Scene, Story, stories
from saga.service import Service

INTRODUCTION = """# Every way in which it may end

Made from the services' declarations by `saga stories`: the shortest story for each way in which the steps of one saga
may stand when nothing is on its way any more, as `saga check` follows them. An arrow goes to every service that has a
step for what is said, unless it never says anything itself.
"""
OUTSIDE = "anybody"


def page(services: Sequence[Service]) -> str:
    lines = [INTRODUCTION]
    for story in stories(services):
        lines += [f"## {story.title}", "", "```mermaid", *sequence(story), "```", ""]
    return "\n".join(lines)


def sequence(story: Story) -> Iterator[str]:
    yield "sequenceDiagram"
    speaking = [(scene.service or OUTSIDE, *scene.hearers) for scene in story.scenes]
    for name in dict.fromkeys(sorted(chain(*speaking), key=lambda name: name != OUTSIDE)):
        yield f"  participant {name}"
    for scene in story.scenes:
        yield from _scene(scene)


def _scene(scene: Scene) -> Iterator[str]:
    who = scene.service or OUTSIDE
    if scene.became:
        step, words = scene.became
        yield f"  Note over {who}: {step} {words}"
    if scene.said and scene.service is None:  # a command, at one service's door
        yield from (f"  {who}->>{hearer}: {scene.said.removeprefix(f'{hearer}.')}" for hearer in scene.hearers)
    elif scene.said and scene.hearers:
        yield from (f"  {who}->>{hearer}: {scene.said}" for hearer in scene.hearers)
    elif scene.said:
        yield f"  {who}->>{who}: {scene.said}, and no step goes on from there"
