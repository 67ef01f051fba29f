//! Guests that misbehave are contained, named, and cost nobody else anything; worlds fork, reset and repeat themselves exactly.

mod contained;
mod evaluators;
mod images;
mod judged;
mod refused;
mod support;
