"""Cutting frames into square patches, so that a convolution with stride = kernel becomes one matrix product."""

from __future__ import annotations

from torch import Tensor


def patchify(frames: Tensor, size: int) -> Tensor:
    """[N, 3, H, W] -> [N, rows * columns, 3 * size * size], rows first; what does not fill a patch is left out."""
    n, channels, height, width = frames.shape
    rows, columns = height // size, width // size
    cut = frames[:, :, : rows * size, : columns * size].reshape(n, channels, rows, size, columns, size)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(n, rows * columns, channels * size * size)
