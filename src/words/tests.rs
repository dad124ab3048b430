//! What the room for words does with texts, templates and catalogues.

use super::finding::{Template, Templates};
use super::*;

const PO: &str = r#"# A comment.
msgid ""
msgstr "Language: zh_Hans\n"

msgid "Open"
msgstr "打开"

#: src/app
#. shown
msgid "Saved {name}."
msgstr "已保存 {name}。"

#. shown
msgid "Merge {source} into {target}"
msgstr "合并到 {target}：{source}"

#. shown
msgid "Skipped {}: {why}"
msgstr "已跳过 {}：{why}"

#. shown
msgid "cannot read {}: {source}"
msgstr "无法读取 {}：{source}"

#. shown
msgid "{left:.0} s left"
msgstr "剩余 {left:.0} 秒"

#. shown
msgid "1 file"
msgid_plural "{count} files"
msgstr[0] "{count} 个文件"

msgid ""
"two "
"lines\n"
"and a \"quote\""
msgstr "两行"
"#;

fn catalogue() -> Catalogue {
    Catalogue::read(PO).unwrap()
}

#[test]
fn a_catalogue_is_read_as_gettext_writes_it() {
    let all = entries(PO).unwrap();
    assert_eq!(all.len(), 8, "the header is no entry");
    assert_eq!((all[0].english.as_str(), all[0].translation.as_str(), all[0].line), ("Open", "打开", 5));
    assert_eq!((all[6].one.as_deref(), all[6].english.as_str()), (Some("1 file"), "{count} files"));
    assert_eq!(all[7].english, "two lines\nand a \"quote\"");
}

#[test]
fn what_is_not_whole_is_refused_with_its_line() {
    let refused = |po: &str| entries(po).unwrap_err().line;
    assert_eq!(refused("msgid \"a\"\nmsgstr \"b"), 2);
    assert_eq!(refused("msgid \"a\"\nmsgid \"b\"\nmsgstr \"c\""), 2);
    assert_eq!(refused("#, fuzzy\nmsgid \"a\"\nmsgstr \"b\""), 1);
    assert_eq!(refused("msgctxt \"x\"\nmsgid \"a\"\nmsgstr \"b\""), 1);
    assert_eq!(refused("msgid \"a\""), 1);
    assert_eq!(refused("msgid \"a \\q\"\nmsgstr \"b\""), 1);
}

#[test]
fn values_stand_where_the_translation_wants_them() {
    assert_eq!(filled("{b}, {a}", &[("a", &1), ("b", &"x")]), "x, 1");
    assert_eq!(filled("{mm:.2} mm {{}} {unknown}", &[("mm", &1.255_f64)]), "1.25 mm {} {unknown}");
    assert_eq!(filled("{}/{}", &[("", &1), ("n", &9), ("", &2)]), "1/2");
    assert_eq!(placeholders("{a:.1} of {} {{b}}"), ["{a:.1}", "{}"]);
}

#[test]
fn a_finished_text_is_known_by_its_template() {
    let catalogue = catalogue();
    assert_eq!(catalogue.shown("Open"), "打开");
    assert_eq!(catalogue.shown("Saved a b.nii."), "已保存 a b.nii。");
    assert_eq!(catalogue.shown("12 s left"), "剩余 12 秒");
    assert_eq!(catalogue.shown("3 files"), "3 个文件");
    // Where it is shown it begins with a capital.
    assert_eq!(catalogue.shown("Cannot read a.nii: no such file"), "无法读取 a.nii：no such file");
    // The order of the values is the translation's.
    assert_eq!(catalogue.shown("Merge Liver into Spleen"), "合并到 Spleen：Liver");
    // A reason is a text of the program; a name is not, though it reads like one.
    assert_eq!(catalogue.shown("Skipped Open: Open"), "已跳过 Open：打开");
    // Two sentences, of which one is known.
    assert_eq!(catalogue.shown("Saved a.nii. Nobody knows this."), "已保存 a.nii。Nobody knows this.");
    assert_eq!(catalogue.shown("nothing of this"), "nothing of this");
}

#[test]
fn a_text_that_can_be_cut_in_two_ways_stays_english() {
    let text = "Merge a into b into c";
    assert_eq!(catalogue().shown(text), text);
}

#[test]
fn what_rooms_below_say_is_known_with_the_sentences_in_it() {
    let chinese = Catalogue::read(CHINESE_PO).unwrap();
    for (english, said) in [
        (
            "pacs did not accept the login: the user or the password is wrong; enter them again",
            "pacs 不接受登录：用户名或密码错误；请重新输入",
        ),
        ("Axial slices, because they lie farthest apart (5.00 mm).", "轴位层面，因为其间距最大 (5.00 mm)。"),
        (
            "pacs could not finish sending a file: status 0xA700, out of resources; its disk may be full",
            "pacs 未能完成“发送文件”：状态 0xA700，资源不足；其磁盘可能已满",
        ),
        // Two values side by side, which are not told apart.
        ("3 files, in the order of their numbers: a1.png, a2.png", "3 个文件，按编号顺序：a1.png, a2.png"),
        // The longer of two sentences, and a part that is often empty.
        (
            "the server does not take CT in the transfer syntax 1.2, nor in Implicit VR Little Endian",
            "服务器不接受以传输语法 1.2 发送的 CT，也不接受隐式 VR 小端",
        ),
        ("A pixel has 4 values; they are its 4 frames.", "每个像素有 4 个值；作为 4 帧。"),
        ("the server does not take CT in the transfer syntax 1.2", "服务器不接受以传输语法 1.2 发送的 CT"),
    ] {
        assert_eq!(chinese.shown(english), said);
    }
}

