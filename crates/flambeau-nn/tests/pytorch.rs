//! Initial values, printing and training steps, against numbers recorded from PyTorch 2.15, as Python prints them.

#![allow(clippy::excessive_precision, clippy::type_complexity)]

use std::sync::{Mutex, MutexGuard};

use flambeau_nn::optim::{Adam, AdamOptions, Optimizer, SGD, SGDOptions};
use flambeau_nn::{
    Conv2d, Conv2dOptions, Dropout, ELU, Embedding, Flatten, Forward, GELU, LayerNorm, LayerNormOptions, LeakyReLU,
    Linear, LogSoftmax, MaxPool2d, MaxPool2dOptions, Module, ReLU, Sequential, Softplus, init, sequential,
};
use flambeau_tensor::{Result, Tensor, manual_seed, ops};

/// Tests that seed the one default stream take turns.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Begins the default stream anew; it is one for all threads, so tests that draw from it take turns.
fn seed(seed: u64) -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    manual_seed(seed);
    turn
}

fn values(t: &Tensor) -> Vec<f32> {
    t.to_vec::<f32>().unwrap()
}

#[test]
fn linear_draws_pytorchs_weights() -> Result<()> {
    let _alone = alone();
    let _turn = seed(0);
    let layer = Linear::new(3, 2)?;
    let weight: [f32; 6] = [
        -0.004322517663240433,
        0.3097158372402191,
        -0.4751853346824646,
        -0.4248946011066437,
        -0.2223689705133438,
        0.15482072532176971,
    ];
    assert_eq!(values(&layer.weight), weight);
    assert_eq!(values(layer.bias.as_ref().unwrap()), [-0.011439144611358643f32, 0.45777493715286255]);
    Ok(())
}

#[test]
fn conv2d_draws_pytorchs_weights() -> Result<()> {
    let _alone = alone();
    let _turn = seed(0);
    let layer = Conv2d::new(2, 3, (2, 3))?;
    #[rustfmt::skip]
    let weight: [f32; 36] = [
        -0.0021612588316202164, 0.15485791862010956, -0.2375926673412323, -0.21244730055332184, -0.1111844852566719,
        0.07741036266088486, -0.005719572305679321, 0.22888746857643127, -0.02561819925904274, 0.07638706266880035,
        -0.08724139630794525, -0.05674353986978531, -0.275785356760025, -0.1911843717098236, -0.11899855732917786,
        0.010693557560443878, 0.11412344127893448, 0.17321166396141052, -0.19570472836494446, -0.12570728361606598,
        0.10485174506902695, 0.23971234261989594, -0.05940939113497734, 0.21601898968219757, -0.046529628336429596,
        0.030545899644494057, 0.2613884508609772, -0.2677953541278839, -0.1817319393157959, -0.07308250665664673,
        -0.11252555251121521, 0.2494155466556549, -0.18711334466934204, -0.13288664817810059, -0.20168012380599976,
        -0.27036187052726746,
    ];
    assert_eq!(values(&layer.weight), weight);
    let bias = values(layer.bias.as_ref().unwrap());
    assert_eq!(bias, [-0.16851136088371277f32, 0.24814458191394806, 0.12881214916706085]);
    Ok(())
}

#[test]
fn embedding_draws_pytorchs_table() -> Result<()> {
    let _alone = alone();
    let _turn = seed(0);
    let table = Embedding::with_padding(4, 3, -2)?;
    #[rustfmt::skip]
    let weight: [f32; 12] = [
        1.5409960746765137, -0.293428897857666, -2.1787893772125244, 0.5684312582015991, -1.0845223665237427,
        -1.3985954523086548, 0.0, 0.0, 0.0, -0.40334352850914, -0.5966353416442871, 0.18203648924827576,
    ];
    assert_eq!(values(&table.weight), weight);
    assert!(Embedding::with_padding(4, 3, 4).is_err());
    Ok(())
}

