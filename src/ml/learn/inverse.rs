//! The inverse of a symmetric positive definite matrix, by halves, so that nearly all of the work is products of
//! matrices.

use ndarray::{Array2, ArrayView2, Axis};

/// Sizes up to which a matrix is inverted by itself.
const SMALL: usize = 48;
/// What is left of a diagonal of 1 below which a row counts as a sum of others; single features are rounded to
/// `f32`, about 1e-7.
const SMALLEST_PIVOT: f64 = 1e-9;

/// The inverse of a symmetric matrix with a diagonal of 1; `None` where a row is (nearly) a sum of others.
pub fn inverse(matrix: ArrayView2<'_, f64>) -> Option<Array2<f64>> {
    let size = matrix.nrows();
    if size <= SMALL {
        return small_inverse(&matrix);
    }
    // [A B; B' C]⁻¹ by the Schur complement of A, C − B'A⁻¹B.
    let half = size / 2;
    let (top, bottom) = matrix.split_at(Axis(0), half);
    let (a, b) = top.split_at(Axis(1), half);
    let (_, c) = bottom.split_at(Axis(1), half);
    let first = inverse(a)?;
    let through = first.dot(&b);
    let rest = inverse((&c - &b.t().dot(&through)).view())?;
    let side = through.dot(&rest);
    let mut result = Array2::zeros((size, size));
    let (top, bottom) = result.view_mut().split_at(Axis(0), half);
    let (mut a, mut b) = top.split_at(Axis(1), half);
    let (mut below, mut c) = bottom.split_at(Axis(1), half);
    a.assign(&(first + side.dot(&through.t())));
    b.assign(&(-&side));
    below.assign(&(-&side.t()));
    c.assign(&rest);
    Some(result)
}

/// The same by Cholesky's factor `L`, as `L'⁻¹ L⁻¹`.
fn small_inverse(matrix: &ArrayView2<'_, f64>) -> Option<Array2<f64>> {
    let size = matrix.nrows();
    let mut factor = matrix.to_owned();
    for column in 0..size {
        let dot = |factor: &Array2<f64>, a: usize| -> f64 {
            (0..column).map(|k| factor[[a, k]] * factor[[column, k]]).sum()
        };
        let pivot = factor[[column, column]] - dot(&factor, column);
        if pivot.is_nan() || pivot <= SMALLEST_PIVOT {
            return None;
        }
        factor[[column, column]] = pivot.sqrt();
        for row in column + 1..size {
            factor[[row, column]] = (factor[[row, column]] - dot(&factor, row)) / factor[[column, column]];
        }
    }
    let mut lower = Array2::zeros((size, size));
    for column in 0..size {
        lower[[column, column]] = 1.0 / factor[[column, column]];
        for row in column + 1..size {
            let taken: f64 = (column..row).map(|k| factor[[row, k]] * lower[[k, column]]).sum();
            lower[[row, column]] = -taken / factor[[row, row]];
        }
    }
    Some(lower.t().dot(&lower))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::hash::Stream;

    #[test]
    fn a_matrix_times_its_inverse_is_one_and_copies_are_refused() {
        let mut stream = Stream::new(3);
        for size in [1, 2, 48, 49, 133] {
            let mut matrix = Array2::from_shape_fn((size, size), |_| stream.next_unit() - 0.5);
            matrix = matrix.t().dot(&matrix) + Array2::<f64>::eye(size);
            let scale: Vec<f64> = matrix.diag().iter().map(|d| 1.0 / d.sqrt()).collect();
            let mut matrix =
                Array2::from_shape_fn((size, size), |(i, j)| matrix[[i, j]] * scale[i] * scale[j]);
            let product = inverse(matrix.view()).unwrap().dot(&matrix) - Array2::<f64>::eye(size);
            assert!(product.iter().all(|x| x.abs() < 1e-10), "{size}");
            if size > 1 {
                let copy = matrix.row(0).to_owned();
                matrix.row_mut(size - 1).assign(&copy);
                let copy = matrix.column(0).to_owned();
                matrix.column_mut(size - 1).assign(&copy);
                assert!(inverse(matrix.view()).is_none(), "{size}");
            }
        }
    }
}
