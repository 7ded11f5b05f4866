//! Which names a pickle mentions, found without running the stack machine.

use std::collections::{BTreeSet, HashMap};

use flambeau_types::{Error, Result};

use super::globals::rename;
use super::opcode::*;
use super::refuse;

/// The full names of the globals that a pickle mentions, under Python 3's names.
///
/// ```
/// let names = flambeau_io::pickle::globals_in(b"\x80\x02c__builtin__\nset\nq\0]\x85R.")?;
/// assert_eq!(names.into_iter().collect::<Vec<_>>(), ["builtins.set"]);
/// # Ok::<(), flambeau_types::Error>(())
/// ```
pub fn globals_in(bytes: &[u8]) -> Result<BTreeSet<String>> {
    let mut scan = Scan { bytes, at: 0 };
    let mut names = BTreeSet::new();
    // Protocol 4 gives module and name as the two texts before; a text that was memoized is looked up.
    let mut texts: [String; 2] = Default::default();
    let mut memo: HashMap<usize, String> = HashMap::new();
    let mut memoized = 0;
    let mut after_text = false;
    loop {
        let op = scan.take(1)?[0];
        let mut is_text = false;
        match op {
            STOP => return Ok(names),
            GLOBAL => {
                let (module, name) = (scan.line()?, scan.line()?);
                let (module, name) = rename(module, name);
                names.insert(format!("{module}.{name}"));
            }
            STACK_GLOBAL => {
                let (module, name) = rename(&texts[0], &texts[1]);
                names.insert(format!("{module}.{name}"));
            }
            SHORT_BINUNICODE | BINUNICODE | BINUNICODE8 => {
                let n = match op {
                    SHORT_BINUNICODE => scan.take(1)?[0] as usize,
                    BINUNICODE => scan.length(4)?,
                    _ => scan.length(8)?,
                };
                let text = String::from_utf8_lossy(scan.take(n)?).into_owned();
                texts.swap(0, 1);
                texts[1] = text;
                is_text = true;
            }
            MEMOIZE => {
                if after_text {
                    memo.insert(memoized, texts[1].clone());
                }
                memoized += 1;
                is_text = after_text;
            }
            BINPUT | LONG_BINPUT => {
                let i = if op == BINPUT { scan.take(1)?[0] as usize } else { scan.length(4)? };
                if after_text {
                    memo.insert(i, texts[1].clone());
                }
                is_text = after_text;
            }
            BINGET | LONG_BINGET => {
                let i = if op == BINGET { scan.take(1)?[0] as usize } else { scan.length(4)? };
                if let Some(text) = memo.get(&i).cloned() {
                    texts.swap(0, 1);
                    texts[1] = text;
                }
            }
            PROTO | BININT1 => drop(scan.take(1)?),
            BININT2 => drop(scan.take(2)?),
            BININT => drop(scan.take(4)?),
            BINFLOAT | FRAME => drop(scan.take(8)?),
            LONG1 | SHORT_BINSTRING | SHORT_BINBYTES => {
                let n = scan.take(1)?[0] as usize;
                scan.take(n)?;
            }
            LONG4 | BINSTRING | BINBYTES => {
                let n = scan.length(4)?;
                scan.take(n)?;
            }
            BINBYTES8 | BYTEARRAY8 => {
                let n = scan.length(8)?;
                scan.take(n)?;
            }
            MARK | POP | POP_MARK | DUP | NONE | BINPERSID | REDUCE | APPEND | BUILD | DICT | EMPTY_DICT | APPENDS
            | LIST | EMPTY_LIST | SETITEM | TUPLE | EMPTY_TUPLE | SETITEMS | NEWOBJ | TUPLE1 | TUPLE2 | TUPLE3
            | NEWTRUE | NEWFALSE | EMPTY_SET | ADDITEMS => {}
            other => return Err(refuse(&format!("Unsupported operand {other}"))),
        }
        after_text = is_text;
    }
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let out = self.at.checked_add(n).and_then(|end| self.bytes.get(self.at..end));
        let out = out.ok_or_else(|| Error::runtime("the pickle is truncated: it ends before it says STOP"))?;
        self.at += n;
        Ok(out)
    }

    fn length(&mut self, width: usize) -> Result<usize> {
        let mut wide = [0; 8];
        wide[..width].copy_from_slice(self.take(width)?);
        usize::try_from(u64::from_le_bytes(wide)).map_err(|_| refuse("String is too long"))
    }

    fn line(&mut self) -> Result<&'a str> {
        let rest = &self.bytes[self.at..];
        let n = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        let line = self.take(n)?;
        self.take(1)?;
        std::str::from_utf8(line).map_err(|_| refuse("a global's name is not UTF-8"))
    }
}
