use super::{
    environment::scalar_text,
    fields::{ToolConfigError, ToolConfigFieldReader, bytes_of},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use std::time::Duration;
use ureq::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri,
    header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};

/// How long a request may take, unless its config says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A request as a config describes it, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct HttpRequest {
    pub(super) method: Method,
    pub(super) url: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    pub(super) timeout: Duration,
    pub(super) retry: HttpRetryPolicy,
}

/// How often a request is sent, and how long to wait before the second time; then twice as long each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HttpRetryPolicy {
    pub(super) attempts: u32,
    pub(super) backoff: Duration,
}

/// Says why a config describes no request that could be sent.
#[derive(Debug, thiserror::Error)]
pub enum HttpRequestConfigError {
    /// A key is wrong.
    #[error(transparent)]
    Config(#[from] ToolConfigError),
    /// The address is no web address.
    #[error("url {url:?} is no http or https address{}", why.as_ref().map(|it| format!(": {it}")).unwrap_or_default())]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it, as far as it is known.
        why: Option<String>,
    },
}

impl HttpRequest {
    /// Reads a config whose templates are filled in.
    pub(super) fn new(config: &Map<String, Value>) -> Result<Self, HttpRequestConfigError> {
        let fields = ToolConfigFieldReader { place: "", object: config };
        let method = fields.text("method")?.unwrap_or("GET").to_ascii_uppercase();
        let url = url(fields.text("url")?.ok_or(ToolConfigError::Missing("url"))?)?;
        let mut headers = HeaderMap::new();
        for (name, value) in fields.object("headers")?.into_iter().flatten() {
            let text = scalar_text(value).ok_or_else(|| {
                fields.wrong(&format!("headers.{name}"), "a text, a number or a boolean", value)
            })?;
            let (name, value) = header(("headers.", name), &text)?;
            headers.insert(name, value);
        }
        let body = fields.get("body");
        if body.is_some_and(|body| !body.is_string()) && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(object) = fields.object("auth")? {
            let (name, mut value) =
                authorization(ToolConfigFieldReader { place: "auth.", object })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let wrong = |expected, found: &str| ToolConfigError::Value {
            place: "method".to_owned(),
            expected,
            found: format!("{found:?}"),
        };
        Ok(Self {
            method: method.parse().map_err(|_| wrong("an HTTP method", &method))?,
            url,
            headers,
            body: body.map(bytes_of),
            timeout: fields.seconds("timeout")?.unwrap_or(TIMEOUT),
            retry: retry(fields)?,
        })
    }

    /// The same request without anything that may be a secret of the first host: only headers that say
    /// nothing about the caller are kept.
    pub(super) fn for_a_stranger(mut self) -> Self {
        let known = [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT];
        let kept = self.headers.iter().filter(|(name, _)| known.contains(name));
        self.headers = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        self
    }
}

/// Reads an address of the web.
pub(super) fn url(text: &str) -> Result<Uri, HttpRequestConfigError> {
    let wrong = |why: Option<String>| HttpRequestConfigError::Url { url: text.to_owned(), why };
    let uri: Uri = text.parse().map_err(|error| wrong(Some(format!("{error}"))))?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    if is_web && has_host { Ok(uri) } else { Err(wrong(None)) }
}

fn header(
    (place, name): (&'static str, &str),
    value: &str,
) -> Result<(HeaderName, HeaderValue), ToolConfigError> {
    let wrong = |expected, found: &str| ToolConfigError::Value {
        place: format!("{place}{name}"),
        expected,
        found: found.to_owned(),
    };
    let parsed_name = HeaderName::try_from(name).map_err(|_| wrong("a header", "its name"))?;
    // What the value is stays unsaid: it may be a secret.
    let value = HeaderValue::try_from(value)
        .map_err(|_| wrong("a text of one line", "a text with control characters"))?;
    Ok((parsed_name, value))
}

fn authorization(
    auth: ToolConfigFieldReader<'_>,
) -> Result<(HeaderName, HeaderValue), HttpRequestConfigError> {
    let need = |key: &'static str, name| auth.text(key)?.ok_or(ToolConfigError::Missing(name));
    match need("type", "auth.type")? {
        "bearer" => {
            let token = need("token", "auth.token")?;
            Ok(header(("auth.", AUTHORIZATION.as_str()), &format!("Bearer {token}"))?)
        }
        "basic" => {
            let user = need("username", "auth.username")?;
            let password = auth.text("password")?.unwrap_or_default();
            let both = STANDARD.encode(format!("{user}:{password}"));
            Ok(header(("auth.", AUTHORIZATION.as_str()), &format!("Basic {both}"))?)
        }
        "api_key" => {
            let name = auth.text("header")?.unwrap_or("X-API-Key");
            Ok(header(("auth.", name), need("key", "auth.key")?)?)
        }
        other => Err(ToolConfigError::Value {
            place: "auth.type".to_owned(),
            expected: "bearer, basic or api_key",
            found: format!("{other:?}"),
        }
        .into()),
    }
}

fn retry(fields: ToolConfigFieldReader<'_>) -> Result<HttpRetryPolicy, ToolConfigError> {
    let Some(object) = fields.object("retry")? else {
        return Ok(HttpRetryPolicy { attempts: 1, backoff: Duration::ZERO });
    };
    let retry = ToolConfigFieldReader { place: "retry.", object };
    let attempts = match retry.get("max_attempts").or_else(|| retry.get("attempts")) {
        None => 1,
        Some(value) => {
            let number = value.as_u64().and_then(|it| u32::try_from(it).ok());
            number.filter(|it| (1..=100).contains(it)).ok_or_else(|| ToolConfigError::Value {
                place: "retry.attempts".to_owned(),
                expected: "a number from 1 to 100",
                found: value.to_string(),
            })?
        }
    };
    Ok(HttpRetryPolicy {
        attempts,
        backoff: retry.seconds("backoff")?.unwrap_or(Duration::from_secs(1)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(config: &Value) -> Result<HttpRequest, HttpRequestConfigError> {
        HttpRequest::new(config.as_object().unwrap())
    }

    #[test]
    fn a_config_becomes_a_request() {
        let request = read(&json!({
            "method": "post", "url": "https://x.test/a?b=c", "headers": {"X-N": 1},
            "body": {"a": [1]}, "timeout": 2, "retry": {"attempts": 3, "backoff": 0.5},
            "auth": {"type": "basic", "username": "u", "password": "p"},
        }))
        .unwrap();
        assert_eq!(request.method, Method::POST);
        assert_eq!(request.body.as_deref(), Some(br#"{"a":[1]}"#.as_slice()));
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.headers["authorization"], "Basic dTpw");
        assert_eq!(request.headers["x-n"], "1");
        assert_eq!(
            request.retry,
            HttpRetryPolicy { attempts: 3, backoff: Duration::from_millis(500) }
        );
        assert!(!format!("{request:?}").contains("dTpw"), "a secret is not shown");
        let stranger = request.for_a_stranger();
        assert_eq!(stranger.headers.len(), 1, "only the type of the body is told to others");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_before_the_start() {
        let url = "http://x.test";
        for (config, expected) in [
            (json!({}), "the config has no url"),
            (json!({"url": "ftp://x.test"}), "is no http or https address"),
            (json!({"url": "file:///etc/passwd"}), "is no http or https address"),
            (json!({"url": "/x"}), "is no http or https address"),
            (json!({"url": url, "method": "G E T"}), "method must be an HTTP method"),
            (json!({"url": url, "headers": {"a b": "x"}}), "headers.a b must be a header"),
            (json!({"url": url, "headers": {"a": "x\r\nb: y"}}), "must be a text of one line"),
            (json!({"url": url, "auth": {"type": "x"}}), "auth.type must be bearer, basic"),
            (json!({"url": url, "auth": {"type": "bearer"}}), "the config has no auth.token"),
            (json!({"url": url, "retry": {"attempts": 0}}), "retry.attempts must be"),
            (json!({"url": url, "timeout": -1}), "timeout must be"),
        ] {
            let message = read(&config).unwrap_err().to_string();
            assert!(message.contains(expected), "{config}: {message}");
        }
    }
}
