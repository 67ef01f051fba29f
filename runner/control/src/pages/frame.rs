//! What is around every page.

use axum::http::StatusCode;
use axum::response::Response;
use maud::{DOCTYPE, Markup, html};

use crate::pages::viewer::Viewer;
use crate::pages::{answer, assets, text};

/// Which part of the dashboard a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Overview,
    Runs,
    Scenarios,
    Groups,
    Agents,
    Sessions,
}

const PARTS: [(Part, &str, &str); 6] = [
    (Part::Overview, "/", "Overview"),
    (Part::Runs, "/runs", "Runs"),
    (Part::Scenarios, "/scenarios", "Scenarios"),
    (Part::Groups, "/groups", "Trial groups"),
    (Part::Agents, "/agents", "Agents"),
    (Part::Sessions, "/sessions", "Sessions"),
];

/// A page for somebody who is signed in.
pub(crate) fn page(viewer: &Viewer, part: Part, title: &str, body: &Markup) -> Response {
    let top = html! {
        nav aria-label="Dashboard" {
            ul {
                @for (of, address, name) in PARTS {
                    li { a href=(address) aria-current=[(of == part).then_some("page")] { (name) } }
                }
            }
        }
        div .who {
            span .email .small .muted title=(viewer.holder.email) { span .team { (text::line(&viewer.holder.team_slug)) } }
            form method="post" action="/sign-out" {
                input type="hidden" name="form" value=(viewer.form);
                button .quiet type="submit" { "Sign out" }
            }
        }
    };
    answer::page(StatusCode::OK, whole(title, &top, body))
}

/// A page for anybody.
pub(crate) fn bare(status: StatusCode, title: &str, body: &Markup) -> Response {
    answer::page(status, whole(title, &html! {}, &html! { div .sign-in .card { (body) } }))
}

fn whole(title: &str, top: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (text::line(title)) " \u{b7} Pome" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                link rel="icon" type="image/svg+xml" href=(assets::ICON.address());
                link rel="stylesheet" href=(assets::STYLE.address());
                script src=(assets::COMFORT.address()) defer {}
            }
            body {
                a .skip href="#main" { "Skip to the content" }
                header .top {
                    div .top-in {
                        a .brand href="/" { img src=(assets::ICON.address()) alt="" width="26" height="26"; "Pome" }
                        (top)
                    }
                }
                main #main tabindex="-1" { (body) }
                footer .foot {
                    span { "Pome " (env!("CARGO_PKG_VERSION")) }
                    span { "Times are UTC" }
                }
            }
        }
    }
}

/// The way to a page, from the outside.
pub(crate) fn crumbs(steps: &[(&str, &str)]) -> Markup {
    html! {
        nav aria-label="Breadcrumbs" {
            ol .crumbs {
                @for (address, name) in steps { li { a href=(address) { (text::line(name)) } } }
            }
        }
    }
}
