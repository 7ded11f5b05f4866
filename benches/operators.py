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

# Layers and decompositions, forward and backward.

INPUTS |= {
    "images": lambda torch: torch.randn(16, 64, 56, 56).requires_grad_(),
    "one_image": lambda torch: torch.randn(1, 64, 56, 56).requires_grad_(),
    "photo": lambda torch: torch.randn(1, 3, 224, 224).requires_grad_(),
    "photos": lambda torch: torch.randn(8, 3, 112, 112).requires_grad_(),
    "digits": lambda torch: torch.randn(64, 1, 28, 28).requires_grad_(),
    "features": lambda torch: torch.randn(64, 32, 26, 26).requires_grad_(),
    "deep": lambda torch: torch.randn(4, 256, 14, 14).requires_grad_(),
    "signals": lambda torch: torch.randn(8, 32, 1024).requires_grad_(),
    "volumes": lambda torch: torch.randn(2, 8, 24, 24, 24).requires_grad_(),
    "k7": lambda torch: (torch.randn(64, 3, 7, 7) / 12).requires_grad_(),
    "k3": lambda torch: (torch.randn(64, 64, 3, 3) / 24).requires_grad_(),
    "k1": lambda torch: (torch.randn(128, 64, 1, 1) / 8).requires_grad_(),
    "kd": lambda torch: (torch.randn(64, 1, 3, 3) / 3).requires_grad_(),
    "kd5": lambda torch: (torch.randn(64, 1, 5, 5) / 5).requires_grad_(),
    "kg": lambda torch: (torch.randn(64, 16, 3, 3) / 12).requires_grad_(),
    "k_first": lambda torch: (torch.randn(32, 1, 3, 3) / 3).requires_grad_(),
    "k_next": lambda torch: (torch.randn(64, 32, 3, 3) / 17).requires_grad_(),
    "k_deep": lambda torch: (torch.randn(256, 256, 3, 3) / 48).requires_grad_(),
    "k_line": lambda torch: (torch.randn(64, 32, 5) / 12).requires_grad_(),
    "k_cube": lambda torch: (torch.randn(16, 8, 3, 3, 3) / 15).requires_grad_(),
    "k_turned": lambda torch: (torch.randn(64, 32, 4, 4) / 22).requires_grad_(),
    "k_line_turned": lambda torch: (torch.randn(32, 16, 4) / 8).requires_grad_(),
    "k_cube_turned": lambda torch: (torch.randn(8, 4, 2, 2, 2) / 4).requires_grad_(),
    "picture": lambda torch: torch.randn(8, 16, 64, 64).requires_grad_(),
    "solid": lambda torch: torch.randn(2, 4, 32, 32, 32).requires_grad_(),
    "places": lambda torch: (torch.rand(8, 64, 64, 2) * 2 - 1).requires_grad_(),
    "places3": lambda torch: (torch.rand(2, 32, 32, 32, 3) * 2 - 1).requires_grad_(),
    "q": lambda torch: torch.randn(4, 8, 128, 64).requires_grad_(),
    "long_q": lambda torch: torch.randn(1, 8, 1024, 64).requires_grad_(),
    "mask": lambda torch: torch.randn(128, 128) > -1,
    "bias": lambda torch: torch.randn(128, 128),
    "table": lambda torch: torch.randn(1024, 1024).requires_grad_(),
    "scale": lambda torch: torch.rand(1024).requires_grad_(),
    "scale16": lambda torch: torch.rand(16).requires_grad_(),
    "lstm": lambda torch: torch.nn.LSTM(64, 128, 2, batch_first=True),
    "gru": lambda torch: torch.nn.GRU(64, 128, 2, batch_first=True),
    "sentences": lambda torch: torch.randn(16, 64, 64).requires_grad_(),
    "scores": lambda torch: torch.randn(100, 16, 64).log_softmax(2).requires_grad_(),
    "words": lambda torch: torch.randint(1, 64, (16, 20)),
    "lengths": lambda torch: torch.full((16,), 100),
    "word_lengths": lambda torch: torch.full((16,), 20),
    "offsets": lambda torch: torch.arange(0, 1024, 8),
    "vectors": lambda torch: torch.randn(1024, 64).requires_grad_(),
    "a16": lambda torch: torch.randn(64, 16, 16) + 4 * torch.eye(16),
    "v16": lambda torch: torch.randn(64, 16, 4),
    "a512": lambda torch: torch.randn(512, 512) + 24 * torch.eye(512),
    "v512": lambda torch: torch.randn(512, 8),
    "complexes": lambda torch: torch.randn(16, 128, 128, dtype=torch.complex64),
    "frames": lambda torch: torch.randn(16, 128, 128),
}

