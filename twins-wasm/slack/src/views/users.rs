//! Users, their profiles, and the bots behind bot users.

use pome_twin_kit::ids::{hash_id, hex_id};
use serde_json::{Map, Value, json};

use super::object;
use crate::state::{State, User};

/// The app that every bot of the workspace belongs to.
pub(crate) const APP: &str = "A_POME";

/// Zone, its name, and its standard offset in seconds.
const ZONES: &[(&str, &str, i64)] = &[
    ("America/Los_Angeles", "Pacific Standard Time", -28_800),
    ("America/Denver", "Mountain Standard Time", -25_200),
    ("America/Chicago", "Central Standard Time", -21_600),
    ("America/New_York", "Eastern Standard Time", -18_000),
    ("America/Sao_Paulo", "Brasilia Standard Time", -10_800),
    ("UTC", "Coordinated Universal Time", 0),
    ("Etc/UTC", "Coordinated Universal Time", 0),
    ("Europe/London", "Greenwich Mean Time", 0),
    ("Europe/Amsterdam", "Central European Time", 3_600),
    ("Europe/Berlin", "Central European Time", 3_600),
    ("Europe/Madrid", "Central European Time", 3_600),
    ("Europe/Paris", "Central European Time", 3_600),
    ("Europe/Helsinki", "Eastern European Time", 7_200),
    ("Asia/Jerusalem", "Israel Standard Time", 7_200),
    ("Asia/Dubai", "Gulf Standard Time", 14_400),
    ("Asia/Kolkata", "India Standard Time", 19_800),
    ("Asia/Singapore", "Singapore Standard Time", 28_800),
    ("Asia/Shanghai", "China Standard Time", 28_800),
    ("Asia/Tokyo", "Japan Standard Time", 32_400),
    ("Australia/Sydney", "Australian Eastern Standard Time", 36_000),
];

/// The label and offset of a zone; an unknown one is shown as it is, without offset.
pub(crate) fn zone(name: &str) -> (&str, i64) {
    ZONES.iter().find(|(known, ..)| *known == name).map_or((name, 0), |(_, label, offset)| (label, *offset))
}

const COLORS: [&str; 8] = ["9f69e7", "4bbe2e", "e7392d", "3c989f", "674b1b", "e96699", "684b6c", "2b6836"];

/// The colour of a user's name.
fn color(id: &str) -> &'static str {
    let at = usize::try_from(hash_id(id)).unwrap_or_default() % COLORS.len();
    COLORS.get(at).copied().unwrap_or("9f69e7")
}

fn team_id(state: &State) -> String {
    state.team.get().as_ref().map(|team| team.id.clone()).unwrap_or_default()
}

/// A user, with the locale if it was asked for.
pub(crate) fn user(state: &State, user: &User, locale: bool) -> Value {
    let (label, offset) = zone(&user.tz);
    let mut profile = profile(user);
    // Custom fields are shown by `users.profile.get` alone.
    profile.shift_remove("fields");
    profile.insert("team".to_owned(), team_id(state).into());
    let mut value = object(json!({
        "id": user.id,
        "team_id": team_id(state),
        "name": user.name,
        "deleted": user.deleted,
    }));
    if !user.deleted {
        let place = json!({
            "color": color(&user.id), "real_name": user.real_name, "tz": user.tz, "tz_label": label, "tz_offset": offset,
        });
        value.extend(object(place));
    }
    value.insert("profile".to_owned(), Value::Object(profile));
    if !user.deleted {
        let rights = json!({
            "is_admin": user.is_admin,
            "is_owner": user.is_admin,
            "is_primary_owner": user.id == crate::state::DEFAULT_USER,
            "is_restricted": false,
            "is_ultra_restricted": false,
        });
        value.extend(object(rights));
    }
    value.extend(object(json!({
        "is_bot": user.is_bot,
        "is_app_user": false,
        "updated": user.updated_at.seconds(),
    })));
    if !user.deleted {
        value.insert("is_email_confirmed".to_owned(), (!user.is_bot).into());
        value.insert("who_can_share_contact_card".to_owned(), "EVERYONE".into());
    }
    if locale {
        value.insert("locale".to_owned(), "en-US".into());
    }
    Value::Object(value)
}

/// A profile without `team`.
pub(crate) fn profile(user: &User) -> Map<String, Value> {
    let display = user.profile_text("display_name");
    let mut words = user.real_name.split_whitespace();
    let first = words.next().unwrap_or_default();
    let last = words.collect::<Vec<_>>().join(" ");
    let hash: String = hex_id(&user.id).chars().take(12).collect();
    let mut profile = object(json!({
        "title": "",
        "phone": "",
        "skype": "",
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": display,
        "display_name_normalized": display,
        "fields": {},
        "status_text": "",
        "status_emoji": "",
        "status_emoji_display_info": [],
        "status_expiration": 0,
        "avatar_hash": hash,
    }));
    if user.is_bot {
        profile.insert("api_app_id".to_owned(), APP.into());
        profile.insert("always_active".to_owned(), true.into());
        profile.insert("bot_id".to_owned(), user.bot_id().into());
    }
    profile.insert("first_name".to_owned(), first.into());
    profile.insert("last_name".to_owned(), last.into());
    for size in [24, 32, 48, 72, 192, 512] {
        profile.insert(format!("image_{size}"), avatar(&hash, size).into());
    }
    profile.insert("status_text_canonical".to_owned(), "".into());
    profile.extend(user.profile.clone());
    if let Some(email) = &user.email {
        profile.insert("email".to_owned(), email.clone().into());
    }
    profile
}

fn avatar(hash: &str, size: u32) -> String {
    format!("https://secure.gravatar.com/avatar/{hash}.jpg?s={size}&d=identicon")
}

/// The bot behind a bot user, as messages show it.
pub(crate) fn bot_profile(state: &State, user: &User) -> Value {
    json!({
        "id": user.bot_id(),
        "deleted": user.deleted,
        "name": if user.real_name.is_empty() { &user.name } else { &user.real_name },
        "updated": user.updated_at.seconds(),
        "app_id": APP,
        "user_id": user.id,
        "icons": icons(),
        "team_id": team_id(state),
    })
}

/// The bot as `bots.info` shows it.
pub(crate) fn bot(user: &User) -> Value {
    json!({
        "id": user.bot_id(),
        "deleted": user.deleted,
        "name": if user.real_name.is_empty() { &user.name } else { &user.real_name },
        "updated": user.updated_at.seconds(),
        "app_id": APP,
        "user_id": user.id,
        "icons": icons(),
    })
}

fn icons() -> Value {
    let icon = |size: u32| format!("https://a.slack-edge.com/80588/img/plugins/app/bot_{size}.png");
    json!({ "image_36": icon(36), "image_48": icon(48), "image_72": icon(72) })
}
