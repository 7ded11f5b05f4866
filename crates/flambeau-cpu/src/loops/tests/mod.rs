//! Tests of the loops.
