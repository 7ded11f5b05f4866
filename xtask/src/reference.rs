//! The operator reference: a page of all operators with their signatures and docs.

use std::collections::BTreeMap;
use std::fmt::Write;

use flambeau_tensor::ops::{OPERATORS, OpDef, Place};

fn shown(op: &OpDef) -> bool {
    op.places.iter().any(|p| *p != Place::Private)
}

fn full_names(op: &OpDef) -> Vec<String> {
    let prefix = |p: &Place| match p {
        Place::Method => "Tensor.",
        Place::Function => "torch.",
        Place::Functional => "torch.nn.functional.",
        Place::Linalg => "torch.linalg.",
        Place::Special => "torch.special.",
        Place::Fft => "torch.fft.",
        Place::Private => "",
    };
    let mut names: Vec<String> =
        op.places.iter().filter(|p| **p != Place::Private).map(|p| format!("{}{}", prefix(p), op.name)).collect();
    names.extend(op.aliases.iter().map(|(p, alias)| format!("{}{alias}", prefix(p))));
    if let Some(inplace) = op.inplace {
        names.push(format!("Tensor.{inplace}"));
    }
    names
}

/// The text of the page.
pub fn write() -> String {
    let mut by_name: BTreeMap<&str, Vec<&OpDef>> = BTreeMap::new();
    for op in OPERATORS.iter().filter(|op| shown(op)) {
        by_name.entry(op.name).or_default().push(op);
    }
    let mut out = String::from(
        "# Operators\n\nGenerated from the operator table by `cargo run -p xtask -- gen`; do not edit. Every operator is one block in the\n\
         file named under it.\n\n",
    );
    let _ =
        writeln!(out, "{} operators in {} overloads.\n", by_name.len(), by_name.values().map(Vec::len).sum::<usize>());
    for (name, overloads) in by_name {
        let _ = writeln!(out, "## {name}\n");
        for op in overloads {
            let _ = writeln!(out, "`{name}{}`\n", crate::stub::signature(op, false));
            let _ =
                writeln!(out, "Names: {}{}\n", full_names(op).join(", "), if op.out { "; takes `out=`" } else { "" });
            let doc = op.doc.trim_end();
            let (text, example) = doc.split_once(">>>").map_or((doc, None), |(t, e)| (t, Some(e)));
            let _ = writeln!(out, "{}\n", text.trim_end());
            if let Some(example) = example {
                let _ = writeln!(out, "```python\n>>>{}\n```\n", example.trim_end());
            }
        }
    }
    out
}
