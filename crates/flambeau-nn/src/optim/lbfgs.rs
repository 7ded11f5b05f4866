use flambeau_tensor::autograd::{enable_grad, no_grad};
use flambeau_tensor::{Error, Result, Tensor, ops};
use serde::{Deserialize, Serialize};

use super::group::{check_parameters, saved_groups};
use super::line_search::{Point, Real, Search};
use super::rule::not_negative;
use super::state_dict::{Entries, FromState, StateMap, StateValue, words};
use super::{Closure, Group, Optimizer};

/// How [`LBFGS`] chooses the length of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineSearch {
    /// A search for a step that meets the strong Wolfe conditions.
    StrongWolfe,
}

words!(LineSearch { StrongWolfe: "strong_wolfe" });

/// The options of [`LBFGS`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LBFGSOptions {
    /// The learning rate: how far a step goes; where a search begins, if there is one.
    pub lr: f64,
    /// The most iterations in a step.
    pub max_iter: usize,
    /// The most evaluations of the loss in a step; `None` is five quarters of `max_iter`.
    pub max_eval: Option<usize>,
    /// A step ends where no gradient is greater.
    pub tolerance_grad: f64,
    /// A step ends where loss or parameters change less.
    pub tolerance_change: f64,
    /// How many iterations are remembered.
    pub history_size: usize,
    /// How the length of an iteration's move is searched for; `None` takes `lr`.
    pub line_search_fn: Option<LineSearch>,
    /// Whether the loss is to grow.
    pub maximize: bool,
}

impl Default for LBFGSOptions {
    fn default() -> LBFGSOptions {
        LBFGSOptions {
            lr: 1.0,
            max_iter: 20,
            max_eval: None,
            tolerance_grad: 1e-7,
            tolerance_change: 1e-9,
            history_size: 100,
            line_search_fn: None,
            maximize: false,
        }
    }
}

impl LBFGSOptions {
    fn most_evaluations(&self) -> i64 {
        self.max_eval.unwrap_or(self.max_iter * 5 / 4) as i64
    }

    fn entries(&mut self, entries: &mut Entries) -> Result<()> {
        let mut max_eval = self.most_evaluations() as usize;
        entries.required("lr", &mut self.lr)?;
        entries.required("max_iter", &mut self.max_iter)?;
        entries.required("max_eval", &mut max_eval)?;
        entries.required("tolerance_grad", &mut self.tolerance_grad)?;
        entries.required("tolerance_change", &mut self.tolerance_change)?;
        entries.required("history_size", &mut self.history_size)?;
        entries.required("line_search_fn", &mut self.line_search_fn)?;
        self.max_eval = Some(max_eval);
        entries.optional("maximize", &mut self.maximize)
    }
}

/// Steps by an approximation of the inverse Hessian from the last gradients (`torch.optim.LBFGS`). A step is up to
/// `max_iter` iterations: it needs [`Optimizer::step_with`] and a function that computes the loss and its gradients anew.
///
/// ```
/// use flambeau_nn::optim::{LBFGS, LBFGSOptions, LineSearch, Optimizer};
/// use flambeau_tensor::Tensor;
///
/// let w = Tensor::of(&[-1.5f64, 2.0], &[2])?.requires_grad_(true)?;
/// let options = LBFGSOptions { max_iter: 100, line_search_fn: Some(LineSearch::StrongWolfe), ..Default::default() };
/// let mut optimizer = LBFGS::new(vec![w.clone()], options)?;
/// optimizer.step_with(&mut || {
///     w.set_grad(None)?;
///     let (x, y) = (w.select(0, 0)?, w.select(0, 1)?);
///     let (a, b) = (x.sub(1.0)?, y.sub(&x.mul(&x)?)?); // Rosenbrock's function
///     let loss = a.mul(&a)?.add(b.mul(&b)?.mul(100.0)?)?;
///     loss.backward()?;
///     Ok(loss)
/// })?;
/// assert!(w.sub(1.0)?.abs()?.max()?.item()?.to_f64() < 1e-4);
/// # Ok::<(), flambeau_tensor::Error>(())
/// ```
pub struct LBFGS {
    /// The options, which may be changed between steps.
    pub options: LBFGSOptions,
    parameters: Vec<Tensor>,
    past: Past,
    notes: StateMap,
}

