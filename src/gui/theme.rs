//! Colours, sizes and fonts; the only place with such literals.

use super::egui;
use egui::{Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Stroke, TextStyle};

/// Grid unit.
pub const UNIT: f32 = 4.0;
/// Body text.
pub const TEXT: f32 = 13.0;
/// Small text.
pub const SMALL: f32 = 11.0;
/// Headings.
pub const HEADING: f32 = 15.0;
/// The name on the welcome page.
pub const TITLE: f32 = 28.0;
/// Height of the top bar.
pub const BAR_HEIGHT: f32 = 36.0;
/// Height of the status line.
pub const STATUS_HEIGHT: f32 = 26.0;
/// Height of the line of messages and jobs.
pub const TRAY_HEIGHT: f32 = 32.0;
/// Narrower windows show their menus as one.
pub const NARROW: f32 = 1140.0;
/// Height of a card's main button.
pub const ACTION_HEIGHT: f32 = 32.0;
/// Width of the captions in front of controls.
pub const CAPTION: f32 = 80.0;
/// Width of a window over the main one.
pub const OVER_WIDTH: f32 = 520.0;
/// Height of a row in the palette.
pub const COMMAND_ROW: f32 = 40.0;
/// Most height of a list in a window over the main one.
pub const OVER_LIST: f32 = 400.0;
/// Gap between tiles.
pub const GAP: f32 = 1.0;
/// Width of a splitter's grip.
pub const GRIP: f32 = 8.0;
/// Width of label outlines.
pub const OUTLINE: f32 = 1.5;
/// Radius of a corner of an outline that is being drawn.
pub const HANDLE: f32 = 3.5;
/// Edge of a thumbnail.
pub const THUMBNAIL: f32 = 40.0;
/// Height of the histogram.
pub const HISTOGRAM: f32 = 64.0;
/// Ground of every view, in both themes.
pub const VIEW_GROUND: Color32 = Color32::BLACK;
/// Text over images.
pub const VIEW_TEXT: Color32 = Color32::from_rgb(0xd6, 0xda, 0xdf);
/// Behind text over images.
pub const VIEW_VEIL: Color32 = Color32::from_black_alpha(0xe0);
/// Rulers, angles and regions over images: no label and no plane is white.
pub const MEASUREMENT: Color32 = Color32::WHITE;
/// The one under the pointer.
pub const MEASUREMENT_LIT: Color32 = Color32::from_rgb(0x9c, 0xd0, 0xff);
/// Plane colours as in 3D Slicer: axial red, coronal green, sagittal yellow.
pub const AXIAL: Color32 = Color32::from_rgb(0xf3, 0x53, 0x4b);
/// See [`AXIAL`].
pub const CORONAL: Color32 = Color32::from_rgb(0x5f, 0xb6, 0x5a);
/// See [`AXIAL`].
pub const SAGITTAL: Color32 = Color32::from_rgb(0xed, 0xd5, 0x4c);

/// The plane of the oblique tile.
pub const OBLIQUE: Color32 = Color32::from_rgb(0xb0, 0xf0, 0xf0);
/// The path of the curved tile.
pub const PATH: Color32 = Color32::from_rgb(0xf0, 0xb0, 0xf0);

/// Slices that a model made, over the black of views.
pub const DRAFT: Color32 = Color32::from_rgb(0x4c, 0x9f, 0xfe);
/// Slices that were changed by hand.
pub const CORRECTED: Color32 = Color32::from_rgb(0xe0, 0xa3, 0x3a);
/// Slices that are finished.
pub const DONE: Color32 = Color32::from_rgb(0x3f, 0xb2, 0x7f);

/// The colours of a theme.
pub struct Tokens {
    /// Behind everything.
    pub ground: Color32,
    /// Panels.
    pub panel: Color32,
    /// Cards in panels.
    pub card: Color32,
    /// Lines and borders.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Less important text.
    pub dim: Color32,
    /// What can be acted on.
    pub accent: Color32,
    /// Ground of main buttons, and text on it.
    pub accent_fill: Color32,
    /// See `accent_fill`.
    pub on_accent: Color32,
    /// What went well.
    pub good: Color32,
    /// Warnings.
    pub warn: Color32,
    /// Errors.
    pub bad: Color32,
}