#[test]
fn causes_are_known_through_all_that_stands_before_them() {
    let chinese = Catalogue::read(CHINESE_PO).unwrap();
    for (english, said) in [
        // The file's name ends the message, and the cause has marks of its own.
        ("the JPEG data are damaged: a code is unknown (a (1).dcm)", "JPEG 数据已损坏：有未知的编码 (a (1).dcm)"),
        (
            "Skipped a.nii: the sizes are [0, 1]; they must be positive (a.nii)",
            "已跳过 a.nii：尺寸为 [0, 1]；必须为正数 (a.nii)",
        ),
        // Two colons: which of them is the template's is told by what is known.
        (
            "cannot read a.dcm: cannot read the file: No such file or directory (os error 2)",
            "无法读取 a.dcm：无法读取文件：没有此文件或文件夹 (系统错误 2)",
        ),
        (
            "a.nii.gz does not fit into memory: 2.0 GB of memory are needed, 1.5 GB are free; close other programs or images, or use a smaller file",
            "a.nii.gz 放不进内存：需要 2.0 GB 内存，可用 1.5 GB；请关闭其他程序或图像，或使用更小的文件",
        ),
        (
            "the network does not fit its input: down.0: expects 3 channels, got 1",
            "网络与其输入不符：down.0：需要 3 个通道，得到 1 个",
        ),
        // A name ends where the rest of the template fits, not at the last of its words.
        (
            "Image Position (Patient) is \"0\\M\", which is not a number (frame 1) (x.dcm)",
            "Image Position (Patient) 为 \"0\\M\"，不是数 (帧 1) (x.dcm)",
        ),
        (
            "a colour image (RGB, 3 samples per pixel, 8 bits), which is not an intensity image",
            "彩色图像 (RGB，每像素 3 个样本，8 位)，不是强度图像",
        ),
        // An unnamed part of the text that is often empty.
        (
            "the pixel data are cut: 7 of 9 bytes; copy the file again",
            "像素数据被截断：7 字节，应有 9 字节；请重新复制文件",
        ),
        (
            "the pixel data are cut: 7 of 9 bytes for 3 frames; copy the file again",
            "像素数据被截断：7 字节，应有 9 字节，共 3 帧；请重新复制文件",
        ),
    ] {
        assert_eq!(chinese.shown(english), said);
    }
    // Marks alone make no template: nothing of these is known.
    for english in ["Liver: 3 (left)", "Patient A: Series B: Image C", "scan (2)", "a/b (c)/d: e"] {
        assert_eq!(chinese.shown(english), english);
    }
}

#[test]
fn a_text_is_compared_with_few_templates() {
    let entries = entries(CHINESE_PO).unwrap();
    let all: Vec<Template> = entries
        .into_iter()
        .filter(|entry| entry.is_shown)
        .map(|entry| Template::new(entry.english.leak(), entry.translation.leak()))
        .collect();
    let count = all.len();
    assert!(count > 1000, "{count}");
    let templates = Templates::new(all);
    for text in [
        "hippocampus_001.nii.gz",
        "A text that nobody has written, of the size and the number of files in a folder; it cannot be read.",
        "cannot read a.dcm: the JPEG data are damaged: a code is unknown (a.dcm)",
    ] {
        let compared = templates.of(text).len();
        assert!(compared < count / 10, "{compared} of {count} for {text:?}");
    }
}

#[test]
fn marks_leave_values_outside() {
    let marked = Catalogue::marked(CHINESE_PO).unwrap();
    assert_eq!(marked.text("Saved {name}."), Some("⟦Saved ⟧{name}⟦.⟧"));
}

#[test]
fn a_locale_is_a_language() {
    for locale in ["zh", "zh-CN", "zh_CN.UTF-8", "zh-Hans-SG", "zh-Hans-HK"] {
        assert_eq!(Language::of_locale(locale), Language::Chinese, "{locale}");
    }
    for locale in ["en-GB", "C", "POSIX", "de_AT.UTF-8", "zh-TW", "zh_HK.UTF-8", "zh-Hant-CN", ""] {
        assert_eq!(Language::of_locale(locale), Language::English, "{locale}");
    }
}

#[test]
fn english_is_formatted_and_looked_up_nowhere() {
    let (name, count) = ("a.nii", 1);
    assert_eq!(say!("Open"), "Open");
    assert_eq!(say!("{name}: {mm:.1} mm", name, mm = 2.25), "a.nii: 2.2 mm");
    assert_eq!(plural!(count, "1 file", "{count} files", count), "1 file");
    assert_eq!(plural!(count + 1, "1 file", "{count} files", count = count + 1), "2 files");
    assert!(translated("Open").is_none());
}
