//! The reader of IDX files over altered files; `make fuzz` runs a million inputs.

#[path = "../../flambeau-io/tests/common/fuzz.rs"]
mod fuzz;

use std::io::Write;

use flambeau_data::Idx;
use flambeau_types::DType;
use fuzz::{Counting, mutate, run};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn idx_files() {
    let idx = |dtype: DType, sizes: &[i64], bytes: usize| {
        let bytes = (0..bytes).map(|i| i as u8).collect();
        Idx { dtype, sizes: sizes.to_vec(), bytes }.to_bytes().unwrap()
    };
    let mut seeds = vec![idx(DType::U8, &[3, 4, 4], 48), idx(DType::I32, &[5], 20), idx(DType::F64, &[0], 0)];
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&seeds[0]).unwrap();
    seeds.push(packed.finish().unwrap());
    let make = |random: &mut fuzz::Random, mut bytes: Vec<u8>| {
        for _ in 0..1 + random.below(4) {
            mutate(random, &mut bytes, &seeds);
        }
        bytes
    };
    run("idx", &seeds, make, |bytes| Idx::from_bytes(&bytes).is_ok());
}
