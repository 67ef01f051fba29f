//! `pome twin` and `pome endpoints`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[expect(clippy::struct_field_names, reason = "named as the flags are")]
pub(crate) struct Twin {
    #[command(subcommand)]
    pub(crate) command: Option<TwinCommand>,
    /// Port to listen on
    #[arg(long, value_parser = port)]
    pub(crate) port: Option<u16>,
    /// Seed file to start from
    #[arg(long, value_name = "PATH")]
    pub(crate) seed: Option<PathBuf>,
    /// Which twin [default: the first of the project file, else github]
    #[arg(long, value_name = "NAME")]
    pub(crate) twin: Option<String>,
    /// Address to listen on [default: the twin's host variable, else 127.0.0.1]
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TwinCommand {
    /// Serve a twin until Ctrl-C
    Start {
        /// Name of a built-in twin, or the path of a component
        #[arg(value_name = "NAME|COMPONENT.WASM")]
        twin: String,
        /// Port to listen on [default: `PORT`, else the twin's own]
        #[arg(long, value_parser = port)]
        port: Option<u16>,
        /// Seed file to start from
        #[arg(long, value_name = "PATH")]
        seed: Option<PathBuf>,
        /// Address to listen on [default: the twin's host variable, else 127.0.0.1]
        #[arg(long, value_name = "HOST")]
        host: Option<String>,
    },
    /// Put the running twin back to its seed
    Reset {
        /// Which twin, when that matters
        name: Option<String>,
        /// Port of the running twin
        #[arg(long, value_parser = port)]
        port: Option<u16>,
        /// Back to the seed it was started with, not to the default seed
        #[arg(long)]
        boot_seed: bool,
    },
    /// Show the running twin and whether it answers
    Status,
    /// Built-in twins
    List,
}

#[derive(Debug, Args)]
pub(crate) struct Endpoints {
    /// Name of a built-in twin, or the path of a component
    pub(crate) twin: String,
}

fn port(text: &str) -> Result<u16, String> {
    match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err("expected a port from 1 to 65535".to_owned()),
    }
}
