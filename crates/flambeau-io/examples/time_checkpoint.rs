//! Times saving and loading a checkpoint of so many MiB: `cargo run --release --example time_checkpoint -- 400 out.pt`.

use std::time::Instant;

use flambeau_io::{TensorRecord, Value, torch_file};
use flambeau_types::{DType, Result};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let mib: usize = args.next().and_then(|n| n.parse().ok()).unwrap_or(400);
    let path = args.next().unwrap_or_else(|| "checkpoint.pt".into());
    let count = 8;
    let bytes: Vec<Vec<u8>> = (0..count).map(|i| vec![i as u8 + 1; (mib << 20) / count]).collect();
    let storages: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    let numel = (storages[0].len() / 4) as i64;
    let tensor =
        |i: usize| (Value::str(&format!("w{i}")), Value::tensor(TensorRecord::contiguous(i, DType::F32, &[numel])));
    let root = Value::ordered_dict((0..count).map(tensor));
    let mut places: Vec<Vec<u8>> = bytes.iter().map(|b| vec![0xFF; b.len()]).collect();
    for sync in [false, false, true] {
        let start = Instant::now();
        torch_file::save_with(&path, &root, &storages, sync)?;
        let saved = start.elapsed();
        let start = Instant::now();
        let file = torch_file::load(&path)?;
        for (storage, place) in file.storages.iter().zip(&mut places) {
            storage.read_into(place)?;
        }
        println!(
            "{mib} MiB, sync {sync}: save {:.3} s, load {:.3} s",
            saved.as_secs_f64(),
            start.elapsed().as_secs_f64()
        );
        assert_eq!(places, bytes);
    }
    Ok(())
}
