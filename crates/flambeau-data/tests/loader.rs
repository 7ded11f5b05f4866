//! The loader's order, against orders recorded from PyTorch 2.15.

#![allow(clippy::excessive_precision)]

use flambeau_data::{
    Collate, ConcatDataset, DataLoader, Dataset, RandomSampler, Sampler, Subset, SubsetRandomSampler, TensorDataset,
    WeightedRandomSampler, random_split,
};
use flambeau_tensor::{Generator, Result, Tensor, manual_seed, ops};

/// Tests that seed the one default stream take turns.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn pass(loader: &DataLoader) -> Result<Vec<Vec<i64>>> {
    loader
        .iter()?
        .map(|batch| {
            let (images, labels) = batch?;
            assert_eq!(images.to_vec::<i64>()?, labels.to_vec::<i64>()?);
            labels.to_vec()
        })
        .collect()
}

fn loader(n: i64) -> Result<DataLoader> {
    DataLoader::new(TensorDataset::new((ops::arange_end(n)?.unsqueeze(1)?, ops::arange_end(n)?))?).batch_size(4)
}

fn next_numbers() -> Result<Vec<f32>> {
    ops::rand(&[2])?.to_vec()
}

#[test]
fn orders_and_draws_are_pytorchs() -> Result<()> {
    let _alone = alone();
    manual_seed(5);
    let shuffled = loader(10)?.shuffle(true);
    assert_eq!(pass(&shuffled)?, [vec![8, 3, 0, 5], vec![9, 1, 6, 2], vec![4, 7]]);
    assert_eq!(pass(&shuffled)?, [vec![5, 8, 9, 7], vec![2, 0, 4, 1], vec![3, 6]]);
    assert_eq!(next_numbers()?, [0.0332646369934082f32, 0.9941847324371338]);
    assert_eq!(pass(&loader(5)?)?, [vec![0, 1, 2, 3], vec![4]]);
    assert_eq!(next_numbers()?, [0.07241219282150269f32, 0.6593389511108398]);

    let full = loader(10)?.drop_last(true);
    assert_eq!((full.len(), full.iter()?.len(), pass(&full)?.len()), (2, 2, 2));
    assert!(loader(0)?.is_empty() && pass(&loader(0)?)?.is_empty());
    Ok(())
}

#[test]
fn what_does_not_fit_is_an_error() -> Result<()> {
    let _alone = alone();
    assert!(TensorDataset::new((ops::zeros(&[2])?, ops::zeros(&[3])?)).is_err());
    assert!(TensorDataset::new((Tensor::scalar(1, flambeau_tensor::DType::I64), ops::zeros(&[3])?)).is_err());
    assert!(loader(3)?.batch_size(0).is_err());
    Ok(())
}

fn numbers() -> Result<TensorDataset<Tensor>> {
    TensorDataset::new(ops::arange_end(10)?)
}

fn drawn(loader: &DataLoader<TensorDataset<Tensor>>) -> Result<Vec<Vec<i64>>> {
    loader.iter()?.map(|batch| batch?.to_vec()).collect()
}