#[test]
fn initial_values_are_pytorchs() -> Result<()> {
    let _alone = alone();
    use init::{Fan::In, Nonlinearity::LeakyReLU};
    let cases: [(fn(&Tensor) -> Result<Tensor>, [f32; 4]); 4] = [
        (
            |t| init::xavier_uniform_(t, 1.0),
            [-0.009169445373117924, 0.657006561756134, -1.0080204010009766, -0.9013375639915466],
        ),
        (
            |t| init::xavier_normal_(t, 1.0),
            [1.0896488428115845, -0.20748557150363922, -1.5406367778778076, 0.40194159746170044],
        ),
        (
            |t| init::kaiming_uniform_(t, In, LeakyReLU(0.0)),
            [-0.012967552989721298, 0.9291475415229797, -1.425555944442749, -1.2746837139129639],
        ),
        (
            |t| init::kaiming_normal_(t, In, LeakyReLU(0.0)),
            [1.5409960746765137, -0.293428897857666, -2.1787893772125244, 0.5684312582015991],
        ),
    ];
    for (fill, expected) in cases {
        let _turn = seed(0);
        let weight = ops::empty(&[2, 2])?;
        assert_eq!(values(&fill(&weight)?), expected);
    }
    assert!(init::xavier_uniform_(&ops::empty(&[2])?, 1.0).is_err());
    Ok(())
}

/// What each fills in from seed 0, and the number that the stream gives next.
#[test]
fn further_initial_values_are_pytorchs() -> Result<()> {
    let _alone = alone();
    type Case = (fn() -> Result<Tensor>, &'static [f32], f32);
    let cases: [Case; 7] = [
        (
            || init::trunc_normal_(&ops::empty(&[2, 3])?, 0.0, 1.0, -0.5, 0.5),
            &[0.40334684, -0.2934289, 0.37039354, -0.40334353, -0.020879474, 0.18203649],
            0.7262365221977234,
        ),
        (
            || init::trunc_normal_(&ops::empty(&[2, 3])?, 0.0, 1.0, 2.0, 3.0),
            &[2.0223258, 2.168859, 2.0884774, 2.1320305, 2.3074229, 2.3734174],
            0.20812976360321045,
        ),
        (
            || init::orthogonal_(&ops::empty(&[2, 3])?, 2.0),
            &[1.1479619, -0.21858922, -1.6230843, -0.69083023, -1.8617654, -0.23787108],
            0.022325754165649414,
        ),
        (
            || init::orthogonal_(&ops::empty(&[3, 2, 1])?, 1.0),
            &[0.5349525, -0.16993009, -0.7563608, 0.34018382, -0.37648898, -0.9248777],
            0.022325754165649414,
        ),
        (|| init::eye_(&ops::empty(&[2, 3])?), &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0], 0.49625658988952637),
        (|| init::dirac_(&ops::empty(&[4, 1, 2])?, 2), &[0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0], 0.49625658988952637),
        (
            || init::sparse_(&ops::empty(&[3, 2])?, 0.5, 1.0),
            &[0.0, 0.0, -2.1787894, 0.0, 0.0, -1.3985955],
            0.6976675987243652,
        ),
    ];
    for (i, (fill, expected, next)) in cases.into_iter().enumerate() {
        let _turn = seed(0);
        let found = values(&fill()?);
        let close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-6);
        assert!(close && found.len() == expected.len(), "case {i}: {found:?}, not {expected:?}");
        assert_eq!(values(&ops::rand(&[1])?), [next], "case {i}");
    }
    let flat = ops::empty(&[2])?;
    assert!(init::orthogonal_(&flat, 1.0).is_err() && init::eye_(&flat).is_err());
    assert!(init::dirac_(&flat, 1).is_err() && init::sparse_(&flat, 0.5, 1.0).is_err());
    assert!(init::dirac_(&ops::empty(&[3, 1, 2])?, 2).is_err());
    Ok(())
}

