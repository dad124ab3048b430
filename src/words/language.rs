//! Which languages there are.

use serde::{Deserialize, Serialize};

/// A language of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// What stands in the code.
    #[serde(rename = "en")]
    English,
    /// Chinese, Simplified.
    #[serde(rename = "zh-Hans")]
    Chinese,
    /// English with every text of the catalogue in ⟦ ⟧: tests find with it what is not in the catalogue.
    #[serde(skip)]
    Marked,
}

impl Language {
    /// Those that can be chosen.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// What it is called in itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "中文",
            Self::Marked => "⟦English⟧",
        }
    }

    /// The one for a locale as systems name it: "zh-CN", `zh_CN.UTF-8`, "en-GB". English for all that there is no catalogue for, and for
    /// Chinese in traditional characters.
    pub fn of_locale(locale: &str) -> Self {
        let mut parts = locale.split(['-', '_', '.', '@']).map(str::to_ascii_lowercase);
        if parts.next().as_deref() != Some("zh") {
            return Self::English;
        }
        let rest: Vec<String> = parts.collect();
        let has = |names: &[&str]| rest.iter().any(|part| names.contains(&part.as_str()));
        let is_traditional = has(&["hant"]) || (has(&["tw", "hk", "mo"]) && !has(&["hans"]));
        if is_traditional { Self::English } else { Self::Chinese }
    }

    /// The one that the system is set to.
    pub fn of_system() -> Self {
        sys_locale::get_locale().map_or(Self::English, |locale| Self::of_locale(&locale))
    }
}
