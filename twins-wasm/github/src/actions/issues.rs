//! Issues: what the vendor's issue routes and tools do. A pull request is an issue too.

use pome_twin_kit::clock::Time;
use pome_twin_kit::input::nullable;
use pome_twin_kit::{Action, Cx, Reply, ToolReply, View, action};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::issue_lists::{Direction, Filter, Ordering, Part, Sort, StateFilter, Wanted, ordered, ordered_in};
use super::labels::{self, LabelName};
use super::{Page, assignees, comments, notifications, paging, rows, sub_issues};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::mentions::names;
use crate::state::{Issue, Numbered, Permission, Repo, State, fold};
use crate::views::Site;
use crate::views::issues::{Extra, IssueReceipt, IssueView, ToolIssue};
use crate::views::labels::ToolLabel;

/// The repository and the issue of a key, both there.
pub(crate) fn found(state: &State, key: Numbered) -> Option<(&Repo, &Issue)> {
    Some((state.repos.get(&key.0)?, state.issues.get(&key)?))
}

/// Issues can be switched off; pull requests cannot.
fn issues_enabled(repo: &Repo) -> Result<(), Error> {
    if repo.has_issues {
        return Ok(());
    }
    Err(Error::gone())
}

/// One issue in full.
pub(crate) struct Shown(pub(crate) Numbered);

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let Some((repo, issue)) = found(cx.state, self.0) else { return };
        let site = Site::of(cx);
        if reply.status == 201 {
            reply
                .header("location", format!("{}/repos/{}/{}/issues/{}", site.api, repo.owner, repo.name, issue.number));
        }
        reply.write_json(&IssueView { site, repo, issue, extra: Extra::ClosedBy });
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let Some((repo, issue)) = found(cx.state, self.0) else { return ToolReply::error_text(404, "Not Found") };
        ToolReply::json(&ToolIssue { site: Site::of(cx), repo, issue, fields: None })
    }
}

/// An issue that was just written: in full on REST, its id and page for tools.
pub(crate) struct Written(pub(crate) Numbered);

impl View<GitHub> for Written {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        Shown(self.0).rest(cx, reply);
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let Some((repo, issue)) = found(cx.state, self.0) else { return ToolReply::error_text(404, "Not Found") };
        ToolReply::json(&IssueReceipt { site: Site::of(cx), repo, number: issue.number })
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    issue_number: u64,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_issue";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let key = (repo.id, self.issue_number);
        cx.issue(repo, self.issue_number)?;
        Ok(Shown(key))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OpenOrClosed {
    Open,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    Completed,
    NotPlanned,
    Duplicate,
    Reopened,
}

impl Reason {
    const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::NotPlanned => "not_planned",
            Self::Duplicate => "duplicate",
            Self::Reopened => "reopened",
        }
    }
}

/// A title that says something.
fn title(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::field("Issue", "title", "missing_field"));
    }
    if text.chars().count() > 256 {
        return Err(Error::custom("Issue", "title is too long (maximum is 256 characters)"));
    }
    Ok(text.to_owned())
}

/// A milestone of the repository.
fn milestone(state: &State, repo: &Repo, number: u64) -> Result<u64, Error> {
    if state.milestones.contains(&(repo.id, number)) {
        return Ok(number);
    }
    Err(Error::value("Issue", "milestone", "invalid", number))
}

#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    title: String,
    body: Option<String>,
    labels: Option<Vec<LabelName>>,
    assignees: Option<Vec<String>>,
    assignee: Option<String>,
    milestone: Option<u64>,
    #[serde(rename = "type")]
    kind: Option<Value>,
    issue_field_values: Option<Vec<FieldValue>>,
}

/// A value for a custom field.
#[derive(Debug, Deserialize)]
pub(crate) struct FieldValue {
    field_id: u64,
}

