//! The memory under tensors: who keeps it alive, how it grows, what threads see of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use flambeau_tensor::{DType, Device, Layout, Storage, Tensor};

/// Memory that counts how often it was given back.
struct Foreign {
    data: Box<[f32]>,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, SeqCst);
    }
}

/// A storage over memory of this test's own, and the count of how often that was freed.
fn foreign(values: &[f32]) -> (Storage, Arc<AtomicUsize>) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let mut owner = Box::new(Foreign { data: values.into(), dropped: dropped.clone() });
    let ptr = owner.data.as_mut_ptr().cast::<u8>();
    // SAFETY: the owner keeps the elements where they are, and nobody else uses them.
    (unsafe { Storage::foreign(ptr, size_of_val(values), owner) }, dropped)
}

fn layout(sizes: &[i64], strides: &[i64], offset: i64) -> Layout {
    Layout { sizes: sizes.into(), strides: strides.into(), offset }
}

#[test]
fn foreign_memory_lives_as_long_as_any_tensor_over_it() {
    let (storage, dropped) = foreign(&[1.0, 2.0, 3.0, 4.0]);
    let whole = Tensor::over(storage, Layout::contiguous(&[4]), DType::F32).unwrap();
    let part = whole.slice(0, 2, 4, 1).unwrap();
    let kept = part.detach().requires_grad_(true).unwrap();
    let graph = kept.mul(&kept).unwrap();
    drop((whole, part));
    assert_eq!(dropped.load(SeqCst), 0, "a view keeps the memory");
    drop(kept);
    assert_eq!(dropped.load(SeqCst), 0, "what a node saved keeps the memory");
    assert_eq!(graph.to_vec::<f32>().unwrap(), [9.0, 16.0]);
    drop(graph);
    assert_eq!(dropped.load(SeqCst), 1);
}

#[test]
fn foreign_memory_is_written_and_never_grown() {
    let (storage, dropped) = foreign(&[1.0, 2.0]);
    let t = Tensor::over(storage.clone(), Layout::contiguous(&[2]), DType::F32).unwrap();
    t.add_(1.0).unwrap();
    // SAFETY: two elements, and no operator runs.
    assert_eq!(unsafe { std::slice::from_raw_parts(storage.ptr().cast::<f32>(), 2) }, [2.0, 3.0]);
    assert!(storage.grow(1024).unwrap_err().message().contains("not resizable"));
    assert!(t.resized(&Layout::contiguous(&[3])).is_err());
    assert_eq!(t.to_vec::<f32>().unwrap(), [2.0, 3.0]);
    drop((t, storage));
    assert_eq!(dropped.load(SeqCst), 1);
}

#[test]
fn no_layout_reaches_outside_its_storage() {
    let storage = Storage::from_bytes(&[0; 48]).unwrap();
    let over = |l: Layout| Tensor::over(storage.clone(), l, DType::F64);
    for good in
        [layout(&[6], &[1], 0), layout(&[2, 3], &[0, 2], 1), layout(&[0], &[1], 99), layout(&[1], &[1 << 62], 5)]
    {
        let t = over(good.clone()).unwrap_or_else(|e| panic!("{good:?}: {e}"));
        assert_eq!(t.to_vec::<f64>().unwrap(), vec![0.0; t.numel() as usize]);
    }
    for bad in [
        layout(&[7], &[1], 0),
        layout(&[6], &[1], 1),
        layout(&[2], &[6], 0),
        layout(&[2], &[-1], 0),
        layout(&[1], &[1], -1),
        layout(&[-1], &[1], 0),
        layout(&[2, 2], &[1], 0),
        // In 64 bits each of these wraps to a place inside.
        layout(&[2], &[1 << 61], 0),
        layout(&[3], &[i64::MIN], 0),
        layout(&[2], &[i64::MAX], 1),
        layout(&[1], &[1], i64::MAX),
        layout(&[1 << 32, 1 << 32], &[1 << 32, 1 << 32], 0),
    ] {
        assert!(over(bad.clone()).is_err(), "{bad:?}");
    }
}

#[test]
fn growing_keeps_what_is_there() {
    let storage = Storage::from_bytes(&[7; 100]).unwrap();
    storage.grow(50).unwrap();
    assert_eq!(storage.nbytes(), 100, "nothing shrinks");
    storage.grow(300_000).unwrap();
    let bytes = storage.to_bytes();
    assert_eq!(bytes.len(), 300_000);
    assert!(bytes[..100].iter().all(|&b| b == 7));
    assert!(storage.grow(usize::MAX).is_err() && storage.grow(isize::MAX as usize).is_err());
    assert_eq!(storage.nbytes(), 300_000);
}

#[test]
fn growing_in_many_threads_loses_nothing() {
    let storage = Storage::from_bytes(&[7; 64]).unwrap();
    thread::scope(|s| {
        for t in 0..4usize {
            let storage = &storage;
            s.spawn(move || {
                for i in 0..200 {
                    storage.grow(64 + (i * 4 + t) * 97).unwrap();
                    assert!(storage.to_bytes()[..64].iter().all(|&b| b == 7));
                }
            });
        }
    });
    assert_eq!(storage.nbytes(), 64 + (199 * 4 + 3) * 97);
}