#[test]
fn samplers_draw_as_pytorchs() -> Result<()> {
    let _alone = alone();
    let sampled = |size, sampler: Box<dyn Sampler>| -> Result<Vec<Vec<i64>>> {
        drawn(&DataLoader::new(numbers()?).batch_size(size)?.sampler(sampler))
    };
    manual_seed(5);
    let again =
        [8, 2, 4, 9, 7, 5, 8, 0, 7, 6, 9, 3, 2, 5, 6, 1, 9, 0, 1, 9, 5, 1, 8, 6, 6, 1, 4, 4, 0, 8, 6, 4, 3, 7, 4];
    assert_eq!(sampled(40, Box::new(RandomSampler { replacement: true, num_samples: Some(35) }))?, [again]);
    assert_eq!(next_numbers()?[0], 0.9201034307479858);
    manual_seed(5);
    let more = sampled(12, Box::new(RandomSampler { num_samples: Some(15), ..Default::default() }))?;
    assert_eq!(more, [vec![8, 3, 0, 5, 9, 1, 6, 2, 4, 7, 6, 8], vec![5, 2, 3]]);
    manual_seed(5);
    assert_eq!(sampled(3, Box::new(SubsetRandomSampler(vec![9, 7, 5, 3])))?, [vec![3, 7, 5], vec![9]]);
    manual_seed(5);
    let weights: Vec<f64> = (0..10).map(|i| 0.1 * f64::from(i)).collect();
    let weighted = |num_samples, replacement| {
        Box::new(WeightedRandomSampler { weights: weights.clone(), num_samples, replacement })
    };
    assert_eq!(sampled(8, weighted(8, true))?, [[5, 6, 5, 5, 9, 7, 8, 9]]);
    assert_eq!(sampled(8, weighted(5, false))?, [[4, 7, 6, 9, 5]]);

    let generator = Generator::new();
    generator.manual_seed(7);
    let own = DataLoader::new(numbers()?).batch_size(5)?.shuffle(true).generator(generator);
    assert_eq!(drawn(&own)?, [[1, 3, 5, 7, 9], [4, 6, 2, 8, 0]]);
    assert_eq!(drawn(&own)?, [[5, 1, 6, 0, 9], [7, 8, 4, 3, 2]]);
    Ok(())
}

#[test]
fn datasets_are_split_and_joined() -> Result<()> {
    let _alone = alone();
    manual_seed(5);
    let data = numbers()?;
    let parts = random_split(&data, &[7, 3], None)?;
    assert_eq!((&parts[0].indices[..], &parts[1].indices[..]), (&[1, 4, 9, 6, 3, 5, 0][..], &[2, 8, 7][..]));
    assert!(random_split(&data, &[7, 2], None).is_err());

    let joined = ConcatDataset(vec![Subset { dataset: &data, indices: vec![4, 2] }, parts[1].clone()]);
    let loader = DataLoader::new(joined).batch_size(4)?;
    let batches = loader.iter()?.map(|b| b?.to_vec::<i64>()).collect::<Result<Vec<_>>>()?;
    assert_eq!(batches, [vec![4, 2, 2, 8], vec![7]]);
    assert!(loader.dataset().get(5).is_err());
    Ok(())
}

/// Rows of text as numbers, of any length, padded with 0 to the longest.
struct Row(Vec<i64>);

impl Collate for Row {
    type Batch = Tensor;
    fn collate(rows: Vec<Row>) -> Result<Tensor> {
        let longest = rows.iter().map(|row| row.0.len()).max().unwrap_or(0);
        let padded: Vec<i64> =
            rows.iter().flat_map(|r| (0..longest).map(|i| r.0.get(i).copied().unwrap_or(0))).collect();
        Tensor::of(&padded, &[rows.len() as i64, longest as i64])
    }
}

struct Text(Vec<&'static str>);

impl Dataset for Text {
    type Sample = (Row, String, f64);
    fn len(&self) -> usize {
        self.0.len()
    }
    fn get(&self, index: usize) -> Result<(Row, String, f64)> {
        let text = self.0[index];
        Ok((Row(text.bytes().map(i64::from).collect()), text.to_string(), text.len() as f64))
    }
}

#[test]
fn samples_of_ones_own_are_put_together() -> Result<()> {
    let _alone = alone();
    let loader = DataLoader::new(Text(vec!["ab", "c", "def"])).batch_size(2)?;
    let (rows, names, lengths) = loader.iter()?.next().unwrap()?;
    assert_eq!((rows.size(), rows.to_vec::<i64>()?), (&[2, 2][..], vec![97, 98, 99, 0]));
    assert_eq!((names, lengths.to_vec::<f64>()?), (vec!["ab".to_string(), "c".to_string()], vec![2.0, 1.0]));
    // A sampler that asks for what is not there.
    let astray = DataLoader::new(Text(vec!["ab"])).sampler(SubsetRandomSampler(vec![3]));
    assert!(astray.iter()?.next().unwrap().is_err());
    assert!(DataLoader::new(Text(vec![])).shuffle(true).iter().is_err());
    Ok(())
}
