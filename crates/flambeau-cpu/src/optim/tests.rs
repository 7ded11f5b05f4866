//! Three steps of each optimizer, as PyTorch makes them.

use super::*;
use crate::{View, ViewMut};
use flambeau_types::{Layout, bf16};

#[rustfmt::skip]
const P0: [u32; 20] = [
    3213892485u32, 3214114954, 3196079062, 3202229597, 1058622859, 3217493339, 3199125194, 1072508750,
    1055894101, 3189866335, 1069074907, 1049114529, 1068619456, 1070271744, 1064452252, 3210214195, 1064209456,
    1067525943, 1073762714, 1029446458,
];
#[rustfmt::skip]
const G: [u32; 60] = [
    1026824563u32, 1010314411, 1032010746, 1026863767, 1017667035, 3174593663, 3177888637, 3177413005,
    1030975306, 1042146586, 1028640223, 3178370642, 3188176544, 1016755853, 3152172639, 3175790767, 3189321347,
    3164523159, 1026980695, 1040692553, 1041926330, 1045770551, 1043252332, 1047773160, 1044827715, 1034033483,
    3137648878, 3174240397, 1042844011, 3188410371, 1024270926, 1028976661, 3172319721, 3188022962, 1008917718,
    1026881638, 1019889720, 1006367103, 1024094843, 1027219323, 3181664702, 3187974279, 3180962590, 3188086885,
    3182750293, 3173750339, 3181696023, 1030204536, 1031405919, 1027554378, 1044889423, 3185162491, 3153944971,
    1010742562, 3178450035, 3187589546, 3156690113, 3184765875, 3170897551, 1019828467,
];
#[rustfmt::skip]
const SGD: [u32; 20] = [
    3214157775u32, 3214335845, 3197820346, 3203945383, 1057823962, 3217371920, 3197842347, 1072552685,
    1053200374, 3191454185, 1068442551, 1049928435, 1069002330, 1070387727, 1064508628, 3209619848, 1064864778,
    1067644108, 1073493416, 3155501736,
];
#[rustfmt::skip]
const SGD_DAMPED: [u32; 20] = [
    3213671281u32, 3213933172, 3193762183, 3201074303, 1059045772, 3217532005, 3199844384, 1072366938,
    1057138507, 3188056773, 1069343225, 1048542778, 1068272836, 1070176132, 1064373269, 3210486720, 1063572428,
    1067429766, 1073823029, 1036485116,
];
#[rustfmt::skip]
const SGD_PLAIN: [u32; 20] = [
    3213988645u32, 3214190383, 3196615034, 3202736120, 1058410861, 3217486818, 3198656051, 1072544562,
    1054937614, 3190301641, 1068839812, 1049495125, 1068767789, 1070355420, 1064546818, 3209996588, 1064436130,
    1067622453, 1073742964, 1024009399,
];
#[rustfmt::skip]
const ADAM: [u32; 20] = [
    3213736134u32, 3213984828, 3196784984, 3202814478, 1058196723, 3217256165, 3198176519, 1072258497,
    1054917878, 3190478623, 1068825412, 1049365928, 1068396153, 1070049430, 1063964980, 3209752815, 1064212947,
    1067287400, 1073534175, 1021128159,
];
#[rustfmt::skip]
const ADAMW: [u32; 20] = [
    3214051171u32, 3214249622, 3196843143, 3202899512, 1058237909, 3217393160, 3198243406, 1072645027,
    1054903529, 3190611106, 1068803379, 1049600548, 1068796612, 1070238469, 1064632827, 3209908830, 1064497584,
    1067664193, 1073537554, 1021173183,
];
#[rustfmt::skip]
const ADAM_BRAIN: [u32; 20] = [
    3214016512u32, 3214278656, 3196846080, 3202875392, 1058209792, 3217424384, 3198287872, 1072627712,
    1054932992, 3190620160, 1068892160, 1049624576, 1068826624, 1070333952, 1064697856, 3209953280, 1064566784,
    1067646976, 1073610752, 1021247488,
];

const SMALL: f32 = 0.0;

fn floats<const N: usize>(bits: [u32; N]) -> [f32; N] {
    bits.map(f32::from_bits)
}