#[test]
fn sizes_no_memory_can_hold_are_errors() {
    let one = Tensor::of(&[1.0f64], &[1]).unwrap();
    for sizes in [&[1 << 32, 1 << 32][..], &[7, 0x6DB6_DB6D_B6DB_6DB7], &[i64::MAX, 3], &[1 << 62, 4, 0]] {
        assert!(Tensor::empty(sizes, DType::F32, Device::Cpu).is_err(), "{sizes:?}");
        assert!(one.expand(sizes).is_err(), "{sizes:?}");
    }
    // More bytes than can be counted, then more than there are.
    for n in [1 << 61, 1 << 60] {
        let wide = one.expand(&[n]).unwrap();
        assert!(wide.add(1.0).unwrap_err().message().contains("can't allocate memory"), "{n}");
        assert!(wide.clone_tensor().is_err(), "{n}");
    }
    let (tall, wide) = (one.expand(&[1 << 40, 1]).unwrap(), one.expand(&[1, 1 << 40]).unwrap());
    assert!(tall.add(&wide).is_err());
}

#[test]
fn the_last_handle_frees_the_storage() {
    let t = Tensor::of(&[1i64, 2, 3], &[3]).unwrap();
    assert_eq!(t.storage().use_count(), 1);
    let (weak, view) = (t.downgrade(), t.slice(0, 1, 3, 1).unwrap());
    assert_eq!(t.storage().use_count(), 2);
    drop(t);
    assert!(weak.upgrade().is_some(), "a view keeps its base");
    assert_eq!(view.to_vec::<i64>().unwrap(), [2, 3]);
    drop(view);
    assert!(weak.upgrade().is_none());
}

#[test]
fn versions_count_writes_and_views_share_them() {
    let t = Tensor::of(&[1.0f32, 2.0], &[2]).unwrap();
    let (view, data) = (t.select(0, 0).unwrap(), t.data());
    view.add_(1.0).unwrap();
    assert_eq!((t.version(), view.version(), t.detach().version()), (1, 1, 1));
    data.add_(1.0).unwrap();
    assert_eq!((t.version(), data.version()), (1, 1), ".data counts apart");
    assert_eq!(t.to_vec::<f32>().unwrap(), [3.0, 3.0]);
}

/// Threads fill a tensor with one number after the other while others read it: a reader sees one number everywhere.
#[test]
fn readers_see_whole_writes() {
    const N: i64 = 4099;
    let t = Tensor::of(&[0.0f32; N as usize], &[N]).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|s| {
        let writers: Vec<_> = (0..2)
            .map(|w| {
                let t = &t;
                s.spawn(move || (0..300).for_each(|i| drop(t.fill_((w * 1000 + i) as f64).unwrap())))
            })
            .collect();
        for _ in 0..2 {
            s.spawn(|| {
                while !done.load(SeqCst) {
                    let seen = t.to_vec::<f32>().unwrap();
                    assert!(seen.iter().all(|v| *v == seen[0]), "a write was seen half done");
                    let copy = t.clone_tensor().unwrap();
                    let (low, high) = (copy.min().unwrap(), copy.max().unwrap());
                    assert_eq!(low.item().unwrap().to_f64(), high.item().unwrap().to_f64());
                }
            });
        }
        writers.into_iter().for_each(|w| w.join().unwrap());
        done.store(true, SeqCst);
    });
}

/// Every addition in place counts, in whichever thread and through whichever view.
#[test]
fn writes_of_many_threads_all_count() {
    let t = Tensor::of(&[0i64; 64], &[8, 8]).unwrap();
    thread::scope(|s| {
        for n in 0..4 {
            let t = &t;
            s.spawn(move || {
                let view = if n % 2 == 0 { t.transpose(0, 1).unwrap() } else { t.clone() };
                (0..250).for_each(|_| drop(view.add_(1).unwrap()));
            });
        }
    });
    assert_eq!(t.to_vec::<i64>().unwrap(), [1000; 64]);
    assert_eq!(t.version(), 1000);
}

/// Two tensors added into each other from two threads, in both orders: no deadlock, and no sum is torn.
#[test]
fn two_storages_locked_in_both_orders() {
    let (a, b) = (Tensor::of(&[1i64; 512], &[512]).unwrap(), Tensor::of(&[2i64; 512], &[512]).unwrap());
    thread::scope(|s| {
        for (x, y) in [(&a, &b), (&b, &a)] {
            s.spawn(move || {
                for _ in 0..500 {
                    x.add_(y).unwrap();
                    x.remainder_(1_000_003).unwrap();
                    y.copy_(x).unwrap();
                }
            });
        }
    });
    for t in [a, b] {
        let v = t.to_vec::<i64>().unwrap();
        assert!(v.iter().all(|x| *x == v[0]), "every element went through the same steps");
    }
}
