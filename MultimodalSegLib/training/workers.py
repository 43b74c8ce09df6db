"""How a process that makes samples is set up."""

from __future__ import annotations

import signal

import torch


def prepare_worker(_number: int) -> None:
    """One thread, and no part in Ctrl-C or a cluster's SIGTERM to all: the training process decides when to stop.

    A forked worker would else inherit the handlers of the command line, which answer a signal for the whole program, or
    die before its master can save. It ends when its master closes the queue, or is gone.
    """
    torch.set_num_threads(1)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
