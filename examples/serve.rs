use batchflow::service::{Options, start};
use batchflow::wire::secret::Secret;
#[tokio::main]
async fn main() {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let mut a = std::env::args().skip(1);
    let dir = a.next().unwrap();
    let port: u16 = a.next().unwrap().parse().unwrap();
    let s = start(Options {
        state_dir: (dir != "-").then(|| dir.into()),
        batch_port: port,
        blob_port: if port == 0 { 0 } else { port + 1 },
        launcher_executable: std::env::current_exe()
            .unwrap()
            .parent()
            .unwrap()
            .parent()
            .unwrap()
            .join("batchflow"),
        account: "acct".into(),
        key: Some(Secret::new("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")),
    })
    .await;
    let s = match s {
        Ok(s) => s,
        Err(e) => {
            eprintln!("error: {e}");
            let mut c = std::error::Error::source(&e);
            while let Some(x) = c {
                eprintln!("  {x}");
                c = x.source();
            }
            std::process::exit(1)
        }
    };
    println!("{}\n{}", s.batch_endpoint(), s.blob_endpoint());
    tokio::signal::ctrl_c().await.unwrap();
    s.stop().await;
    println!("stopped");
}
