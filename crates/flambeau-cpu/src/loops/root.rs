//! Square roots in single precision as PyTorch makes them on the processors that its numbers are taken from.

use std::arch::x86_64::*;

use flambeau_types::{DType, Scalar};

use super::kernel::{Blocks, MapKernel};

/// The loop for square roots of float32 where [`is_reference`](crate::math::is_reference) holds. MKL, which PyTorch asks for
/// them, goes there from the processor's estimate of `1 / sqrt(x)` by two steps of Goldschmidt's iteration without fused
/// instructions, and misses the nearest number by one unit in the last place in a sixth of the cases. Programs that follow
/// their roundings closely (`LBFGS`) end elsewhere with the exact root.
pub static REFERENCE_SQRT: MapKernel = MapKernel {
    compute: DType::F32,
    out: DType::F32,
    arity: 1,
    params: 0,
    run: [roots_exact as Blocks, roots as Blocks, roots as Blocks],
};

/// The elements of a block.
const LANES: usize = 16;

/// For the level that the loop is never asked for at.
unsafe fn roots_exact(blocks: usize, out: *mut u8, inputs: *const *const u8, steps: *const usize, _params: &[Scalar]) {
    let out: *mut f32 = out.cast();
    for i in 0..blocks * LANES {
        // SAFETY: blocks of 16 elements of the one input and of the output.
        unsafe {
            let x = (*inputs).add(i / LANES * *steps).cast::<f32>().add(i % LANES);
            out.add(i).write_unaligned(x.read_unaligned().sqrt());
        }
    }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn roots(blocks: usize, out: *mut u8, inputs: *const *const u8, steps: *const usize, _params: &[Scalar]) {
    for i in 0..blocks {
        // SAFETY: a block of 16 elements of the one input, and of the output.
        unsafe {
            let mut x = (*inputs).add(i * *steps).cast::<[f32; LANES]>().read_unaligned();
            reference_roots(&mut x);
            out.cast::<[f32; LANES]>().add(i).write_unaligned(x);
        }
    }
}

/// The roots of numbers in place, where [`is_reference`](crate::math::is_reference) holds.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn reference_roots(x: &mut [f32; LANES]) {
    // Beyond these the steps would leave the range of numbers.
    let (least, most) = (_mm256_set1_ps(f32::MIN_POSITIVE), _mm256_set1_ps(3.4e38));
    let half = _mm256_set1_ps(0.5);
    for part in x.as_chunks_mut::<8>().0 {
        // SAFETY: eight numbers.
        let x = unsafe { _mm256_loadu_ps(part.as_ptr()) };
        let estimate = _mm256_rsqrt_ps(x);
        let (root, inverse) = (_mm256_mul_ps(x, estimate), _mm256_mul_ps(half, estimate));
        let error = _mm256_sub_ps(half, _mm256_mul_ps(root, inverse));
        let inverse = _mm256_add_ps(inverse, _mm256_mul_ps(inverse, error));
        let root = _mm256_add_ps(root, _mm256_mul_ps(root, error));
        let rest = _mm256_sub_ps(x, _mm256_mul_ps(root, root));
        let mut root = _mm256_add_ps(root, _mm256_mul_ps(rest, inverse));
        let common = _mm256_and_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(x, least), _mm256_cmp_ps::<_CMP_LE_OQ>(x, most));
        if _mm256_movemask_ps(common) != 0xff {
            root = _mm256_blendv_ps(_mm256_sqrt_ps(x), root, common);
        }
        // SAFETY: eight numbers.
        unsafe { _mm256_storeu_ps(part.as_mut_ptr(), root) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_within_one_unit_of_the_nearest() {
        let mut x: Vec<f32> = (0..4000).map(|i| f32::from_bits(i * 536_900)).collect();
        x.extend([0.0, -0.0, f32::INFINITY, f32::NAN, -1.0, f32::MIN_POSITIVE, f32::MAX, 1e-45]);
        x.extend((0..1000).map(|i| (i * i) as f32));
        let mut y = vec![0f32; x.len()];
        for level in super::super::kernel::levels() {
            let inputs = [x.as_ptr().cast(); super::super::MAX_INPUTS];
            // SAFETY: as many elements of the one input and of the output; this processor has the level.
            unsafe { REFERENCE_SQRT.run_at(level, x.len(), y.as_mut_ptr().cast(), &inputs, 0, &[]) };
            for (&x, &y) in x.iter().zip(&y) {
                let exact = x.sqrt();
                let close = (y.to_bits() as i64 - exact.to_bits() as i64).abs() <= 1;
                assert!(close || (y.is_nan() && exact.is_nan()), "sqrt({x}) = {y}, not {exact}");
            }
            // Roots that are whole numbers are exact.
            assert!((0..1000).all(|i| y[4008 + i] == i as f32));
        }
    }
}
