//! What is done for every class of every feature, for each usual number of classes by a loop of its own, whose sums stay
//! in the processor.
//!
//! Every way adds the same numbers in the same order.

/// Calls the function with the number of classes as a constant, where it is a usual one; else `$other`.
macro_rules! by_width {
    ($classes:expr, $fixed:ident($($given:expr),*), $other:expr) => {
        match $classes {
            3 => $fixed::<3>($($given),*),
            4 => $fixed::<4>($($given),*),
            5 => $fixed::<5>($($given),*),
            6 => $fixed::<6>($($given),*),
            7 => $fixed::<7>($($given),*),
            8 => $fixed::<8>($($given),*),
            9 => $fixed::<9>($($given),*),
            10 => $fixed::<10>($($given),*),
            _ => $other,
        }
    };
}

/// Intercepts plus weights times features for several scores, always added in the same order.
pub fn class_margins(numbers: &[f32], active: &[u32], classes: usize, beta: &[f64], margins: &mut [f64]) {
    margins.copy_from_slice(&beta[beta.len() - classes..]);
    by_width!(
        classes,
        fixed_margins(numbers, active, beta, margins),
        any_margins(numbers, active, classes, beta, margins)
    );
}

#[inline]
fn fixed_margins<const N: usize>(numbers: &[f32], active: &[u32], beta: &[f64], margins: &mut [f64]) {
    let (weights, _) = beta.as_chunks::<N>();
    let Some(margins) = margins.first_chunk_mut::<N>() else {
        return;
    };
    let mut sums = *margins;
    for (&x, weights) in numbers.iter().zip(weights) {
        let x = f64::from(x);
        sums.iter_mut().zip(weights).for_each(|(m, &w)| *m += x * w);
    }
    let weights = &weights[numbers.len()..];
    for &id in active {
        let weights = &weights[id as usize];
        sums.iter_mut().zip(weights).for_each(|(m, &w)| *m += w);
    }
    *margins = sums;
}

fn any_margins(numbers: &[f32], active: &[u32], classes: usize, beta: &[f64], margins: &mut [f64]) {
    for (&x, weights) in numbers.iter().zip(beta.chunks_exact(classes)) {
        let x = f64::from(x);
        margins.iter_mut().zip(weights).for_each(|(m, &w)| *m += x * w);
    }
    for &id in active {
        let at = (numbers.len() + id as usize) * classes;
        margins
            .iter_mut()
            .zip(&beta[at..at + classes])
            .for_each(|(m, &w)| *m += w);
    }
}

/// Adds each slope times each feature (through `power`) to the sums of that feature; the intercepts come last.
#[inline]
pub(super) fn scatter(
    numbers: &[f32],
    active: &[u32],
    slopes: &[f64],
    sums: &mut [f64],
    power: impl Fn(f64) -> f64,
) {
    let classes = slopes.len();
    by_width!(
        classes,
        fixed_scatter(numbers, active, slopes, sums, power),
        any_scatter(numbers, active, slopes, sums, power)
    );
}

#[inline]
fn fixed_scatter<const N: usize>(
    numbers: &[f32],
    active: &[u32],
    slopes: &[f64],
    sums: &mut [f64],
    power: impl Fn(f64) -> f64,
) {
    let (sums, _) = sums.as_chunks_mut::<N>();
    let Some(&slopes) = slopes.first_chunk::<N>() else {
        return;
    };
    let (dense, sparse) = sums.split_at_mut(numbers.len());
    for (&x, sums) in numbers.iter().zip(dense) {
        let x = power(f64::from(x));
        sums.iter_mut().zip(slopes).for_each(|(s, g)| *s += x * g);
    }
    for &id in active {
        let sums = &mut sparse[id as usize];
        sums.iter_mut().zip(slopes).for_each(|(s, g)| *s += g);
    }
    if let Some(intercepts) = sparse.last_mut() {
        intercepts.iter_mut().zip(slopes).for_each(|(s, g)| *s += g);
    }
}

fn any_scatter(
    numbers: &[f32],
    active: &[u32],
    slopes: &[f64],
    sums: &mut [f64],
    power: impl Fn(f64) -> f64,
) {
    let classes = slopes.len();
    let intercepts = sums.len() - classes;
    for (&x, sums) in numbers.iter().zip(sums.chunks_exact_mut(classes)) {
        let x = power(f64::from(x));
        sums.iter_mut().zip(slopes).for_each(|(s, &g)| *s += x * g);
    }
    let firsts = active.iter().map(|&id| (numbers.len() + id as usize) * classes);
    for at in firsts.chain([intercepts]) {
        sums[at..at + classes]
            .iter_mut()
            .zip(slopes)
            .for_each(|(s, &g)| *s += g);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_adds_the_same() {
        let (numbers, active) = ([0.1f32, -2.5, 3.7], [0u32, 2, 4]);
        for classes in 2..=12 {
            let number = |at: usize| (at as f64 * 0.37).sqrt() - 1.1;
            let beta: Vec<f64> = (0..(3 + 5 + 1) * classes).map(number).collect();
            let mut found = vec![0.0; classes];
            class_margins(&numbers, &active, classes, &beta, &mut found);
            let mut plain = beta[8 * classes..].to_vec();
            any_margins(&numbers, &active, classes, &beta, &mut plain);
            assert_eq!(found, plain);
            let by_hand = beta[8 * classes]
                + (0..3)
                    .map(|at| f64::from(numbers[at]) * beta[at * classes])
                    .sum::<f64>()
                + active
                    .iter()
                    .map(|&id| beta[(3 + id as usize) * classes])
                    .sum::<f64>();
            assert!((by_hand - found[0]).abs() < 1e-12);
            let (mut sums, mut plain) = (beta.clone(), beta.clone());
            scatter(&numbers, &active, &found, &mut sums, |x| x * x);
            any_scatter(&numbers, &active, &found, &mut plain, |x| x * x);
            assert_eq!(sums, plain);
            assert_eq!(sums[8 * classes], beta[8 * classes] + found[0]);
        }
    }
}
