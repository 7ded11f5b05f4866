//! State dicts through files.

use flambeau::io::{Value, torch_file};
use flambeau::prelude::*;
use flambeau::{Result, load, save};

struct File(std::path::PathBuf);

impl File {
    fn new(name: &str) -> File {
        File(std::env::temp_dir().join(format!("flambeau-{name}-{}.pt", std::process::id())))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn model() -> Result<Sequential> {
    Ok(sequential![Conv2d::new(1, 2, 3)?, ReLU, Flatten::default(), Linear::new(8, 3)?])
}

#[test]
fn a_model_comes_back() -> Result<()> {
    let file = File::new("model");
    let (saved, fresh) = (model()?, model()?);
    save(&file.0, &saved.state_dict())?;
    let state = load(&file.0)?;
    let names: Vec<&str> = state.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["0.weight", "0.bias", "3.weight", "3.bias"]);
    fresh.load_state_dict(&state)?;
    for (a, b) in saved.parameters().iter().zip(fresh.parameters()) {
        assert_eq!(a.to_vec::<f32>()?, b.to_vec::<f32>()?);
    }
    let x = ops::randn(&[2, 1, 4, 4])?;
    assert_eq!(saved.forward(&x)?.to_vec::<f32>()?, fresh.forward(&x)?.to_vec::<f32>()?);
    Ok(())
}

#[test]
fn views_share_memory_after_loading() -> Result<()> {
    let file = File::new("views");
    let all = tensor![[1, 2, 3], [4, 5, 6]];
    let column = all.select(1, 1)?;
    save(&file.0, &[("all".into(), all), ("column".into(), column)])?;
    let state = load(&file.0)?;
    assert_eq!(state[0].1.storage().id(), state[1].1.storage().id());
    assert_eq!(state[1].1.to_vec::<i64>()?, [2, 5]);
    Ok(())
}

#[test]
fn what_is_no_state_dict_is_refused() -> Result<()> {
    let file = File::new("other");
    torch_file::save(&file.0, &Value::list([Value::Int(1)]), &[])?;
    assert!(load(&file.0).is_err());
    torch_file::save(&file.0, &Value::dict([(Value::str("epoch"), Value::Int(1))]), &[])?;
    assert!(load(&file.0).unwrap_err().message().contains("'epoch' is not a tensor"));
    assert!(save(&file.0, &[("x".into(), tensor![1.]), ("x".into(), tensor![2.])]).is_err());
    Ok(())
}
