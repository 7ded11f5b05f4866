//! Timings, printed on request: `cargo test -p flambeau-cpu reduce::timing -- --ignored --nocapture`.

use std::time::Instant;

use flambeau_types::Layout;

use super::*;

fn time(name: &str, mut f: impl FnMut()) {
    let start = Instant::now();
    f();
    let once = start.elapsed().as_nanos().max(1);
    let repeats = (20_000_000 / once).clamp(3, 200_000) as usize;
    let mut best = f64::MAX;
    for _ in 0..7 {
        let start = Instant::now();
        (0..repeats).for_each(|_| f());
        best = best.min(start.elapsed().as_nanos() as f64 / repeats as f64);
    }
    println!("{name:32} {:10.3} us", best / 1e3);
}

#[test]
#[ignore = "prints timings"]
fn timings() {
    for threads in [1, 2] {
        crate::threads::set_num_threads(threads);
        println!("threads {threads}");
        let x = tests::numbers::<f32>(1 << 24);
        let one = |n: i64| Layout::contiguous(&[n]);
        let all = Layout::contiguous(&[1]);
        for n in [4, 1000, 1 << 20, 1 << 24] {
            let l = one(n);
            let mut out = [0f32];
            let mut index = [0i64];
            time(&format!("sum {n}"), || sum(&mut ViewMut::of(&mut out, &all), View::of(&x, &l), &[true]));
            time(&format!("amax {n}"), || amax(&mut ViewMut::of(&mut out, &all), View::of(&x, &l), &[true]));
            time(&format!("argmax {n}"), || argmax(&mut ViewMut::of(&mut index, &all), View::of(&x, &l), None));
            time(&format!("var {n}"), || var(&mut ViewMut::of(&mut out, &all), View::of(&x, &l), &[true], 1.0, false));
        }
        for (r, c) in [(1024, 1024), (4096, 4096), (100_000, 10), (10, 100_000)] {
            let l = Layout::contiguous(&[r, c]);
            for dim in 0..2usize {
                let mask = [dim == 0, dim == 1];
                let o = Layout::contiguous(&if dim == 0 { [1, c] } else { [r, 1] });
                let mut out = vec![0f32; r.max(c) as usize];
                let mut index = vec![0i64; r.max(c) as usize];
                time(&format!("sum {r}x{c} dim {dim}"), || {
                    sum(&mut ViewMut::of(&mut out, &o), View::of(&x, &l), &mask)
                });
                time(&format!("max {r}x{c} dim {dim}"), || {
                    let mut values = ViewMut::of(&mut out, &o);
                    min_max_with_index(&mut values, &mut ViewMut::of(&mut index, &o), View::of(&x, &l), dim, true)
                });
                time(&format!("var {r}x{c} dim {dim}"), || {
                    var(&mut ViewMut::of(&mut out, &o), View::of(&x, &l), &mask, 1.0, false)
                });
                time(&format!("logsumexp {r}x{c} dim {dim}"), || {
                    logsumexp(&mut ViewMut::of(&mut out, &o), View::of(&x, &l), &mask)
                });
            }
            let mut y = vec![f32::default(); (r * c) as usize];
            for dim in 0..2 {
                time(&format!("softmax {r}x{c} dim {dim}"), || {
                    crate::softmax::softmax(&mut ViewMut::of(&mut y, &l), View::of(&x, &l), dim)
                });
                time(&format!("cumsum {r}x{c} dim {dim}"), || {
                    crate::scan::cumsum(&mut ViewMut::of(&mut y, &l), View::of(&x, &l), dim)
                });
            }
        }
    }
}
