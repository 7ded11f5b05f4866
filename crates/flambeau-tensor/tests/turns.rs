//! Operators that run in turns, under a lock of the caller's, without locks on storages.

use std::sync::Mutex;

use flambeau_tensor::lock::{Unordered, operators_run_in_turns};
use flambeau_tensor::{DType, Device, Tensor};

/// One test, because the promise is for the whole process.
#[test]
fn threads_in_turns_and_beside_them() {
    static TURN: Mutex<()> = Mutex::new(());
    // SAFETY: the threads below hold `TURN` while they run an operator, or else an `Unordered`.
    unsafe { operators_run_in_turns() };
    let sum = Tensor::empty(&[64], DType::F64, Device::Cpu).unwrap();
    sum.fill_(0.0).unwrap();
    let (threads, rounds) = (4, if cfg!(miri) { 5 } else { 500 });
    std::thread::scope(|scope| {
        for beside in [false, true].repeat(threads / 2) {
            let sum = &sum;
            scope.spawn(move || {
                for _ in 0..rounds {
                    let turn = TURN.lock().unwrap();
                    if beside {
                        let unordered = Unordered::begin();
                        drop(turn);
                        sum.add_(1.0).unwrap();
                        let turn = TURN.lock().unwrap();
                        drop(unordered);
                        drop(turn);
                    } else {
                        sum.add_(1.0).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(sum.to_vec::<f64>().unwrap(), [(threads * rounds) as f64; 64]);
    assert_eq!(sum.version(), 1 + (threads * rounds) as u32);
}
