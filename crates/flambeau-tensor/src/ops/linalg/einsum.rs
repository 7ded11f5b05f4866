//! Sums of products in Einstein's notation.

use crate::ops::{Sample, op, samples};
use crate::{Dims, Error, Result, Tensor, promote_types};

/// The place of a letter: `A` to `Z`, then `a` to `z`; behind them what `...` stands for.
fn letter(c: u8) -> usize {
    if c.is_ascii_uppercase() { (c - b'A') as usize } else { (c - b'a') as usize + 26 }
}

fn shown(label: usize) -> char {
    (if label < 26 { b'A' + label as u8 } else { b'a' + (label - 26) as u8 }) as char
}

const LETTERS: usize = 52;
const ELLIPSIS: usize = 52;

fn wrong<T>(text: String) -> Result<T> {
    Err(Error::runtime(format!("einsum(): {text}")))
}

fn bad_letter<T>(at: usize) -> Result<T> {
    wrong(format!("invalid subscript given at index {at} in the equation string, subscripts must be in [a-zA-Z]"))
}

/// The labels of each operand.
fn left_side(text: &[u8], count: usize) -> Result<Vec<Vec<usize>>> {
    let mut labels = vec![Vec::new(); count];
    let (mut operand, mut i) = (0, 0);
    while i < text.len() {
        match text[i] {
            b' ' => {}
            b'.' => {
                if labels[operand].contains(&ELLIPSIS) {
                    return wrong(format!("found '.' for operand {operand} for which an ellipsis was already found"));
                }
                if !text[i..].starts_with(b"...") {
                    return wrong(format!("found '.' for operand {operand} that is not part of any ellipsis"));
                }
                i += 2;
                labels[operand].push(ELLIPSIS);
            }
            b',' => {
                operand += 1;
                if operand == count {
                    return wrong("fewer operands were provided than specified in the equation".into());
                }
            }
            c if c.is_ascii_alphabetic() => labels[operand].push(letter(c)),
            _ => return bad_letter(i),
        }
        i += 1;
    }
    if operand + 1 != count {
        return wrong("more operands were provided than specified in the equation".into());
    }
    Ok(labels)
}

/// Where every label's dimension goes in the common shape: those of the output first, then those to be summed.
struct Plan {
    /// By letter; `None` for one that does not occur.
    places: [Option<usize>; LETTERS],
    /// The first dimension of the ellipsis, and how many there are.
    ellipsis: (usize, usize),
    outputs: usize,
    total: usize,
}

fn plan(equation: &str, operands: &[Tensor], labels: &[Vec<usize>]) -> Result<Plan> {
    let (mut counts, mut covered) = ([0; LETTERS], 0);
    for (i, (x, labels)) in operands.iter().zip(labels).enumerate() {
        let dots = labels.contains(&ELLIPSIS);
        let n = labels.len() - usize::from(dots);
        labels.iter().filter(|&&l| l != ELLIPSIS).for_each(|&l| counts[l] += 1);
        if if dots { n > x.dim() } else { n != x.dim() } {
            return wrong(format!(
                "the number of subscripts in the equation ({n}{} ({}) for operand {i}{}",
                if dots {
                    ") is more than the number of dimensions"
                } else {
                    ") does not match the number of dimensions"
                },
                x.dim(),
                if dots { "" } else { " and no ellipsis was given" }
            ));
        }
        if dots {
            covered = covered.max(x.dim() - n);
        }
    }
    let mut plan = Plan { places: [None; LETTERS], ellipsis: (0, covered), outputs: 0, total: 0 };
    let mut dots_in_output = false;
    match equation.split_once("->") {
        None => {
            // Without an arrow: the ellipsis, then the letters that occur once.
            (dots_in_output, plan.total) = (true, covered);
            for (place, _) in plan.places.iter_mut().zip(counts).filter(|(_, n)| *n == 1) {
                *place = Some(plan.total);
                plan.total += 1;
            }
        }
        Some((left, right)) => {
            let (right, mut i) = (right.as_bytes(), 0);
            while i < right.len() {
                match right[i] {
                    b' ' => {}
                    b'.' => {
                        if dots_in_output {
                            return wrong("found '.' for output but an ellipsis (...) was already found".into());
                        }
                        if !right[i..].starts_with(b"...") {
                            return wrong("found '.' for output that is not part of any ellipsis (...)".into());
                        }
                        i += 2;
                        plan.ellipsis.0 = plan.total;
                        plan.total += covered;
                        dots_in_output = true;
                    }
                    c if c.is_ascii_alphabetic() => {
                        let place = &mut plan.places[letter(c)];
                        if counts[letter(c)] == 0 || place.is_some() {
                            return wrong(format!(
                                "output subscript {} {}",
                                c as char,
                                if place.is_some() {
                                    "appears more than once in the output"
                                } else {
                                    "does not appear in the equation for any input operand"
                                }
                            ));
                        }
                        *place = Some(plan.total);
                        plan.total += 1;
                    }
                    _ => return bad_letter(left.len() + 2 + i),
                }
                i += 1;
            }
        }
    }
    plan.outputs = plan.total;
    if !dots_in_output {
        plan.ellipsis.0 = plan.total;
        plan.total += covered;
    }
    for (place, _) in plan.places.iter_mut().zip(counts).filter(|(p, n)| *n > 0 && p.is_none()) {
        *place = Some(plan.total);
        plan.total += 1;
    }
    Ok(plan)
}

