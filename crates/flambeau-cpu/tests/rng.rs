//! The random streams against numbers recorded from PyTorch: integers and states exact, floats within 2 units in the
//! last place.

use flambeau_cpu::rng::{self, Generator};
use flambeau_cpu::{View, ViewMut};
use flambeau_types::{DType, Element, Scalar, bf16, f16};

const RECORDED: &str = include_str!("fixtures/rng.txt");

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ b as u64).wrapping_mul(0x100_0000_01b3))
}

fn dtype(name: &str) -> DType {
    DType::ALL.into_iter().find(|d| d.name() == name).unwrap()
}

fn layout(text: &str) -> (Vec<i64>, Vec<i64>, usize) {
    let list = |t: &str| t.split(',').map(|v| v.parse().unwrap()).collect::<Vec<i64>>();
    let (sizes, strides) = text.split_once(':').unwrap();
    let (sizes, strides) = (list(sizes), list(strides));
    let extent = 1 + sizes.iter().zip(&strides).map(|(n, s)| (n - 1) * s).sum::<i64>();
    (sizes, strides, extent as usize)
}

/// Weights as the recording had them: (7 i + 3) mod 11, over 11.
fn weights(dtype: DType, n: usize) -> Vec<u8> {
    let value = |i: usize| ((7 * i + 3) % 11) as f64 / 11.0;
    (0..n)
        .flat_map(|i| match dtype {
            DType::F64 => value(i).to_ne_bytes().to_vec(),
            DType::F32 => (value(i) as f32).to_ne_bytes().to_vec(),
            DType::F16 => f16::from_scalar(Scalar::Float(value(i))).to_ne_bytes().to_vec(),
            _ => bf16::from_scalar(Scalar::Float(value(i))).to_ne_bytes().to_vec(),
        })
        .collect()
}

fn call(g: &mut Generator, words: &[&str]) -> (DType, Vec<u8>) {
    let d = dtype(words[1]);
    let (sizes, strides, extent) = layout(words[2]);
    let mut memory = vec![0u8; extent * d.size()];
    // SAFETY: the memory has room for the farthest element of the layout.
    let mut out = unsafe { ViewMut::new(memory.as_mut_ptr(), d, &sizes, &strides) };
    let real = |i: usize| words[i].parse::<f64>().unwrap();
    let int = |i: usize| words[i].parse::<i64>().unwrap();
    match words[0] {
        "uniform" => rng::uniform(g, &mut out, real(3), real(4)),
        "normal" => rng::normal(g, &mut out, real(3), real(4)),
        "log_normal" => rng::log_normal(g, &mut out, real(3), real(4)),
        "cauchy" => rng::cauchy(g, &mut out, real(3), real(4)),
        "exponential" => rng::exponential(g, &mut out, real(3)),
        "geometric" => rng::geometric(g, &mut out, real(3)),
        "bernoulli" => rng::bernoulli_scalar(g, &mut out, real(3)),
        "random_from_to" => rng::random_from_to(g, &mut out, int(3), int(4)),
        "random_from" => rng::random_from(g, &mut out, int(3)),
        "random_full" => rng::random_full(g, &mut out),
        "randperm" => rng::randperm(g, extent, &mut out),
        op => {
            let (sizes, strides, extent) = layout(words[4]);
            let p = weights(dtype(words[3]), extent);
            // SAFETY: the memory reaches to the farthest element of the layout.
            let p = unsafe { View::new(p.as_ptr(), dtype(words[3]), &sizes, &strides) };
            match op {
                "bernoulli_tensor" => rng::bernoulli_tensor(g, &mut out, p),
                "multinomial" => rng::multinomial(g, &mut out, p, int(5), words[6] == "true"),
                _ => panic!("{op}"),
            }
        }
    }
    .unwrap();
    (d, memory)
}

#[test]
fn streams_are_those_recorded() {
    let mut g = Generator::new(0);
    let (mut calls, mut states) = (0, 0);
    for line in RECORDED.lines().filter(|l| !l.starts_with('#')) {
        let (left, right) = line.split_once(" = ").unwrap_or((line, ""));
        let words: Vec<&str> = left.split(' ').collect();
        match words[0] {
            "seed" => g.manual_seed(words[1].parse().unwrap()),
            "state" => {
                let state = g.get_state();
                assert_eq!(format!("{:016x}", fnv(&state)), right, "state after {calls} calls");
                // What was saved goes on like what saved it.
                g = Generator::new(99);
                g.set_state(&state).unwrap();
                states += 1;
            }
            _ => {
                let (d, memory) = call(&mut g, &words);
                let width = d.to_real().size();
                let n = memory.len() / width;
                let step = if n == 100 { 7 } else { 1 };
                let expected: Vec<&str> = right.split(' ').collect();
                assert_eq!(n.div_ceil(step), expected.len(), "{left}");
                let slack = if d.is_integral() { 0 } else { 2 };
                for (i, (bytes, text)) in memory.chunks_exact(width).step_by(step).zip(expected).enumerate() {
                    let mut raw = [0u8; 8];
                    raw[..width].copy_from_slice(bytes);
                    let (got, want) = (u64::from_le_bytes(raw), u64::from_str_radix(text, 16).unwrap());
                    assert!(got.abs_diff(want) <= slack, "{left}: element {}: {got:x}, not {want:x}", i * step);
                }
                calls += 1;
            }
        }
    }
    assert!(calls > 200 && states > 40, "{calls} calls, {states} states");
}

