//! MNIST and the data sets in its format, in the folders that torchvision uses: `ROOT/MNIST/raw/train-images-idx3-ubyte`,
//! with or without `.gz`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flambeau_types::{DType, Error, Result};

use crate::Idx;

/// A data set in MNIST's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Handwritten digits.
    Mnist,
    /// Zalando's pictures of clothes.
    FashionMnist,
    /// Handwritten Japanese characters.
    Kmnist,
}

/// A file of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The file's name, ending in `.gz`.
    pub file: &'static str,
    /// The MD5 checksum of the packed file, in hexadecimal.
    pub md5: &'static str,
}

/// The images and labels of the training or the test part.
#[derive(Clone, Debug)]
pub struct Split {
    /// The images: uint8, of shape (images, rows, columns).
    pub images: Idx,
    /// A label for each image.
    pub labels: Vec<u8>,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 3] = [Family::Mnist, Family::FashionMnist, Family::Kmnist];

    /// The folder's name, which is also torchvision's class name.
    pub const fn name(self) -> &'static str {
        match self {
            Family::Mnist => "MNIST",
            Family::FashionMnist => "FashionMNIST",
            Family::Kmnist => "KMNIST",
        }
    }

    /// The names of the classes, by label.
    pub const fn classes(self) -> [&'static str; 10] {
        match self {
            Family::Mnist => [
                "0 - zero",
                "1 - one",
                "2 - two",
                "3 - three",
                "4 - four",
                "5 - five",
                "6 - six",
                "7 - seven",
                "8 - eight",
                "9 - nine",
            ],
            Family::FashionMnist => [
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ],
            Family::Kmnist => ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
        }
    }

    /// Where the files can be had, the best place first. A file's address is one of these and its name.
    pub const fn mirrors(self) -> &'static [&'static str] {
        match self {
            Family::Mnist => &["https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"],
            Family::FashionMnist => &["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"],
            Family::Kmnist => &["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
        }
    }

    /// The files: images and labels to train on, then to test with.
    pub const fn resources(self) -> [Resource; 4] {
        let md5 = match self {
            Family::Mnist => [
                "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                "d53e105ee54ea40749a09fcbcd1e9432",
                "9fb629c4189551a2d022fa330f9573f3",
                "ec29112dd5afa0611ce80d1b7f02629c",
            ],
            Family::FashionMnist => [
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ],
            Family::Kmnist => [
                "bdb82020997e1d708af4cf47b453dcf7",
                "e144d726b3acfaa3e44228e80efcd344",
                "5c965bf0a639b31b8f53240b1b52f4d7",
                "7320c461ea6c1c855c0b718fb2a4b134",
            ],
        };
        [
            Resource { file: "train-images-idx3-ubyte.gz", md5: md5[0] },
            Resource { file: "train-labels-idx1-ubyte.gz", md5: md5[1] },
            Resource { file: "t10k-images-idx3-ubyte.gz", md5: md5[2] },
            Resource { file: "t10k-labels-idx1-ubyte.gz", md5: md5[3] },
        ]
    }

    /// The folder that its files lie in.
    pub fn folder(self, root: impl AsRef<Path>) -> PathBuf {
        root.as_ref().join(self.name()).join("raw")
    }

    /// True if all four files are there, unpacked or packed.
    pub fn exists(self, root: impl AsRef<Path>) -> bool {
        let folder = self.folder(root);
        self.resources().iter().all(|r| find(&folder, r.file).is_some())
    }

    /// Reads the part to train on or the part to test with.
    ///
    /// ```no_run
    /// use flambeau_data::Family;
    /// let train = Family::Mnist.load("data", true)?;
    /// println!("{} images of {:?}", train.len(), &train.images.sizes[1..]);
    /// # Ok::<(), flambeau_types::Error>(())
    /// ```
    pub fn load(self, root: impl AsRef<Path>, train: bool) -> Result<Split> {
        let folder = self.folder(root);
        let [train_images, train_labels, test_images, test_labels] = self.resources();
        let (images, labels) = if train { (train_images, train_labels) } else { (test_images, test_labels) };
        let open = |resource: Resource| {
            let path = find(&folder, resource.file).ok_or_else(|| {
                Error::runtime(format!(
                    "Dataset not found. You can use download=True to download it (there is no {} in {})",
                    resource.file.trim_end_matches(".gz"),
                    folder.display()
                ))
            })?;
            Idx::read(path)
        };
        let (images, labels) = (open(images)?, open(labels)?);
        for (idx, rank) in [(&images, 3), (&labels, 1)] {
            if idx.dtype != DType::U8 {
                return Err(Error::type_(format!("x should be of dtype torch.uint8 instead of {}", idx.dtype)));
            }
            if idx.sizes.len() != rank {
                return Err(Error::value(format!("x should have {rank} dimension instead of {}", idx.sizes.len())));
            }
        }
        if images.sizes[0] != labels.sizes[0] {
            return Err(Error::value(format!("{} images, but {} labels", images.sizes[0], labels.sizes[0])));
        }
        Ok(Split { images, labels: labels.bytes })
    }
}

impl Split {
    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True if there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// An image's pixels, row by row, 0 to 255; `None` beyond the last.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        if index >= self.len() {
            return None;
        }
        let size = (self.images.sizes[1] * self.images.sizes[2]) as usize;
        self.images.bytes.get(index * size..(index + 1) * size)
    }
}

impl Resource {
    /// Compares a packed file with its checksum.
    pub fn check(&self, path: impl AsRef<Path>) -> Result<()> {
        let sum = md5_of(path.as_ref())?;
        if sum == self.md5 {
            return Ok(());
        }
        Err(Error::runtime(format!(
            "File not found or corrupted: {} has the MD5 checksum {sum}, it should be {}",
            path.as_ref().display(),
            self.md5
        )))
    }
}

/// The MD5 checksum of a file, in hexadecimal. It tells damage, not malice.
pub fn md5_of(path: impl AsRef<Path>) -> Result<String> {
    let mut file = File::open(path)?;
    let mut context = md5::Context::new();
    let mut block = vec![0; 1 << 18];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(format!("{:x}", context.finalize())),
            n => context.consume(&block[..n]),
        }
    }
}

/// The unpacked file if it is there, else the packed one.
fn find(folder: &Path, packed: &str) -> Option<PathBuf> {
    [packed.trim_end_matches(".gz"), packed].iter().map(|name| folder.join(name)).find(|path| path.is_file())
}
