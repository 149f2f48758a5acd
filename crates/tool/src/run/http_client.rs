use super::{
    ToolEnvironment,
    http_request::{HttpRequest, HttpRequestConfigError, url},
    subprocess::milliseconds,
};
use serde_json::{Map, Value, json};
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use ureq::{
    Agent, Body, Proxy, Timeout,
    http::{
        Method, Request, Response, StatusCode, Uri,
        header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION},
        uri::PathAndQuery,
    },
    tls::{RootCerts, TlsConfig},
};

/// How much of an answer is read, in bytes.
const MAX_BODY: u64 = 64 * 1024 * 1024;

/// How often an answer may lead elsewhere.
const MAX_REDIRECTS: u32 = 10;

/// What a server answered.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpResponse {
    /// The status code.
    pub status_code: u16,
    /// The headers; of several with one name the values stand together, with commas between them.
    pub headers: Map<String, Value>,
    /// The body: what it means where it is JSON, else its text.
    pub body: Value,
    /// How long it took, all attempts together.
    pub duration: Duration,
}

impl HttpResponse {
    /// Whether the server says that it went well.
    pub fn success(&self) -> bool {
        (200..300).contains(&self.status_code)
    }

    /// The result as others read it.
    pub fn to_json(&self) -> Value {
        json!({
            "success": self.success(),
            "status_code": self.status_code,
            "headers": self.headers,
            "body": self.body,
            "duration_ms": milliseconds(self.duration),
        })
    }
}

/// Says why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    /// The exchange failed.
    #[error("{method} {host} failed: {source}")]
    Exchange {
        /// The method.
        method: Method,
        /// With whom.
        host: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// The answers lead elsewhere again and again.
    #[error("{0} redirects more than {MAX_REDIRECTS} times")]
    Redirects(String),
    /// An answer leads to something that is no address.
    #[error(transparent)]
    Target(#[from] HttpRequestConfigError),
}

impl HttpClientError {
    /// Whether the answer took longer than it may.
    pub fn timed_out(&self) -> bool {
        matches!(self, Self::Exchange { source, .. } if matches!(**source, ureq::Error::Timeout(_)))
    }
}

/// Sends a request, again where its config says so, and reads the answer.
pub(super) fn exchange(
    request: &HttpRequest,
    environment: &ToolEnvironment,
) -> Result<HttpResponse, HttpClientError> {
    let began = Instant::now();
    let mut pause = request.retry.backoff;
    let mut left = request.retry.attempts;
    loop {
        left = left.saturating_sub(1);
        let answer = follow(request.clone(), environment);
        let again = match &answer {
            Ok(answer) => matches!(answer.status_code, 429 | 502 | 503 | 504),
            Err(HttpClientError::Exchange { source, .. }) => no_connection(source),
            Err(_) => false,
        };
        if !again || left == 0 {
            return answer.map(|it| HttpResponse { duration: began.elapsed(), ..it });
        }
        thread::sleep(pause);
        pause = pause.saturating_mul(2);
    }
}

/// Whether nothing was sent yet.
fn no_connection(error: &ureq::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => true,
        ureq::Error::Timeout(at) => matches!(at, Timeout::Resolve | Timeout::Connect),
        ureq::Error::Io(error) => {
            matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
        }
        _ => false,
    }
}

/// Sends a request and goes where the answers lead. A host that was not named in the config gets none of its
/// headers that could be secret.
fn follow(
    mut request: HttpRequest,
    environment: &ToolEnvironment,
) -> Result<HttpResponse, HttpClientError> {
    let began = Instant::now();
    let host = request.url.host().unwrap_or_default().to_owned();
    for _ in 0..=MAX_REDIRECTS {
        let left = request.timeout.saturating_sub(began.elapsed());
        let agent = agent(&request, left.max(Duration::from_millis(1)), environment);
        let failed = |source| HttpClientError::Exchange {
            method: request.method.clone(),
            host: request.url.host().unwrap_or_default().to_owned(),
            source: Box::new(source),
        };
        let answer = send(&agent, &request).map_err(failed)?;
        match target(&answer) {
            Some(target) => request = redirected(request, answer.status(), &target)?,
            None => return read(answer).map_err(failed),
        }
    }
    Err(HttpClientError::Redirects(host))
}