const DARK: Tokens = Tokens {
    ground: Color32::from_rgb(0x10, 0x11, 0x14),
    panel: Color32::from_rgb(0x17, 0x19, 0x1d),
    card: Color32::from_rgb(0x1d, 0x20, 0x25),
    line: Color32::from_rgb(0x2a, 0x2e, 0x35),
    text: Color32::from_rgb(0xe6, 0xe8, 0xeb),
    dim: Color32::from_rgb(0x9a, 0xa3, 0xad),
    accent: Color32::from_rgb(0x4c, 0x9f, 0xfe),
    accent_fill: Color32::from_rgb(0x1f, 0x4e, 0x86),
    on_accent: Color32::from_rgb(0xff, 0xff, 0xff),
    good: Color32::from_rgb(0x3f, 0xb2, 0x7f),
    warn: Color32::from_rgb(0xe0, 0xa3, 0x3a),
    bad: Color32::from_rgb(0xe8, 0x5a, 0x52),
};

const LIGHT: Tokens = Tokens {
    ground: Color32::from_rgb(0xe9, 0xeb, 0xee),
    panel: Color32::from_rgb(0xf5, 0xf6, 0xf8),
    card: Color32::from_rgb(0xff, 0xff, 0xff),
    line: Color32::from_rgb(0xd2, 0xd6, 0xdc),
    text: Color32::from_rgb(0x1b, 0x1e, 0x23),
    dim: Color32::from_rgb(0x52, 0x5b, 0x66),
    accent: Color32::from_rgb(0x0b, 0x62, 0xc9),
    accent_fill: Color32::from_rgb(0x0b, 0x62, 0xc9),
    on_accent: Color32::from_rgb(0xff, 0xff, 0xff),
    good: Color32::from_rgb(0x1a, 0x74, 0x4c),
    warn: Color32::from_rgb(0x93, 0x5f, 0x00),
    bad: Color32::from_rgb(0xb9, 0x2c, 0x25),
};

/// The colours of the current theme.
pub fn tokens(ui: &egui::Ui) -> &'static Tokens {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

/// What the window is cleared with before a frame: the colour of panels.
pub fn clear_colour(visuals: &egui::Visuals) -> Color32 {
    if visuals.dark_mode { DARK.panel } else { LIGHT.panel }
}

/// Installs fonts and both themes.
pub fn install(context: &egui::Context) {
    context.set_fonts(fonts());
    context.set_visuals_of(egui::Theme::Dark, visuals(&DARK, egui::Visuals::dark()));
    context.set_visuals_of(egui::Theme::Light, visuals(&LIGHT, egui::Visuals::light()));
    context.all_styles_mut(|style| {
        style.text_styles = [
            (TextStyle::Small, FontId::proportional(SMALL)),
            (TextStyle::Body, FontId::proportional(TEXT)),
            (TextStyle::Button, FontId::proportional(TEXT)),
            (TextStyle::Heading, FontId::proportional(HEADING)),
            (TextStyle::Monospace, FontId::monospace(TEXT)),
        ]
        .into();
        style.spacing.item_spacing = egui::vec2(2.0 * UNIT, 1.5 * UNIT);
        style.spacing.button_padding = egui::vec2(2.0 * UNIT, UNIT);
        style.spacing.interact_size.y = 6.0 * UNIT;
        style.spacing.slider_width = 24.0 * UNIT;
        style.spacing.menu_margin = Margin::same(6);
        style.interaction.tooltip_delay = 0.4;
        // Labels are for reading; selecting them would steal drags.
        style.interaction.selectable_labels = false;
    });
}

/// Roboto (whose figures all have one width), Phosphor icons, and Droid Sans Fallback for Chinese, Japanese and Korean.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let mut add = |name: &str, bytes: &'static [u8]| {
        fonts.font_data.insert(name.into(), FontData::from_static(bytes).into());
    };
    add("roboto", crate::drawing::ROBOTO);
    add("droid-fallback", crate::drawing::DROID);
    egui_phosphor::add_to_fonts(&mut fonts, egui_phosphor::Variant::Regular);
    if let Some(family) = fonts.families.get_mut(&FontFamily::Proportional) {
        family.insert(0, "roboto".into());
        family.push("droid-fallback".into());
    }
    fonts
}