#[test]
fn fixed_spots_of_the_state() {
    let mut g = Generator::new(42);
    let state = g.get_state();
    assert_eq!(state.len(), 5056);
    assert_eq!(state[..24], [42, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert!(state[5016..].iter().all(|&b| b == 0));
    assert_eq!(g.initial_seed(), 42);
    let mut one = [0f64];
    let sizes = flambeau_types::Layout::contiguous(&[1]);
    rng::normal(&mut g, &mut ViewMut::of(&mut one, &sizes), 0.0, 1.0).unwrap();
    let state = g.get_state();
    assert_eq!((state[8], state[9], state[16]), (0x6d, 0x02, 4));
    assert_eq!(state[5040], 1);
    assert_ne!(state[5024..5032], [0; 8]);
}

#[test]
fn bad_states_are_refused() {
    let mut g = Generator::new(0);
    let text = |r: flambeau_types::Result<()>| r.unwrap_err().message().to_string();
    assert_eq!(
        text(g.set_state(&[0; 5])),
        "Expected a CPUGeneratorImplState of size 5056 but found the input RNG state size to be 5"
    );
    assert_eq!(text(g.set_state(&[0; 5056])), "Invalid mt19937 state");
    // A count of draws that does not fit the place is not trusted.
    let mut state = g.get_state();
    (state[8], state[9], state[16], state[17]) = (0x70, 2, 0x70, 2);
    g.set_state(&state).unwrap();
    let mut many = [0u32; 2000];
    g.fill(&mut many);
    assert!(many.iter().any(|&d| d != many[0]));
}

#[test]
fn filling_equals_drawing_one_by_one() {
    let (mut a, mut b) = (Generator::new(5), Generator::new(5));
    for n in [0, 1, 2, 623, 624, 625, 1300] {
        let mut many = vec![0; n];
        a.fill(&mut many);
        assert!(many.iter().all(|&d| d == b.random()), "{n}");
        assert_eq!(a.get_state(), b.get_state());
    }
}

#[test]
fn bad_arguments_are_named() {
    let mut g = Generator::new(0);
    let before = g.get_state();
    let (sizes, strides) = ([3i64], [1i64]);
    let mut memory = [0u8; 64];
    let mut check = |d: DType, text: &str, f: &dyn Fn(&mut Generator, &mut ViewMut) -> flambeau_types::Result<()>| {
        // SAFETY: three elements of any dtype fit.
        let mut out = unsafe { ViewMut::new(memory.as_mut_ptr(), d, &sizes, &strides) };
        assert_eq!(f(&mut g, &mut out).unwrap_err().message(), text);
        assert_eq!(g.get_state(), before);
    };
    use DType::*;
    check(F32, "normal expects std >= 0.0, but found std -1", &|g, v| rng::normal(g, v, 0.0, -1.0));
    check(I64, "\"normal_kernel_cpu\" not implemented for 'Long'", &|g, v| rng::normal(g, v, 0.0, 1.0));
    check(F32, "uniform_ expects to return a [from, to) range, but found from=2 > to=1", &|g, v| {
        rng::uniform(g, v, 2.0, 1.0)
    });
    check(F16, "to is out of bounds for c10::Half", &|g, v| rng::uniform(g, v, 0.0, 1e6));
    check(F32, "random_ expects 'from' to be less than 'to', but got from=5 >= to=3", &|g, v| {
        rng::random_from_to(g, v, 5, 3)
    });
    check(U8, "to - 1 is out of bounds for unsigned char", &|g, v| rng::random_from_to(g, v, 0, 300));
    check(F32, "bernoulli_ expects p to be in [0, 1], but got p=1.5", &|g, v| rng::bernoulli_scalar(g, v, 1.5));
    check(F32, "geometric_ expects p to be in (0, 1), but got p=1", &|g, v| rng::geometric(g, v, 1.0));
    check(
        I32,
        "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you specified int",
        &|g, v| rng::cauchy(g, v, 0.0, 1.0),
    );
    assert_eq!(rng::check_randperm(2050, F16).unwrap_err().message(), "n cannot be greater than 2049 for Half type.");
    assert!(rng::check_randperm(256, U8).is_ok() && rng::check_randperm(257, U8).is_err());
}
