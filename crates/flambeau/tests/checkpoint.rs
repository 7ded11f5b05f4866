//! State dicts through files.

use flambeau::checkpoint::{self, Value};
use flambeau::io::{Value as FileValue, torch_file};
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
    torch_file::save(&file.0, &FileValue::list([FileValue::Int(1)]), &[b""; 0])?;
    assert!(load(&file.0).is_err());
    torch_file::save(&file.0, &FileValue::dict([(FileValue::str("epoch"), FileValue::Int(1))]), &[b""; 0])?;
    assert!(load(&file.0).unwrap_err().message().contains("'epoch' is not a tensor"));
    assert!(save(&file.0, &[("x".into(), tensor![1.]), ("x".into(), tensor![2.])]).is_err());
    Ok(())
}

#[test]
fn nested_values_come_back() -> Result<()> {
    let file = File::new("nested");
    let weight = tensor![[1., 2.], [3., 4.]];
    let all = Value::dict([
        ("epoch", Value::Int(3)),
        ("loss", Value::Float(0.5)),
        ("best", Value::None),
        ("ok", Value::Bool(true)),
        ("name", "run".into()),
        ("history", Value::List(vec![Value::Tuple(vec![Value::Int(0), Value::Float(1.5)])])),
        ("state", Value::Dict(vec![(Value::Int(0), Value::dict([("momentum", weight.clone())]))])),
        ("row", weight.select(0, 1)?.into()),
    ]);
    checkpoint::write(&file.0, &all)?;
    let back = checkpoint::read(&file.0)?;
    assert_eq!(back.get("epoch")?.int()?, 3);
    assert_eq!(back.get("loss")?.float()?, 0.5);
    assert!(matches!(back.get("best")?, Value::None) && back.get("ok")?.bool()?);
    assert_eq!(back.get("name")?.text()?, "run");
    assert_eq!(back.get("history")?.at(0)?.at(1)?.float()?, 1.5);
    let momentum = back.get("state")?.get(0)?.get("momentum")?.tensor()?;
    assert_eq!(momentum.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
    let row = back.get("row")?.tensor()?;
    assert_eq!((row.to_vec::<f32>()?, row.storage().id()), (vec![3.0, 4.0], momentum.storage().id()));
    assert!(back.get("missing").unwrap_err().message().contains("the dictionary has no 'missing'"));
    assert!(
        back.get("epoch")?
            .tensor()
            .unwrap_err()
            .message()
            .contains("expected a tensor, but the checkpoint has an integer")
    );
    assert!(back.get("history")?.at(1).is_err());
    Ok(())
}

#[test]
fn the_state_of_an_optimizer_that_pytorch_saved_is_read() -> Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../flambeau-io/tests/fixtures/optimizer.pt");
    let file = checkpoint::read(path)?;
    let optimizer = file.get("optimizer")?;
    assert_eq!(optimizer.get("param_groups")?.at(0)?.get("lr")?.float()?, 0.01);
    let first = optimizer.get("state")?.get(0)?;
    assert_eq!(first.get("step")?.tensor()?.to_vec::<f32>()?, [1.0]);
    assert_eq!(first.get("exp_avg")?.tensor()?.size(), [3, 2]);
    // It goes through a file of ours unchanged.
    let copy = File::new("optimizer");
    checkpoint::write(&copy.0, &file)?;
    let again = checkpoint::read(&copy.0)?;
    let exp_avg = |v: &Value| v.get("optimizer")?.get("state")?.get(0)?.get("exp_avg")?.tensor()?.to_vec::<f32>();
    assert_eq!(exp_avg(&again)?, exp_avg(&file)?);
    Ok(())
}

#[test]
fn arrays_and_safetensors_come_back() -> Result<()> {
    let (x, y) = (tensor![[1., 2.], [3., 4.]], tensor![1, 2]);
    let state = vec![("x".to_string(), x.t()?), ("y".to_string(), y)];
    let file = File::new("arrays");
    for compressed in [false, true] {
        checkpoint::save_npz(&file.0, &state, compressed)?;
        let back = checkpoint::load_npz(&file.0)?;
        assert_eq!(back[0].1.to_vec::<f32>()?, [1.0, 3.0, 2.0, 4.0]);
        assert_eq!((back[1].0.as_str(), back[1].1.to_vec::<i64>()?), ("y", vec![1, 2]));
    }
    checkpoint::save_npy(&file.0, &state[0].1)?;
    assert_eq!(checkpoint::load_npy(&file.0)?.to_vec::<f32>()?, [1.0, 3.0, 2.0, 4.0]);
    checkpoint::save_safetensors(&file.0, &state, &[("a", "b")])?;
    let (back, text) = checkpoint::load_safetensors(&file.0)?;
    assert_eq!(text["a"], "b");
    let x = &back.iter().find(|(name, _)| name == "x").unwrap().1;
    assert_eq!((x.to_vec::<f32>()?, x.size()), (vec![1.0, 3.0, 2.0, 4.0], [2, 2].as_slice()));
    Ok(())
}
