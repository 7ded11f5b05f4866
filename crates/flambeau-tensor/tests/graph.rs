//! The graph: long chains, what is kept and when it is freed, hooks, walking twice.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

use flambeau_tensor::autograd::{Node, backward, grad, no_grad};
use flambeau_tensor::{Result, Tensor};

fn leaf(values: &[f64]) -> Tensor {
    Tensor::of(values, &[values.len() as i64]).unwrap().requires_grad_(true).unwrap()
}

fn values(t: &Tensor) -> Vec<f64> {
    t.to_vec().unwrap()
}

fn grad_of(t: &Tensor) -> Vec<f64> {
    values(&t.grad().unwrap())
}

fn node(t: &Tensor) -> Arc<Node> {
    t.grad_fn().unwrap().0
}

/// A stack that a thousand frames would overflow.
fn on_small_stack(f: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(256 << 10).spawn(f).unwrap().join().unwrap();
}

const LONG: usize = 1_000_000;

/// `x * 1 * 1 * ...`, which saves numbers, or `x * y * y * ...`, which saves tensors.
fn chain(x: &Tensor, y: Option<&Tensor>, n: usize) -> Tensor {
    let mut t = x.clone();
    for _ in 0..n {
        t = match y {
            Some(y) => t.mul(y).unwrap(),
            None => t.mul(1.0).unwrap(),
        };
    }
    t
}

#[test]
fn a_million_nodes_run_backward_on_a_small_stack() {
    on_small_stack(|| {
        let x = leaf(&[3.0]);
        let end = chain(&x, None, LONG);
        end.backward().unwrap();
        assert_eq!(grad_of(&x), [1.0]);
    });
}

#[test]
fn a_million_nodes_are_dropped_on_a_small_stack() {
    on_small_stack(|| {
        let (x, one) = (leaf(&[3.0]), leaf(&[1.0]));
        let end = chain(&x, Some(&one), LONG);
        let (memory, first) = (one.downgrade(), Arc::downgrade(&node(&end)));
        drop((x, one));
        assert!(memory.upgrade().is_some(), "the chain keeps its leaves");
        drop(end);
        assert!(memory.upgrade().is_none() && first.upgrade().is_none());
    });
}

#[test]
fn a_long_chain_gives_its_gradient_and_is_freed_from_within() {
    on_small_stack(|| {
        let x = leaf(&[3.0]);
        let end = chain(&x, None, LONG / 10);
        assert_eq!(
            values(grad(&[end], std::slice::from_ref(&x), &[None], None, false, false).unwrap()[0].as_ref().unwrap()),
            [1.0]
        );
        assert!(x.grad().is_none());
    });
}

#[test]
fn a_long_chain_of_views_and_writes_is_dropped_on_a_small_stack() {
    on_small_stack(|| {
        let x = leaf(&[1.0, 2.0]);
        let y = x.mul(1.0).unwrap();
        for _ in 0..5_000 {
            y.select(0, 0).unwrap().mul_(1.0).unwrap();
        }
        y.sum().unwrap().backward().unwrap();
        assert_eq!(grad_of(&x), [1.0, 1.0]);
    });
}

#[test]
fn a_chain_is_dropped_by_the_thread_that_ends() {
    thread_local!(static KEPT: std::cell::RefCell<Option<Tensor>> = const { std::cell::RefCell::new(None) });
    on_small_stack(|| {
        let x = leaf(&[1.0]);
        let end = chain(&x, None, 10_000);
        KEPT.with(|k| k.replace(Some(end)));
    });
}

#[test]
fn saved_tensors_are_freed_as_the_walk_goes() {
    let x = leaf(&[2.0, 3.0]);
    let a = x.exp().unwrap();
    let y = a.mul(&a).unwrap();
    let out = y.sum().unwrap();
    let kept = a.downgrade();
    drop(a);
    assert!(kept.upgrade().is_some(), "saved for the product");
    out.backward().unwrap();
    assert!(kept.upgrade().is_none(), "freed though the graph is still held");
    let error = y.sum().unwrap().backward().unwrap_err();
    assert!(error.message().contains("Trying to backward through the graph a second time"), "{error}");
}

#[test]
fn retained_graphs_run_again_and_add_up() {
    let x = leaf(&[2.0]);
    let y = x.mul(&x).unwrap().sum().unwrap();
    for n in 1..=3 {
        backward(std::slice::from_ref(&y), &[None], Some(true), false, None).unwrap();
        assert_eq!(grad_of(&x), [4.0 * n as f64]);
    }
    y.backward().unwrap();
    assert!(y.backward().is_err());
    // What saves no tensor runs as often as wanted.
    let z = x.add(1.0).unwrap().sum().unwrap();
    z.backward().unwrap();
    z.backward().unwrap();
    assert_eq!(grad_of(&x), [18.0]);
}

#[test]
fn gradients_are_added_in_place_unless_they_have_a_graph() {
    let x = leaf(&[2.0]);
    let y = || x.mul(&x).unwrap().sum().unwrap();
    y().backward().unwrap();
    let held = x.grad().unwrap();
    y().backward().unwrap();
    assert!(held.is(&x.grad().unwrap()));
    assert_eq!(values(&held), [8.0]);
    backward(&[y()], &[None], None, true, None).unwrap();
    assert!(!held.is(&x.grad().unwrap()) && x.grad().unwrap().requires_grad());
    assert_eq!((values(&held), grad_of(&x)), (vec![8.0], vec![12.0]));
    x.set_grad(None).unwrap();
}

