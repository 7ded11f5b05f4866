//! Arguments of a call whose tensors are the caller's.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;

use smallvec::SmallVec;

use super::arg::{Arg, Operand, OperandRef};
use super::val::Val;
use crate::{Scalar, Tensor};

/// One argument: a tensor that is lent, or something else that is given away.
pub struct Slot<'a> {
    arg: ManuallyDrop<Arg>,
    lender: PhantomData<&'a Tensor>,
}

impl<'a> Slot<'a> {
    /// An argument that holds no tensor by itself; a tensor given so would never be freed.
    #[inline]
    pub fn own(arg: Arg) -> Slot<'a> {
        debug_assert!(!matches!(arg, Arg::Tensor(_)), "tensors are lent");
        Slot { arg: ManuallyDrop::new(arg), lender: PhantomData }
    }

    /// Hands the argument on.
    #[inline]
    fn give(self) -> ManuallyDrop<Arg> {
        let slot = ManuallyDrop::new(self);
        // SAFETY: moved out of a slot that is not dropped.
        unsafe { std::ptr::read(&slot.arg) }
    }
}

impl Drop for Slot<'_> {
    /// Of a slot that came into no list, because another argument was an error.
    #[inline]
    fn drop(&mut self) {
        drop_owned(std::slice::from_mut(&mut self.arg));
    }
}

impl<'a> From<&'a Tensor> for Slot<'a> {
    #[inline]
    fn from(t: &'a Tensor) -> Slot<'a> {
        // SAFETY: the copy of the handle is never dropped, and `t` outlives it.
        let copy = unsafe { std::ptr::read(t) };
        Slot { arg: ManuallyDrop::new(Arg::Tensor(copy)), lender: PhantomData }
    }
}

impl<'a> From<&'a Operand> for Slot<'a> {
    #[inline]
    fn from(o: &'a Operand) -> Slot<'a> {
        match o {
            Operand::Tensor(t) => t.into(),
            Operand::Number(s) => Slot::own(Arg::Number(*s)),
        }
    }
}

impl<'a> From<OperandRef<'a>> for Slot<'a> {
    #[inline]
    fn from(o: OperandRef<'a>) -> Slot<'a> {
        match o {
            OperandRef::Tensor(t) => t.into(),
            OperandRef::Number(s) => Slot::own(Arg::Number(s)),
        }
    }
}

impl<'a, T> From<Option<&'a T>> for Slot<'a>
where
    Slot<'a>: From<&'a T>,
{
    #[inline]
    fn from(o: Option<&'a T>) -> Slot<'a> {
        o.map_or_else(|| Slot::own(Arg::None), Slot::from)
    }
}

/// Slots as the arguments they are.
#[inline]
fn arguments(slots: &[ManuallyDrop<Arg>]) -> &[Arg] {
    // SAFETY: `ManuallyDrop` has the layout of what it holds.
    unsafe { &*(std::ptr::from_ref(slots) as *const [Arg]) }
}

/// Drops what was given away.
#[inline]
fn drop_owned(slots: &mut [ManuallyDrop<Arg>]) {
    for slot in slots {
        if !matches!(**slot, Arg::Tensor(_) | Arg::None | Arg::Number(_)) {
            // SAFETY: called once, by the list that what is no tensor was given to.
            unsafe { ManuallyDrop::drop(slot) };
        }
    }
}

/// The arguments of one call. Lending a tensor costs nothing, where a handle of its own would be counted twice over.
pub struct Lent<'a, const N: usize> {
    args: [ManuallyDrop<Arg>; N],
    lender: PhantomData<&'a Tensor>,
}

impl<'a, const N: usize> Lent<'a, N> {
    /// The arguments in the order of the parameters.
    #[inline]
    pub fn new(slots: [Slot<'a>; N]) -> Lent<'a, N> {
        Lent { args: slots.map(Slot::give), lender: PhantomData }
    }
}

impl<const N: usize> Deref for Lent<'_, N> {
    type Target = [Arg];
    #[inline]
    fn deref(&self) -> &[Arg] {
        arguments(&self.args)
    }
}

impl<const N: usize> Drop for Lent<'_, N> {
    #[inline]
    fn drop(&mut self) {
        drop_owned(&mut self.args);
    }
}

/// [`Lent`] where the number of arguments shows only while they are read.
#[derive(Default)]
pub struct LentArgs<'a> {
    args: SmallVec<[ManuallyDrop<Arg>; 4]>,
    /// Tensors made for the call: lent by the list itself.
    made: SmallVec<[Tensor; 1]>,
    lender: PhantomData<&'a Tensor>,
}

impl<'a> LentArgs<'a> {
    /// Adds an argument.
    #[inline]
    pub fn push(&mut self, slot: Slot<'a>) {
        self.args.push(slot.give());
    }

    /// Adds a tensor that nobody else keeps.
    pub fn push_made(&mut self, t: Tensor) {
        // SAFETY: the copy of the handle is never dropped, and the list keeps the tensor.
        let copy = unsafe { std::ptr::read(&t) };
        self.made.push(t);
        self.args.push(ManuallyDrop::new(Arg::Tensor(copy)));
    }
}

impl Deref for LentArgs<'_> {
    type Target = [Arg];
    #[inline]
    fn deref(&self) -> &[Arg] {
        arguments(&self.args)
    }
}

impl Drop for LentArgs<'_> {
    #[inline]
    fn drop(&mut self) {
        drop_owned(&mut self.args);
    }
}

/// What stands in a formula where a value may stand.
pub trait Term {
    /// The value.
    fn val(&self) -> Cow<'_, Val>;
}

impl Term for Val {
    #[inline]
    fn val(&self) -> Cow<'_, Val> {
        Cow::Borrowed(self)
    }
}

impl Term for &Val {
    #[inline]
    fn val(&self) -> Cow<'_, Val> {
        Cow::Borrowed(self)
    }
}

macro_rules! term {
    ($($t:ty),*) => {$(
        impl Term for $t {
            #[inline]
            fn val(&self) -> Cow<'_, Val> { Cow::Owned(Val::from(self.clone())) }
        }
    )*};
}
term!(Tensor, &Tensor, Operand, f64, f32, i64, i32, bool, Scalar);