/// The operands with dimensions where the plan wants them (1 where they have none), and how many operands have more than
/// one element along each dimension.
fn aligned(operands: &[Tensor], labels: &[Vec<usize>], plan: &Plan) -> Result<(Vec<Tensor>, Vec<usize>)> {
    let mut sizes = [1; LETTERS];
    let mut dots = vec![1; plan.ellipsis.1];
    let mut counts = vec![0; plan.total];
    let mut out = Vec::with_capacity(operands.len());
    for (i, (operand, labels)) in operands.iter().zip(labels).enumerate() {
        let mut x = operand.clone();
        let mut order: Vec<Option<usize>> = vec![None; plan.total];
        let mut dim = 0;
        for &label in labels {
            if label == ELLIPSIS {
                let n = operand.dim() + 1 - labels.len();
                for j in plan.ellipsis.1 - n..plan.ellipsis.1 {
                    let size = x.size()[dim];
                    if size != 1 {
                        if dots[j] != 1 && dots[j] != size {
                            return wrong(format!(
                                "dimension {dim} covered by ellipsis in operand {i}has size {size} which does not broadcast with previously seen ellipsis with size {} for the respective dimension",
                                dots[j]
                            ));
                        }
                        dots[j] = size;
                        counts[plan.ellipsis.0 + j] += 1;
                    }
                    order[plan.ellipsis.0 + j] = Some(dim);
                    dim += 1;
                }
                continue;
            }
            let Some(place) = plan.places[label] else { continue };
            let size = x.size()[dim];
            match order[place] {
                None => {
                    if size != 1 {
                        if sizes[label] != 1 && sizes[label] != size {
                            return wrong(format!(
                                "subscript {} has size {size} for operand {i} which does not broadcast with previously seen size {}",
                                shown(label),
                                sizes[label]
                            ));
                        }
                        sizes[label] = size;
                        counts[place] += 1;
                    }
                    order[place] = Some(dim);
                    dim += 1;
                }
                // A letter for the second time takes the diagonal.
                Some(before) => {
                    if size != x.size()[before] {
                        return wrong(format!(
                            "subscript {} is repeated for operand {i} but the sizes don't match, {size} != {}",
                            shown(label),
                            x.size()[before]
                        ));
                    }
                    x = x.diagonal_with(0, before as i64, dim as i64)?.movedim(&[-1], &[before as i64])?;
                }
            }
        }
        let mut permutation = Dims::new();
        for place in order {
            permutation.push(match place {
                Some(d) => d as i64,
                None => {
                    x = x.unsqueeze(dim as i64)?;
                    dim += 1;
                    dim as i64 - 1
                }
            });
        }
        out.push(x.permute(&permutation)?);
    }
    Ok((out, counts))
}

/// The product of two operands of one number of dimensions, summed over some that both have: one batched matrix product.
fn pair(a: Tensor, b: Tensor, sum: &[usize]) -> Result<Tensor> {
    if sum.is_empty() {
        return a.mul(b);
    }
    let (mut a, mut b) = (a, b);
    let (mut both, mut left, mut right): (Vec<usize>, Vec<usize>, Vec<usize>) = Default::default();
    for d in (0..a.dim()).filter(|d| !sum.contains(d)) {
        match (a.size()[d] != 1, b.size()[d] != 1) {
            (true, true) => both.push(d),
            (true, false) => left.push(d),
            _ => right.push(d),
        }
    }
    // Operands change places where that leaves the result in order.
    if let (Some(first), Some(last)) = (left.first(), right.last())
        && last < first
    {
        std::mem::swap(&mut a, &mut b);
        std::mem::swap(&mut left, &mut right);
    }
    let count = |x: &Tensor, dims: &[usize]| dims.iter().map(|&d| x.size()[d]).product::<i64>();
    let order = |parts: [&[usize]; 4]| parts.concat().iter().map(|&d| d as i64).collect::<Dims>();
    let (batch, rows, inner, columns) = (count(&a, &both), count(&a, &left), count(&a, sum), count(&b, &right));
    let mut sizes: Dims = both.iter().chain(&left).map(|&d| a.size()[d]).collect();
    sizes.extend(sum.iter().map(|_| 1));
    sizes.extend(right.iter().map(|&d| b.size()[d]));
    let first = a.permute(&order([&both, &left, sum, &right]))?.reshape(&[batch, rows, inner])?;
    let second = b.permute(&order([&both, sum, &right, &left]))?.reshape(&[batch, inner, columns])?;
    let back = order([&both, &left, sum, &right]);
    let mut inverse = Dims::from_elem(0, back.len());
    back.iter().enumerate().for_each(|(i, &d)| inverse[d as usize] = i as i64);
    first.bmm(&second)?.view(&sizes)?.permute(&inverse)
}