/// What is kept from step to step.
#[derive(Default)]
struct Past {
    func_evals: i64,
    n_iter: i64,
    d: Option<Tensor>,
    t: Option<Real>,
    old_dirs: Vec<Tensor>,
    old_stps: Vec<Tensor>,
    ro: Vec<Real>,
    h_diag: Option<Real>,
    prev_flat_grad: Option<Tensor>,
    prev_loss: Option<f64>,
    al: Option<Vec<Option<Real>>>,
}

impl Past {
    fn packed(&self) -> StateMap {
        let mut map = StateMap::new();
        map.insert("func_evals", self.func_evals);
        map.insert("n_iter", self.n_iter);
        if let Some(al) = &self.al {
            map.insert("al", al.clone());
        }
        if let (Some(d), Some(t)) = (&self.d, self.t) {
            map.insert("d", d.clone());
            map.insert("t", t);
            map.insert("old_dirs", self.old_dirs.clone());
            map.insert("old_stps", self.old_stps.clone());
            map.insert("ro", self.ro.clone());
            map.insert("H_diag", self.h_diag);
            map.insert("prev_flat_grad", self.prev_flat_grad.clone());
            map.insert("prev_loss", self.prev_loss);
        }
        map
    }

    /// Tensors take the dtype of the parameters, and memory of their own.
    fn unpacked(map: &StateMap, like: &Tensor) -> Result<Past> {
        fn given<T: FromState + Default>(map: &StateMap, key: &str) -> Result<T> {
            if map.get(key).is_some() { map.require(key) } else { Ok(T::default()) }
        }
        let own = |t: &Tensor| if t.dtype().is_complex() { Ok(t.clone()) } else { t.to_dtype(like.dtype()) };
        let own = |t: &Tensor| if like.dtype().is_complex() { t.clone_tensor() } else { own(t)?.clone_tensor() };
        let one = |t: Option<Tensor>| t.as_ref().map(own).transpose();
        let all = |list: Vec<Tensor>| list.iter().map(own).collect::<Result<Vec<_>>>();
        Ok(Past {
            func_evals: given(map, "func_evals")?,
            n_iter: given(map, "n_iter")?,
            d: one(given(map, "d")?)?,
            t: given(map, "t")?,
            old_dirs: all(given(map, "old_dirs")?)?,
            old_stps: all(given(map, "old_stps")?)?,
            ro: given(map, "ro")?,
            h_diag: given(map, "H_diag")?,
            prev_flat_grad: one(given(map, "prev_flat_grad")?)?,
            prev_loss: given(map, "prev_loss")?,
            al: given(map, "al")?,
        })
    }

    /// The next direction: the two-loop recursion over the remembered moves.
    fn direction(&mut self, grad: &Tensor, history_size: usize) -> Result<Tensor> {
        let (Some(d), Some(t), Some(before)) = (&self.d, self.t, &self.prev_flat_grad) else {
            self.h_diag = Some(Real::from(1.0));
            return grad.neg();
        };
        let (change, step) = (grad.sub(before)?, d.mul(t.value)?);
        let curvature = Real::of(&change.dot(&step)?)?;
        if Real::from(1e-10).less(curvature) {
            if self.old_dirs.len() == history_size && history_size > 0 {
                self.old_dirs.remove(0);
                self.old_stps.remove(0);
                self.ro.remove(0);
            }
            self.h_diag = Some(curvature / Real::of(&change.dot(&change)?)?);
            self.old_dirs.push(change);
            self.old_stps.push(step);
            self.ro.push(1.0 / curvature);
        }
        let known = self.old_dirs.len();
        let mut shares = vec![Real::from(0.0); known];
        let q = grad.neg()?;
        for i in (0..known).rev() {
            shares[i] = Real::of(&self.old_stps[i].dot(&q)?)? * self.ro[i];
            q.add__with(&self.old_dirs[i], -shares[i].value)?;
        }
        let r = q.mul(self.h_diag.map_or(1.0, |h| h.value))?;
        for (i, share) in shares.iter().enumerate() {
            let back = Real::of(&self.old_dirs[i].dot(&r)?)? * self.ro[i];
            r.add__with(&self.old_stps[i], (*share - back).value)?;
        }
        // PyTorch keeps the shares in a list as long as the history.
        let al = self.al.get_or_insert_with(|| vec![None; history_size]);
        al.resize(al.len().max(known), None);
        al.iter_mut().zip(shares).for_each(|(slot, share)| *slot = Some(share));
        Ok(r)
    }
}