fn visuals(t: &Tokens, mut v: egui::Visuals) -> egui::Visuals {
    let radius = CornerRadius::same(4);
    // The window is cleared with the panels' colour.
    v.panel_fill = Color32::TRANSPARENT;
    v.window_fill = t.card;
    v.window_stroke = Stroke::new(1.0, t.line);
    v.extreme_bg_color = t.ground;
    v.faint_bg_color = t.card;
    v.hyperlink_color = t.accent;
    v.warn_fg_color = t.warn;
    v.error_fg_color = t.bad;
    v.selection.bg_fill = t.accent.gamma_multiply(0.35);
    // Chosen entries are read in the text's colour on it.
    v.selection.stroke = Stroke::new(1.0, t.text);
    v.weak_text_color = Some(t.dim);
    for (widget, fill) in [
        (&mut v.widgets.noninteractive, t.panel),
        (&mut v.widgets.inactive, t.line),
        (&mut v.widgets.hovered, t.line),
        (&mut v.widgets.active, t.line),
        (&mut v.widgets.open, t.line),
    ] {
        widget.corner_radius = radius;
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.fg_stroke = Stroke::new(1.0, t.text);
        widget.bg_stroke = Stroke::new(1.0, t.line);
        widget.expansion = 0.0;
    }
    v.widgets.hovered.bg_stroke = Stroke::new(1.0, t.dim);
    v.widgets.active.bg_stroke = Stroke::new(1.0, t.accent);
    v
}

/// A card's frame.
pub fn card_frame(ui: &egui::Ui) -> egui::Frame {
    let t = tokens(ui);
    let line = Stroke::new(1.0, t.line);
    egui::Frame::new().fill(t.card).stroke(line).corner_radius(6).inner_margin(Margin::same(10))
}

/// The colour of a plane.
pub fn plane_colour(plane: crate::volume::Plane) -> Color32 {
    match plane {
        crate::volume::Plane::Axial => AXIAL,
        crate::volume::Plane::Coronal => CORONAL,
        crate::volume::Plane::Sagittal => SAGITTAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Plane, default_colour};

    #[test]
    fn no_label_has_the_colour_of_a_plane() {
        for colour in Plane::ALL.map(plane_colour).into_iter().chain([OBLIQUE, PATH]) {
            let [r, g, b, _] = colour.to_array();
            for value in 1..=256 {
                let apart: u32 =
                    default_colour(value).iter().zip([r, g, b]).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum();
                assert!(apart >= 60 * 60, "label {value} and {colour:?}");
            }
        }
    }

    /// Relative luminance as WCAG 2 defines it.
    fn luminance(colour: Color32) -> f64 {
        let linear = |byte: u8| {
            let c = f64::from(byte) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    /// Contrast as WCAG 2 defines it: 1 to 21.
    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-9);
        // The example of the standard's authors: #777777 on white.
        assert!((contrast(Color32::from_gray(0x77), Color32::WHITE) - 4.48).abs() < 0.01);
    }

    #[test]
    fn every_text_of_both_themes_can_be_read() {
        for (theme, t) in [("dark", &DARK), ("light", &LIGHT)] {
            let texts = [
                ("text", t.text),
                ("dim", t.dim),
                ("accent", t.accent),
                ("good", t.good),
                ("warn", t.warn),
                ("bad", t.bad),
            ];
            let grounds = [("ground", t.ground), ("panel", t.panel), ("card", t.card)];
            let mut pairs: Vec<_> = texts
                .iter()
                .flat_map(|text| grounds.iter().map(move |ground| (text.0, ground.0, text.1, ground.1)))
                .collect();
            // Buttons, the main button, and what is chosen in a list.
            pairs.push(("text", "line", t.text, t.line));
            pairs.push(("dim", "line", t.dim, t.line));
            pairs.push(("on accent", "accent fill", t.on_accent, t.accent_fill));
            pairs.push(("text", "selection", t.text, t.card.blend(t.accent.gamma_multiply(0.35))));
            for (name, on, text, ground) in pairs {
                let found = contrast(text, ground);
                assert!(found >= 4.5, "{theme}: {name} on {on}: {found:.2}");
            }
            // The main button is told from what lies around it, and so from one that is disabled.
            assert!(contrast(t.accent_fill, t.panel) >= 1.5, "{theme}");
        }
    }
}
