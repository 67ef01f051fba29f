//! Who is signed in to the dashboard, in a cookie: the id of a key and a time, signed. And the token that every form carries, so
//! that no other site can send one.
//!
//! The cookie says only which key somebody had; whether that key still counts is asked of the database at every request.

use std::fmt;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite};
use ring::hmac;

use crate::ids::NoRandom;
use crate::secrets::Secrets;

/// How long somebody stays signed in.
const LIFE: i64 = 12 * 60 * 60 * 1000;

/// Signs and reads the cookies of the dashboard.
pub(crate) struct Cookies {
    key: hmac::Key,
    secure: bool,
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookies").field("secure", &self.secure).finish_non_exhaustive()
    }
}

/// What a page for somebody who is not signed in puts into its form.
#[derive(Debug)]
pub(crate) struct FormToken {
    /// Value of the hidden field.
    pub(crate) token: String,
    /// A `Set-Cookie` that has to go out with the page, unless the browser has the cookie already.
    pub(crate) set_cookie: Option<String>,
}

impl Cookies {
    /// Over `https://` the cookies are never sent in the clear, and no other host can plant them.
    pub(crate) fn new(secrets: &Secrets, public_url: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secrets.derive("dashboard"));
        Self { key, secure: public_url.starts_with("https://") }
    }

    /// The `Set-Cookie` that signs in with a key.
    pub(crate) fn sign_in(&self, key_id: &str, now: i64) -> String {
        let until = now + LIFE;
        let value = format!("{key_id}.{until}.{}", self.sign(&format!("key\n{key_id}\n{until}")));
        self.cookie("pome", &value, Some(LIFE))
    }

    /// The `Set-Cookie` that signs out.
    pub(crate) fn sign_out(&self) -> String {
        self.cookie("pome", "", Some(0))
    }

    /// The id of the key that a request is signed in with.
    pub(crate) fn key_id(&self, headers: &HeaderMap, now: i64) -> Option<String> {
        let value = self.value(headers, "pome")?;
        let (rest, signature) = value.rsplit_once('.')?;
        let (key_id, until) = rest.rsplit_once('.')?;
        let until: i64 = until.parse().ok()?;
        let genuine = self.is_signed(&format!("key\n{key_id}\n{until}"), signature);
        (genuine && now < until).then(|| key_id.to_owned())
    }

    /// The token of a form on a page for somebody who is signed in.
    pub(crate) fn signed_in_form(&self, headers: &HeaderMap) -> String {
        self.sign(&format!("form\n{}", self.value(headers, "pome").unwrap_or_default()))
    }

    /// The token of a form on a page for anybody.
    pub(crate) fn form(&self, headers: &HeaderMap) -> Result<FormToken, NoRandom> {
        let (nonce, set_cookie) = match self.value(headers, "pome_form") {
            Some(nonce) if !nonce.is_empty() => (nonce, None),
            _ => {
                let nonce = crate::ids::secret("")?;
                let set_cookie = self.cookie("pome_form", &nonce, None);
                (nonce, Some(set_cookie))
            }
        };
        Ok(FormToken { token: self.sign(&format!("form\n{nonce}")), set_cookie })
    }

    /// Whether a form that was sent is one of ours, sent by the browser that we gave it to.
    pub(crate) fn is_ours(&self, headers: &HeaderMap, token: &str) -> bool {
        ["pome", "pome_form"]
            .iter()
            .filter_map(|name| self.value(headers, name))
            .any(|value| !value.is_empty() && self.is_signed(&format!("form\n{value}"), token))
    }

    fn name(&self, name: &str) -> String {
        if self.secure { format!("__Host-{name}") } else { name.to_owned() }
    }

    fn cookie(&self, name: &str, value: &str, life: Option<i64>) -> String {
        let mut cookie = Cookie::new(self.name(name), value.to_owned());
        cookie.set_path("/");
        cookie.set_http_only(true);
        cookie.set_same_site(SameSite::Strict);
        cookie.set_secure(self.secure);
        if let Some(life) = life {
            cookie.set_max_age(cookie::time::Duration::milliseconds(life));
        }
        cookie.to_string()
    }

    fn value(&self, headers: &HeaderMap, name: &str) -> Option<String> {
        let name = self.name(name);
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .find(|cookie| cookie.name() == name)
            .map(|cookie| cookie.value().to_owned())
    }

    fn sign(&self, message: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, message.as_bytes()))
    }

    fn is_signed(&self, message: &str, signature: &str) -> bool {
        URL_SAFE_NO_PAD
            .decode(signature)
            .is_ok_and(|signature| hmac::verify(&self.key, message.as_bytes(), &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(public_url: &str) -> Cookies {
        Cookies::new(&Secrets::new("0123456789abcdef0123456789abcdef", "a test").unwrap(), public_url)
    }

    /// The headers of a browser that keeps what it was told.
    fn browser(set: &str) -> HeaderMap {
        let pair = set.split(';').next().unwrap();
        HeaderMap::from_iter([(header::COOKIE, format!("other=1; {pair}").parse().unwrap())])
    }

    #[test]
    fn a_cookie_holds_for_its_time_and_only_as_it_was_signed() {
        let cookies = cookies("http://127.0.0.1:8787");
        let set = cookies.sign_in("pme_a-_b1234", 1_000);
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/"), "{set}");
        assert!(!set.contains("Secure"), "{set}");
        assert_eq!(cookies.key_id(&browser(&set), 1_001), Some("pme_a-_b1234".to_owned()));
        assert_eq!(cookies.key_id(&browser(&set), 1_000 + LIFE), None);
        assert_eq!(cookies.key_id(&browser(&set.replace("pme_a", "pme_b")), 1_001), None);
        let until = (1_000 + LIFE).to_string();
        assert_eq!(cookies.key_id(&browser(&set.replace(&until, &format!("9{until}"))), 1_001), None);
        assert_eq!(cookies.key_id(&browser(&cookies.sign_out()), 1_001), None);
        assert_eq!(cookies.key_id(&HeaderMap::new(), 1_001), None);
        let other = Cookies::new(&Secrets::new("another-secret-another-secret-12", "a test").unwrap(), "http://x");
        assert_eq!(other.key_id(&browser(&set), 1_001), None);
    }

    #[test]
    fn over_https_a_cookie_is_bound_to_its_host() {
        let set = cookies("https://pome.example").sign_in("pme_12345678", 0);
        assert!(set.starts_with("__Host-pome=") && set.contains("Secure"), "{set}");
    }

    #[test]
    fn a_form_counts_only_in_the_browser_that_it_was_made_for() {
        let cookies = cookies("http://127.0.0.1:8787");
        let form = cookies.form(&HeaderMap::new()).unwrap();
        let mine = browser(form.set_cookie.as_deref().unwrap());
        assert!(cookies.is_ours(&mine, &form.token));
        assert!(cookies.form(&mine).unwrap().set_cookie.is_none());
        assert!(!cookies.is_ours(&mine, ""));
        assert!(!cookies.is_ours(&HeaderMap::new(), &form.token));
        let theirs = browser(cookies.form(&HeaderMap::new()).unwrap().set_cookie.as_deref().unwrap());
        assert!(!cookies.is_ours(&theirs, &form.token));

        let signed_in = browser(&cookies.sign_in("pme_12345678", 0));
        assert!(cookies.is_ours(&signed_in, &cookies.signed_in_form(&signed_in)));
        assert!(!cookies.is_ours(&signed_in, &form.token));
        // A form of somebody who is signed out is signed over nothing.
        assert!(!cookies.is_ours(&HeaderMap::new(), &cookies.signed_in_form(&HeaderMap::new())));
    }
}
