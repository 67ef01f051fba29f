//! The scenarios that come inside the binary.

use std::path::Path;

use pome_scenario::{BuiltInOnly, Scenario};

/// File name and content, in order of the names: scenarios and the seeds beside them.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// One scenario of the library.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shipped {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

impl Shipped {
    /// The scenario behind the text.
    pub(crate) fn understand(self) -> Result<Scenario, pome_scenario::Error> {
        pome_scenario::parse(Path::new(self.name), self.text.as_bytes(), &mut BuiltInOnly)
    }

    /// Name and content of the seed beside it.
    pub(crate) fn sidecar(self) -> Option<(String, &'static str)> {
        let name = format!("{}.seed.json", self.name.strip_suffix(".md")?);
        let (_, text) = FILES.iter().find(|(file, _)| *file == name)?;
        Some((name, *text))
    }
}

/// All scenarios, in order.
pub(crate) fn scenarios() -> impl Iterator<Item = Shipped> {
    FILES.iter().filter(|(name, _)| is_scenario(name)).map(|&(name, text)| Shipped { name, text })
}

fn is_scenario(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "md")
}

/// The scenario with this file name.
pub(crate) fn scenario(name: &str) -> Option<Shipped> {
    scenarios().find(|shipped| shipped.name == name)
}

/// The scenarios whose first twin is this one. Files that cannot be understood do not ship: a test says so.
pub(crate) fn scenarios_of(twin: &str) -> impl Iterator<Item = (Shipped, Scenario)> {
    scenarios()
        .filter_map(|shipped| Some((shipped, shipped.understand().ok()?)))
        .filter(move |(_, scenario)| scenario.primary_twin() == twin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_scenario_is_understood() {
        let broken: Vec<String> =
            scenarios().filter_map(|shipped| shipped.understand().err()).map(|error| error.to_string()).collect();
        assert_eq!(broken, Vec::<String>::new());
        assert!(scenarios().count() > 0);
    }

    #[test]
    fn the_first_scenario_has_its_seed() {
        let (name, seed) = scenario("01-bug-happy-path.md").unwrap().sidecar().unwrap();
        assert_eq!(name, "01-bug-happy-path.seed.json");
        assert!(seed.starts_with('{'));
    }
}
