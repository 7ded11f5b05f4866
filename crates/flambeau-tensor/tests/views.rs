//! Views: which memory they show, how gradients follow writes through them, which writes are refused.

use flambeau_tensor::autograd::no_grad;
use flambeau_tensor::{Complex32, Index, Result, Tensor};

fn arange(sizes: &[i64]) -> Tensor {
    let n = sizes.iter().product::<i64>();
    Tensor::of(&(0..n).map(|v| v as f64).collect::<Vec<_>>(), sizes).unwrap()
}

fn values(t: &Tensor) -> Vec<f64> {
    t.to_vec().unwrap()
}

/// Every kind of view of a 3x4 tensor, by name.
#[allow(clippy::type_complexity)]
fn all_views() -> Vec<(&'static str, Box<dyn Fn(&Tensor) -> Result<Tensor>>)> {
    vec![
        ("view", Box::new(|x| x.view(&[2, 6]))),
        ("reshape", Box::new(|x| x.reshape(&[12]))),
        ("flatten", Box::new(|x| x.flatten())),
        ("transpose", Box::new(|x| x.transpose(0, 1))),
        ("permute", Box::new(|x| x.permute(&[1, 0]))),
        ("movedim", Box::new(|x| x.movedim(&[0], &[1]))),
        ("select", Box::new(|x| x.select(0, 1))),
        ("slice", Box::new(|x| x.slice(1, 1, 4, 2))),
        ("narrow", Box::new(|x| x.narrow(0, 1, 2))),
        ("diagonal", Box::new(|x| x.diagonal())),
        ("unsqueeze", Box::new(|x| x.unsqueeze(1))),
        ("squeeze", Box::new(|x| x.unsqueeze(0)?.squeeze())),
        ("expand", Box::new(|x| x.expand(&[2, 3, 4]))),
        ("unfold", Box::new(|x| x.unfold(1, 2, 1))),
        ("as_strided", Box::new(|x| x.as_strided_with(&[2, 2], &[4, 1], Some(1)))),
        ("split", Box::new(|x| Ok(x.split(2)?[1].clone()))),
        ("chunk", Box::new(|x| Ok(x.chunk(2)?[0].clone()))),
        ("unbind", Box::new(|x| Ok(x.unbind()?[2].clone()))),
        ("index", Box::new(|x| x.index(&[Index::Int(-1), Index::Slice { start: Some(1), stop: None, step: None }]))),
        ("detach", Box::new(|x| Ok(x.detach()))),
    ]
}

#[test]
fn every_view_shares_memory_and_version() {
    for (name, view) in all_views() {
        let x = arange(&[3, 4]);
        let v = view(&x).unwrap();
        assert_eq!(v.storage().id(), x.storage().id(), "{name}");
        let before = values(&v);
        x.add_(100.0).unwrap();
        assert_eq!(values(&v), before.iter().map(|b| b + 100.0).collect::<Vec<_>>(), "{name} shows its base");
        assert_eq!(v.version(), 1, "{name}");
        if name != "expand" && name != "unfold" {
            v.zero_().unwrap();
            assert_eq!(values(&v), vec![0.0; before.len()]);
            assert_eq!(
                values(&x).iter().filter(|v| **v == 0.0).count(),
                before.len(),
                "{name} writes its base, no more"
            );
            assert_eq!(x.version(), 2, "{name}");
        }
    }
}

#[test]
fn gradients_through_every_view_land_where_it_looks() {
    for (name, view) in all_views().into_iter().filter(|(n, _)| *n != "detach") {
        let x = arange(&[3, 4]).requires_grad_(true).unwrap();
        view(&x).unwrap().sum().unwrap().backward().unwrap();
        // How often the view shows each element.
        let ones = arange(&[3, 4]).zeros_like().unwrap();
        let shown = values(&view(&arange(&[3, 4])).unwrap());
        let mut expected = values(&ones);
        shown.iter().for_each(|v| expected[*v as usize] += 1.0);
        assert_eq!(values(&x.grad().unwrap()), expected, "{name}");
    }
}

