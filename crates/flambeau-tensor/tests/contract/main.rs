//! What holds for every operator of the table, tried on the samples of its block. Samples are in dev builds only.
#![cfg(debug_assertions)]

mod cases;
mod derivatives;
mod dtypes;
mod forms;
mod hostile;
mod table;
mod versions;
