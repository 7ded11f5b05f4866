//! The loader's order, against orders recorded from PyTorch 2.15.

#![allow(clippy::excessive_precision)]

use flambeau_data::DataLoader;
use flambeau_tensor::{Result, Tensor, manual_seed, ops};

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
    DataLoader::new(ops::arange_end(n)?.unsqueeze(1)?, ops::arange_end(n)?)?.batch_size(4)
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
    assert!(DataLoader::new(ops::zeros(&[2])?, ops::zeros(&[3])?).is_err());
    assert!(DataLoader::new(Tensor::scalar(1, flambeau_tensor::DType::I64), ops::zeros(&[3])?).is_err());
    assert!(loader(3)?.batch_size(0).is_err());
    Ok(())
}
