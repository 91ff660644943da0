//! Hosting Python projects: upload, simple index and files, for the real uv, twine, maturin and pip.
//!
//! | request | what it does |
//! |---|---|
//! | `POST /legacy/` | uploads one file |
//! | `GET /simple/` | the projects, as HTML or JSON |
//! | `GET /simple/{project}/` | a project's files, as HTML or JSON |
//! | `GET /pypi/files/{file}` | a file |
//! | `GET /integrity/{project}/{version}/{file}/provenance` | a file's attestations, and whose they are (PEP 740) |
//!
//! Sources: docs.pypi.org, "Upload API"; packaging.python.org, "Simple repository API".

mod attestations;
mod core_metadata;
mod distribution;
mod invalid_package;
mod licence;
mod marker;
mod packed;
mod requirement;
mod rules;
mod simple;
mod upload;
mod values;
mod wheel;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart, Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use oidc_exchange::pypi::{InvalidProjectName, ProjectName};

use self::attestations::INTEGRITY;
use self::distribution::{Distribution, canonical};
use self::upload::Form;
use super::failure::Failure;
use super::hosting::Hosting;
use super::intake::{MAX_UPLOAD, blocking};
use super::metered::Meter;
use super::unsupported::Operation;

/// PyPI's JSON and XML-RPC APIs.
static API: Operation = Operation {
    what: "this operation of PyPI's API",
    instead: "projects and their files are looked up in the simple index",
    needs_token: false,
};

/// A name as the stores have it, the same for all its spellings.
pub(super) fn normalized(name: &str) -> Result<String, InvalidProjectName> {
    ProjectName::parse(name).map(|name| name.normalized())
}

/// The Python half of a registry.
#[derive(Clone)]
struct Pypi {
    hosting: Hosting,
    public_url: String,
}

/// The routes, to be merged at a registry's root or nested under a prefix. `public_url` is where clients reach it.
pub(super) fn router(hosting: Hosting, public_url: &str) -> Router {
    let public_url = public_url.trim_end_matches('/').to_owned();
    Router::new()
        .route("/legacy/", post(upload))
        .route("/legacy", post(upload))
        .layer(DefaultBodyLimit::max(MAX_UPLOAD))
        .route("/simple/", get(projects).post(misdirected))
        .route("/simple", get(projects).post(misdirected))
        .route("/simple/{name}/", get(project).post(misdirected))
        .route("/simple/{name}", get(project).post(misdirected))
        .route("/pypi/files/{file}", get(file))
        .route("/integrity/{project}/{version}/{file}/provenance", get(provenance))
        .route("/pypi", any(unsupported))
        .route("/pypi/{*path}", any(unsupported))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Pypi { hosting, public_url })
}

async fn upload(State(pypi): State<Pypi>, request: Request) -> Response {
    pypi.upload(request).await.unwrap_or_else(Failure::text_and_reason)
}

async fn projects(State(pypi): State<Pypi>, headers: HeaderMap) -> Response {
    simple::projects(&pypi.hosting, &headers)
}

async fn project(State(pypi): State<Pypi>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    answered(pypi.project(&name, &headers).await)
}

async fn file(State(pypi): State<Pypi>, Path(file): Path<String>) -> Response {
    let content = pypi.hosting.content(&file).await;
    answered(content.map(|content| ([(CONTENT_TYPE, "application/octet-stream")], content).into_response()))
}

async fn provenance(
    State(pypi): State<Pypi>,
    Path((project, version, file)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    answered(pypi.provenance(&project, &version, &file, &headers).await)
}

async fn unsupported(State(pypi): State<Pypi>, method: Method, headers: HeaderMap) -> Response {
    pypi.hosting.refuse(&API, &method, &headers).await.text_and_reason()
}

async fn method_not_allowed(State(pypi): State<Pypi>, method: Method, headers: HeaderMap) -> Response {
    pypi.hosting.refuse_method(&method, &headers).await.text_and_reason()
}

/// An upload to the index, whose URL is easily taken for that of the uploads.
async fn misdirected(State(pypi): State<Pypi>) -> Response {
    let message = format!("files are not uploaded to the index; upload them to {}/legacy/", pypi.public_url);
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, message).allowing("GET, HEAD").text_and_reason()
}

/// Clients show a refusal's text as it is.
fn answered(answer: Result<Response, Failure>) -> Response {
    answer.unwrap_or_else(Failure::text)
}

impl Pypi {
    async fn upload(&self, request: Request) -> Result<Response, Failure> {
        let by = self.hosting.admit(request.headers()).await?;
        let (spool, meter) = (self.hosting.spool(&by).await?, Meter::default());
        let form = Multipart::from_request(request.map(|body| meter.of(body)), &()).await;
        let form = form.map_err(|rejection| Failure::malformed(rejection.to_string()))?;
        let form = Form::read(form, &meter, &self.hosting, &by.token, spool).await?;
        let upload = blocking(move || form.into_upload()).await??;
        self.hosting.publish(Some(&by.token), upload).await?;
        Ok("OK".into_response())
    }