/// No organization defines types of issues or custom fields, so nothing is one.
fn nothing_custom(kind: Option<&Value>, fields: Option<&[FieldValue]>) -> Result<(), Error> {
    if let Some(kind) = kind.filter(|kind| !kind.is_null()) {
        return Err(Error::value("Issue", "type", "invalid", kind.clone()));
    }
    match fields.and_then(<[FieldValue]>::first) {
        None => Ok(()),
        Some(field) => Err(Error::value("Issue", "issue_field_values", "invalid", field.field_id)),
    }
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_issue";
    const MUTATES: bool = true;
    type Output = Written;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Written, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Read)?.clone();
        issues_enabled(&repo)?;
        nothing_custom(self.kind.as_ref(), self.issue_field_values.as_deref())?;
        let title = title(&self.title)?;
        let mut wanted = self.assignees.unwrap_or_default();
        wanted.extend(self.assignee.filter(|login| !login.is_empty()));
        let (mut labels, mut assignees, mut in_milestone) = (Vec::new(), Vec::new(), None);
        // What the caller may not set is dropped without a word, as the vendor does.
        if cx.permission(&repo) >= Some(Permission::Triage) {
            labels = labels::resolve(cx, &repo, &self.labels.unwrap_or_default())?;
            assignees = assignees::all_assignable(cx.state, &repo, &wanted)?;
            in_milestone = self.milestone.map(|number| milestone(cx.state, &repo, number)).transpose()?;
        }
        let now = cx.now();
        let user = cx.actor().to_owned();
        cx.state.ensure_user(&user, now);
        let number = cx.state.next_number(repo.id);
        let issue = Issue {
            number,
            title,
            body: self.body.filter(|text| !text.is_empty()),
            open: true,
            state_reason: None,
            user,
            labels,
            assignees,
            milestone: in_milestone,
            locked: false,
            lock_reason: None,
            comments: 0,
            closed_by: None,
            created_at: now,
            updated_at: now,
            closed_at: None,
        };
        cx.changed(None, Some(rows::issue(&repo, &issue)));
        let key = (repo.id, number);
        cx.state.issues.insert(key, issue);
        notifications::opened(cx, key);
        Ok(Written(key))
    }
}

#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    issue_number: u64,
    title: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    body: Option<Option<String>>,
    state: Option<OpenOrClosed>,
    #[serde(default, deserialize_with = "nullable")]
    state_reason: Option<Option<Reason>>,
    #[serde(default, deserialize_with = "nullable")]
    labels: Option<Option<Vec<LabelName>>>,
    #[serde(default, deserialize_with = "nullable")]
    assignees: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "nullable")]
    assignee: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    milestone: Option<Option<u64>>,
    #[serde(rename = "type")]
    kind: Option<Value>,
    issue_field_values: Option<Vec<FieldValue>>,
    /// The id of the issue that says the same, with `state_reason` `duplicate`.
    duplicate_issue_id: Option<u64>,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_issue";
    const MUTATES: bool = true;
    type Output = Written;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Written, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Read)?.clone();
        let before = cx.issue(&repo, self.issue_number)?.clone();
        let key = (repo.id, before.number);
        let held = cx.permission(&repo);
        let own = fold(&before.user) == fold(cx.actor());
        let triage = held >= Some(Permission::Triage);
        let texts = self.title.is_some() || self.body.is_some();
        if !(triage || own) || (texts && !own && held < Some(Permission::Write)) {
            return Err(Error::forbidden("Resource not accessible by personal access token"));
        }
        nothing_custom(self.kind.as_ref(), self.issue_field_values.as_deref())?;
        if let Some(id) = self.duplicate_issue_id {
            let duplicate = self.state_reason == Some(Some(Reason::Duplicate));
            if !duplicate || sub_issues::by_id(cx, id).is_none_or(|other| other == key) {
                return Err(Error::value("Issue", "duplicate_issue_id", "invalid", id));
            }
        }
        let mut after = before.clone();
        if let Some(text) = &self.title {
            after.title = title(text)?;
        }
        if let Some(body) = self.body {
            after.body = body.filter(|text| !text.is_empty());
        }
        let state = match (self.state, cx.state.pulls.get(&key)) {
            (Some(OpenOrClosed::Open), Some(pull)) if pull.merged => {
                return Err(Error::custom(
                    "Issue",
                    "state cannot be changed. A merged pull request cannot be reopened.",
                ));
            }
            (state, _) => state,
        };
        let is_pull = cx.state.is_pull(key);
        change_state(&mut after, state, self.state_reason.filter(|_| !is_pull), is_pull, cx.actor(), cx.now());
        // As on creation: what the author may not set is dropped.
        if triage {
            if let Some(wanted) = self.labels {
                after.labels = labels::resolve(cx, &repo, &wanted.unwrap_or_default())?;
            }
            let single = self.assignee.map(|login| login.into_iter().filter(|login| !login.is_empty()).collect());
            if let Some(wanted) = self.assignees.map(Option::unwrap_or_default).or(single) {
                after.assignees = assignees::all_assignable(cx.state, &repo, &wanted)?;
            }
            if let Some(wanted) = self.milestone {
                after.milestone = wanted.map(|number| milestone(cx.state, &repo, number)).transpose()?;
            }
        }
        if after != before {
            after.updated_at = cx.now();
            if is_pull && after.open != before.open {
                follow_pull(cx.state, key, after.open)?;
            }
            cx.changed(Some(rows::issue(&repo, &before)), Some(rows::issue(&repo, &after)));
            cx.state.issues.insert(key, after);
        }
        Ok(Written(key))
    }
}

