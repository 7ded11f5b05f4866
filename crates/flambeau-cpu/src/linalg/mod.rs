//! Linear algebra on batches of contiguous row-major matrices in f32, f64, complex64 and complex128 (other dtypes do
//! nothing): LU and what follows from it, Cholesky, QR, LDL, triangular systems, singular values and eigenvalues. Trouble is
//! reported in `info` as LAPACK does. Signs and phases of vectors are LAPACK's, where they hang on the way a result is found.

mod bidiagonal;
mod cholesky;
mod columns;
mod conquer;
mod conquer_svd;
mod distance;
mod eig;
mod field;
mod hermitian;
mod hessenberg;
mod householder;
mod ldl;
mod least_squares;
mod lu;
mod planar;
mod qr;
mod reflector;
mod schur;
mod secular;
mod solve;
mod svd;
mod triangular;
mod tridiagonal;
mod wide;

#[cfg(test)]
mod tests;

pub use cholesky::cholesky;
pub use distance::cdist;
pub use eig::eig;
pub use hermitian::eigh;
pub use householder::{geqrf, orgqr, ormqr};
pub use ldl::{ldl_factor, ldl_solve};
pub use least_squares::least_squares;
pub use lu::{det, lu_factor, slogdet};
pub use qr::qr;
pub use solve::{inverse, lu_solve, solve};
pub use svd::svd;
pub use triangular::triangular_solve;

/// Calls a generic function for the four types of linear algebra.
macro_rules! by_field {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            flambeau_types::DType::F32 => {
                type $t = f32;
                $body
            }
            flambeau_types::DType::F64 => {
                type $t = f64;
                $body
            }
            flambeau_types::DType::C64 => {
                type $t = flambeau_types::Complex<f32>;
                $body
            }
            flambeau_types::DType::C128 => {
                type $t = flambeau_types::Complex<f64>;
                $body
            }
            _ => {}
        }
    };
}
use by_field;

/// The batch, rows and columns of a shape.
fn dims(sizes: &[i64]) -> (usize, usize, usize) {
    debug_assert!(sizes.len() >= 2);
    let (lead, matrix) = sizes.split_at(sizes.len() - 2);
    (lead.iter().product::<i64>() as usize, matrix[0] as usize, matrix[1] as usize)
}

/// How many matrices of n by n make a piece of work for a thread.
fn grain(n: usize) -> usize {
    (1usize << 16).div_ceil((n * n * n).max(1))
}
