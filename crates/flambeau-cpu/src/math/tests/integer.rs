use super::super::{bool8, integers::i64 as int};

#[test]
fn division_has_both_roundings() {
    for (a, b) in [(7, 2), (-7, 2), (7, -2), (-7, -2), (6, 3), (-6, 3), (0, 5)] {
        assert_eq!(int::floor_div(a, b), (a as f64 / b as f64).floor() as i64, "{a} by {b}");
        assert_eq!(int::trunc_div(a, b), a / b, "{a} by {b}");
        assert_eq!(int::remainder(a, b), a - b * int::floor_div(a, b), "{a} by {b}");
        assert_eq!(int::fmod(a, b), a % b, "{a} by {b}");
    }
}

#[test]
fn nothing_panics() {
    let ends = [i64::MIN, i64::MIN + 1, -2, -1, 0, 1, 2, i64::MAX];
    for a in ends {
        for b in ends {
            assert_eq!(int::add(a, b), a.wrapping_add(b));
            assert_eq!(int::sub(a, b), a.wrapping_sub(b));
            assert_eq!(int::mul(a, b), a.wrapping_mul(b));
            if b == 0 {
                assert_eq!([int::floor_div(a, b), int::trunc_div(a, b), int::remainder(a, b), int::fmod(a, b)], [0; 4]);
            } else {
                assert_eq!(int::trunc_div(a, b), a.wrapping_div(b));
                assert_eq!(int::fmod(a, b), a.wrapping_rem(b));
                assert_eq!(
                    int::remainder(a, b),
                    i128::from(a).rem_euclid(i128::from(b).abs()) as i64
                        + if b < 0 && i128::from(a) % i128::from(b) != 0 { b } else { 0 }
                );
            }
        }
    }
    assert_eq!([int::abs(i64::MIN), int::neg(i64::MIN)], [i64::MIN; 2]);
}

#[test]
fn powers_and_shifts() {
    assert_eq!([int::pow(3, 4), int::pow(-2, 3), int::pow(5, 0), int::pow(0, 0)], [81, -8, 1, 1]);
    assert_eq!(
        [int::pow(2, -1), int::pow(-1, -1), int::pow(-1, -2), int::pow(1, -3), int::pow(0, -1)],
        [0, -1, 1, 1, 0]
    );
    assert_eq!(int::pow(3, 41), 3i64.wrapping_pow(41));
    assert_eq!([int::shl(1, 3), int::shl(1, 64), int::shl(1, -1)], [8, 0, 0]);
    assert_eq!([int::shr(-8, 1), int::shr(-8, 64), int::shr(7, -1)], [-4, -1, 0]);
    assert_eq!([int::sign(-5), int::sign(0), int::sign(5)], [-1, 0, 1]);
}

#[test]
fn any_byte_but_zero_is_true() {
    assert_eq!([bool8::bit_and(2, 4), bool8::bit_or(0, 9), bool8::bit_xor(3, 7), bool8::bit_not(200)], [1, 1, 0, 0]);
    assert_eq!([bool8::add(2, 2), bool8::mul(1, 0), bool8::select(true, 5, 0), bool8::bit_not(0)], [1, 0, 1, 1]);
}
