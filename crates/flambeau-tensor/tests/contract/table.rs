//! The table itself: documented, complete, with samples.

use flambeau_tensor::ops::OPERATORS;

#[test]
fn every_operator_is_documented() {
    for op in OPERATORS {
        assert!(!op.doc.trim().is_empty(), "{} has no docs", op.name);
        assert!(op.doc.contains("Shape:"), "{} does not say its shape", op.name);
        assert!(!op.places.is_empty(), "{} has no place", op.name);
    }
}

#[test]
fn every_operator_has_samples() {
    let bare: Vec<String> = OPERATORS
        .iter()
        .filter(|op| op.samples.is_none_or(|s| s().is_empty()))
        .map(|op| format!("{}.{} ({})", op.name, op.overload, op.file))
        .collect();
    assert!(bare.is_empty(), "{} operators have no samples: {bare:#?}", bare.len());
}

#[test]
fn samples_fit_the_parameters() {
    for op in OPERATORS {
        for sample in op.samples.map(|s| s()).unwrap_or_default() {
            let most = op.params.len() + usize::from(op.factory);
            assert!(sample.args.len() <= most, "a sample of {} has too many arguments", op.name);
            let missing = op.params.get(sample.args.len()..).unwrap_or_default();
            assert!(
                missing.iter().all(|p| p.default.is_some() || p.optional),
                "a sample of {} lacks {:?}",
                op.name,
                missing.iter().map(|p| p.name).collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn the_list_is_complete() {
    // Every block written out in the source is in the list.
    let listed: Vec<String> = OPERATORS.iter().map(|op| format!("{}.{}", op.name, op.overload)).collect();
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/ops"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for block in text.split("op! {").skip(1) {
                let Some((name, _)) = block.split_once("fn ").and_then(|(_, rest)| rest.split_once('(')) else {
                    continue;
                };
                if name.contains('$') {
                    continue;
                }
                let (name, overload) = name.split_once('.').unwrap_or((name, ""));
                let python = name.strip_suffix('_').filter(|n| ["where", "clone"].contains(n)).unwrap_or(name);
                assert!(
                    listed.contains(&format!("{python}.{overload}")),
                    "{name}.{overload} of {} is not in the list",
                    path.display()
                );
            }
        }
    }
    let mut once = listed.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), listed.len(), "an operator is listed twice");
}