#[test]
fn writes_through_every_view_carry_gradients() {
    for (name, view) in all_views() {
        if ["expand", "unfold", "detach", "split", "chunk", "unbind"].contains(&name) {
            continue;
        }
        // x = leaf + 0; view(x) *= w; the gradient of sum(x * x) by leaf and by w.
        let leaf = arange(&[3, 4]).requires_grad_(true).unwrap();
        let w = Tensor::of(&[3.0f64], &[]).unwrap().requires_grad_(true).unwrap();
        let x = leaf.add(0.0).unwrap();
        let v = view(&x).unwrap();
        let places: Vec<usize> = values(&v).iter().map(|v| *v as usize).collect();
        v.mul_(&w).unwrap();
        assert_eq!(x.grad_fn().unwrap().0.name(), "CopySlices", "{name}");
        x.mul(&x).unwrap().sum().unwrap().backward().unwrap();
        let scale = |i: usize| if places.contains(&i) { 3.0 } else { 1.0 };
        let expected: Vec<f64> = (0..12).map(|i| 2.0 * i as f64 * scale(i) * scale(i)).collect();
        assert_eq!(values(&leaf.grad().unwrap()), expected, "{name}");
        let by_w: f64 = places.iter().map(|i| 2.0 * 3.0 * (i * i) as f64).sum();
        assert_eq!(values(&w.grad().unwrap()), [by_w], "{name}");
    }
}

#[test]
fn a_view_made_before_a_write_to_its_base_follows_it() {
    let leaf = arange(&[4]).requires_grad_(true).unwrap();
    let x = leaf.mul(2.0).unwrap();
    let (early, late) = (x.slice(0, 0, 2, 1).unwrap(), x.slice(0, 2, 4, 1).unwrap());
    early.mul_(5.0).unwrap();
    x.mul_(3.0).unwrap();
    assert_eq!(values(&early), [0.0, 30.0]);
    early.sum().unwrap().add(late.sum().unwrap()).unwrap().backward().unwrap();
    assert_eq!(values(&leaf.grad().unwrap()), [30.0, 30.0, 6.0, 6.0]);
}

#[test]
fn saved_values_that_were_overwritten_are_an_error() {
    let write_view = |x: &Tensor| x.select(0, 0).unwrap().add_(1.0).map(drop);
    let write_detached = |x: &Tensor| x.detach().zero_().map(drop);
    let write_base = |x: &Tensor| x.mul_(2.0).map(drop);
    for write in [&write_view as &dyn Fn(&Tensor) -> Result<()>, &write_detached, &write_base] {
        let leaf = arange(&[3]).requires_grad_(true).unwrap();
        let x = leaf.add(1.0).unwrap();
        let y = x.mul(&x).unwrap();
        write(&x).unwrap();
        let error = y.sum().unwrap().backward().unwrap_err();
        let text = error.message();
        for part in
            ["modified by an inplace operation", "[torch.DoubleTensor [3]]", "is at version 1; expected version 0"]
        {
            assert!(text.contains(part), "{text}");
        }
        assert!(leaf.grad().is_none());
    }
    // A sum saves a shape only, and `.data` counts its writes apart.
    let leaf = arange(&[3]).requires_grad_(true).unwrap();
    let x = leaf.add(1.0).unwrap();
    let y = x.sum().unwrap();
    x.mul_(2.0).unwrap();
    y.backward().unwrap();
    let y = leaf.mul(&leaf).unwrap();
    leaf.data().zero_().unwrap();
    y.sum().unwrap().backward().unwrap();
    assert_eq!(values(&leaf.grad().unwrap()), [1.0, 1.0, 1.0], "what was saved is read as it is now");
}

#[test]
fn writes_that_autograd_cannot_follow_are_refused() {
    let refused = |r: Result<Tensor>, part: &str| {
        let text = r.unwrap_err().message().to_string();
        assert!(text.contains(part), "{text}");
    };
    let leaf = arange(&[4]).requires_grad_(true).unwrap();
    refused(leaf.add_(1.0), "a leaf Variable that requires grad is being used in an in-place operation.");
    refused(leaf.select(0, 0).unwrap().add_(1.0), "a view of a leaf Variable that requires grad");
    assert_eq!(leaf.version(), 0);
    no_grad(|| leaf.add_(1.0)).unwrap();
    assert_eq!((leaf.version(), values(&leaf)), (1, vec![1.0, 2.0, 3.0, 4.0]));

    let x = leaf.mul(1.0).unwrap();
    refused(x.unbind().unwrap()[0].add_(1.0), "Such functions do not allow the output views to be modified inplace");
    let quiet = no_grad(|| x.view(&[2, 2])).unwrap();
    refused(quiet.add_(1.0), "A view was created in no_grad mode and is being modified inplace with grad mode enabled");
}

