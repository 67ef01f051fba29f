//! What can be wrong with a request before anything runs. The vendor's crate puts it into words.

use serde_json::Value;

/// A place in the query text, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    pub line: usize,
    pub column: usize,
}

/// What takes arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taker {
    Field,
    Directive,
    InputObject,
}

/// What is wrong with the value of a variable, inside of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Misfit {
    /// Names and indices from the variable inwards.
    pub path: Vec<Value>,
    pub problem: MisfitKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum MisfitKind {
    Null,
    /// A value that the scalar does not take, and the scalar's name.
    Scalar {
        value: Value,
        expected: String,
    },
    /// A value that is none of the enum's.
    Enum {
        value: Value,
        allowed: Vec<String>,
    },
    UnknownField {
        input: String,
    },
    /// The vendor has the field and the twin has not.
    Unmodelled {
        input: String,
        field: String,
    },
    NotAnObject {
        value: Value,
        expected: String,
    },
}

/// One fault. Types are written as in the language (`[String!]!`).
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The text is not GraphQL; `token` is what stood at the place, `None` at the end of the text.
    Syntax {
        token: Option<String>,
    },
    /// No text at all.
    NoQuery,
    /// The document has no operation, several without a choice, or not the one that was asked for.
    NoOperation {
        wanted: Option<String>,
    },
    UndefinedField {
        parent: String,
        field: String,
    },
    /// The vendor has it and the twin has not: a field, type, argument or input field. `of` is what it belongs to.
    Unmodelled {
        of: String,
        name: String,
    },
    /// A composite field without a selection.
    NoSelections {
        field: String,
        returns: String,
    },
    /// A selection below a scalar or enum.
    SelectionsOnLeaf {
        field: String,
        returns: String,
        selected: Vec<String>,
    },
    UndefinedArgument {
        taker: Taker,
        of: String,
        argument: String,
    },
    MissingArguments {
        taker: Taker,
        of: String,
        arguments: Vec<String>,
    },
    /// A required field of an input object that is written in the query is not there.
    MissingInputField {
        input: String,
        field: String,
        expected: String,
    },
    /// A literal that does not fit.
    InvalidArgument {
        taker: Taker,
        of: String,
        argument: String,
        value: String,
        expected: String,
    },
    UndefinedVariable {
        variable: String,
        operation: Option<String>,
    },
    UnusedVariable {
        variable: String,
        operation: Option<String>,
    },
    /// A variable's type that no variable can have.
    VariableType {
        variable: String,
        of: String,
    },
    VariableMismatch {
        variable: String,
        declared: String,
        argument: String,
        expected: String,
        only_nullability: bool,
    },
    /// The value given for a variable.
    InvalidVariable {
        variable: String,
        declared: String,
        value: Value,
        misfits: Vec<Misfit>,
    },
    UndefinedFragment {
        fragment: String,
    },
    UnusedFragment {
        fragment: String,
    },
    FragmentCycle {
        fragment: String,
    },
    UndefinedType {
        name: String,
    },
    /// A type that has no fields cannot be a fragment's condition.
    LeafFragment {
        name: String,
    },
    ImpossibleFragment {
        fragment: Option<String>,
        on: String,
        parent: String,
    },
    UndefinedDirective {
        name: String,
    },
    /// Two fields of one response name that are not the same.
    Conflict {
        key: String,
        fields: Vec<String>,
    },
}

/// A fault and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub fault: Fault,
    /// Names from the operation inwards, as graphql-ruby counts them: `query Q`, `repository`, `... on Issue`, `title`.
    pub path: Vec<String>,
    pub locations: Vec<Location>,
}
