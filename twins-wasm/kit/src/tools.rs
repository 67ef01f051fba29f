//! The MCP table.

use serde::de::DeserializeOwned;

use crate::action::{Action, Cx, View};
use crate::envelope::Fidelity;
use crate::input::Input;
use crate::reply::ToolReply;
use crate::routes::Failure;
use crate::twin::Twin;

/// One line of the MCP table. Its listing (description, input schema) is looked up by name in [`Twin::TOOL_LISTINGS`].
#[expect(missing_debug_implementations, reason = "holds function pointers; its description is printable")]
pub struct Tool<T: Twin> {
    pub(crate) name: &'static str,
    pub(crate) action: &'static str,
    pub(crate) mutates: bool,
    pub(crate) fidelity: Fidelity,
    pub(crate) note: Option<&'static str>,
    pub(crate) doc: &'static str,
    pub(crate) run: Run<T>,
}

type Run<T> = fn(&mut Cx<'_, T>, Input) -> Result<ToolReply, Failure<<T as Twin>::Error>>;

impl<T: Twin> Tool<T> {
    /// A tool whose arguments are spelled like the action's fields.
    pub const fn new<A: Action<T>>(name: &'static str) -> Self {
        Self::from::<A, A>(name)
    }

    /// A tool that spells its arguments differently: `Arguments` turns into the action.
    pub const fn from<Arguments: DeserializeOwned + Into<A>, A: Action<T>>(name: &'static str) -> Self {
        Self {
            name,
            action: A::NAME,
            mutates: A::MUTATES,
            fidelity: Fidelity::Semantic,
            note: None,
            doc: "",
            run: run::<T, Arguments, A>,
        }
    }

    pub const fn shape(mut self, note: &'static str) -> Self {
        self.fidelity = Fidelity::Shape;
        self.note = Some(note);
        self
    }

    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}

fn run<T: Twin, Arguments: DeserializeOwned + Into<A>, A: Action<T>>(
    cx: &mut Cx<'_, T>,
    input: Input,
) -> Result<ToolReply, Failure<T::Error>> {
    let arguments: Arguments = input.decode().map_err(Failure::Input)?;
    let output = arguments.into().run(cx).map_err(Failure::Refused)?;
    Ok(output.tool(cx))
}
