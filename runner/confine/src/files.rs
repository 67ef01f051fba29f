//! Landlock: writing below some folders only, and in the form without namespaces reading and TCP as well.

use std::fs;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, NetPort, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use crate::policy::{Form, Policy, Refused};

/// The newest interface whose rights are asked for; an older kernel grants what it knows.
const NEWEST: ABI = ABI::V9;
/// The first one with rules for TCP.
const TCP: i32 = 4;
/// The first one with rules for truncating.
const TRUNCATE: i32 = 3;
/// The first one that keeps signals and abstract sockets inside.
const SCOPES: i32 = 6;

const DEVICES: [&str; 6] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];
/// Only where these are the agent's own.
const OWN_DEVICES: [&str; 3] = ["/dev/pts", "/dev/shm", "/dev/ptmx"];

/// What came of it.
pub(crate) struct Granted {
    /// Version of the kernel's interface.
    pub(crate) version: i32,
    pub(crate) weaker: Vec<String>,
}

/// Whether the kernel has Landlock and it is turned on.
pub(crate) fn available() -> bool {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    ruleset.handle_access(AccessFs::WriteFile).and_then(Ruleset::create).is_ok()
}

/// Restricts this process for ever. Absent: the kernel has no Landlock.
pub(crate) fn restrict(policy: &Policy) -> Result<Option<Granted>, Refused> {
    let ruled = |error: RulesetError| Refused::because("Landlock", &error.to_string());
    let ruleset = rules(policy).map_err(ruled)?;
    let status = ruleset.restrict_self().map_err(ruled)?;
    let version = match status.landlock {
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => return Ok(None),
        LandlockStatus::Available { effective_abi, kernel_abi } => kernel_abi.unwrap_or(effective_abi as i32),
    };
    if status.ruleset == RulesetStatus::NotEnforced {
        return Ok(None);
    }
    let mut weaker = Vec::new();
    if version < TRUNCATE {
        weaker.push("files outside can be emptied: this kernel's Landlock does not know truncating".to_owned());
    }
    if policy.form == Form::Landlock {
        if version < TCP {
            return Err(Refused::because("Landlock", "this kernel's version has no rules for TCP (Linux 6.7 has)"));
        }
        let inside = |path: &&PathBuf| policy.writable.iter().any(|folder| path.starts_with(folder));
        for path in policy.hidden.iter().filter(|path| path.exists()).filter(inside) {
            weaker.push(format!("`{}` can be read, because it is inside of the work folder", path.display()));
        }
        if version < SCOPES {
            weaker.push("signals to other processes of the user and abstract sockets are not stopped".to_owned());
        }
    }
    Ok(Some(Granted { version, weaker }))
}

fn rules(policy: &Policy) -> Result<RulesetCreated, RulesetError> {
    let all = AccessFs::from_all(NEWEST);
    let read = AccessFs::from_read(NEWEST);
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?;
    if policy.form == Form::Landlock {
        ruleset = ruleset.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?;
    }
    let mut created = ruleset.create()?;
    if policy.form == Form::Landlock {
        for &port in &policy.ports {
            created = created.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
        }
        // Names may be listed everywhere; what is in a file is another matter.
        created = below(created, Path::new("/"), AccessFs::ReadDir.into())?;
        for path in readable(Path::new("/"), &unreadable(policy)) {
            created = below(created, &path, read)?;
        }
    } else {
        created = below(created, Path::new("/"), read)?;
        for path in OWN_DEVICES {
            created = below(created, Path::new(path), all)?;
        }
    }
    for path in DEVICES {
        created = below(created, Path::new(path), all)?;
    }
    let made = AccessFs::MakeChar | AccessFs::MakeBlock;
    for folder in &policy.writable {
        created = below(created, folder, all & !made)?;
    }
    Ok(created)
}

/// What cannot be opened gets no rule, so it stays forbidden.
fn below(ruleset: RulesetCreated, path: &Path, rights: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    let Ok(descriptor) = PathFd::new(path) else { return Ok(ruleset) };
    let rights = if path.is_dir() { rights } else { rights & AccessFs::from_file(NEWEST) };
    if rights.is_empty() { Ok(ruleset) } else { ruleset.add_rule(PathBeneath::new(descriptor, rights)) }
}

/// Beside what was asked for: terminals of the user, who may be typing.
fn unreadable(policy: &Policy) -> Vec<PathBuf> {
    let terminals = PathBuf::from("/dev/pts");
    policy.hidden.iter().cloned().chain([terminals]).filter_map(|path| path.canonicalize().ok()).collect()
}

/// The fewest paths that cover everything below `folder` but what is hidden. Rules can only allow, so a folder with something
/// hidden in it is taken apart; what is created in such a folder later is not covered.
fn readable(folder: &Path, hidden: &[PathBuf]) -> Vec<PathBuf> {
    if hidden.iter().any(|path| path == folder) {
        return Vec::new();
    }
    if !hidden.iter().any(|path| path.starts_with(folder)) {
        return vec![folder.to_owned()];
    }
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    // A link is covered where it leads to; a rule for it would be one for its target.
    let entries = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()));
    entries.flat_map(|entry| readable(&entry.path(), hidden)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_is_allowed_around_what_is_hidden() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for path in ["people/me/.ssh", "people/me/work/deep", "people/other", "usr/bin"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        std::os::unix::fs::symlink(&root, root.join("people/me/around")).unwrap();
        let hidden = [root.join("people/me/.ssh")];
        let mut seen = readable(&root, &hidden);
        seen.sort();
        assert_eq!(seen, ["people/me/work", "people/other", "usr"].map(|path| root.join(path)));
        assert_eq!(readable(&root, &[]), std::slice::from_ref(&root));
        assert_eq!(readable(&root, std::slice::from_ref(&root)), Vec::<PathBuf>::new());
    }
}
