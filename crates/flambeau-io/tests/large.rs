//! Beyond 4 GiB, where lengths and offsets no longer fit the old fields of a zip archive. Takes that much disk, so it runs
//! only when asked: `cargo test -p flambeau-io --test large -- --ignored`.

use flambeau_io::archive::{ArchiveWriter, Style};
use flambeau_io::{AtomicFile, TensorRecord, Value, pickle, torch_file};
use flambeau_types::DType;

#[test]
#[ignore = "writes 4.2 GiB"]
fn a_storage_beyond_4_gib_is_written_and_found_again() {
    let path = std::env::temp_dir().join("flambeau-large.pt");
    let block = vec![7u8; 64 << 20];
    let parts = vec![block.as_slice(); 65];
    let lengths = [65u64 << 26, 4];
    let tensor = |id: usize| Value::tensor(TensorRecord::contiguous(id, DType::U8, &[lengths[id] as i64]));
    let (pickle, _) = pickle::dump(&Value::list([tensor(0), tensor(1)]), &|id| lengths.get(id).copied()).unwrap();
    let mut archive = ArchiveWriter::new(AtomicFile::create(&path).unwrap(), Style::Torch);
    archive.add("x/data.pkl", &[&pickle]).unwrap();
    archive.add("x/data/0", &parts).unwrap();
    archive.add("x/data/1", &[&[1, 2, 3, 4]]).unwrap();
    archive.add("x/version", &[b"3\n"]).unwrap();
    archive.finish().unwrap().commit(false).unwrap();

    let file = torch_file::load(&path).unwrap();
    assert_eq!(file.storages[0].len(), lengths[0]);
    assert_eq!(file.storages[1].read().unwrap(), [1, 2, 3, 4]);
    if std::env::var_os("FLAMBEAU_KEEP").is_none() {
        std::fs::remove_file(&path).unwrap();
    }
}
