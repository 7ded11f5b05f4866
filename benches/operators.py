"""One operator at a time, on a million elements or a natural input: `python benches/compare.py --operators`.

An expression sees the library as `torch`, its functions by their names, and the inputs below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    "m": lambda torch: torch.randn(1024, 1024),
    "n": lambda torch: torch.randn(1024, 1024),
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


def entries() -> dict[str, Callable[[Any], Callable[[], Any]]]:
    """The expressions as pieces of work."""
    expressions = [e.strip() for line in EXPRESSIONS.splitlines() for e in line.split(";") if e.strip()]
    return {e: piece(e) for e in expressions}


def piece(expression: str) -> Callable[[Any], Callable[[], Any]]:
    """The work of computing an expression."""
    code = compile(expression, expression, "eval")

    def make(torch: Any) -> Callable[[], Any]:
        torch.manual_seed(0)
        names = {name: INPUTS[name](torch) for name in INPUTS if name in code.co_names}
        library = {name: getattr(torch, name) for name in code.co_names if name not in names and hasattr(torch, name)}
        scope = library | names | {"torch": torch, "F": torch.nn.functional}
        return lambda: eval(code, scope)

    return make