/// A tensor as one row of real numbers.
fn flat(tensor: &Tensor) -> Result<Tensor> {
    if tensor.dtype().is_complex() { tensor.view_as_real()?.reshape(&[-1]) } else { tensor.reshape(&[-1]) }
}

impl LBFGS {
    /// An optimizer of these parameters, which are one group.
    pub fn new(parameters: Vec<Tensor>, options: LBFGSOptions) -> Result<LBFGS> {
        not_negative(&[("learning rate", options.lr)])?;
        if parameters.is_empty() {
            return Err(Error::value("optimizer got an empty parameter list"));
        }
        check_parameters(&parameters, &[])?;
        Ok(LBFGS { options, parameters, past: Past::default(), notes: StateMap::new() })
    }

    /// All gradients in one row.
    fn gradient(&self) -> Result<Tensor> {
        let parts = self.parameters.iter().map(|p| match p.grad() {
            Some(grad) => flat(&grad),
            None => flat(&p.detach().zeros_like()?),
        });
        let grad = ops::cat(&parts.collect::<Result<Vec<_>>>()?)?;
        if self.options.maximize { grad.neg() } else { Ok(grad) }
    }

    fn loss(&self, closure: &mut Closure) -> Result<(Tensor, f64)> {
        let loss = enable_grad(closure)?;
        let value = loss.item()?.to_f64();
        Ok((loss, if self.options.maximize { -value } else { value }))
    }

    /// Moves the parameters so far along a direction.
    fn go(&self, t: Real, direction: &Tensor) -> Result<()> {
        let mut start = 0;
        for parameter in &self.parameters {
            let parameter =
                if parameter.dtype().is_complex() { parameter.detach().view_as_real()? } else { parameter.clone() };
            let part = direction.narrow(0, start, parameter.numel())?.reshape(parameter.size())?;
            parameter.add__with(&part, t.value)?;
            start += parameter.numel();
        }
        Ok(())
    }

    fn largest(x: &Tensor) -> Result<Real> {
        Real::of(&x.abs()?.max()?)
    }

    fn iterate(&mut self, closure: &mut Closure) -> Result<Tensor> {
        let o = self.options;
        let (first_loss, mut loss) = self.loss(closure)?;
        let mut evaluations = 1;
        self.past.func_evals += 1;
        let mut grad = self.gradient()?;
        if Self::largest(&grad)?.at_most(o.tolerance_grad) {
            return Ok(first_loss);
        }
        for iteration in 1..=o.max_iter {
            self.past.n_iter += 1;
            let d = self.past.direction(&grad, o.history_size)?;
            let before = loss;
            self.past.prev_flat_grad = Some(grad.clone());
            self.past.prev_loss = Some(loss);
            let mut t = Real::from(o.lr);
            if self.past.n_iter == 1 {
                t = Real::from(1.0).min(1.0 / Real::of(&grad.abs()?.sum()?)?) * o.lr;
            }
            self.past.d = Some(d.clone());
            self.past.t = Some(t);
            let slope = Real::of(&grad.dot(&d)?)?;
            if Real::from(-o.tolerance_change).less(slope) {
                break;
            }
            let mut used = 0;
            if o.line_search_fn.is_some() {
                let most = o.most_evaluations() - evaluations;
                let (found, looked) = self.search(closure, &d, Point { t: 0.0.into(), loss, grad, slope }, t, most)?;
                (loss, grad, t, used) = (found.loss, found.grad, found.t, looked);
                self.past.t = Some(t);
                self.go(t, &d)?;
            } else {
                self.go(t, &d)?;
                // After the last move nobody asks for the gradient.
                if iteration != o.max_iter {
                    loss = self.loss(closure)?.1;
                    grad = self.gradient()?;
                    used = 1;
                }
            }
            evaluations += used;
            self.past.func_evals += used;
            if evaluations >= o.most_evaluations()
                || Self::largest(&grad)?.at_most(o.tolerance_grad)
                || Self::largest(&d.mul(t.value)?)?.at_most(o.tolerance_change)
                || (loss - before).abs() < o.tolerance_change
            {
                break;
            }
        }
        Ok(first_loss)
    }