EXPRESSIONS += """
F.conv2d(images, k3, padding=1); grads(F.conv2d(images, k3, padding=1), images, k3); F.conv2d(one_image, k3, padding=1)
grads(F.conv2d(one_image, k3, padding=1), one_image, k3); F.conv2d(images, k3, stride=2, padding=1)
grads(F.conv2d(images, k3, stride=2, padding=1), images, k3); F.conv2d(images, k1)
grads(F.conv2d(images, k1), images, k1)
F.conv2d(images, k1, stride=2); grads(F.conv2d(images, k1, stride=2), images, k1); F.conv2d(one_image, k1)
F.conv2d(photo, k7, stride=2, padding=3); grads(F.conv2d(photo, k7, stride=2, padding=3), k7)
F.conv2d(photos, k7, stride=2, padding=3); grads(F.conv2d(photos, k7, stride=2, padding=3), photos, k7)
F.conv2d(digits, k_first); grads(F.conv2d(digits, k_first), k_first); F.conv2d(features, k_next)
grads(F.conv2d(features, k_next), features, k_next); F.conv2d(deep, k_deep, padding=1)
grads(F.conv2d(deep, k_deep, padding=1), deep, k_deep); F.conv2d(deep[:1, :, :7, :7], k_deep, padding=1)
F.conv2d(images, kd, padding=1, groups=64); grads(F.conv2d(images, kd, padding=1, groups=64), images, kd)
F.conv2d(images, kd, stride=2, padding=1, groups=64); F.conv2d(images, kd5, padding=2, groups=64)
grads(F.conv2d(images, kd, stride=2, padding=1, groups=64), images, kd); F.conv2d(images, kg, padding=1, groups=4)
grads(F.conv2d(images, kg, padding=1, groups=4), images, kg); F.conv2d(one_image, k3, padding=2, dilation=2)
F.conv1d(signals, k_line, padding=2); grads(F.conv1d(signals, k_line, padding=2), signals, k_line)
F.conv3d(volumes, k_cube, padding=1); grads(F.conv3d(volumes, k_cube, padding=1), volumes, k_cube)
F.conv_transpose2d(one_image, k_turned, stride=2, padding=1)
grads(F.conv_transpose2d(one_image, k_turned, stride=2, padding=1), one_image, k_turned)
F.conv_transpose1d(signals, k_line_turned, stride=2); F.conv_transpose3d(volumes, k_cube_turned, stride=2)
grads(F.max_pool2d(picture, 2), picture); grads(F.avg_pool2d(picture, 2), picture); F.avg_pool2d(picture, 3, 1, 1)
grads(F.adaptive_avg_pool2d(picture, 7), picture); F.adaptive_avg_pool2d(images, 1); F.max_pool2d(images, 3, 2, 1)
grads(F.max_pool2d(images, 3, 2, 1), images); F.max_pool1d(signals, 2); F.avg_pool1d(signals, 2)
F.adaptive_avg_pool1d(signals, 100); F.adaptive_max_pool1d(signals, 100); grads(F.avg_pool3d(solid, 2), solid)
F.adaptive_avg_pool3d(solid, 5); grads(F.max_pool3d(solid, 2), solid); F.lp_pool2d(picture, 2, 2)
grads(F.interpolate(picture, scale_factor=2), picture); F.interpolate(signals, scale_factor=2, mode="linear")
grads(F.interpolate(picture, scale_factor=2, mode="bilinear"), picture); F.interpolate(picture, 40, mode="area")
grads(F.interpolate(picture, scale_factor=2, mode="bicubic"), picture)
F.interpolate(picture, 40, mode="bilinear", antialias=True); F.interpolate(solid, scale_factor=2)
F.grid_sample(picture, places, mode="nearest", align_corners=False)
F.grid_sample(picture, places, mode="bicubic", align_corners=False); F.grid_sample(solid, places3, align_corners=False)
F.grid_sample(picture, places, padding_mode="reflection", align_corners=True)
grads(F.grid_sample(picture, places, align_corners=False), picture, places)
F.affine_grid(places[:, 0, :2, :].new_ones(8, 2, 3), (8, 16, 64, 64), align_corners=False)
grads(F.batch_norm(picture, None, None, training=True), picture)
F.batch_norm(picture, scale16.detach(), scale16.detach())
grads(F.batch_norm(images, None, None, training=True), images); grads(F.layer_norm(table, (1024,), scale), table, scale)
grads(F.group_norm(picture, 4), picture); grads(F.instance_norm(picture), picture)
grads(F.rms_norm(table, (1024,)), table); F.local_response_norm(picture, 5); grads(F.normalize(table), table)
F.scaled_dot_product_attention(q, q, q, attn_mask=mask); F.scaled_dot_product_attention(q, q, q, attn_mask=bias)
grads(F.scaled_dot_product_attention(q, q, q), q); grads(F.scaled_dot_product_attention(q, q, q, is_causal=True), q)
F.scaled_dot_product_attention(long_q, long_q, long_q)
grads(F.scaled_dot_product_attention(long_q, long_q, long_q, is_causal=True), long_q)
lstm(sentences)[0]; grads(lstm(sentences)[0], sentences); gru(sentences)[0]; grads(gru(sentences)[0], sentences)
F.ctc_loss(scores, words, lengths, word_lengths); grads(F.ctc_loss(scores, words, lengths, word_lengths), scores)
F.embedding(at[:64], vectors); grads(F.embedding(at[:64], vectors), vectors); F.embedding_bag(rows, vectors, offsets)
grads(F.embedding_bag(rows, vectors, offsets), vectors); F.embedding_bag(rows, vectors, offsets, mode="max")
grads(F.unfold(picture, 3), picture); grads(F.pad(picture, (1, 1, 1, 1), mode="reflect"), picture)
F.pad(picture, (1, 1, 1, 1), mode="replicate"); F.pad(picture, (1, 1, 1, 1), mode="circular"); F.pad(picture, (-1, 2))
F.pad(signals, (3, 3), mode="reflect"); F.pixel_unshuffle(picture, 2); F.channel_shuffle(image, 4)
cdist(vectors, vectors); cdist(vectors, vectors, p=1.0); grads(cdist(vectors, vectors[:512]), vectors); F.pdist(m[:256])
F.bilinear(m[:, :32], n[:, :32], cube[0, 0, :16])
fft.fft(complexes); fft.fft(complexes, dim=1); fft.fft2(complexes); fft.ifft2(complexes); fft.fftn(complexes)
fft.rfft(frames); fft.rfft2(frames); fft.irfft2(complexes); fft.hfft(complexes); fft.fft2(frames); fft.rfftn(frames)
fft.fft(c[:100000]); fft.fft(c[:65537]); fft.rfft(frames, dim=1); stft(x[:65536], 400, 160, return_complex=True)
istft(stft(x[:65536], 512, return_complex=True), 512); linalg.inv(a16); linalg.inv(a512); linalg.solve(a16, v16)
linalg.solve(a512, v512); linalg.qr(a16).Q; linalg.qr(a).Q; linalg.qr(a512).Q; linalg.cholesky(a16 @ a16.mT)
linalg.cholesky(a512 @ a512.mT); linalg.eigh(a16 @ a16.mT)[0]; linalg.eigh(a + a.mT)[0]; linalg.eigh(a512 + a512.mT)[0]
linalg.svd(a16)[1]; linalg.svd(a512)[1]; linalg.eig(a)[0]; linalg.eig(a16)[0]; linalg.det(a512); linalg.lu(a512)[2]
linalg.lu(a16)[2]; linalg.lstsq(a16, v16).solution; linalg.lstsq(a512, v512).solution
linalg.lstsq(m[:, :64], n[:, :4]).solution; linalg.lstsq(a, v, driver="gels").solution
linalg.lstsq(a, v, driver="gelsd").solution; linalg.solve_triangular(a512.triu(), v512, upper=True)
cholesky_solve(v, linalg.cholesky(a @ a.mT)); linalg.matrix_power(a / 12, 5); linalg.ldl_factor(a + a.mT)[0]
linalg.matrix_rank(a16); linalg.cond(a16); linalg.slogdet(a16)[1]; linalg.pinv(a16)
linalg.householder_product(a, v[:, 0])
"""


def gradients(torch: Any) -> Callable[..., Any]:
    """A function that gives the gradient of its first argument's squares for the others, the first of them."""
    return lambda y, *to: torch.autograd.grad(y, to, y.detach())[0]


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
        scope = library | names | {"torch": torch, "F": torch.nn.functional, "grads": gradients(torch)}
        return lambda: eval(code, scope)

    return make
