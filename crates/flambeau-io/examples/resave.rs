//! Reads a PyTorch checkpoint and writes it again: `cargo run --example resave -- in.pt out.pt`.

use flambeau_io::torch_file;
use flambeau_types::Result;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(from), Some(to)) = (args.next(), args.next()) else {
        eprintln!("usage: resave FROM TO");
        std::process::exit(2);
    };
    let file = torch_file::load(from)?;
    let storages = file.storages.iter().map(|s| s.read()).collect::<Result<Vec<_>>>()?;
    let storages: Vec<&[u8]> = storages.iter().map(Vec::as_slice).collect();
    torch_file::save(to, &file.root, &storages)
}
