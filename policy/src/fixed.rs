//! Fixed-point arithmetic for costs: numbers with 20 binary places in an `i64`. The rule has no floating point, so that a
//! replay gives the same winner bit for bit on every machine.
//!
//! Stated errors, tested against `f64`: [`exp_neg`] 2 in the last place, [`sqrt`] 1, [`pow`] as many as
//! the power says, and one.

/// One.
pub(crate) const ONE: i64 = 1 << BITS;
const BITS: u32 = 20;
/// The natural logarithm of two, with 30 places.
const LN_2: i64 = 744_261_118;

/// `a / b`; the most there is where `b` is zero.
pub(crate) fn ratio(a: i64, b: i64) -> i64 {
    let wide = (i128::from(a) << BITS).checked_div(i128::from(b)).unwrap_or(i128::from(i64::MAX));
    i64::try_from(wide).unwrap_or(i64::MAX)
}

/// `a * b` of a plain number and one with places.
pub(crate) fn scale(a: i64, b: i64) -> i64 {
    i64::try_from((i128::from(a) * i128::from(b)) >> BITS).unwrap_or(i64::MAX)
}

/// `e` to the power of `-x`; one for what is not above zero.
pub(crate) fn exp_neg(x: i64) -> i64 {
    if x <= 0 {
        return ONE;
    }
    // Below half of the last place.
    if x >= 15 * ONE {
        return 0;
    }
    let wide = x << 10;
    let steps = wide / STEP;
    let rest = wide - steps * STEP;
    // The rest is below 0.011, so that three terms of Taylor's series are enough.
    let near = (1 << 30) - rest + ((rest * rest) >> 31);
    let part = POWERS[(steps % PARTS) as usize];
    ((((part * near) >> 30) >> (steps / PARTS)) + (1 << 9)) >> 10
}

/// `e` to the power of `-x` goes down by half in so many steps.
const PARTS: i64 = 64;
const STEP: i64 = LN_2 / PARTS;

/// `e` to the power of minus so many steps, with 30 places.
static POWERS: [i64; PARTS as usize] = {
    let mut powers = [0; PARTS as usize];
    let mut at = 0;
    while at < PARTS {
        // Taylor's series from the last term on; what it is taken of is below 0.7, so that ten terms are enough.
        let (x, mut sum, mut term) = (at * STEP, 1i64 << 30, 10);
        while term > 0 {
            sum = (1 << 30) - ((x * sum) >> 30) / term;
            term -= 1;
        }
        powers[at as usize] = sum;
        at += 1;
    }
    powers
};

/// A number from zero to one to a whole power.
pub(crate) fn pow(base: i64, mut power: u32) -> i64 {
    let (mut square, mut product) = (base.clamp(0, ONE), ONE);
    while power > 0 && product > 0 {
        if power & 1 == 1 {
            product = scale(product, square);
        }
        square = scale(square, square);
        power >>= 1;
    }
    product
}

/// The square root of what is not below zero.
pub(crate) fn sqrt(x: i64) -> i64 {
    let wide = u128::from(x.max(0).unsigned_abs()) << BITS;
    i64::try_from(wide.isqrt()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(x: i64) -> f64 {
        x as f64 / ONE as f64
    }

    const LAST: f64 = 1.0 / ONE as f64;

    #[test]
    fn the_exponential_is_within_two_of_the_last_place() {
        for x in (-5_000..16_000_000).step_by(997) {
            let exact = (-real(x).max(0.0)).exp();
            assert!((real(exp_neg(x)) - exact).abs() <= 2.0 * LAST, "{x}");
        }
    }

    #[test]
    fn powers_and_roots_are_near() {
        for base in (0..=ONE).step_by(7_919) {
            for power in [0, 1, 2, 3, 7, 30, 200] {
                let exact = real(base).powi(i32::try_from(power).unwrap());
                let most = f64::from(power + 1) * LAST;
                assert!((real(pow(base, power)) - exact).abs() <= most, "{base} {power}");
            }
            assert!((real(sqrt(base * 37)) - real(base * 37).sqrt()).abs() <= LAST, "{base}");
        }
    }

    #[test]
    fn nothing_overflows() {
        assert_eq!((ratio(i64::MAX, 1), ratio(1, 0)), (i64::MAX, i64::MAX));
        assert_eq!((exp_neg(i64::MAX), exp_neg(i64::MIN)), (0, ONE));
        assert!(scale(i64::MAX, i64::MAX) > 0 && sqrt(i64::MAX) > 0 && pow(i64::MAX, u32::MAX) == ONE);
    }
}
