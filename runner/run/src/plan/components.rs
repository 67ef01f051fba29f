//! The twins that scenarios name, loaded once each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pome_sandbox::{Component, Engine, LoadError};
use pome_scenario::{NoTwin, Scenario, Twins};

/// The twins that scenarios may use: the built-in ones, and further ones by id.
#[derive(Debug, Clone)]
pub struct Components {
    engine: Engine,
    known: BTreeMap<String, Component>,
    /// Component files, by their real path: two scenarios may bring different twins of one id.
    files: BTreeMap<PathBuf, Component>,
}

impl Components {
    /// The built-in ones.
    pub fn built_in(engine: Engine) -> Self {
        Self { engine, known: BTreeMap::new(), files: BTreeMap::new() }
    }

    /// Adds one under its own id, in front of a built-in one of that name.
    #[must_use]
    pub fn with(mut self, component: Component) -> Self {
        self.known.insert(component.description().id.clone(), component);
        self
    }

    /// The engine that they run on.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A twin of a scenario: from the file that it names, else the one of that id.
    pub fn of(&mut self, scenario: &Scenario, id: &str) -> Result<Component, LoadError> {
        match scenario.config.components.get(id) {
            Some(file) => self.load(file),
            None => self.get(id),
        }
    }

    fn load(&mut self, file: &Path) -> Result<Component, LoadError> {
        let real = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        if let Some(component) = self.files.get(&real) {
            return Ok(component.clone());
        }
        let component = self.engine.load(file)?;
        self.files.insert(real, component.clone());
        Ok(component)
    }

    /// The twin of a name.
    fn get(&mut self, id: &str) -> Result<Component, LoadError> {
        if let Some(component) = self.known.get(id) {
            return Ok(component.clone());
        }
        let component = self.engine.embedded(id)?;
        self.known.insert(id.to_owned(), component.clone());
        Ok(component)
    }
}

impl Twins for Components {
    fn ids(&self) -> Vec<String> {
        self.known.keys().cloned().collect()
    }

    fn id_of(&mut self, file: &Path) -> Result<String, NoTwin> {
        self.load(file)
            .map(|component| component.description().id.clone())
            .map_err(|error| NoTwin { hint: error.hint().to_owned(), source: Box::new(error) })
    }
}