/// Keeps the git side of a pull request that is opened or closed as an issue: closed, it stays compared with its base of now;
/// open, it follows its head branch again, which must still be there.
fn follow_pull(state: &mut State, key: Numbered, open: bool) -> Result<(), Error> {
    let base = state.pull_base(key);
    let head = state.pulls.get(&key).and_then(|pull| state.branch(pull.head_repo, &pull.head_ref)).map(|head| head.oid);
    let Some(pull) = state.pulls.get_mut(&key) else { return Ok(()) };
    if open {
        pull.head_sha = head.ok_or_else(|| {
            Error::custom(
                "PullRequest",
                &format!("state cannot be changed. The {} branch has been deleted.", pull.head_ref),
            )
        })?;
    } else if let Some(base) = base {
        pull.base_sha = base;
    }
    Ok(())
}

/// Opens or closes an issue, or gives another reason for its being closed.
pub(crate) fn change_state(
    issue: &mut Issue,
    state: Option<OpenOrClosed>,
    reason: Option<Option<Reason>>,
    is_pull: bool,
    actor: &str,
    now: Time,
) {
    let named = |reason: Reason| Some(reason.name().to_owned()).filter(|_| !is_pull);
    match state {
        Some(OpenOrClosed::Closed) if issue.open => {
            issue.open = false;
            issue.closed_at = Some(now);
            issue.closed_by = Some(actor.to_owned());
            issue.state_reason = named(reason.flatten().unwrap_or(Reason::Completed));
        }
        Some(OpenOrClosed::Open) if !issue.open => {
            issue.open = true;
            issue.closed_at = None;
            issue.closed_by = None;
            issue.state_reason = named(Reason::Reopened);
        }
        _ => {
            if let (false, Some(Some(reason))) = (issue.open, reason) {
                issue.state_reason = named(reason);
            }
        }
    }
}

/// A page of issues.
pub(crate) struct Listed {
    page: Page<Numbered>,
    extra: Extra,
}

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.page.write(cx, reply, |site, key| {
            let (repo, issue) = found(site.state, *key)?;
            Some(IssueView { site, repo, issue, extra: self.extra })
        });
    }
}

/// A point in time from a query.
pub(crate) fn since(text: Option<&str>) -> Result<Option<Time>, Error> {
    let parse = |text: &str| Time::parse(text).ok_or_else(|| Error::value("Issue", "since", "invalid", text));
    text.filter(|text| !text.is_empty()).map(parse).transpose()
}

fn csv(text: Option<&str>) -> Vec<String> {
    let names = text.unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(fold).collect()
}

#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    #[serde(default)]
    state: StateFilter,
    labels: Option<String>,
    assignee: Option<String>,
    creator: Option<String>,
    mentioned: Option<String>,
    milestone: Option<String>,
    /// A type of issues: `*` is any, `none` is none.
    #[serde(rename = "type")]
    kind: Option<String>,
    issue_field_values: Option<String>,
    since: Option<String>,
    #[serde(default)]
    sort: Sort,
    #[serde(default)]
    direction: Direction,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_issues";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        issues_enabled(repo)?;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        if let Some(milestone) = &self.milestone
            && !matches!(milestone.as_str(), "" | "*" | "none")
            && milestone.parse::<u64>().is_err()
        {
            return Err(Error::value("Issue", "milestone", "invalid", milestone.as_str()));
        }
        if let Some(field) = given(self.issue_field_values) {
            return Err(Error::value("Issue", "issue_field_values", "invalid", field));
        }
        if given(self.kind).is_some_and(|kind| kind != "none") {
            return Ok(Listed {
                page: Page::of(std::iter::empty(), paging(self.page, self.per_page)),
                extra: Extra::None,
            });
        }
        let filter = Filter {
            state: self.state,
            labels: csv(self.labels.as_deref()),
            assignee: given(self.assignee).as_deref().map(Wanted::parse),
            milestone: given(self.milestone).as_deref().map(Wanted::parse),
            creator: given(self.creator),
            mentioned: given(self.mentioned),
            since: since(self.since.as_deref())?,
            ..Filter::default()
        };
        let paging = paging(self.page, self.per_page);
        let ordering = Ordering { sort: self.sort, direction: self.direction };
        let part = ordered_in(cx.state, repo.id, &filter, ordering, (paging.start(), paging.per_page));
        Ok(Listed { page: part.page(paging), extra: Extra::None })
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Relation {
    #[default]
    Assigned,
    Created,
    Mentioned,
    Subscribed,
    Repos,
    All,
}

