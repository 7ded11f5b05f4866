//! IDX files and data sets in MNIST's format, written here and read back.

use std::path::PathBuf;

use flambeau_data::mnist::{Resource, md5_of};
use flambeau_data::{Family, Idx};
use flambeau_types::DType;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("flambeau-data-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn images(n: i64) -> Idx {
    Idx { dtype: DType::U8, sizes: vec![n, 2, 3], bytes: (0..n * 6).map(|i| i as u8).collect() }
}

fn labels(n: i64) -> Idx {
    Idx { dtype: DType::U8, sizes: vec![n], bytes: (0..n).map(|i| i as u8).collect() }
}

#[test]
fn splits_are_found_packed_and_unpacked() {
    let root = Folder::new("splits");
    let error = Family::FashionMnist.load(&root.0, true).unwrap_err();
    assert!(error.message().starts_with("Dataset not found. You can use download=True to download it"));

    let folder = root.0.join("FashionMNIST/raw");
    std::fs::create_dir_all(&folder).unwrap();
    images(4).write(folder.join("train-images-idx3-ubyte")).unwrap();
    labels(4).write(folder.join("train-labels-idx1-ubyte.gz")).unwrap();
    let train = Family::FashionMnist.load(&root.0, true).unwrap();
    assert_eq!((train.len(), train.images.sizes.as_slice()), (4, [4, 2, 3].as_slice()));
    assert_eq!(train.image(1), Some([6, 7, 8, 9, 10, 11].as_slice()));
    assert_eq!(train.image(4), None);
    assert_eq!(train.labels, [0, 1, 2, 3]);
    assert!(!Family::FashionMnist.exists(&root.0));

    images(2).write(folder.join("t10k-images-idx3-ubyte.gz")).unwrap();
    labels(3).write(folder.join("t10k-labels-idx1-ubyte.gz")).unwrap();
    assert!(Family::FashionMnist.exists(&root.0) && !Family::Mnist.exists(&root.0));
    assert_eq!(Family::FashionMnist.load(&root.0, false).unwrap_err().message(), "2 images, but 3 labels");
    labels(2).write(folder.join("t10k-images-idx3-ubyte.gz")).unwrap();
    let error = Family::FashionMnist.load(&root.0, false).unwrap_err();
    assert_eq!(error.message(), "x should have 3 dimension instead of 1");
}

#[test]
fn every_type_comes_back_and_is_big_endian_in_the_file() {
    for dtype in [DType::U8, DType::I8, DType::I16, DType::I32, DType::F32, DType::F64] {
        let idx = Idx { dtype, sizes: vec![3, 1], bytes: (0..3 * dtype.size() as u8).collect() };
        let file = idx.to_bytes().unwrap();
        let first: Vec<u8> = (0..dtype.size() as u8).rev().collect();
        assert_eq!(file[12..12 + dtype.size()], first);
        assert_eq!(Idx::from_bytes(&file).unwrap(), idx);
    }
    assert!(Idx { dtype: DType::I64, sizes: vec![1], bytes: vec![0; 8] }.to_bytes().is_err());
    assert!(Idx { dtype: DType::U8, sizes: vec![2], bytes: vec![0; 8] }.to_bytes().is_err());
    assert!(Idx { dtype: DType::U8, sizes: vec![], bytes: vec![0] }.to_bytes().is_err());
}

#[test]
fn damaged_files_are_errors() {
    let whole = images(3).to_bytes().unwrap();
    for len in 0..whole.len() {
        assert!(Idx::from_bytes(&whole[..len]).is_err(), "cut to {len}");
    }
    let error = |bytes: &[u8]| Idx::from_bytes(bytes).unwrap_err().message().to_string();
    assert!(error(&[whole.clone(), vec![0]].concat()).contains("more bytes than the 18"));
    assert!(error(b"<html>404</html>").contains("not an IDX file"));
    let huge = [[0, 0, 8, 2].as_slice(), &[0xFF; 8]].concat();
    assert!(error(&huge).contains("which it cannot hold"));

    let folder = Folder::new("damaged");
    let path = folder.0.join("x.gz");
    images(3).write(&path).unwrap();
    let packed = std::fs::read(&path).unwrap();
    assert_eq!(Idx::from_bytes(&packed).unwrap(), images(3));
    for len in 0..packed.len() {
        assert!(Idx::from_bytes(&packed[..len]).is_err(), "gzip cut to {len}");
    }
    for at in 0..packed.len() {
        let mut altered = packed.clone();
        altered[at] ^= 0x55;
        drop(Idx::from_bytes(&altered));
    }
    assert!(Idx::read(folder.0.join("missing")).is_err());
}

#[test]
fn checksums_are_compared() {
    let folder = Folder::new("md5");
    let path = folder.0.join("abc");
    std::fs::write(&path, b"abc").unwrap();
    assert_eq!(md5_of(&path).unwrap(), "900150983cd24fb0d6963f7d28e17f72");
    Resource { file: "abc", md5: "900150983cd24fb0d6963f7d28e17f72" }.check(&path).unwrap();
    let error = Family::Mnist.resources()[0].check(&path).unwrap_err();
    assert!(error.message().contains("f68b3c2dcbeaaa9fbdd348bbdeb94873"));
}
