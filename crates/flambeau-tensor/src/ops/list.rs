//! The list of all operators, written out by hand: what is not here does not exist for Python, the docs and the tests.

use super::OpDef;

// Free functions (makers of tensors, operators over lists); the others are methods of `Tensor`.
pub use super::create::{fill::*, range::*};
pub use super::linalg::matmul::*;
pub use super::unary::special::*;

macro_rules! rooms {
    ($($room:ident :: { $($file:ident: $($op:ident)*;)* })*) => {
        /// Every operator, by room and file. Overloads of one name are tried in this order.
        pub static OPERATORS: &[&OpDef] = &[$($($(&super::$room::$file::$op,)*)*)*];
    };
}

rooms! {
    create::{
        fill: ZEROS ONES EMPTY EMPTY_STRIDED FULL EYE ZEROS_LIKE ONES_LIKE EMPTY_LIKE FULL_LIKE NEW_ZEROS NEW_ONES NEW_EMPTY
            NEW_EMPTY_STRIDED NEW_FULL FILL_VALUE FILL_TENSOR FILL ZERO;
        range: ARANGE ARANGE_END ARANGE_STEP LINSPACE;
    }
    unary::{
        exponential: EXP LOG SQRT RSQRT RECIPROCAL SIGMOID EXP2 EXPM1 LOG2 LOG10 LOG1P SQUARE LOGIT LOGIT_WITHIN;
        parts: SIGNBIT ISPOSINF ISNEGINF ISREAL ANGLE COMPLEX POLAR VIEW_AS_REAL VIEW_AS_COMPLEX POSITIVE NAN_TO_NUM FINITE_NUMBERS;
        rounding: FLOOR CEIL TRUNC ROUND ROUND_DECIMALS FRAC;
        sign: NEG ABS SIGN SGN CONJ CONJ_VIEW NEG_VIEW CONJ_PHYSICAL REAL REAL_VIEW IMAG RESOLVE_CONJ RESOLVE_NEG;
        special: ERF ERFC ERFINV LGAMMA DIGAMMA POLYGAMMA POLYGAMMA_OF ZETA ENTR NDTR;
        trigonometric: SIN COS TANH TAN ASIN ACOS ATAN SINH COSH ASINH ACOSH ATANH SINC DEG2RAD RAD2DEG;
    }
    binary::{
        arithmetic: ADD SUB RSUB MUL DIV DIV_MODE FLOOR_DIVIDE TRUNC_DIVIDE REMAINDER FMOD RDIV ADDCMUL ADDCDIV;
        bitwise: BITWISE_AND BITWISE_OR BITWISE_XOR BITWISE_NOT BITWISE_LEFT_SHIFT BITWISE_RIGHT_SHIFT;
        extremes: MAXIMUM MINIMUM CLAMP_MIN CLAMP_MAX CLAMP CLAMP_BOTH;
        power: POW POW_SCALAR;
        special: ATAN2 HYPOT XLOGY XLOGY_SCALAR XLOG1PY LOGADDEXP LOGADDEXP2 COPYSIGN FMAX FMIN HEAVISIDE GCD LCM LERP LERP_NUMBER
            LERP_WEIGHTS;
    }
    compare::{
        closeness: ISNAN ISINF ISFINITE ISCLOSE ALLCLOSE EQUAL;
        logic: LOGICAL_AND LOGICAL_OR LOGICAL_XOR LOGICAL_NOT;
        order: EQ NE LT LE GT GE;
    }
    reduce::{
        logic: ANY ANY_DIM ANY_DIMS ALL ALL_DIM ALL_DIMS;
        sums: SUM SUM_DIM MEAN MEAN_DIM;
    }
    shape::{
        convert: COPY TO_COPY CLONE_ CLONE_IN CONTIGUOUS;
        expand: EXPAND EXPAND_AS BROADCAST_TO BROADCAST_TENSORS SUM_TO_SIZE REPEAT TILE;
        permute: TRANSPOSE T PERMUTE MOVEDIM MT MH ADJOINT;
        strided: AS_STRIDED GATHER_STRIDED SCATTER_STRIDED AS_STRIDED_SCATTER NARROW SLICE SLICE_INTO_ZEROS SELECT DIAGONAL
            DIAGONAL_INTO_ZEROS UNFOLD UNFOLD_INTO_ZEROS;
        view: VIEW RESHAPE UNSAFE_VIEW RESHAPE_AS VIEW_AS FLATTEN UNFLATTEN RAVEL SQUEEZE SQUEEZE_DIM SQUEEZE_DIMS UNSQUEEZE VIEW_ALIAS;
    }
    linalg::{
        add: ADDMM ADDMM_LAID ADDMV ADDR BADDBMM ADDBMM;
        combine: INNER TENSORDOT TENSORDOT_PAIR KRON TRACE LINALG_CROSS CROSS;
        matmul: MATMUL WITHOUT_FIRST LINEAR MULTI_DOT CHAIN_MATMUL;
        product: MM MM_LAID BMM MV DOT VDOT OUTER;
    }
    index::{
        add: INDEX_ADD INDEX_SELECT;
        mask: WHERE_ MASKED_FILL;
    }
}
