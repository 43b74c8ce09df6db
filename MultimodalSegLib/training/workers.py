"""How a process that makes samples is set up."""

from __future__ import annotations

import signal

import torch


def prepare_worker(_number: int) -> None:
    """One thread, and no part in Ctrl-C: the training process decides when to stop.

    A forked worker would else inherit the handlers of the command line, which answer a signal for the whole program.
    """
    torch.set_num_threads(1)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
