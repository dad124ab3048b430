//! Where lines of Chinese end: no line begins with a mark that belongs to the word before it (GB/T 15834-2011, 5.1.1).
//!
//! egui breaks between any two Chinese letters, and knows only the half-width forms of these marks.

use super::egui;

/// What no line begins with.
const NOT_FIRST: &[char] = &['，', '。', '；', '：', '、', '？', '！', '”', '）', '》'];
/// Lines of one text that are mended, at most.
const MENDED: usize = 12;

/// A text that is broken into lines of this width, with a break wherever a line would begin with such a mark: before the letter, or the
/// word, that it follows.
pub fn kept(ui: &egui::Ui, text: impl Into<String>, style: &egui::TextStyle, width: f32) -> String {
    let mut text = text.into();
    let font = style.resolve(ui.style());
    for _ in 0..MENDED {
        if !text.contains(NOT_FIRST) {
            break;
        }
        let galley = ui.painter().layout(text.clone(), font.clone(), egui::Color32::WHITE, width);
        let rows = galley.rows.iter().map(|row| (row.glyphs.len(), row.ends_with_newline));
        let Some(place) = earlier(&text, rows) else { break };
        text.insert(place, '\n');
    }
    text
}

/// Where the first line that begins with a mark should begin instead, in bytes; rows have letters, and may end with a break of their own.
fn earlier(text: &str, rows: impl Iterator<Item = (usize, bool)>) -> Option<usize> {
    let letters: Vec<(usize, char)> = text.char_indices().collect();
    let (mut at, mut is_free) = (0, true);
    for (count, is_ended) in rows {
        let starts_so = !is_free && letters.get(at).is_some_and(|(_, letter)| NOT_FIRST.contains(letter));
        if starts_so {
            let is_word = |n: usize| letters.get(n).is_some_and(|(_, letter)| letter.is_ascii_graphic());
            let mut first = at.checked_sub(1)?;
            while first > 0 && is_word(first) && is_word(first - 1) {
                first -= 1;
            }
            // A whole line without a place to break stays.
            let before = letters.get(first.checked_sub(1)?)?.1;
            return (before != '\n').then(|| letters.get(first).map(|(place, _)| *place))?;
        }
        at += count + usize::from(is_ended);
        is_free = is_ended;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::earlier;

    #[test]
    fn a_line_begins_a_letter_or_a_word_earlier_than_with_a_mark() {
        let text = "逐个单击，Enter 填充";
        assert_eq!(earlier(text, [(4, false), (9, false)].into_iter()), Some("逐个单".len()));
        let word = "按 Enter，再按";
        assert_eq!(earlier(word, [(7, false), (3, false)].into_iter()), Some("按 ".len()));
    }

    #[test]
    fn other_lines_and_breaks_of_the_text_stay() {
        assert_eq!(earlier("逐个单击，填充", [(5, false), (2, false)].into_iter()), None);
        assert_eq!(earlier("逐个\n，填充", [(2, true), (3, false)].into_iter()), None);
        assert_eq!(earlier("单，填充", [(1, false), (3, false)].into_iter()), None, "there is nothing before it");
    }
}
