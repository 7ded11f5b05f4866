"""Layers and decompositions, forward and backward: expressions for `operators.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

INPUTS: dict[str, Callable[[Any], Any]] = {
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
    "queries": lambda torch: torch.randn(4, 8, 128, 64).requires_grad_(),
    "long_q": lambda torch: torch.randn(1, 8, 1024, 64).requires_grad_(),
    "mask": lambda torch: torch.randn(128, 128) > -1,
    "bias": lambda torch: torch.randn(128, 128),
    "pages": lambda torch: torch.randn(1024, 1024).requires_grad_(),
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

EXPRESSIONS = """
F.conv2d(images, k3, padding=1); grads(F.conv2d(images, k3, padding=1), images, k3)
F.conv2d(one_image, k3, padding=1); grads(F.conv2d(one_image, k3, padding=1), one_image, k3)
F.conv2d(images, k3, stride=2, padding=1); grads(F.conv2d(images, k3, stride=2, padding=1), images, k3)
F.conv2d(images, k1); grads(F.conv2d(images, k1), images, k1); F.conv2d(images, k1, stride=2)
grads(F.conv2d(images, k1, stride=2), images, k1); F.conv2d(one_image, k1); F.conv2d(photo, k7, stride=2, padding=3)
grads(F.conv2d(photo, k7, stride=2, padding=3), k7); F.conv2d(photos, k7, stride=2, padding=3)
grads(F.conv2d(photos, k7, stride=2, padding=3), photos, k7); F.conv2d(digits, k_first)
grads(F.conv2d(digits, k_first), k_first); F.conv2d(features, k_next)
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
F.grid_sample(picture, places, mode="bicubic", align_corners=False)
F.grid_sample(solid, places3, align_corners=False)
F.grid_sample(picture, places, padding_mode="reflection", align_corners=True)
grads(F.grid_sample(picture, places, align_corners=False), picture, places)
F.affine_grid(places[:, 0, :2, :].new_ones(8, 2, 3), (8, 16, 64, 64), align_corners=False)
grads(F.batch_norm(picture, None, None, training=True), picture)
F.batch_norm(picture, scale16.detach(), scale16.detach())
grads(F.batch_norm(images, None, None, training=True), images)
grads(F.layer_norm(pages, (1024,), scale), pages, scale); grads(F.group_norm(picture, 4), picture)
grads(F.instance_norm(picture), picture); grads(F.rms_norm(pages, (1024,)), pages); F.local_response_norm(picture, 5)
grads(F.normalize(pages), pages); F.scaled_dot_product_attention(queries, queries, queries, attn_mask=mask)
F.scaled_dot_product_attention(queries, queries, queries, attn_mask=bias)
grads(F.scaled_dot_product_attention(queries, queries, queries), queries)
grads(F.scaled_dot_product_attention(queries, queries, queries, is_causal=True), queries)
F.scaled_dot_product_attention(long_q, long_q, long_q)
grads(F.scaled_dot_product_attention(long_q, long_q, long_q, is_causal=True), long_q); lstm(sentences)[0]
grads(lstm(sentences)[0], sentences); gru(sentences)[0]; grads(gru(sentences)[0], sentences)
F.ctc_loss(scores, words, lengths, word_lengths); grads(F.ctc_loss(scores, words, lengths, word_lengths), scores)
F.embedding(at[:64], vectors); grads(F.embedding(at[:64], vectors), vectors); F.embedding_bag(rows, vectors, offsets)
grads(F.embedding_bag(rows, vectors, offsets), vectors); F.embedding_bag(rows, vectors, offsets, mode="max")
grads(F.unfold(picture, 3), picture); grads(F.pad(picture, (1, 1, 1, 1), mode="reflect"), picture)
F.pad(picture, (1, 1, 1, 1), mode="replicate"); F.pad(picture, (1, 1, 1, 1), mode="circular"); F.pad(picture, (-1, 2))
F.pad(signals, (3, 3), mode="reflect"); F.pixel_unshuffle(picture, 2); F.channel_shuffle(image, 4)
cdist(vectors, vectors); cdist(vectors, vectors, p=1.0); grads(cdist(vectors, vectors[:512]), vectors)
F.pdist(m[:256]); F.bilinear(m[:, :32], n[:, :32], cube[0, 0, :16]); fft.fft(complexes); fft.fft(complexes, dim=1)
fft.fft2(complexes); fft.ifft2(complexes); fft.fftn(complexes); fft.rfft(frames); fft.rfft2(frames)
fft.irfft2(complexes); fft.hfft(complexes); fft.fft2(frames); fft.rfftn(frames); fft.fft(c[:100000])
fft.fft(c[:65537]); fft.rfft(frames, dim=1); stft(x[:65536], 400, 160, return_complex=True)
istft(stft(x[:65536], 512, return_complex=True), 512); linalg.inv(a16); linalg.inv(a512); linalg.solve(a16, v16)
linalg.solve(a512, v512); linalg.qr(a16).Q; linalg.qr(a).Q; linalg.qr(a512).Q; linalg.cholesky(a16 @ a16.mT)
linalg.cholesky(a512 @ a512.mT); linalg.eigh(a16 @ a16.mT)[0]; linalg.eigh(a + a.mT)[0]
linalg.eigh(a512 + a512.mT)[0]; linalg.svd(a16)[1]; linalg.svd(a512)[1]; linalg.eig(a)[0]; linalg.eig(a16)[0]
linalg.det(a512); linalg.lu(a512)[2]; linalg.lu(a16)[2]; linalg.lstsq(a16, v16).solution
linalg.lstsq(a512, v512).solution; linalg.lstsq(m[:, :64], n[:, :4]).solution
linalg.lstsq(a, v, driver="gels").solution; linalg.lstsq(a, v, driver="gelsd").solution
linalg.solve_triangular(a512.triu(), v512, upper=True); cholesky_solve(v, linalg.cholesky(a @ a.mT))
linalg.matrix_power(a / 12, 5); linalg.ldl_factor(a + a.mT)[0]; linalg.matrix_rank(a16); linalg.cond(a16)
linalg.slogdet(a16)[1]; linalg.pinv(a16); linalg.householder_product(a, v[:, 0])
"""


def gradients(torch: Any) -> Callable[..., Any]:
    """A function that gives the gradient of its first argument's squares for the others, the first of them."""
    return lambda y, *to: torch.autograd.grad(y, to, y.detach())[0]