    async fn provenance(
        &self,
        project: &str,
        version: &str,
        file: &str,
        headers: &HeaderMap,
    ) -> Result<Response, Failure> {
        if !self.hosting.keeps_provenance() {
            return Err(Failure::new(StatusCode::FORBIDDEN, "this registry keeps no attestations"));
        }
        if !attestations::is_acceptable(headers) {
            let message = format!("provenance is served as {INTEGRITY} only");
            return Err(Failure::new(StatusCode::NOT_ACCEPTABLE, message));
        }
        let distribution = Distribution::parse(file);
        let is_there = distribution.is_some_and(|distribution| {
            normalized(project).is_ok_and(|project| project == distribution.project)
                && canonical(version).is_some_and(|version| version == distribution.version)
        });
        let document = if is_there {
            self.hosting.provenance_of(file).await?
        } else {
            return Err(Failure::not_found(file));
        };
        Ok(([(CONTENT_TYPE, INTEGRITY)], document).into_response())
    }

    async fn project(&self, name: &str, headers: &HeaderMap) -> Result<Response, Failure> {
        let project = normalized(name).map_err(|error| Failure::malformed(error.to_string()))?;
        if project != name {
            return Ok(Redirect::permanent(&format!("{}/simple/{project}/", self.public_url)).into_response());
        }
        simple::project(&self.hosting, &project, &self.public_url, headers).await
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;
    use std::sync::Arc;

    use async_trait::async_trait;
    use axum::body::{Body, Bytes};
    use axum::http::header::AUTHORIZATION;
    use http_body_util::channel::Channel;
    use oidc_core::Context;
    use tower::ServiceExt as _;

    use super::*;
    use crate::authorize::{Action, Authorize, Denied, Principal};
    use crate::database;
    use crate::intake::Intake;

    struct Anybody;

    #[async_trait]
    impl Authorize for Anybody {
        async fn authorize(&self, _: Option<&str>, _: &str, _: Action) -> Result<Principal, Denied> {
            Ok(Principal::Admin)
        }

        async fn recognise(&self, token: &str) -> Result<String, Denied> {
            Ok(token.to_owned())
        }
    }

    fn form(body: Body) -> Request {
        let form = Request::post("/legacy/").header(AUTHORIZATION, "a-token");
        form.header(CONTENT_TYPE, "multipart/form-data; boundary=b").body(body).unwrap()
    }

    /// The routes over an empty database in a folder, whose clock stands still.
    async fn routes(folder: &Path, intake: Intake) -> Router {
        let database = database::open(&format!("sqlite:{}/registry.db", folder.display())).await.unwrap();
        let hosting = Hosting::new("pypi", database, Arc::new(Anybody), intake, Context::default());
        tokio::time::pause();
        router(hosting, "https://registry.example")
    }

    #[tokio::test]
    async fn the_file_of_a_form_takes_no_memory_while_the_rest_arrives() {
        let folder = tempfile::tempdir().unwrap();
        let intake = Intake::new(8, 1);
        let router = routes(folder.path(), intake.clone()).await;
        let (mut sender, body) = Channel::<Bytes, io::Error>::new(1);
        let answer = tokio::spawn(router.oneshot(form(Body::new(body))));
        let head = "content-disposition: form-data; name=";
        for piece in [
            format!("--b\r\n{head}\":action\"\r\n\r\nfile_upload\r\n--b\r\n{head}\"name\"\r\n\r\nwidget\r\n"),
            format!(
                "--b\r\n{head}\"content\"; filename=\"widget-1.0.tar.gz\"\r\n\r\n{}",
                "x".repeat(1 << 20)
            ),
            format!("\r\n--b\r\n{head}\"description\"\r\n\r\n"),
            "much ".repeat(100),
            "more ".repeat(100),
            "to come".to_owned(),
        ] {
            sender.send_data(Bytes::from(piece)).await.unwrap();
        }
        let whole = intake.begin("another").await.unwrap().finish().await.unwrap().load(usize::MAX).await;
        assert!(whole.is_ok(), "{whole:?}");
        drop((whole, sender));
        assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn others_have_their_turn_while_a_form_of_many_fields_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let router = routes(folder.path(), Intake::new(1, 1)).await;
        let (mut sender, body) = Channel::<Bytes, io::Error>::new(1);
        let answer = tokio::spawn(router.oneshot(form(Body::new(body))));
        let field =
            |name: &str| format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\nA :: B\r\n");
        // The second piece fits when the form is being read.
        for _ in 0..2 {
            sender.send_data(Bytes::from(field("classifiers"))).await.unwrap();
        }
        let (many, refused) = (field("classifiers").repeat(3_900), field("gpg_signature"));
        sender.send_data(Bytes::from(format!("{many}{refused}--b--\r\n"))).await.unwrap();
        let mut turns = 0;
        while !answer.is_finished() {
            turns += 1;
            tokio::task::yield_now().await;
        }
        assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::FORBIDDEN);
        assert!(turns > 20, "{turns}");
    }

    #[tokio::test]
    async fn a_form_waits_for_room_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let router = routes(folder.path(), Intake::new(1, 1)).await;
        let (mut sender, body) = Channel::<Bytes, io::Error>::new(1);
        let first = tokio::spawn(router.clone().oneshot(form(Body::new(body))));
        // The second piece fits when the first was taken.
        for _ in 0..2 {
            sender.send_data(Bytes::from("--b\r\n")).await.unwrap();
        }
        let second = router.clone().oneshot(form(Body::from("--b--\r\n"))).await.unwrap();
        assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(sender);
        assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::BAD_REQUEST);
        let third = router.oneshot(form(Body::from("--b--\r\n"))).await.unwrap();
        assert_eq!(third.status(), StatusCode::BAD_REQUEST);
    }
}
