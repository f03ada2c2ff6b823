//@ nom = "=8.0.0"

use nom::branch::alt;
use nom::bytes::complete::{escaped_transform, is_not, tag, take, take_until, take_while_m_n};
use nom::character::complete::{alpha1, alphanumeric1, char, digit1, line_ending, multispace0, one_of};
use nom::combinator::{all_consuming, map, map_res, opt, recognize, value};
use nom::error::context;
use nom::multi::{fold_many0, length_data, many0, many1, separated_list0, separated_list1};
use nom::number::complete::{be_u16, be_u32, double, le_u16, u8 as byte};
use nom::sequence::{delimited, pair, preceded, separated_pair, terminated};
use nom::{IResult, Parser};

fn factor(input: &str) -> IResult<&str, i64> {
    let number = map_res(digit1, str::parse::<i64>);
    delimited(multispace0, alt((number, delimited(char('('), sum, char(')')))), multispace0).parse(input)
}

fn product(input: &str) -> IResult<&str, i64> {
    let (input, first) = factor(input)?;
    let step = |total: i64, (sign, next): (char, i64)| {
        if sign == '*' { total.wrapping_mul(next) } else { total / next.max(1) }
    };
    fold_many0(pair(one_of("*/"), factor), move || first, step).parse(input)
}

fn sum(input: &str) -> IResult<&str, i64> {
    let (input, first) = product(input)?;
    let step = |total: i64, (sign, next): (char, i64)| if sign == '+' { total + next } else { total - next };
    fold_many0(pair(one_of("+-"), product), move || first, step).parse(input)
}

#[memo]
fn arithmetic(seed: u64) -> i64 {
    let mut state = seed;
    let mut text = "1".to_owned();
    for _ in 0..20 {
        let sign = ["+", " - ", "*", "/ "][next(&mut state) as usize % 4];
        text += &format!("{sign}({} + {})", next(&mut state) % 50, next(&mut state) % 9);
    }
    sum(&text).unwrap().1
}

#[memo]
fn color(seed: u64) -> String {
    fn two(input: &str) -> IResult<&str, u8> {
        let hexadecimal = take_while_m_n(2, 2, |c: char| c.is_ascii_hexdigit());
        map_res(hexadecimal, |digits| u8::from_str_radix(digits, 16)).parse(input)
    }
    let text = format!("#{:06x}", seed * 1_234_567 % 0xff_ffff);
    format!("{:?}", preceded(tag("#"), (two, two, two)).parse(&*text))
}

#[memo]
fn settings(seed: u64) -> Vec<(String, String)> {
    fn line(input: &str) -> IResult<&str, (&str, &str)> {
        terminated(separated_pair(alphanumeric1, tag(" = "), is_not("\r\n")), line_ending).parse(input)
    }
    let text = format!("name = some text\nsize = {seed}\nlast = -1.5e3\n");
    let found = all_consuming(many1(line)).parse(&*text).unwrap().1;
    found.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[memo]
fn quoted(seed: u64) -> String {
    let text = format!("\"a \\\"text\\\" with \\n and {seed}\\\\\" rest");
    let escape = alt((value("\\", tag("\\")), value("\"", tag("\"")), value("\n", tag("n"))));
    let mut parser = delimited(char('"'), escaped_transform(is_not("\\\""), '\\', escape), char('"'));
    let found: IResult<&str, String> = parser.parse(&text);
    format!("{found:?}")
}

#[memo]
fn numbers(seed: u64) -> Vec<f64> {
    let text = format!("[1.5, -2e3,{seed}.25 , 7]");
    let item = delimited(multispace0::<&str, nom::error::Error<&str>>, double, multispace0);
    delimited(char('['), separated_list0(char(','), item), char(']')).parse(&*text).unwrap().1
}

#[memo]
fn packet(seed: u64) -> String {
    let mut bytes = vec![1, 2, 0, 0, 0, seed as u8];
    bytes.extend([3, b'a', b'b', b'c', 7, 0, 9]);
    let found: IResult<&[u8], _> = (be_u16, be_u32, length_data(byte), le_u16, opt(byte)).parse(&bytes);
    format!("{found:?}")
}

#[memo]
fn wrong(seed: u64) -> String {
    let texts = ["key:", "key: value", "12: value"];
    let mut parser = context("an entry", separated_pair(alpha1, tag(": "), alpha1));
    let found: IResult<&str, (&str, &str), nom::error::Error<&str>> = parser.parse(texts[seed as usize % 3]);
    format!("{found:?}")
}

#[memo]
fn sections(seed: u64) -> Vec<String> {
    let text = "<b>one</b><i>two</i><b>three</b>".repeat(1 + (seed % 2) as usize);
    let name = recognize(many1(alpha1::<&str, nom::error::Error<&str>>));
    let open = delimited(char('<'), name, char('>'));
    let section = (open, take_until("</"), tag("</"), take(1_usize), char('>'));
    let all =
        map(many0(section), |all| all.into_iter().map(|(tag, text, ..)| format!("{tag}: {text}")).collect());
    let mut all = all;
    all.parse(&*text).unwrap().1
}

#[memo]
fn dotted(seed: u64) -> Vec<u32> {
    let text = format!("{}.{}.{}", seed % 9, seed % 5, seed % 3);
    let number = map_res(digit1::<&str, nom::error::Error<&str>>, str::parse::<u32>);
    separated_list1(char('.'), number).parse(&*text).unwrap().1
}
