use rememo::memo;

#[memo]
async fn fetch(page: u32) -> String {
    page.to_string()
}

fn main() {}
