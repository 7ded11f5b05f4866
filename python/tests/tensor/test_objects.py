"""Tensors as Python objects: their memory is used again, nothing of the object before is left in it."""

import gc
import weakref

import flambeau as torch


def test_nothing_is_left_of_the_object_before():
    gone = []
    for i in range(600):
        x = torch.zeros(2)
        x.number = i
        ref = weakref.ref(x, lambda _, i=i: gone.append(i))
        del x
        assert ref() is None
        y = torch.ones(2)
        assert not hasattr(y, "number") and weakref.getweakrefcount(y) == 0
    assert gone == list(range(600))


def test_many_at_once_and_in_any_order():
    many = [torch.full((3,), float(i)) for i in range(1000)]
    del many[::2]
    many += [torch.full((3,), -1.0) for _ in range(1000)]
    assert [t[0].item() for t in many[:500]] == list(range(1, 1000, 2))
    assert all(t.tolist() == [-1.0] * 3 for t in many[500:])


def test_the_collector_sees_objects_in_memory_that_was_kept():
    for _ in range(300):
        x = torch.zeros(1)
        x.me = x
        del x
    gc.collect()
    x = torch.zeros(1)
    assert gc.is_tracked(x)
    x.me, ref = x, weakref.ref(x)
    del x
    gc.collect()
    assert ref() is None


def test_subclasses_keep_their_own_memory():
    class Mine(torch.Tensor):
        pass

    for _ in range(300):
        t = torch.ones(2).as_subclass(Mine)
        assert type(t) is Mine
        del t
        assert type(torch.ones(2)) is torch.Tensor
