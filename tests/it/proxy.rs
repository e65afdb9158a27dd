//! A server on loopback that answers by itself, passes requests on, changes them on the way, or fails in the ways a
//! network fails.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What becomes of a request.
pub(crate) enum Fate {
    Pass(Request<Bytes>),
    Answer(Response<Bytes>),
    /// The connection ends before the service hears of it.
    LostRequest,
    /// The service does it, and the connection ends.
    LostAnswer(Request<Bytes>),
    /// The service does it, and the connection ends within the answer.
    HalfAnswer(Request<Bytes>),
    /// There is never an answer.
    Silence,
    /// The answer comes after a while.
    Slow(Request<Bytes>, Duration),
}

type Decide = dyn Fn(Request<Bytes>) -> Fate + Send + Sync;
type Body = BoxBody<Bytes, std::io::Error>;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Passes on to one place.
struct Way {
    upstream: String,
    /// This proxy, to which the links in answers lead.
    own: String,
    http: reqwest::Client,
    decide: Box<Decide>,
}

impl Proxy {
    /// In front of `upstream`, an origin such as `http://127.0.0.1:1`.
    pub(crate) async fn start(
        upstream: &str,
        tls: Option<TlsAcceptor>,
        decide: impl Fn(Request<Bytes>) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let http = reqwest::Client::builder().no_proxy();
        let http = http.redirect(reqwest::redirect::Policy::none());
        let way = Arc::new(Way {
            upstream: upstream.to_owned(),
            own: format!("http://{address}"),
            http: http.build().unwrap(),
            decide: Box::new(decide),
        });
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (way, tls) = (way.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => way.serve(stream).await,
                        // A client that does not trust us goes away.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                way.serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, accepting }
    }

    pub(crate) fn http(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn https(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }
}

impl Way {
    async fn serve(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = service_fn(move |request| {
            let way = self.clone();
            async move { way.answer(request).await }
        });
        // A connection that we break is meant to.
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    /// An error ends the connection without a word.
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, std::io::Error> {
        let broken = || Err(std::io::Error::other("broken on purpose"));
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return broken();
        };
        match (self.decide)(Request::from_parts(head, body.to_bytes())) {
            Fate::Pass(request) => Ok(whole(self.forward(request).await)),
            Fate::Answer(answer) => Ok(whole(answer)),
            Fate::LostRequest => broken(),
            Fate::Silence => std::future::pending().await,
            Fate::LostAnswer(request) => {
                self.forward(request).await;
                broken()
            }
            Fate::HalfAnswer(request) => Ok(half(self.forward(request).await)),
            Fate::Slow(request, pause) => {
                let answer = self.forward(request).await;
                tokio::time::sleep(pause).await;
                Ok(whole(answer))
            }
        }
    }

    async fn forward(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().unwrap();
        let url = format!("{}{target}", self.upstream);
        let mut headers = head.headers;
        headers.remove(TRANSFER_ENCODING);
        let sent = self.http.request(head.method, url).headers(headers);
        let answer = sent.body(body).send().await.unwrap();
        let mut response = Response::builder().status(answer.status());
        *response.headers_mut().unwrap() = answer.headers().clone();
        let body = answer.bytes().await.unwrap();
        match std::str::from_utf8(&body) {
            Ok(text) if text.contains("odata.nextLink") => {
                let text = text.replace(&self.upstream, &self.own);
                response.headers_mut().unwrap().remove(CONTENT_LENGTH);
                response.body(text.into()).unwrap()
            }
            _ => response.body(body).unwrap(),
        }
    }
}

fn whole(answer: Response<Bytes>) -> Response<Body> {
    let (mut head, body) = answer.into_parts();
    head.headers.remove(TRANSFER_ENCODING);
    let never = |never: Infallible| match never {};
    Response::from_parts(head, Full::new(body).map_err(never).boxed())
}

/// As long as it says, but for its second half.
fn half(answer: Response<Bytes>) -> Response<Body> {
    let (mut head, body) = answer.into_parts();
    head.headers.remove(TRANSFER_ENCODING);
    head.headers.insert(CONTENT_LENGTH, (body.len() + 1).into());
    let first = Ok(Frame::data(body.slice(..body.len() / 2)));
    let end = Err(std::io::Error::other("broken on purpose"));
    let frames = futures::stream::iter([first, end]);
    Response::from_parts(head, BoxBody::new(StreamBody::new(frames)))
}
