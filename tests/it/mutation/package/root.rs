//! A small numerical package; `main` is added by the test.

#[macro_use]
mod macros;
mod geometry;
mod numbers;
mod simulation;
mod statistics;
mod text;