#[test]
fn gradients_of_gradients() {
    let x = leaf(&[2.0]);
    let y = x.pow(4.0).unwrap().sum().unwrap();
    let mut g = y;
    for expected in [32.0, 48.0, 48.0, 24.0] {
        g = grad(&[g], std::slice::from_ref(&x), &[None], None, true, false).unwrap()[0].clone().unwrap();
        assert_eq!(values(&g), [expected]);
        g = g.sum().unwrap();
    }
}

#[test]
fn hooks_see_and_replace_gradients_in_order() {
    let x = leaf(&[1.0, 2.0]);
    let y = x.mul(3.0).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str, factor: Option<f64>| {
        let seen = seen.clone();
        Arc::new(move |g: &Tensor| -> Result<Option<Tensor>> {
            seen.lock().unwrap().push((name, g.to_vec::<f64>()?));
            factor.map(|f| g.mul(f)).transpose()
        })
    };
    y.register_hook(note("y1", Some(2.0))).unwrap();
    let removed = y.register_hook(note("never", None)).unwrap();
    y.register_hook(note("y2", None)).unwrap();
    x.register_hook(note("x", Some(10.0))).unwrap();
    removed.remove();
    y.retain_grad().unwrap();
    let after = Arc::new(AtomicUsize::new(0));
    let count = after.clone();
    x.register_post_accumulate_grad_hook(Arc::new(move |t| {
        assert_eq!(t.grad().unwrap().to_vec::<f64>()?, [60.0, 60.0]);
        count.fetch_add(1, SeqCst);
        Ok(())
    }))
    .unwrap();
    y.sum().unwrap().backward().unwrap();
    let expected = [("y1", vec![1.0, 1.0]), ("y2", vec![2.0, 2.0]), ("x", vec![6.0, 6.0])];
    assert_eq!(*seen.lock().unwrap(), expected);
    assert_eq!((grad_of(&y), grad_of(&x), after.load(SeqCst)), (vec![2.0, 2.0], vec![60.0, 60.0], 1));
}

#[test]
fn an_error_in_a_hook_ends_the_walk() {
    let x = leaf(&[1.0]);
    let y = x.mul(2.0).unwrap();
    y.register_hook(Arc::new(|_| Err(flambeau_tensor::Error::value("stop here")))).unwrap();
    let error = y.sum().unwrap().backward().unwrap_err();
    assert!(error.message().contains("stop here"));
    assert!(x.grad().is_none());
}

#[test]
fn only_what_leads_to_the_inputs_is_computed() {
    let (x, w) = (leaf(&[2.0]), leaf(&[5.0]));
    let h = x.mul(&w).unwrap();
    let y = h.mul(&h).unwrap().sum().unwrap();
    let found = grad(std::slice::from_ref(&y), std::slice::from_ref(&h), &[None], Some(true), false, false).unwrap();
    assert_eq!(values(found[0].as_ref().unwrap()), [20.0]);
    backward(std::slice::from_ref(&y), &[None], Some(true), false, Some(std::slice::from_ref(&w))).unwrap();
    assert_eq!((grad_of(&w), x.grad().is_none()), (vec![40.0], true));
    let other = leaf(&[1.0]);
    assert!(grad(std::slice::from_ref(&y), std::slice::from_ref(&other), &[None], Some(true), false, false).is_err());
    assert!(grad(&[y], &[other], &[None], None, false, true).unwrap()[0].is_none());
}

#[test]
fn diamonds_send_each_gradient_once() {
    let x = leaf(&[1.0]);
    let calls = Arc::new(AtomicUsize::new(0));
    let mut t = x.mul(1.0).unwrap();
    for _ in 0..50 {
        let count = calls.clone();
        t.register_hook(Arc::new(move |_| {
            count.fetch_add(1, SeqCst);
            Ok(None)
        }))
        .unwrap();
        t = t.add(&t).unwrap();
    }
    t.backward().unwrap();
    assert_eq!(grad_of(&x), [(1u64 << 50) as f64]);
    assert_eq!(calls.load(SeqCst), 50);
}

#[test]
fn threads_walk_graphs_over_shared_leaves() {
    let x = leaf(&[1.0; 64]);
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for _ in 0..50 {
                    let g = grad(
                        &[x.mul(&x).unwrap().sum().unwrap()],
                        std::slice::from_ref(&x),
                        &[None],
                        None,
                        false,
                        false,
                    )
                    .unwrap();
                    assert_eq!(values(g[0].as_ref().unwrap()), [2.0; 64]);
                }
            });
        }
    });
    assert!(x.grad().is_none());
}

#[test]
fn nothing_is_recorded_without_grad_mode() {
    let x = leaf(&[1.0]);
    let y = no_grad(|| x.mul(2.0)).unwrap();
    assert!(!y.requires_grad() && y.is_leaf());
    assert!(y.sum().unwrap().backward().unwrap_err().message().contains("does not require grad"));
    // The mode is a thread's own.
    no_grad(|| thread::scope(|s| s.spawn(|| assert!(x.mul(2.0).unwrap().requires_grad())).join().unwrap()));
}
