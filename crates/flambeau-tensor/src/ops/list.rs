//! The list of all operators, written out by hand: what is not here does not exist for Python, the docs and the tests.

use super::OpDef;

// Free functions (makers of tensors, operators over lists); the others are methods of `Tensor`.
pub use super::create::{fill::*, range::*};
pub use super::random::{create::*, draw::*};
pub use super::sort::search::*;

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
        exponential: EXP LOG SQRT RSQRT RECIPROCAL SIGMOID;
        rounding: FLOOR CEIL TRUNC ROUND ROUND_DECIMALS;
        sign: NEG ABS SIGN SGN CONJ CONJ_VIEW NEG_VIEW CONJ_PHYSICAL REAL REAL_VIEW IMAG RESOLVE_CONJ RESOLVE_NEG;
        trigonometric: SIN COS TANH;
    }
    binary::{
        arithmetic: ADD SUB RSUB MUL DIV DIV_MODE FLOOR_DIVIDE TRUNC_DIVIDE REMAINDER FMOD RDIV ADDCMUL ADDCDIV;
        bitwise: BITWISE_AND BITWISE_OR BITWISE_XOR BITWISE_NOT BITWISE_LEFT_SHIFT BITWISE_RIGHT_SHIFT;
        extremes: MAXIMUM MINIMUM CLAMP_MIN CLAMP_MAX CLAMP CLAMP_BOTH;
        power: POW POW_SCALAR;
    }
    compare::{
        closeness: ISNAN ISINF ISFINITE ISCLOSE ALLCLOSE EQUAL;
        logic: LOGICAL_AND LOGICAL_OR LOGICAL_XOR LOGICAL_NOT;
        order: EQ NE LT LE GT GE;
    }
    random::{
        create: RAND RANDN RANDINT RANDINT_LOW RANDPERM;
        draw: NORMAL_TENSOR_FLOAT NORMAL_FLOAT_TENSOR NORMAL_TENSOR_TENSOR NORMAL_SIZE BERNOULLI BERNOULLI_P MULTINOMIAL;
        fill: NORMAL_FILL UNIFORM RANDOM RANDOM_TO RANDOM_FROM BERNOULLI_FILL BERNOULLI_FILL_TENSOR EXPONENTIAL GEOMETRIC CAUCHY LOG_NORMAL;
        like: RAND_LIKE RANDN_LIKE RANDINT_LIKE RANDINT_LIKE_LOW;
    }
    reduce::{
        counts: COUNT_NONZERO NANSUM NANMEAN LOGSUMEXP;
        deviation: STD STD_DIM STD_CORRECTION VAR VAR_DIM VAR_CORRECTION STD_MEAN STD_MEAN_DIM STD_MEAN_CORRECTION VAR_MEAN VAR_MEAN_DIM
            VAR_MEAN_CORRECTION;
        extremes: MAX MAX_DIM MAX_OTHER MIN MIN_DIM MIN_OTHER AMAX AMIN AMINMAX ARGMAX ARGMIN;
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
    sort::{
        along: PICK_ALONG PUT_ALONG;
        order: SORT SORT_STABLE ARGSORT ARGSORT_STABLE MSORT TOPK;
        rank: MEDIAN MEDIAN_DIM NANMEDIAN NANMEDIAN_DIM MODE KTHVALUE;
        search: SEARCHSORTED SEARCHSORTED_SCALAR BUCKETIZE BUCKETIZE_SCALAR;
        unique: _UNIQUE2 UNIQUE_CONSECUTIVE UNIQUE_DIM;
    }
    index::{
        add: INDEX_ADD INDEX_SELECT;
        mask: WHERE_ MASKED_FILL;
    }
}