fn agent(request: &HttpRequest, timeout: Duration, environment: &ToolEnvironment) -> Agent {
    // The certificates that the system trusts, so that an administrator's own authority counts.
    let cryptography = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(cryptography)
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .proxy(proxy(&request.url, environment))
        .timeout_global(Some(timeout))
        .user_agent(concat!("lokt/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

/// The proxy that the tool's environment names. `HTTP_PROXY` in capitals does not count, as with curl: a
/// web server sets it from a header of its caller.
fn proxy(url: &Uri, environment: &ToolEnvironment) -> Option<Proxy> {
    let names = match url.scheme_str() {
        Some("https") => ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        _ => ["http_proxy", "http_proxy", "all_proxy", "ALL_PROXY"],
    };
    let set = |names: &[&str]| {
        let mut values = names.iter().filter_map(|name| environment.get(name)?.to_str());
        values.find(|value| !value.is_empty()).map(str::to_owned)
    };
    let parsed = Proxy::new(&set(&names)?).ok()?;
    let mut proxy = Proxy::builder(parsed.protocol()).host(parsed.host()).port(parsed.port());
    if let (Some(user), Some(password)) = (parsed.username(), parsed.password()) {
        proxy = proxy.username(user).password(password);
    }
    for host in set(&["no_proxy", "NO_PROXY"]).unwrap_or_default().split(',') {
        proxy = if host.trim().is_empty() { proxy } else { proxy.no_proxy(host.trim()) };
    }
    proxy.build().ok()
}

fn send(agent: &Agent, request: &HttpRequest) -> Result<Response<Body>, ureq::Error> {
    let mut head = Request::builder().method(&request.method).uri(&request.url);
    for (name, value) in &request.headers {
        head = head.header(name, value);
    }
    match &request.body {
        Some(body) => agent.run(head.body(body)?),
        None => agent.run(head.body(())?),
    }
}

fn target(answer: &Response<Body>) -> Option<String> {
    let redirects = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = answer.headers().get(LOCATION).filter(|_| redirects)?;
    location.to_str().ok().map(str::to_owned)
}

/// The request that an answer leads to (RFC 9110, section 15.4).
fn redirected(
    mut request: HttpRequest,
    status: StatusCode,
    target: &str,
) -> Result<HttpRequest, HttpClientError> {
    let target = resolved(&request.url, target)?;
    let origin = |url: &Uri| {
        let scheme = url.scheme_str().map(str::to_owned);
        let standard = if scheme.as_deref() == Some("https") { 443 } else { 80 };
        let host = url.host().map(str::to_ascii_lowercase);
        (scheme, host, url.port_u16().unwrap_or(standard))
    };
    if origin(&target) != origin(&request.url) {
        request = request.for_a_stranger();
    }
    request.url = target;
    let was_post = request.method == Method::POST;
    let becomes_get = match status.as_u16() {
        301 | 302 => was_post,
        303 => request.method != Method::HEAD,
        _ => false,
    };
    if becomes_get {
        request.method = Method::GET;
        request.body = None;
        request.headers.remove(CONTENT_TYPE);
        request.headers.remove(CONTENT_LENGTH);
    }
    Ok(request)
}

/// Where a `Location` leads from an address (RFC 3986, section 5.2, without dot segments, which servers
/// understand).
fn resolved(from: &Uri, location: &str) -> Result<Uri, HttpRequestConfigError> {
    let location = location.split('#').next().unwrap_or_default();
    let scheme = from.scheme_str().unwrap_or_default();
    let host = from.authority().map_or("", |it| it.as_str());
    let path = from.path_and_query().map_or("/", PathAndQuery::path);
    let has_scheme = location.split(['/', '?']).next().is_some_and(|first| first.contains(':'));
    if has_scheme {
        url(location)
    } else if location.starts_with("//") {
        url(&format!("{scheme}:{location}"))
    } else if location.starts_with('/') {
        url(&format!("{scheme}://{host}{location}"))
    } else if location.is_empty() || location.starts_with('?') {
        url(&format!("{scheme}://{host}{path}{location}"))
    } else {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        url(&format!("{scheme}://{host}{folder}/{location}"))
    }
}

fn read(mut answer: Response<Body>) -> Result<HttpResponse, ureq::Error> {
    let mut headers = Map::new();
    for name in answer.headers().keys() {
        let values = answer.headers().get_all(name).iter();
        let values: Vec<_> =
            values.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned()).collect();
        headers.insert(name.to_string(), values.join(", ").into());
    }
    let bytes = answer.body_mut().with_config().limit(MAX_BODY).read_to_vec()?;
    let body = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
    let status_code = answer.status().as_u16();
    Ok(HttpResponse { status_code, headers, body, duration: Duration::ZERO })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_locations() {
        let from: Uri = "https://x.test:1/a/b?q".parse().unwrap();
        for (location, expected) in [
            ("https://y.test/z#f", Some("https://y.test/z")),
            ("//y.test/z", Some("https://y.test/z")),
            ("/z?a=b:c", Some("https://x.test:1/z?a=b:c")),
            ("z", Some("https://x.test:1/a/z")),
            ("?z", Some("https://x.test:1/a/b?z")),
            ("file:///etc/passwd", None),
            ("javascript:1", None),
        ] {
            let found = resolved(&from, location).ok().map(|it| it.to_string());
            assert_eq!(found.as_deref(), expected, "{location}");
        }
    }

    #[test]
    fn a_proxy_comes_from_the_tools_environment() {
        let url: Uri = "https://x.test/".parse().unwrap();
        let mut environment = ToolEnvironment::default();
        assert!(proxy(&url, &environment).is_none());
        environment.set("HTTPS_PROXY", "http://u:p@proxy.test:8080");
        environment.set("NO_PROXY", "y.test, .z.test");
        let found = proxy(&url, &environment).unwrap();
        assert_eq!((found.host(), found.port()), ("proxy.test", 8080));
        assert!(found.is_no_proxy(&"https://y.test/".parse().unwrap()));
        assert!(!found.is_no_proxy(&url));
    }
}