/// The distance in units of the last place, or relative to 1 for small numbers.
fn near(got: &[f32], want: &[f32], ulps: f32, what: &str) {
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let unit = f32::EPSILON * w.abs().max(SMALL);
        assert!((g - w).abs() <= ulps * unit || g == w, "{what} {i}: got {g:e}, want {w:e}");
    }
}

fn sgd(o: SgdOptions) -> [f32; 20] {
    let l = Layout::contiguous(&[20]);
    let (mut p, mut b) = (floats(P0), [0f32; 20]);
    for (k, g) in floats(G).chunks(20).enumerate() {
        let o = SgdOptions { first_step: k == 0, ..o };
        sgd_step(&mut ViewMut::of(&mut p, &l), View::of(g, &l), Some(&mut ViewMut::of(&mut b, &l)), &o);
    }
    p
}

#[test]
fn sgd_steps() {
    let o = SgdOptions {
        lr: 0.1,
        momentum: 0.9,
        dampening: 0.0,
        weight_decay: 0.01,
        nesterov: true,
        maximize: false,
        first_step: true,
    };
    near(&sgd(o), &floats(SGD), 2.0, "nesterov");
    let damped = SgdOptions { dampening: 0.3, weight_decay: 0.0, nesterov: false, maximize: true, ..o };
    near(&sgd(damped), &floats(SGD_DAMPED), 2.0, "damped");
    near(&sgd(SgdOptions { momentum: 0.0, weight_decay: 0.0, nesterov: false, ..o }), &floats(SGD_PLAIN), 2.0, "plain");
}

const ADAM_OPTIONS: AdamOptions = AdamOptions {
    lr: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    weight_decay: 0.1,
    decoupled: false,
    amsgrad: true,
    maximize: false,
    step: 1,
};

fn adam(o: AdamOptions, l: &Layout) -> Vec<f32> {
    let n = l.extent().map_or(0, |e| e.1 as usize + 1);
    let mut state = [vec![0f32; n], vec![0f32; n], vec![0f32; n], vec![0f32; n]];
    let at = |i: usize| crate::reduce::tests::offset(l, i);
    (0..20).for_each(|i| state[0][at(i)] = f32::from_bits(P0[i]));
    for (k, g) in floats(G).chunks(20).enumerate() {
        let [p, m, v, max] = &mut state;
        let (g_layout, o) = (Layout::contiguous(&l.sizes), AdamOptions { step: k as u64 + 1, ..o });
        let [mut p, mut m, mut v, mut max] = [p, m, v, max].map(|s| ViewMut::of(s.as_mut_slice(), l));
        adam_step(&mut p, View::of(g, &g_layout), &mut m, &mut v, Some(&mut max), &o);
    }
    (0..20).map(|i| state[0][at(i)]).collect()
}

#[test]
fn adam_steps() {
    let line = Layout::contiguous(&[20]);
    let transposed = Layout { sizes: [4i64, 5].as_slice().into(), strides: [1i64, 4].as_slice().into(), offset: 0 };
    for l in [line, transposed] {
        near(&adam(ADAM_OPTIONS, &l), &floats(ADAM), 2.0, "amsgrad");
        near(&adam(AdamOptions { decoupled: true, amsgrad: false, ..ADAM_OPTIONS }, &l), &floats(ADAMW), 2.0, "adamw");
    }
}

#[test]
fn half_types_round_after_each_operation() {
    let l = Layout::contiguous(&[20]);
    let mut p = floats(P0).map(bf16::from_f32);
    let (mut m, mut v) = ([bf16::ZERO; 20], [bf16::ZERO; 20]);
    for (k, g) in floats(G).chunks(20).enumerate() {
        let g: Vec<bf16> = g.iter().map(|&g| bf16::from_f32(g)).collect();
        let o = AdamOptions { weight_decay: 0.0, amsgrad: false, step: k as u64 + 1, ..ADAM_OPTIONS };
        let (mut p, mut m, mut v) = (ViewMut::of(&mut p, &l), ViewMut::of(&mut m, &l), ViewMut::of(&mut v, &l));
        adam_step(&mut p, View::of(&g, &l), &mut m, &mut v, None, &o);
    }
    assert_eq!(p.map(bf16::to_f32), floats(ADAM_BRAIN));
}
