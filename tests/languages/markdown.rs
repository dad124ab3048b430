//! A page of the guide, taken apart as far as two languages can be compared.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// How often each thing stands in a page.
pub type Counts = BTreeMap<String, usize>;

/// What a page has.
#[derive(Debug, Default)]
pub struct Page {
    /// How deep each heading is, and its text.
    pub headings: Vec<(usize, String)>,
    /// Rows of tables, items of lists, and blocks between blank lines.
    pub shape: [usize; 3],
    /// Lines of commands, without their remarks.
    pub commands: Vec<String>,
    /// What stands between backticks.
    pub code: Counts,
    /// Numbers outside of code and links.
    pub numbers: Counts,
    /// Files that it links, from the repository's root, and places in them; pages of the web as they are.
    pub links: Vec<(String, Option<String>)>,
    /// What is printed bold.
    pub bold: Vec<String>,
    /// The text outside of code.
    pub text: String,
}

fn count(all: impl IntoIterator<Item = String>) -> Counts {
    let mut counts = Counts::new();
    all.into_iter().for_each(|one| *counts.entry(one).or_default() += 1);
    counts
}

/// The parts between two marks, and the text without them.
fn between(text: &str, open: &str, close: &str) -> (Vec<String>, String) {
    let (mut parts, mut outside, mut rest) = (Vec::new(), String::new(), text);
    while let Some((before, behind)) = rest.split_once(open) {
        let Some((inside, after)) = behind.split_once(close) else { break };
        outside.push_str(before);
        parts.push(inside.split_whitespace().collect::<Vec<_>>().join(" "));
        rest = after;
    }
    outside.push_str(rest);
    (parts, outside)
}

/// A path without `..` in it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

/// The numbers in a text. "3-D" is a word.
fn numbers(text: &str) -> Vec<String> {
    let text = text.replace("3-D", "");
    let all =
        text.split(|letter: char| !letter.is_ascii_digit() && letter != '.').map(|number| number.trim_matches('.'));
    all.filter(|number| !number.is_empty()).map(str::to_string).collect()
}

impl Page {
    /// Reads a page; `path` is from the repository's root.
    pub fn read(path: &str) -> Self {
        let whole = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let (mut page, mut body, mut is_code) = (Self::default(), String::new(), false);
        for line in whole.lines() {
            if line.starts_with("```") {
                is_code = !is_code;
            } else if is_code || line.starts_with("    lamella") {
                let line = if line.starts_with('#') { "" } else { line };
                page.commands.push(line.split(" # ").next().unwrap_or(line).trim().to_string());
            } else {
                if line.starts_with('#') {
                    let depth = line.chars().take_while(|letter| *letter == '#').count();
                    page.headings.push((depth, line[depth..].trim().to_string()));
                }
                page.shape[0] += usize::from(line.starts_with('|'));
                let number = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
                let is_numbered = number.len() < line.len() && number.starts_with(". ");
                page.shape[1] += usize::from(line.starts_with("- ") || is_numbered);
                body.push_str(line);
                body.push('\n');
            }
        }
        page.shape[2] = body.split("\n\n").filter(|block| !block.trim().is_empty()).count();
        let (code, outside) = between(&body, "`", "`");
        page.code = count(code);
        let (links, without) = between(&outside, "](", ")");
        let folder = Path::new(path).parent().unwrap();
        page.links = links
            .into_iter()
            .map(|link| {
                let (file, place) =
                    link.split_once('#').map_or((link.as_str(), None), |(file, place)| (file, Some(place)));
                let file = match file {
                    "" => path.to_string(),
                    web if web.starts_with("https://") => web.to_string(),
                    file => plain(&folder.join(file)).to_str().unwrap().to_string(),
                };
                (file, place.map(str::to_string))
            })
            .collect();
        page.numbers = count(numbers(&without));
        (page.bold, _) = between(&outside, "**", "**");
        page.text = outside;
        page
    }

    /// The places of a page that links can name: its headings as GitHub writes them.
    pub fn places(&self) -> Vec<String> {
        let place = |(_, heading): &(usize, String)| {
            let heading = heading.to_lowercase().replace(' ', "-");
            heading.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect()
        };
        self.headings.iter().map(place).collect()
    }
}
