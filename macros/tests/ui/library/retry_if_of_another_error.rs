use rememo::{Parallel, delayed};

fn main() {
    let parallel = Parallel::new().retries(3).retry_if(|error: &std::io::Error| error.raw_os_error().is_none());
    let _ = parallel.try_run([delayed(|| Err::<u32, String>("late".into()))]);
}
