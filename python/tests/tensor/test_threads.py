"""Threads that use tensors at the same time: those in long work run beside the one that has the interpreter's lock."""

import threading

import flambeau as torch


def run(*functions):
    threads = [threading.Thread(target=f) for f in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def test_writes_of_two_threads_all_count():
    small, large = torch.zeros(8), torch.zeros(1 << 17)

    def work():
        for _ in range(200):
            small.add_(1)
            large.add_(1)

    run(work, work)
    assert small.tolist() == [400.0] * 8
    assert large.min().item() == large.max().item() == 400.0


def test_a_tensor_replaced_while_another_thread_computes_with_it():
    x = torch.ones(1 << 17)
    wrong = []

    def read():
        for _ in range(50):
            s = (x + x).sum().item()
            if s not in (2.0 * (1 << 17), 4.0 * (1 << 17)):
                wrong.append(s)

    def replace():
        for i in range(200):
            x.data = torch.full((1 << 17,), float(1 + i % 2))

    run(read, replace)
    assert not wrong


def test_a_tensor_replaced_by_code_that_its_own_call_runs():
    x = torch.ones(4)

    class Replaces:
        @classmethod
        def __torch_function__(cls, function, types, args, kwargs):
            x.data = torch.zeros(4)
            return x + 1

    assert torch.add(x, Replaces()).tolist() == [1.0] * 4
    assert not x.any()