/// The losses of three steps.
fn losses(model: &Sequential, x: &Tensor, labels: &Tensor, optimizer: &mut dyn Optimizer) -> Result<Vec<f32>> {
    (0..3)
        .map(|_| {
            optimizer.zero_grad()?;
            let loss = model.forward(x)?.cross_entropy(labels)?;
            loss.backward()?;
            optimizer.step()?;
            Ok(loss.item()?.to_f64() as f32)
        })
        .collect()
}

fn assert_close(found: &[f32], expected: &[f32]) {
    let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 * b.abs();
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(near), "{found:?}, expected {expected:?}");
}

#[test]
fn sgd_trains_as_pytorch_does() -> Result<()> {
    let _alone = alone();
    let _turn = seed(0);
    let model = sequential![Flatten::default(), Linear::new(6, 5)?, ReLU, Linear::new(5, 3)?];
    let (x, labels) = (ops::randn(&[4, 2, 3])?, Tensor::of(&[0i64, 2, 1, 1], &[4])?);
    let mut optimizer = SGD::new(model.parameters(), SGDOptions { lr: 0.1, momentum: 0.9, ..SGDOptions::default() })?;
    let found = losses(&model, &x, &labels, &mut optimizer)?;
    assert_close(&found, &[1.1873809099197388, 1.160693645477295, 1.1162898540496826]);
    Ok(())
}

#[test]
fn adam_trains_as_pytorch_does() -> Result<()> {
    let _alone = alone();
    let _turn = seed(0);
    let model = sequential![
        Conv2d::new(1, 2, 3)?,
        ReLU,
        MaxPool2d::new(2),
        Flatten::default(),
        LayerNorm::new(&[8])?,
        Linear::new(8, 3)?,
    ];
    let (x, labels) = (ops::randn(&[4, 1, 6, 6])?, Tensor::of(&[0i64, 2, 1, 1], &[4])?);
    let lr = 0.01;
    let runs = [
        (AdamOptions { lr, ..AdamOptions::default() }, [1.0406063795089722, 0.9344823956489563, 0.843349814414978]),
        (AdamOptions { lr, ..AdamOptions::adamw() }, [0.7648983001708984, 0.6843161582946777, 0.6106964349746704]),
        (
            AdamOptions { lr, amsgrad: true, weight_decay: 0.1, ..AdamOptions::default() },
            [0.5444604158401489, 0.48834067583084106, 0.4412534832954407],
        ),
    ];
    for (options, expected) in runs {
        let mut optimizer = Adam::new(model.parameters(), options)?;
        assert_close(&losses(&model, &x, &labels, &mut optimizer)?, &expected);
    }
    Ok(())
}

#[test]
fn modules_print_as_in_pytorch() -> Result<()> {
    let _alone = alone();
    let strided = Conv2dOptions {
        stride: 2.into(),
        padding: 1.into(),
        dilation: 2.into(),
        groups: 2,
        bias: false,
        ..Default::default()
    };
    let pool = MaxPool2dOptions { stride: Some(1.into()), padding: (0, 1).into(), ..Default::default() };
    let no_affine = LayerNormOptions { elementwise_affine: false, ..Default::default() };
    let cases: [(&dyn Module, &str); 10] = [
        (&Conv2d::new(1, 2, 3)?, "Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))"),
        (
            &Conv2d::with(2, 4, (3, 5), strided)?,
            "Conv2d(2, 4, kernel_size=(3, 5), stride=(2, 2), padding=(1, 1), dilation=(2, 2), groups=2, bias=False)",
        ),
        (
            &MaxPool2d::with((2, 3), pool),
            "MaxPool2d(kernel_size=(2, 3), stride=1, padding=(0, 1), dilation=1, ceil_mode=False)",
        ),
        (&LayerNorm::with(&[2, 3], no_affine)?, "LayerNorm((2, 3), eps=1e-05, elementwise_affine=False, bias=False)"),
        (&Dropout::new(1.0)?, "Dropout(p=1.0, inplace=False)"),
        (&GELU { tanh: true }, "GELU(approximate='tanh')"),
        (&LeakyReLU::default(), "LeakyReLU(negative_slope=0.01)"),
        (&ELU { alpha: 0.5 }, "ELU(alpha=0.5)"),
        (&Softplus::default(), "Softplus(beta=1.0, threshold=20.0)"),
        (&LogSoftmax { dim: -1 }, "LogSoftmax(dim=-1)"),
    ];
    for (module, text) in cases {
        assert_eq!(format!("{module}"), text);
    }
    let inner = sequential![ReLU, Dropout::new(0.5)?];
    let nested = sequential![Linear::new(3, 4)?, inner, Embedding::with_padding(4, 3, 1)?];
    let text = "Sequential(\n  (0): Linear(in_features=3, out_features=4, bias=True)\n  (1): Sequential(\n    (0): ReLU()\n    \
                (1): Dropout(p=0.5, inplace=False)\n  )\n  (2): Embedding(4, 3, padding_idx=1)\n)";
    assert_eq!(format!("{nested:?}"), text);
    assert_eq!(format!("{}", Sequential::new()), "Sequential()");
    Ok(())
}

