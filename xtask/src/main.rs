//! `cargo run -p xtask -- gen` writes the files that follow from the operator table: `python/flambeau/_C.pyi` and
//! `docs/operators.md`. With `--check` it writes nothing and fails where one is stale.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod reference;
mod stub;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().map(String::as_str) != Some("gen") {
        eprintln!("usage: cargo run -p xtask -- gen [--check]");
        return ExitCode::from(2);
    }
    let check = args.iter().any(|a| a == "--check");
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = [("python/flambeau/_C.pyi", stub::write()), ("docs/operators.md", reference::write())];
    let mut stale = false;
    for (path, text) in files {
        let full = root.join(path);
        let same = std::fs::read_to_string(&full).is_ok_and(|now| now == text);
        if same {
            continue;
        }
        if check {
            eprintln!("{path} is stale: run `cargo run -p xtask -- gen`");
            stale = true;
        } else if let Err(e) = std::fs::write(&full, text) {
            eprintln!("{path}: {e}");
            return ExitCode::FAILURE;
        } else {
            println!("wrote {path}");
        }
    }
    if stale { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