/// The caller's issues over all repositories that they see.
#[derive(Deserialize)]
pub(crate) struct ListMine {
    #[serde(default)]
    filter: Relation,
    #[serde(default)]
    state: StateFilter,
    labels: Option<String>,
    since: Option<String>,
    #[serde(default)]
    sort: Sort,
    #[serde(default)]
    direction: Direction,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for ListMine {
    const NAME: &'static str = "list_my_issues";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let filter = Filter {
            state: self.state,
            labels: csv(self.labels.as_deref()),
            since: since(self.since.as_deref())?,
            ..Filter::default()
        };
        let (state, actor) = (&*cx.state, cx.actor());
        let me = fold(actor);
        let assigned = |issue: &Issue| issue.assignees.iter().any(|login| fold(login) == me);
        let created = |issue: &Issue| fold(&issue.user) == me;
        let mentioned = |issue: &Issue| names(issue.body.as_deref().unwrap_or_default(), actor);
        let related = |issue: &Issue| match self.filter {
            Relation::Assigned => assigned(issue),
            Relation::Created => created(issue),
            Relation::Mentioned => mentioned(issue),
            Relation::Subscribed => assigned(issue) || created(issue) || mentioned(issue),
            Relation::Repos | Relation::All => true,
        };
        let repos = state.repos.values().filter(|repo| cx.permission(repo).is_some()).map(|repo| repo.id);
        let paging = paging(self.page, self.per_page);
        let ordering = Ordering { sort: self.sort, direction: self.direction };
        let part = ordered(state, repos, &filter, related, ordering, (paging.start(), paging.per_page));
        Ok(Listed { page: part.page(paging), extra: Extra::Repository })
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum OrderBy {
    #[default]
    CreatedAt,
    UpdatedAt,
    Comments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum ToolState {
    #[serde(rename = "OPEN", alias = "open")]
    Open,
    #[serde(rename = "CLOSED", alias = "closed")]
    Closed,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum ToolDirection {
    #[serde(rename = "ASC", alias = "asc")]
    Asc,
    #[default]
    #[serde(rename = "DESC", alias = "desc")]
    Desc,
}

/// The tool's list: issues only, by cursor, any of the labels.
#[derive(Deserialize)]
pub(crate) struct ListByCursor {
    owner: String,
    repo: String,
    state: Option<ToolState>,
    labels: Option<Vec<String>>,
    since: Option<String>,
    #[serde(default, rename = "orderBy")]
    order_by: OrderBy,
    #[serde(default)]
    direction: ToolDirection,
    after: Option<String>,
    #[serde(rename = "perPage", alias = "per_page")]
    per_page: Option<i64>,
    fields: Option<Vec<String>>,
    field_filters: Option<Vec<Value>>,
    page: Option<IgnoredAny>,
}

/// A stretch of issues between two cursors.
pub(crate) struct Stretch {
    keys: Vec<Numbered>,
    start: usize,
    total: usize,
    fields: Option<Vec<String>>,
}

/// Cursors are opaque to callers; this one is the number of rows before the next page.
fn cursor(position: usize) -> String {
    format!("cursor:{position}")
}

impl View<GitHub> for Stretch {
    /// Only tools ask this way; the body is the same should a route ever do.
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        #[derive(serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        struct PageInfo {
            has_next_page: bool,
            has_previous_page: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            start_cursor: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            end_cursor: Option<String>,
        }
        #[derive(serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            issues: Vec<ToolIssue<'a>>,
            total_count: usize,
            page_info: PageInfo,
        }
        let (site, fields) = (Site::of(cx), self.fields.as_deref());
        let rows = self.keys.iter().filter_map(|key| found(cx.state, *key));
        let issues = rows.map(|(repo, issue)| ToolIssue { site, repo, issue, fields }).collect();
        let end = self.start + self.keys.len();
        let shown = !self.keys.is_empty();
        let page_info = PageInfo {
            has_next_page: end < self.total,
            has_previous_page: self.start > 0,
            start_cursor: shown.then(|| cursor(self.start + 1)),
            end_cursor: shown.then(|| cursor(end)),
        };
        reply.write_json(&Body { issues, total_count: self.total, page_info });
    }
}