#[test]
fn a_state_dict_that_does_not_fit_is_refused_whole() -> Result<()> {
    let _alone = alone();
    let model = sequential![Linear::new(3, 2)?, Linear::new(2, 2)?];
    let before = values(&model.parameters()[1]);
    let state =
        [("0.weight", vec![2, 2]), ("0.bias", vec![2]), ("1.weight", vec![2, 2]), ("x", vec![1]), ("y", vec![1])]
            .into_iter()
            .map(|(name, sizes)| Ok((name.to_string(), ops::zeros(&sizes)?)))
            .collect::<Result<Vec<_>>>()?;
    let error = model.load_state_dict(&state).unwrap_err();
    assert_eq!(
        error.message(),
        "Error(s) in loading state_dict for Sequential:\n\tMissing key(s) in state_dict: \"1.bias\". \n\tUnexpected key(s) in \
         state_dict: \"x\", \"y\". \n\tsize mismatch for 0.weight: copying a param with shape torch.Size([2, 2]) from checkpoint, \
         the shape in current model is torch.Size([2, 3])."
    );
    assert_eq!(values(&model.parameters()[1]), before);
    Ok(())
}

#[test]
fn eval_reaches_layers_inside() -> Result<()> {
    let _alone = alone();
    let model = sequential![sequential![Dropout::new(0.5)?]];
    let x = ops::ones(&[100])?;
    model.eval();
    assert_eq!(values(&model.forward(&x)?), [1.0; 100]);
    model.train();
    let _turn = seed(0);
    assert!(values(&model.forward(&x)?).iter().all(|&v| v == 0.0 || v == 2.0));
    Ok(())
}

#[test]
fn settings_out_of_range_are_errors() -> Result<()> {
    let _alone = alone();
    let w = || vec![Tensor::of(&[1.0f32], &[1]).unwrap()];
    let messages = [
        Dropout::new(2.0).err(),
        Conv2d::with(3, 4, 3, Conv2dOptions { groups: 2, ..Default::default() }).err(),
        Conv2d::with(4, 4, 3, Conv2dOptions { groups: 0, ..Default::default() }).err(),
        SGD::new(w(), SGDOptions { lr: -1.0, ..Default::default() }).err(),
        SGD::new(vec![], SGDOptions::default()).err(),
        Adam::new(w(), AdamOptions { betas: (1.0, 0.9), ..Default::default() }).err(),
        Adam::new(w(), AdamOptions { weight_decay: -1.0, ..Default::default() }).err(),
    ]
    .map(|e| e.map(|e| e.message().to_string()).unwrap_or_default());
    assert_eq!(
        messages,
        [
            "dropout probability has to be between 0 and 1, but got 2",
            "in_channels must be divisible by groups",
            "groups must be a positive integer",
            "Invalid learning rate: -1.0",
            "optimizer got an empty parameter list",
            "Invalid beta parameter at index 0: 1.0",
            "Invalid weight_decay value: -1.0",
        ]
    );
    Ok(())
}
