//! The gateway through its only door, HTTP: the contract that every twin keeps, tokens, MCP, worlds, faults, and the recorder.

mod contract;
mod deliveries;
mod faults;
mod mcp;
mod recorder;
mod support;
mod tokens;
mod trapped;
mod vendors;
mod worlds;