op! {
    /// The sums of products of elements that an equation names: each operand's dimensions have letters, those that are
    /// missing behind `->` are summed over, `...` stands for dimensions that broadcast. `path` says which two operands are
    /// contracted next.
    ///
    /// Shape: `*s, *t, ... -> *u`. Dtype: that of the operands.
    ///
    /// >>> torch.einsum("ij,jk->ik", torch.tensor([[1, 2], [3, 4]]), torch.tensor([[0, 1], [1, 0]]))
    /// tensor([[2, 1],
    ///         [4, 3]])
    fn einsum(equation: Str, *operands: Tensors; path: Option<Dims> = None) -> y;
    variants [function];
    composite { contracted(equation, operands, path) };
    samples {
        let of = |equation: &str, sizes: &[&[i64]]| Sample::new([
            equation.into(), Arg::from(sizes.iter().map(|s| samples::tensor(s, -1.0, 1.0)).collect::<Vec<_>>()),
        ]);
        vec![
            of("ij,jk->ik", &[&[2, 3], &[3, 2]]), of("...ij,...j", &[&[2, 2, 3], &[3]]), of("ii->i", &[&[3, 3]]),
            of("i,ij,j->", &[&[2], &[2, 3], &[3]]), of("bj,ij->bi", &[&[1, 3], &[2, 3]]),
        ]
    };
}

fn contracted(equation: &str, operands: &[Tensor], path: Option<&[i64]>) -> Result<Tensor> {
    if operands.is_empty() {
        return wrong("must provide at least one operand".into());
    }
    if let Some(path) = path {
        let wanted = if operands.len() == 1 { 1 } else { 2 * (operands.len() - 1) };
        if path.len() != wanted {
            return wrong(format!(
                "expected contraction path given in path parameter to have size {wanted} but got {}",
                path.len()
            ));
        }
    }
    let left = equation.split_once("->").map_or(equation, |(left, _)| left);
    let labels = left_side(left.as_bytes(), operands.len())?;
    let plan = plan(equation, operands, &labels)?;
    let (mut list, mut counts) = aligned(operands, &labels, &plan)?;
    let mut steps = path.unwrap_or_default().chunks_exact(2);
    while list.len() > 1 {
        let (i, j) = match steps.next() {
            Some(step) => (step[0].min(step[1]), step[0].max(step[1])),
            None => (0, 1),
        };
        if i == j || i < 0 || j >= list.len() as i64 {
            return wrong("invalid contraction path".into());
        }
        let b = list.remove(j as usize);
        let a = list.remove(i as usize);
        // What no other operand needs can be summed now.
        let (mut together, mut only_a, mut only_b) = (Vec::new(), Dims::new(), Dims::new());
        for (d, count) in counts.iter_mut().enumerate().take(plan.total).skip(plan.outputs) {
            let (in_a, in_b) = (a.size()[d] != 1, b.size()[d] != 1);
            if in_a && in_b {
                *count -= 1;
                if *count == 1 {
                    together.push(d);
                    *count = 0;
                }
            } else if *count == 1 && (in_a || in_b) {
                if in_a { &mut only_a } else { &mut only_b }.push(d as i64);
                *count = 0;
            }
        }
        let summed = |x: Tensor, dims: &Dims| {
            if dims.is_empty() { Ok(x) } else { x.sum_dim_with(Some(dims), true, None) }
        };
        let (a, b) = (summed(a, &only_a)?, summed(b, &only_b)?);
        // Sums of short integers are long ones; what they are multiplied with becomes that too.
        let dtype = promote_types(a.dtype(), b.dtype());
        let product = pair(a.to_dtype(dtype)?, b.to_dtype(dtype)?, &together)?;
        if path.is_some() { list.push(product) } else { list.insert(0, product) }
    }
    let y = list.remove(0);
    let inner: Dims = (plan.outputs as i64..plan.total as i64).collect();
    match (inner.is_empty(), operands.len()) {
        (true, _) => Ok(y),
        (false, 1) => y.sum_dim_with(Some(&inner), false, None),
        (false, _) => y.view(&y.size()[..plan.outputs]),
    }
}