#[test]
fn writes_to_one_place_twice_are_refused() {
    let overlap = "more than one element of the written-to tensor refers to a single memory location";
    let x = arange(&[1, 4]);
    let wide = x.expand(&[3, 4]).unwrap();
    for r in [wide.add_(1.0), wide.copy_(&arange(&[3, 4])), wide.mul_(&x)] {
        assert!(r.unwrap_err().message().contains(overlap));
    }
    assert_eq!((x.version(), values(&x)), (0, vec![0.0, 1.0, 2.0, 3.0]));
    // One value may be written twice.
    wide.zero_().unwrap();
    assert_eq!(values(&x), [0.0; 4]);
}

#[test]
fn what_is_read_and_written_in_another_order_is_refused() {
    let x = arange(&[3, 3]);
    let turned = x.transpose(0, 1).unwrap();
    let i = Tensor::of(&[2i64, 0], &[2]).unwrap();
    let rows = x.slice(0, 0, 2, 1).unwrap();
    for refused in [
        x.copy_(&turned),
        x.add_(&turned),
        x.div_(x.select(0, 0).unwrap()),
        x.index_copy_(0, &i, &rows),
        x.scatter_add_(0, &i.unsqueeze(1).unwrap(), &rows),
    ] {
        assert!(refused.unwrap_err().to_string().contains("some elements of the input tensor"));
    }
    assert_eq!(values(&x), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    let x = arange(&[2, 2]);
    x.mul_(&x).unwrap();
    assert_eq!(values(&x), [0.0, 1.0, 4.0, 9.0]);
    // Memory with gaps is not looked at: there the input is read as it was before the write.
    let x = arange(&[9]);
    let odd = x.slice(0, 1, 6, 2).unwrap();
    x.slice(0, 3, 8, 2).unwrap().add_(&odd).unwrap();
    assert_eq!(values(&x), [0.0, 1.0, 2.0, 4.0, 4.0, 8.0, 6.0, 12.0, 8.0]);
}

#[test]
fn conjugates_and_parts_are_views() {
    let z = Tensor::of(&[Complex32::new(1.0, 2.0), Complex32::new(3.0, -4.0)], &[2]).unwrap();
    let c = z.conj().unwrap();
    assert!(c.is_conj() && c.storage().id() == z.storage().id());
    let imag = c.imag().unwrap();
    assert!(imag.is_neg());
    assert_eq!(imag.resolve().unwrap().to_vec::<f32>().unwrap(), [-2.0, 4.0]);
    imag.fill_(7.0).unwrap();
    assert_eq!(z.to_vec::<Complex32>().unwrap(), [Complex32::new(1.0, -7.0), Complex32::new(3.0, -7.0)]);
    c.mul_(2.0).unwrap();
    assert_eq!(z.real().unwrap().to_vec::<f32>().unwrap(), [2.0, 6.0]);
}

#[test]
fn as_strided_stays_inside_the_storage() {
    let x = arange(&[2, 3]);
    let good = |size: &[i64], stride: &[i64], offset| values(&x.as_strided_with(size, stride, Some(offset)).unwrap());
    assert_eq!(good(&[2, 2], &[1, 2], 1), [1.0, 3.0, 2.0, 4.0]);
    assert_eq!(good(&[6], &[0], 5), [5.0; 6]);
    assert_eq!(good(&[0, 9], &[100, 100], 3), []);
    // A view sees the whole storage, its own offset by default.
    let part = x.slice(1, 1, 2, 1).unwrap();
    assert_eq!(values(&part.as_strided(&[3], &[1]).unwrap()), [1.0, 2.0, 3.0]);
    for (size, stride, offset, part) in [
        (&[7][..], &[1][..], 0, "out of bounds for storage of size 48"),
        (&[2], &[1], 5, "out of bounds for storage of size 48"),
        (&[2, 3], &[4, 1], 0, "out of bounds for storage of size 48"),
        (&[2], &[1 << 61], 0, "Storage size calculation overflowed with sizes=[2]"),
        (&[2], &[1 << 62], 0, "Storage size calculation overflowed with sizes=[2]"),
        (&[2], &[1], i64::MAX, "Storage size calculation overflowed with sizes=[2]"),
        (&[1 << 40, 1 << 40], &[0, 0], 0, "numel: integer multiplication overflow"),
        (&[2], &[-1], 3, "Negative strides are not supported"),
        (&[-2], &[1], 0, "negative dimension -2"),
        (&[2], &[1], -1, "invalid storage offset -1"),
        (&[2, 2], &[1], 0, "mismatch in length of strides and shape"),
    ] {
        let error = x.as_strided_with(size, stride, Some(offset)).unwrap_err();
        assert!(error.message().contains(part), "{size:?} {stride:?} {offset}: {error}");
    }
}
