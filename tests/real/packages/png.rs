//@ png = "=0.18.1"

use std::io::Cursor;

use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Filter, Transformations};

fn pixels(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    (0..count).map(|at| (at as u64 * 3 + next(&mut state) % 9) as u8).collect()
}

fn encoded(
    seed: u64,
    color: ColorType,
    depth: BitDepth,
    settings: impl Fn(&mut Encoder<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let (width, height) = (23, 17);
    let bits = color.samples() * depth as usize;
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    settings(&mut encoder);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels(seed, (width as usize * bits).div_ceil(8) * height as usize)).unwrap();
    writer.finish().unwrap();
    file
}

fn decoded(file: &[u8], transformations: Transformations) -> Vec<u8> {
    let mut decoder = Decoder::new(Cursor::new(file));
    decoder.set_transformations(transformations);
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut data).unwrap();
    data.truncate(info.buffer_size());
    data
}

#[memo]
fn plain(seed: u64) -> Vec<u8> {
    encoded(seed, ColorType::Rgb, BitDepth::Eight, |_| ())
}

#[memo]
fn filtered(seed: u64) -> Vec<u8> {
    encoded(seed, ColorType::Grayscale, BitDepth::Eight, |encoder| encoder.set_filter(Filter::Paeth))
}

#[memo]
fn fast(seed: u64) -> Vec<u8> {
    encoded(seed, ColorType::Rgba, BitDepth::Eight, |encoder| encoder.set_compression(Compression::Fast))
}

#[memo]
fn there_and_back(seed: u64) -> Vec<u8> {
    decoded(&encoded(seed, ColorType::Rgb, BitDepth::Eight, |_| ()), Transformations::IDENTITY)
}

#[memo]
fn of_few_bits(seed: u64) -> Vec<u8> {
    decoded(&encoded(seed, ColorType::Grayscale, BitDepth::Two, |_| ()), Transformations::EXPAND)
}

#[memo]
fn of_many_bits(seed: u64) -> Vec<u8> {
    decoded(&encoded(seed, ColorType::GrayscaleAlpha, BitDepth::Sixteen, |_| ()), Transformations::STRIP_16)
}

#[memo]
fn with_palette(seed: u64) -> Vec<u8> {
    let file = encoded(seed, ColorType::Indexed, BitDepth::Four, |encoder| {
        encoder.set_palette((0..48).collect::<Vec<u8>>());
        encoder.set_trns(vec![0, 100, 200]);
    });
    decoded(&file, Transformations::EXPAND)
}

#[memo]
fn with_texts(seed: u64) -> String {
    let file = encoded(seed, ColorType::Grayscale, BitDepth::Eight, |encoder| {
        encoder.add_text_chunk("Title".to_owned(), format!("number {seed}")).unwrap();
        encoder.add_ztxt_chunk("Comment".to_owned(), "long ".repeat(40)).unwrap();
    });
    let reader = Decoder::new(Cursor::new(&*file)).read_info().unwrap();
    format!("{:?}", reader.info().uncompressed_latin1_text)
}

#[memo]
fn damaged(seed: u64) -> String {
    let mut file = encoded(seed, ColorType::Rgb, BitDepth::Eight, |_| ());
    let at = 40 + seed as usize;
    file[at] ^= 0x55;
    let read = |file: &[u8]| {
        let mut reader = Decoder::new(Cursor::new(file)).read_info()?;
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut data).map(|info| info.line_size)
    };
    format!(
        "{:?} {:?}",
        read(&file).map_err(|it| it.to_string()),
        read(&file[..30]).map_err(|it| it.to_string())
    )
}