impl Action<GitHub> for ListByCursor {
    const NAME: &'static str = "list_issues";
    type Output = Stretch;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Stretch, Error> {
        if self.page.is_some() {
            return Err(Error::by_server(
                "This tool pages by cursor: pass `after` with the `endCursor` of the answer before instead of `page`.",
            ));
        }
        if self.field_filters.is_some_and(|filters| !filters.is_empty()) {
            return Err(Error::by_server("No custom issue fields are defined, so none can be filtered by."));
        }
        let repo = cx.repo(&self.owner, &self.repo)?;
        issues_enabled(repo)?;
        let filter = Filter {
            state: match self.state {
                None => StateFilter::All,
                Some(ToolState::Open) => StateFilter::Open,
                Some(ToolState::Closed) => StateFilter::Closed,
            },
            labels: self.labels.unwrap_or_default().iter().map(|label| fold(label)).collect(),
            any_label: true,
            since: since(self.since.as_deref())?,
            without_pulls: true,
            ..Filter::default()
        };
        let start = match self.after.as_deref().filter(|after| !after.is_empty()) {
            None => 0,
            Some(after) => after
                .strip_prefix("cursor:")
                .and_then(|position| position.parse().ok())
                .ok_or_else(|| Error::unprocessable(format!("`{after}` does not appear to be a valid cursor.")))?,
        };
        let sort = match self.order_by {
            OrderBy::CreatedAt => Sort::Created,
            OrderBy::UpdatedAt => Sort::Updated,
            OrderBy::Comments => Sort::Comments,
        };
        let direction = match self.direction {
            ToolDirection::Asc => Direction::Asc,
            ToolDirection::Desc => Direction::Desc,
        };
        let most = paging(None, self.per_page).per_page;
        let Part { keys, total } = ordered_in(cx.state, repo.id, &filter, Ordering { sort, direction }, (start, most));
        Ok(Stretch { keys, start: start.min(total), total, fields: self.fields.filter(|fields| !fields.is_empty()) })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReadMethod {
    Get,
    GetComments,
    GetSubIssues,
    GetParent,
    GetLabels,
}

/// The tool that reads one issue and what hangs on it.
#[derive(Deserialize)]
pub(crate) struct Read {
    method: ReadMethod,
    owner: String,
    repo: String,
    #[serde(alias = "issueNumber")]
    issue_number: u64,
    page: Option<i64>,
    #[serde(rename = "perPage", alias = "per_page")]
    per_page: Option<i64>,
}

/// An issue's labels as the tool shows them.
struct ToolLabels(Numbered);

impl View<GitHub> for ToolLabels {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        #[derive(serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            labels: Vec<ToolLabel<'a>>,
            total_count: usize,
        }
        let Some((repo, issue)) = found(cx.state, self.0) else { return };
        let labels: Vec<_> =
            issue.labels.iter().filter_map(|name| cx.state.label(repo.id, name)).map(ToolLabel).collect();
        reply.write_json(&Body { total_count: labels.len(), labels });
    }
}

