//! Whole runs with scripted agents, through the program.

mod support;

mod batches;
mod endings;
mod evaluators;
mod files;
mod hosted;
mod judged;
mod sandbox;
