"""One operator at a time, on a million elements or a natural input: `python benches/compare.py --operators`.

An expression sees the library as `torch`, its functions by their names, and the inputs below.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import layers

MILLION = 1 << 20

INPUTS: dict[str, Callable[[Any], Any]] = {
    "x": lambda torch: torch.randn(MILLION),
    "y": lambda torch: torch.randn(MILLION),
    "p": lambda torch: torch.rand(MILLION) * 0.98 + 0.01,
    "d": lambda torch: torch.randn(MILLION, dtype=torch.float64),
    "i": lambda torch: torch.randint(1, 100, (MILLION,)),
    "b": lambda torch: torch.randn(MILLION) > 0,
    "c": lambda torch: torch.randn(MILLION // 2, dtype=torch.complex64),
    "h": lambda torch: torch.randn(MILLION).bfloat16(),
    "f": lambda torch: torch.randn(MILLION).half(),
    "j": lambda torch: torch.randint(1, 100, (MILLION,), dtype=torch.int32),
    "u": lambda torch: torch.randint(1, 100, (MILLION,), dtype=torch.uint8),
    "q": lambda torch: torch.rand(MILLION, dtype=torch.float64) * 0.98 + 0.01,
    "m": lambda torch: torch.randn(1024, 1024),
    "n": lambda torch: torch.randn(1024, 1024),
    "w": lambda torch: torch.randn(1024, 1024, requires_grad=True),
    "wp": lambda torch: (torch.rand(1024, 1024) * 0.98 + 0.01).requires_grad_(),
    "planes": lambda torch: torch.randn(8, 16, 64, 64, requires_grad=True),
    "table": lambda torch: torch.randn(1024, 64, requires_grad=True),
    "rows": lambda torch: torch.randint(0, 1024, (1024,)),
    "at": lambda torch: torch.randint(0, 1024, (1024, 1024)),
    "a": lambda torch: torch.randn(128, 128) + 12 * torch.eye(128),
    "v": lambda torch: torch.randn(128, 8),
    "image": lambda torch: torch.randn(8, 16, 64, 64),
    "kernel": lambda torch: torch.randn(16, 16, 3, 3),
    "line": lambda torch: torch.randn(8, 16, 1024),
    "cube": lambda torch: torch.randn(2, 4, 32, 32, 32),
    "labels": lambda torch: torch.randint(0, 1024, (1024,)),
    "grid": lambda torch: torch.rand(8, 64, 64, 2) * 2 - 1,
    "heads": lambda torch: torch.randn(4, 8, 128, 64),
}

EXPRESSIONS = """
x + y; x * y; x / y; x - 2; x % y; p.pow(2.5); p ** y; x.pow(2); x.maximum(y); x.fmod(y); x.atan2(y); x.hypot(y)
x.copysign(y); x.abs(); x.neg(); x.sign(); x.floor(); x.round(); x.frac(); x.reciprocal(); p.sqrt(); p.rsqrt()
x.clamp(-1, 1); x.square(); x.exp(); x.exp2(); x.expm1(); p.log(); p.log2(); p.log10(); p.log1p(); x.sin(); x.cos()
x.tan(); p.asin(); p.acos(); x.atan(); x.sinh(); x.cosh(); x.tanh(); x.asinh(); p.atanh(); x.sigmoid(); p.logit()
x.erf(); x.erfc(); p.erfinv(); p.lgamma(); p.digamma(); special.i0(x); special.i0e(x); special.i1(x); special.ndtri(p)
special.log_ndtr(x); special.erfcx(x); special.entr(p); x.sinc(); special.bessel_j0(x); special.bessel_y0(p)
special.modified_bessel_k0(p); special.zeta(p + 2, 1.5); p.polygamma(1); igamma(p, p); d + d; d.exp(); d.sin()
d.sum(); d.tanh(); i + i; i * 3; i // 7; i % 7; i & 12; i.sum(); i.bitwise_not(); b & b; b.logical_not(); b.any()
c + c; c * c; c.abs(); c.exp(); c.angle(); c.conj().resolve_conj(); h + h; h.exp(); h.sum(); h.float(); x.bfloat16()
x.double(); i.float(); x > y; x == y; x.isnan(); where(b, x, y); x.masked_fill(b, 0); x.masked_select(b)
x.lerp(y, 0.3); addcmul(x, y, y); nan_to_num(x); x.sum(); x.mean(); x.prod(); x.max(); x.min(); x.std(); x.norm()
x.logsumexp(0); x.argmax(); x.median(); x.nansum(); x.count_nonzero(); m.sum(0); m.sum(1); m.mean(0); m.max(1).values
m.max(0).values; m.std(0); m.std(1); m.norm(dim=1); m.argmax(1); m.prod(1); m.logsumexp(1); m.cumsum(0); m.cumsum(1)
m.cumprod(1); m.cummax(1).values; m.logcumsumexp(1); m.median(1).values; m.kthvalue(5).values; m.mode(1).values
m.sort(1).values; x.sort().values; m.topk(10).values; m.argsort(1); i.unique()
searchsorted(p.sort().values, p[:1000]); histc(p, 100); bincount(i); m.quantile(0.3, 1); m.t().contiguous(); m.flip(1)
m.roll(3, 1); m.tril(); cat([m, n]); stack([m, n]); m.repeat(2, 2); m.expand(2, 1024, 1024).clone()
m.index_select(0, rows); m[rows]; m.gather(1, at); m.scatter(1, at, n); m.scatter_add(1, at, n)
m.index_add(0, rows, n); m.take_along_dim(at, 1); m.index_put((rows,), n); m.nonzero(); b.nonzero(); m.diag()
m.unfold(0, 8, 4).sum(); m.diff(); trapezoid(m); m @ n; m @ n[0]; m.addmm(m, n); einsum("ij,kj->ik", m, n)
heads @ heads.mT; cdist(m[:256], n[:256]); outer(x[:1024], y[:1024]); kron(a, eye(4)); linalg.inv(a)
linalg.solve(a, v); linalg.det(a); linalg.cholesky(a @ a.mT); linalg.qr(a).R; linalg.svdvals(a); linalg.eigvalsh(a)
linalg.eigvals(a); linalg.lu_factor(a)[0]; linalg.pinv(a); linalg.matrix_exp(a / 20); linalg.lstsq(a, v).solution
linalg.matrix_norm(a); linalg.svd(a).S; fft.fft(c); fft.rfft(x); fft.irfft(c); fft.fft2(image)
stft(x[:65536], 512, return_complex=True, window=hann_window(512)); fft.fftshift(c); F.relu(x); F.gelu(x)
F.gelu(x, approximate="tanh"); F.silu(x); F.elu(x); F.softplus(x); F.mish(x); F.leaky_relu(x); F.hardswish(x)
F.logsigmoid(x); F.softmax(m, 1); F.log_softmax(m, 1); F.softmax(m, 0); F.layer_norm(m, (1024,))
F.group_norm(image, 4); F.batch_norm(image, None, None, training=True); F.instance_norm(image); F.rms_norm(m, (1024,))
F.normalize(m); F.cross_entropy(m, labels); F.nll_loss(m, labels); F.mse_loss(m, n); F.l1_loss(m, n)
F.smooth_l1_loss(m, n); F.binary_cross_entropy_with_logits(m, n.sigmoid()); F.kl_div(m, n, reduction="sum")
F.cosine_similarity(m, n); F.dropout(x); F.conv1d(line, kernel[:, :, 0]); F.conv2d(image, kernel)
F.conv2d(image, kernel, stride=2, padding=1); F.conv2d(image, kernel[:, :1], groups=16)
F.conv3d(cube, kernel[:4, :4, None].expand(4, 4, 3, 3, 3)); F.conv_transpose2d(image, kernel); F.max_pool2d(image, 2)
F.avg_pool2d(image, 2); F.max_pool2d(image, 3, 1); F.adaptive_avg_pool2d(image, 7); F.adaptive_max_pool2d(image, 7)
F.max_pool3d(cube, 2); F.avg_pool3d(cube, 2); F.interpolate(image, scale_factor=2)
F.interpolate(image, scale_factor=2, mode="bilinear"); F.interpolate(image, scale_factor=2, mode="bicubic")
F.interpolate(cube, scale_factor=2, mode="trilinear"); F.grid_sample(image, grid, align_corners=False)
F.unfold(image, 3); F.fold(F.unfold(image, 3), 64, 3); F.pad(image, (1, 1, 1, 1))
F.pad(image, (1, 1, 1, 1), mode="reflect"); F.pixel_shuffle(image, 2); F.embedding(at, m[:, :64])
F.one_hot(rows, 1024); F.scaled_dot_product_attention(heads, heads, heads)
F.scaled_dot_product_attention(heads, heads, heads, is_causal=True); rand(1 << 20); randn(1 << 20)
randint(0, 100, (1 << 20,)); randperm(1 << 17); bernoulli(p); x.clone(); zeros(1 << 20); arange(1 << 20)
"""

# Each expression of a line is timed with `_` standing for each of the inputs before the colon.
FOR_EACH = """
x d h f c i j u b: _.clone(); _.sum(); _ == _; where(b[:_.numel()], _, _); _.view(1024, -1).t().contiguous()
x d h f c i j u b: _.flip(0); _.view(1024, -1).sum(0); _.view(1024, -1).sum(1); _[::2].clone()
x d h f c i j u b: _.view(1024, -1).t().sum(0); cat([_, _]); _.any(); _.view(1024, -1)[rows]
x d h f c i j u b: _.view(1024, -1)[:, rows[:512] // 2]; _.count_nonzero(); _.masked_select(b[:_.numel()])
x d h f c i j u b: _.masked_fill(b[:_.numel()], 0); _.view(1024, -1).any(1); _.nonzero(); _.float(); _.double()
x d h f c i j u b: _.view(1024, -1).index_select(1, rows[:512] // 2); _.roll(5)
d h f c i j u b: _.long(); _.bool(); _.to(bfloat16); _.to(uint8); _.to(complex64); _.view(1024, -1).tril()
d h f i j u: _ > 0; _.max(); _.argmax(); _.view(1024, -1).max(1).values; _.view(1024, -1).max(0).values
d h f i j u: _.clamp(-1, 1); _.view(1024, -1).sort(1).values; _.sort().values; _.view(1024, -1).topk(10).values
d h f i j u: _.unique(); _.msort(); _.view(1024, -1).argmax(1); _.view(1024, -1).argmax(0)
d h f i j u: _.view(1024, -1).cummax(1).values; _.median(); _.aminmax()[0]; _.view(1024, -1).median(1).values
d h f i j u: _.maximum(_); _.fmod(7); _ % 7; _ // 7; _.view(1024, -1).amax((0, 1))
d h f c i j u: _ + _; _ * _; _ - 2; _ * 3; _ / _; _ / 7; _.neg(); _.abs(); _.square(); _.pow(3)
d h f c i j u: _.view(1024, -1).t() + _.view(1024, -1); _.view(1024, -1) + _.view(1024, -1)[0]
d h f c i j u: _.view(1024, -1) * _.view(1024, -1)[:, :1]; _.view(1024, -1).cumsum(1); _.view(1024, -1).cumsum(0)
d h f c i j u: _.cumsum(0); _.prod(); _.view(1024, -1).prod(1); _.exp(); _.sqrt(); _.sin(); addcmul(_, _, _)
d h f c i j u: _.add_(1); _.diff(); _.view(1024, -1).index_add(0, rows, _.view(1024, -1))
i j u b: _ & _; _ | _; _ ^ _; ~_; _.all(); _.view(1024, -1).all(0); _.logical_not(); _.logical_and(_)
i j u: _ << 2; _ >> 2; gcd(_, _.flip(0)); bincount(_); isin(_, _[:10]); _ // _; _ % _; _.remainder(3)
i j u: bucketize(_, _[:100].sort().values)
d h f c: _.mean(); _.std(); _.norm(); _.view(1024, -1).norm(dim=1); _.view(1024, -1).mean(1); _.view(1024, -1).std(1)
d h f c: _.log(); _.tanh(); _.reciprocal(); _.sigmoid(); _.cos(); _.tan(); _.isnan(); _.isfinite(); _.rsqrt()
d h f c: _.view(1024, -1).var(0); _.lerp(_, 0.3); _.view(1024, -1).mean(0); _.norm(1); _.nansum(); _.isclose(_)
d h f c: _.sgn(); _.pow(2.5); _.expm1(); _.log2(); _.log1p()
c: _.real.clone(); _.imag.clone(); _.sinh(); _.cosh(); _.acos(); _.asin(); _.atan(); _.asinh(); _.acosh(); _.atanh()
c: _.log10(); _.exp2(); _.angle(); view_as_real(_).clone(); _ * 2j; _.pow(2); _.conj() * _; polar(x, y); complex(x, y)
c: _ * x[:_.numel()]; vdot(_, _)
d h f: _.norm(float("inf")); _.norm(3); _.frac(); _.floor(); _.round(); _.trunc(); _.sign(); _.atan2(_); _.hypot(_)
d h f: _.logaddexp(_); _.view(1024, -1).logsumexp(1); F.softmax(_.view(1024, -1), 1)
d h f: F.log_softmax(_.view(1024, -1), 1); F.gelu(_); F.relu(_); F.silu(_); F.softplus(_)
d h f: F.layer_norm(_.view(1024, -1), (1024,)); nan_to_num(_); _.erf(); _.erfc(); _.atan(); _.asinh(); F.elu(_)
d h f: F.mish(_); F.hardswish(_); F.leaky_relu(_); F.dropout(_); _.copysign(-1); _.nextafter(_); F.mse_loss(_, _)
d h f: _.sinh(); _.view(1024, -1).logcumsumexp(1); _.view(1024, -1).cumprod(1); _.view(1024, -1).median(1).values
d h f: _.lgamma(); _.expm1(); _.exp2()
q: _.log(); _.sqrt(); _.asin(); _.acos(); _.atanh(); _.erfinv(); _.logit(); _.lgamma(); _.digamma(); special.ndtri(_)
q: _.pow(_); special.erfcx(_); special.i0(_); special.entr(_); special.log_ndtr(_); polygamma(1, _); igamma(_, _)
q: special.zeta(_ + 2, 1.5); special.bessel_j1(_); special.xlog1py(_, _); _.log10(); (_ + 3).mvlgamma(2)
x d h f: rand_like(_); randn_like(_); _.normal_(); _.uniform_(); _.exponential_(); _.bernoulli_(0.3); _.cauchy_()
x d h f: _.log_normal_()
x d h f i j u: _.random_(100); _.geometric_(0.3); _.fill_(3); zeros_like(_); randint_like(_, 100); _.bernoulli_()
"""

# Strides, broadcasting, in place, other arguments.
MORE = """
m.t() + n; m + n[0]; m + n[:, :1]; m.t() + n.t(); m[::2] + n[::2]; m[:, ::2] + n[:, ::2]; m.t().sum(0); m.t().sum(1)
m.t().exp(); m.t().clone(); m.t() * 2; m.t().contiguous(); m.add_(n.t()); x + d; x + i; x * b; h + x; i + u
x.add(y, alpha=2); x - i; x / 3; m.t().softmax(1); m.t().max(0).values; m.t().argmax(1); m.t().cumsum(0)
m.t().sort(1).values; m[:, 3]; m[3:700, 5:900] + 1; m.view(32, 32, 32, 32).permute(3, 1, 0, 2).contiguous()
m.view(32, 32, 32, 32).sum((1, 3)); m.view(32, 32, 32, 32).sum((0, 2)); m.view(32, 32, 32, 32).mean((0, 1, 3))
m.view(16, 64, 1024).var((0, 2)); m.view(1024, 256, 4).sum(2); m.view(4, 256, 1024).sum(1)
m.view(-1, 4).max(1).values; m.view(-1, 4).softmax(1); m.view(-1, 4).argmax(1); m.view(4, -1).sum(1)
m.view(4, -1).sum(0); m.view(-1, 2).sum(0); m[:, 1].sum(); m.norm(p=1, dim=1); m.norm(p=float("inf"), dim=1)
m.norm(dim=0); m.norm(p=0, dim=1); m.norm(p=3, dim=1); x.norm(p=0); x.norm(p=1); x.norm(p=float("inf")); x.norm(p=3)
x.norm(p=0.5); m.amax(0); m.amin(1); m.aminmax(dim=1)[0]; m.all(0); m.any(1); m.var(1); var_mean(m, 1)[0]; m.argmin(0)
m.min(0).values; m.nanmean(1); m.nansum(0); m.nanmedian(); m.prod(0); m.logsumexp(0); m.cummin(0).values
m.cummax(0).values; m.cumprod(0); m.logcumsumexp(0); m.sort(0).values; m.argsort(0); m.topk(10, 0).values
m.kthvalue(5, 0).values; m.mode(0).values; m.median(0).values; m.msort(); m.quantile(0.3, 0)
m.sort(descending=True).values; m.sort(stable=True).values; x.topk(100).values; x.kthvalue(1000).values
x.mode().values; x.argsort(); i.mode().values; i.sort(stable=True).indices; x.unique()
i.unique(return_counts=True)[1]; u.unique(); i.unique_consecutive(); m[:64].unique(dim=0)
bucketize(x, y[:100].sort().values); searchsorted(m.sort(1).values, n[:, :10]); x.trunc(); x.ceil(); x.signbit()
x.sgn(); x.isinf(); x.isfinite(); x.isposinf(); x.isneginf(); x.deg2rad(); x.rad2deg(); x.logical_not(); x.minimum(y)
x.fmax(y); x.fmin(y); x.ldexp(j); frexp(x)[0]; x.nextafter(y); x.heaviside(y); x.xlogy(p); special.xlog1py(x, p)
x.logaddexp(y); x.logaddexp2(y); x.float_power(2); x.true_divide(y); x.floor_divide(y)
x.div(y, rounding_mode="trunc"); x.div(y, rounding_mode="floor"); x % 2.5; x.fmod(2.5); x // 2.5; 1 / x; 2 - x; 2 ** x
x ** 3; x ** 0.5; p ** 0.5; x ** -1; x.pow(4); addcdiv(x, y, p); x.clamp(min=0); x.clamp(p, y); x.clip(-1, 1)
x.clamp_min(0); i.clamp(3, 50); x.isclose(y); x.ne(y); x >= 0; x.round(decimals=2); x.logit(1e-3); igamma(p, p + 1)
igammac(p, p); (p + 3).mvlgamma(2); special.ndtr(x); special.i1e(x); special.bessel_j1(x); special.bessel_y1(p)
special.modified_bessel_i0(x); special.modified_bessel_i1(x); special.modified_bessel_k1(p)
special.scaled_modified_bessel_k0(p); special.scaled_modified_bessel_k1(p); special.spherical_bessel_j0(x)
special.airy_ai(x); special.chebyshev_polynomial_t(p, 5); special.hermite_polynomial_h(p, 5)
special.laguerre_polynomial_l(p, 5); special.legendre_polynomial_p(p, 5); polygamma(2, p); polygamma(0, p)
special.exp2(x); special.expit(x); special.sinc(x); special.log_softmax(m, 1); x.i0(); x.where(b, y); where(b, x, 0.0)
where(b, 1.0, 0.0); x.masked_scatter(b, y); x.take(at); x.put(at.view(-1), y); m.take_along_dim(at, 0)
m.gather(0, at); m.scatter(0, at, n); m.scatter(1, at, 2.0); m.scatter_add(0, at, n)
m.scatter_reduce(1, at, n, "amax"); m.scatter_reduce(0, at, n, "mean"); m.index_copy(0, rows, n)
m.index_fill(0, rows, 1.0); m.index_add(1, rows, n); m.index_select(1, rows); m[:, rows]; m[rows, rows]; m[at[:64]]
m.index_reduce(0, rows, n, "amax"); m.index_put((rows,), n, accumulate=True); m.index_put((rows, rows), n[0])
m[m > 0]; m[b.view(1024, 1024)]; m.diagonal().clone(); m[0].diag_embed(); m.triu(); m.rot90(); m.fliplr()
m.flip(0, 1); m.roll((1, 2), (0, 1)); x.roll(7); m.repeat_interleave(2, 0); x.repeat_interleave(2); m.tile(2)
m.chunk(4)[1].clone(); m.split(100)[2].clone(); m.unbind()[3].clone(); hstack([m, n]); vstack([m, n]); dstack([m, n])
stack([m, n], 2); cat([m, n], 1); cat([x, x, y]); m.narrow(1, 3, 700).clone(); m.movedim(0, 1).clone()
block_diag(m, n); meshgrid(x[:1024], y[:1024], indexing="ij")[0].clone(); tril_indices(1024, 1024); x.histc(50)
histogram(x, 50)[0]; x.view(-1, 4).unfold(1, 2, 1).clone(); combinations(x[:1000]); cartesian_prod(x[:1000], y[:1000])
cov(m); corrcoef(m[:128]); m.trace(); dist(x, y); pdist(m[:256]); renorm(m, 2, 0, 5); gradient(x)[0]
cumulative_trapezoid(m); diff(m, dim=0); cross(x[:999999].view(-1, 3), y[:999999].view(-1, 3)); dot(x, y)
mv(m, x[:1024]); bmm(heads.view(32, 128, 64), heads.view(32, 128, 64).mT); addmv(x[:1024], m, y[:1024]); inner(m, n)
addr(m, x[:1024], y[:1024]); m @ n.t(); m.t() @ n; tensordot(m, n, 1); linalg.vector_norm(m, 3); vander(x[:1024], 20)
m.fill_diagonal_(2); zeros(1024, 1024); ones(1 << 20); full((1 << 20,), 2.5); empty(1 << 20); eye(1024)
linspace(0, 1, 1 << 20); logspace(0, 1, 1 << 20); arange(0, 1e6, 1.5); arange(1 << 20, dtype=float32); x.zero_()
x.fill_(2); x.copy_(y); m.copy_(n.t()); x.copy_(d); d.copy_(x); h.copy_(x); x.copy_(i); i.copy_(x)
x.new_zeros(1 << 20); zeros_like(x); full_like(x, 2); x.relu_(); x.mul_(0.99); x.add_(y); x.sub_(y, alpha=0.1)
x.lerp_(y, 0.1); x.clamp_(-1, 1); normal(x, p); normal(0.0, p); normal(0, 1, (1 << 20,)); poisson(p * 5)
poisson(p * 50); multinomial(p[:1000], 10000, replacement=True); multinomial(p[:10000], 1000); randperm(1 << 20)
randperm(1000); randint(0, 1 << 40, (1 << 20,)); randint(0, 100, (1 << 20,), dtype=int32)
rand(1 << 20, dtype=float64); randn(1 << 20, dtype=float64); randn(1 << 20, dtype=bfloat16)
rand(1 << 20, dtype=bfloat16); randn(1 << 19, dtype=complex64); x.bernoulli_(p); F.dropout(x, 0.1); F.dropout2d(image)
F.alpha_dropout(x); F.feature_alpha_dropout(image); F.rrelu(x, training=True); F.gumbel_softmax(m); F.selu(x)
F.celu(x); F.relu6(x); F.hardtanh(x); F.hardsigmoid(x); F.hardshrink(x); F.softshrink(x); F.softsign(x)
F.tanhshrink(x); F.prelu(x, p[:1]); F.threshold(x, 0.1, 0); F.glu(m); F.softmin(m, 1); F.log_softmax(m, 0)
F.huber_loss(m, n); F.binary_cross_entropy(p, p); F.poisson_nll_loss(m, n); F.gaussian_nll_loss(x, y, p)
F.soft_margin_loss(x, y.sign()); F.hinge_embedding_loss(x, y.sign()); F.margin_ranking_loss(x, y, y.sign())
F.triplet_margin_loss(m, n, m.t()); F.cosine_embedding_loss(m, n, x[:1024].sign()); F.multi_margin_loss(m, labels)
F.multilabel_soft_margin_loss(m, b.view(1024, 1024).float()); F.pairwise_distance(m, n); F.pdist(m[:256])
F.cross_entropy(m, labels, label_smoothing=0.1); F.cross_entropy(m, p.view(1024, 1024))
F.embedding_bag(at, m[:, :64]); F.local_response_norm(image, 5); F.normalize(m, dim=0); F.linear(m, n)
F.linear(m, n, x[:1024]); F.bilinear(m[:64, :64], n[:64, :64], torch.ones(8, 64, 64)); F.pixel_unshuffle(image, 2)
F.channel_shuffle(image, 4); F.batch_norm(image, x[:16], p[:16]); F.pad(image, (1, 1, 1, 1), mode="replicate")
F.pad(image, (1, 1, 1, 1), mode="circular"); F.one_hot(i); F.lp_pool2d(image, 2, 2)
"""

# Forward and backward.
GRADIENTS = """
w + n; w * n; w / n; w.exp(); w.tanh(); w.sigmoid(); wp.log(); wp.sqrt(); w.pow(3); w.abs(); w.sin(); w.cos()
w.square(); w.clamp(-1, 1); w.erf(); w.maximum(n); w.sum(); w.sum(0); w.sum(1); w.mean(); w.max(1).values; w.amax(1)
w.std(1); w.var(0); w.norm(); w.norm(dim=1); w.prod(1); w.logsumexp(1); w.cumsum(1); w.cumsum(0); w.cumprod(1)
w.cummax(1).values; w.logcumsumexp(1); w.sort(1).values; w.topk(10).values; w.median(1).values; w.t() * n; w + w[0]
w * w[:, :1]; w[rows]; w[:, 3:700]; w.index_select(0, rows); w.gather(1, at); w.scatter(1, at, n)
w.scatter_add(1, at, n); w.index_add(0, rows, n); w.masked_fill(b.view(1024, 1024), 0)
where(b.view(1024, 1024), w, n); w.take(at); w.tril(); w.expand(2, 1024, 1024); w.repeat(2, 2); cat([w, n])
stack([w, w]); w.flip(0); w.roll(1); w.diagonal(); w.unfold(0, 8, 4); w.t().contiguous(); w.mean(0); w.lerp(n, 0.3)
w @ n; F.linear(n, w); F.relu(w); F.gelu(w); F.gelu(w, approximate="tanh"); F.silu(w); F.elu(w); F.softplus(w)
F.mish(w); F.leaky_relu(w); F.hardswish(w); F.logsigmoid(w); F.glu(w); F.prelu(w, x[:1]); F.softsign(w)
F.softmax(w, 1); F.softmax(w, 0); F.log_softmax(w, 1); F.layer_norm(w, (1024,))
F.layer_norm(w, (1024,), x[:1024], y[:1024]); F.rms_norm(w, (1024,)); F.normalize(w); F.dropout(w)
F.cross_entropy(w, labels); F.nll_loss(w, labels); F.mse_loss(w, n); F.l1_loss(w, n); F.smooth_l1_loss(w, n)
F.huber_loss(w, n); F.binary_cross_entropy_with_logits(w, p.view(1024, 1024))
F.binary_cross_entropy(wp, p.view(1024, 1024)); F.kl_div(w, n, reduction="sum"); F.cosine_similarity(w, n)
F.group_norm(planes, 4); F.batch_norm(planes, None, None, training=True); F.instance_norm(planes)
F.embedding(at, table); F.pad(planes, (1, 1, 1, 1)); F.embedding_bag(at, table)
F.scaled_dot_product_attention(planes, planes, planes); w.atan2(n); w.hypot(n); w.addcmul(n, n); w.reciprocal()
w.rsqrt(); w.log1p(); w.expm1(); w.erfinv(); w.lgamma(); w.sinh(); w.atan()
"""


def written(text: str) -> list[str]:
    """The expressions of a text."""
    return [e.strip() for line in text.splitlines() for e in line.split(";") if e.strip()]


def expressions() -> list[str]:
    """All expressions, each once."""
    found = written(EXPRESSIONS) + written(MORE) + written(layers.EXPRESSIONS)
    for line in filter(None, FOR_EACH.splitlines()):
        inputs, text = line.split(": ", 1)
        found += [re.sub(r"\b_\b", name, e) for name in inputs.split() for e in written(text)]
    found += [f"gradient_of({e})" for e in written(GRADIENTS)]
    return list(dict.fromkeys(found))


def entries() -> dict[str, Callable[[Any], Callable[[], Any]]]:
    """The expressions as pieces of work."""
    return {e: piece(e) for e in expressions()}


def piece(expression: str) -> Callable[[Any], Callable[[], Any]]:
    """The work of computing an expression."""
    code = compile(expression, expression, "eval")

    def make(torch: Any) -> Callable[[], Any]:
        torch.manual_seed(0)
        inputs = INPUTS | layers.INPUTS
        names = {name: inputs[name](torch) for name in inputs if name in code.co_names}
        variables = [x for x in names.values() if getattr(x, "requires_grad", False)]

        def gradient_of(y: Any) -> Any:
            # Along the result itself: that costs nothing to make.
            return torch.autograd.grad(y, variables, y.detach())[0]

        wanted = [name for name in code.co_names if name not in names and name != "float"]
        library = {name: getattr(torch, name) for name in wanted if hasattr(torch, name)}
        scope = (
            library
            | names
            | {"torch": torch, "F": torch.nn.functional, "gradient_of": gradient_of}
            | {"grads": layers.gradients(torch)}
        )
        return lambda: eval(code, scope)

    return make