    /// A point along the direction `d` that is good enough, and how often the loss was computed.
    fn search(&self, closure: &mut Closure, d: &Tensor, start: Point, t: Real, most: i64) -> Result<(Point, i64)> {
        let here: Vec<Tensor> = self.parameters.iter().map(Tensor::clone_tensor).collect::<Result<_>>()?;
        let mut evaluate = |t: Real| {
            self.go(t, d)?;
            let loss = self.loss(closure)?.1;
            let grad = self.gradient()?;
            self.parameters.iter().zip(&here).try_for_each(|(p, old)| p.copy_(old).map(drop))?;
            Ok((loss, grad))
        };
        let mut search = Search { direction: d, start, evaluate: &mut evaluate, most, evaluations: 0 };
        let found = search.run(t)?;
        Ok((found, search.evaluations))
    }
}

impl Optimizer for LBFGS {
    /// An error: a step needs the loss anew, see [`Optimizer::step_with`].
    fn step(&mut self) -> Result<()> {
        Err(Error::type_("LBFGS.step() missing 1 required positional argument: 'closure' (use step_with)"))
    }

    fn step_with(&mut self, closure: &mut Closure) -> Result<Tensor> {
        no_grad(|| self.iterate(closure))
    }

    fn param_groups(&self) -> Vec<&dyn Group> {
        vec![self]
    }

    fn param_groups_mut(&mut self) -> Vec<&mut dyn Group> {
        vec![self]
    }

    fn state_dict(&self) -> StateMap {
        let mut group = Entries::write(|entries| self.options.clone().entries(entries));
        self.notes.iter().for_each(|(key, value)| group.insert(key.clone(), value.clone()));
        group.insert("params", (0..self.parameters.len()).collect::<Vec<_>>());
        let mut state = StateMap::new();
        if self.past.func_evals > 0 {
            state.insert(0i64, self.past.packed());
        }
        [("state", StateValue::from(state)), ("param_groups", vec![group].into())].into_iter().collect()
    }

    fn load_state_dict(&mut self, state: &StateMap) -> Result<()> {
        let saved = saved_groups(state, &[self.parameters.len()])?;
        let mut options = LBFGSOptions::default();
        let seen = Entries::read(&saved[0], |entries| options.entries(entries))?;
        let first = saved[0].require::<Vec<i64>>("params")?[0];
        let past = match state.require::<StateMap>("state")?.at(first).and_then(StateValue::read::<StateMap>) {
            Some(map) => no_grad(|| Past::unpacked(&map, &self.parameters[0]))?,
            None => Past::default(),
        };
        let own = |key: &StateValue| matches!(key, StateValue::Text(k) if k == "params" || seen.contains(&k.as_str()));
        self.notes = saved[0].iter().filter(|(key, _)| !own(key)).cloned().collect();
        (self.options, self.past) = (options, past);
        Ok(())
    }
}

impl Group for LBFGS {
    fn parameters(&self) -> &[Tensor] {
        &self.parameters
    }
    fn lr(&self) -> f64 {
        self.options.lr
    }
    fn set_lr(&mut self, lr: f64) {
        self.options.lr = lr;
    }
    fn momentum(&self) -> Option<f64> {
        None
    }
    fn has_betas(&self) -> bool {
        false
    }
    fn set_momentum(&mut self, _momentum: f64) {}
    fn note(&self, name: &str) -> Option<f64> {
        self.notes.get(name).and_then(StateValue::read)
    }
    fn set_note(&mut self, name: &str, value: f64) {
        self.notes.insert(name, value);
    }
}
