//! The `kind` of each row, as a value that can only be written one way.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct $name;
        impl $name {
            /// As it stands in the file.
            pub const NAME: &'static str = $text;
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($text)
            }
        }
    )*};
}

/// The kinds that a trace may hold.
pub const ALL: [&str; 9] = [
    TwinHttp::NAME,
    LlmCall::NAME,
    ToolUse::NAME,
    ToolResult::NAME,
    SubagentSpawn::NAME,
    Hook::NAME,
    LlmTurn::NAME,
    OtelSpan::NAME,
    WebhookDelivery::NAME,
];

kinds! {
    /// One HTTP or tool call to a twin.
    TwinHttp = "TwinHttpEvent";
    /// One tunnel through the capture proxy.
    LlmCall = "LlmCallEvent";
    /// The agent's framework is about to run a tool.
    ToolUse = "ToolUseEvent";
    /// A tool has answered.
    ToolResult = "ToolResultEvent";
    /// A sub-agent was started.
    SubagentSpawn = "SubagentSpawnEvent";
    /// A hook of the framework ran.
    Hook = "HookEvent";
    /// One turn of a model conversation.
    LlmTurn = "LlmTurnEvent";
    /// An OpenTelemetry span.
    OtelSpan = "OtelSpanEvent";
    /// One try to deliver what a twin asked to have sent.
    WebhookDelivery = "WebhookDeliveryEvent";
    /// A refused tunnel, in its own file.
    EgressRefused = "EgressRefusedEvent";
}
