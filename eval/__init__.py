"""Hidden tests and what is measured with them. Imports the other packages; none of them imports this one."""

from eval.judge import Judgement, judge
from eval.task import HiddenTest, Task, load_task

__all__ = ["HiddenTest", "Judgement", "Task", "judge", "load_task"]