impl Action<GitHub> for Read {
    const NAME: &'static str = "issue_read";
    type Output = Box<dyn View<GitHub>>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let Self { method, owner, repo, issue_number, page, per_page } = self;
        let Shown(key) = Get { owner: owner.clone(), repo: repo.clone(), issue_number }.run(cx)?;
        Ok(match method {
            ReadMethod::Get => Box::new(Shown(key)),
            ReadMethod::GetComments => Box::new(comments::listed(cx, key, None, paging(page, per_page))),
            ReadMethod::GetLabels => Box::new(ToolLabels(key)),
            ReadMethod::GetSubIssues => {
                Box::new(sub_issues::List { owner, repo, issue_number, page, per_page }.run(cx)?)
            }
            ReadMethod::GetParent => Box::new(sub_issues::ParentForTool { owner, repo, issue_number }.run(cx)?),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WriteMethod {
    Create,
    Update,
}

/// The tool that creates and changes issues.
#[derive(Deserialize)]
pub(crate) struct Write {
    method: WriteMethod,
    owner: String,
    repo: String,
    #[serde(alias = "issueNumber")]
    issue_number: Option<u64>,
    title: Option<String>,
    body: Option<String>,
    labels: Option<Vec<LabelName>>,
    assignees: Option<Vec<String>>,
    milestone: Option<u64>,
    state: Option<OpenOrClosed>,
    state_reason: Option<Reason>,
    duplicate_of: Option<u64>,
    #[serde(rename = "type")]
    kind: Option<String>,
    issue_fields: Option<Vec<Value>>,
}

impl Action<GitHub> for Write {
    const NAME: &'static str = "issue_write";
    const MUTATES: bool = true;
    type Output = Written;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Written, Error> {
        let Self { owner, repo, title, body, labels, assignees, milestone, .. } = self;
        if let Some(kind) = self.kind {
            return Err(Error::value("Issue", "type", "invalid", kind));
        }
        if self.issue_fields.is_some_and(|fields| !fields.is_empty()) {
            return Err(Error::by_server("No custom issue fields are defined, so none can be set."));
        }
        if self.duplicate_of.is_some() && self.state_reason != Some(Reason::Duplicate) {
            return Err(Error::by_server("duplicate_of can only be used when state_reason is 'duplicate'"));
        }
        match self.method {
            WriteMethod::Create => {
                let Some(title) = title else {
                    return Err(Error::argument("title"));
                };
                let (assignee, kind, issue_field_values) = (None, None, None);
                Create { owner, repo, title, body, labels, assignees, assignee, milestone, kind, issue_field_values }
                    .run(cx)
            }
            WriteMethod::Update => {
                let Some(issue_number) = self.issue_number else {
                    return Err(Error::argument("issue_number"));
                };
                if let Some(other) = self.duplicate_of {
                    let found = cx.repo(&owner, &repo)?;
                    if other == issue_number || cx.issue(found, other).is_err() {
                        return Err(Error::value("Issue", "duplicate_of", "invalid", other));
                    }
                }
                Update {
                    owner,
                    repo,
                    issue_number,
                    title,
                    body: body.map(Some),
                    state: self.state,
                    state_reason: self.state_reason.map(Some),
                    labels: labels.map(Some),
                    assignees: assignees.map(Some),
                    assignee: None,
                    milestone: milestone.map(Some),
                    kind: None,
                    issue_field_values: None,
                    duplicate_issue_id: None,
                }
                .run(cx)
            }
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Lock {
    owner: String,
    repo: String,
    issue_number: u64,
    #[serde(rename = "lock_reason")]
    reason: Option<LockReason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum LockReason {
    #[serde(rename = "off-topic")]
    OffTopic,
    #[serde(rename = "too heated")]
    TooHeated,
    #[serde(rename = "resolved")]
    Resolved,
    #[serde(rename = "spam")]
    Spam,
}

impl LockReason {
    const fn name(self) -> &'static str {
        match self {
            Self::OffTopic => "off-topic",
            Self::TooHeated => "too heated",
            Self::Resolved => "resolved",
            Self::Spam => "spam",
        }
    }
}

/// Locks or unlocks a conversation.
fn set_lock(cx: &mut Cx<'_, GitHub>, repo: &Repo, number: u64, lock: Option<Option<LockReason>>) -> Result<(), Error> {
    let before = cx.issue(repo, number)?.clone();
    let mut after = before.clone();
    after.locked = lock.is_some();
    after.lock_reason = lock.flatten().map(|reason| reason.name().to_owned());
    if after != before {
        after.updated_at = cx.now();
        cx.changed(Some(rows::issue(repo, &before)), Some(rows::issue(repo, &after)));
        cx.state.issues.insert((repo.id, number), after);
    }
    Ok(())
}

impl Action<GitHub> for Lock {
    const NAME: &'static str = "lock_issue";
    const MUTATES: bool = true;
    type Output = action::Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<action::Empty, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?.clone();
        set_lock(cx, &repo, self.issue_number, Some(self.reason))?;
        Ok(action::Empty)
    }
}

#[derive(Deserialize)]
pub(crate) struct Unlock {
    owner: String,
    repo: String,
    issue_number: u64,
}

impl Action<GitHub> for Unlock {
    const NAME: &'static str = "unlock_issue";
    const MUTATES: bool = true;
    type Output = action::Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<action::Empty, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?.clone();
        set_lock(cx, &repo, self.issue_number, None)?;
        Ok(action::Empty)
    }
}
